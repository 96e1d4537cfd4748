import re

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import APPLICATION_MODEL

import django_oauthflows.logos
import django_oauthflows.models.client
import django_oauthflows.models.event


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
        # By the toolkit's own setting: hosts do not have a Django setting of that name.
        migrations.swappable_dependency(APPLICATION_MODEL),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Authorization",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("flow", models.CharField(max_length=30, verbose_name="flow")),
                ("scope", models.TextField(blank=True, verbose_name="scopes")),
                ("redirect_uri", models.TextField(blank=True, verbose_name="redirect URI")),
                ("code_challenge", models.CharField(blank=True, editable=False, max_length=128)),
                ("nonce", models.CharField(blank=True, editable=False, max_length=255)),
                ("resource", models.TextField(blank=True, editable=False, verbose_name="resources")),
                (
                    "session",
                    models.CharField(blank=True, db_index=True, default="", editable=False, max_length=32),
                ),
                ("issuer", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("auth_time", models.BigIntegerField(blank=True, editable=False, null=True)),
                ("acr", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("amr", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("claims_asked", models.TextField(blank=True, default="", editable=False)),
                (
                    "token_epoch",
                    models.CharField(
                        default=django_oauthflows.models.client.random_epoch, editable=False, max_length=32
                    ),
                ),
                (
                    "generation",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="generation"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="ends")),
                (
                    "redeemed_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="code redeemed"),
                ),
                (
                    "rotated_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last tokens given"
                    ),
                ),
                (
                    "revoked_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked"),
                ),
                (
                    "revoked_cause",
                    models.CharField(blank=True, editable=False, max_length=60, verbose_name="cause"),
                ),
            ],
            options={
                "verbose_name": "authorization",
                "verbose_name_plural": "authorizations",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AdoptedToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("used_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("checksum", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "authorization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="django_oauthflows.authorization",
                    ),
                ),
            ],
            options={
                "verbose_name": "adopted token",
                "verbose_name_plural": "adopted tokens",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Client",
            fields=[
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        related_name="oauthflows_client",
                        serialize=False,
                        to=APPLICATION_MODEL,
                    ),
                ),
                (
                    "use_case",
                    models.CharField(
                        blank=True,
                        choices=django_oauthflows.models.client.use_case_choices,
                        max_length=20,
                        verbose_name="use case",
                    ),
                ),
                (
                    "flows",
                    models.CharField(
                        blank=True,
                        help_text="How it may get tokens; separated by spaces.",
                        max_length=200,
                        verbose_name="flows",
                    ),
                ),
                (
                    "allowed_scopes",
                    models.TextField(
                        blank=True,
                        help_text="The most it can ever be given; separated by spaces.",
                        verbose_name="allowed scopes",
                    ),
                ),
                (
                    "default_scopes",
                    models.TextField(
                        blank=True,
                        help_text="What it gets when it does not say what it wants; separated by spaces.",
                        verbose_name="default scopes",
                    ),
                ),
                (
                    "narrows_scopes",
                    models.BooleanField(
                        default=False,
                        help_text="For apps that ask for all they find, as agents do. Otherwise such a request is refused.",
                        verbose_name="leave out scopes that it may not have",
                    ),
                ),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "logo",
                    models.FileField(
                        blank=True,
                        default="",
                        help_text="An uploaded picture.",
                        upload_to=django_oauthflows.logos.place_of,
                        verbose_name="logo",
                    ),
                ),
                ("logo_uri", models.URLField(blank=True, verbose_name="address of the logo")),
                ("client_uri", models.URLField(blank=True, verbose_name="website")),
                ("policy_uri", models.URLField(blank=True, verbose_name="privacy policy")),
                ("tos_uri", models.URLField(blank=True, verbose_name="terms of service")),
                ("publisher", models.CharField(blank=True, max_length=200, verbose_name="publisher")),
                (
                    "contacts",
                    models.TextField(
                        blank=True,
                        help_text="E-mail addresses, separated by spaces.",
                        verbose_name="contacts",
                    ),
                ),
                (
                    "trust",
                    models.CharField(
                        choices=[
                            ("not_reviewed", "Not reviewed"),
                            ("reviewed", "Reviewed by this site"),
                            ("first_party", "Belongs to this site"),
                        ],
                        default="not_reviewed",
                        max_length=20,
                        verbose_name="trust",
                    ),
                ),
                ("advice_seen", models.JSONField(blank=True, default=dict, editable=False)),
                (
                    "access_token_lifetime",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds; empty for the default.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2147483647),
                        ],
                        verbose_name="access token lifetime",
                    ),
                ),
                (
                    "refresh_token_idle_lifetime",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds; empty for the default.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2147483647),
                        ],
                        verbose_name="refresh token lifetime without use",
                    ),
                ),
                (
                    "refresh_token_absolute_lifetime",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds; empty for the default.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2147483647),
                        ],
                        verbose_name="refresh token lifetime in all",
                    ),
                ),
                (
                    "pkce_exemption",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty: PKCE is a proof that only the app has, so that a stolen code is of no use. A reason here switches it off.",
                        max_length=200,
                        verbose_name="reason for not asking for PKCE",
                    ),
                ),
                (
                    "implicit_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="After this time the implicit flow is refused.",
                        null=True,
                        verbose_name="implicit flow until",
                    ),
                ),
                (
                    "implicit_reason",
                    models.CharField(blank=True, max_length=200, verbose_name="reason for the implicit flow"),
                ),
                (
                    "is_resource_server",
                    models.BooleanField(
                        default=False,
                        help_text="It may ask about (introspect) tokens that are meant for it.",
                        verbose_name="is an API",
                    ),
                ),
                (
                    "resources",
                    models.TextField(
                        blank=True,
                        help_text="Addresses of its API (RFC 8707), separated by spaces.",
                        verbose_name="resources",
                    ),
                ),
                (
                    "access_token_format",
                    models.CharField(
                        choices=[
                            ("opaque", "Opaque: checked by this site"),
                            ("jwt", "JWT: can be checked elsewhere"),
                        ],
                        default="opaque",
                        help_text="A JWT (RFC 9068) can be checked by an API on another machine without asking this site; it is longer, and such an API notices a revocation only when the token expires.",
                        max_length=10,
                        verbose_name="access token format",
                    ),
                ),
                (
                    "user_groups",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Names of groups of this site, separated by commas: only their members may use it. Empty: everybody may.",
                        max_length=500,
                        verbose_name="only for these groups",
                    ),
                ),
                (
                    "accepted_risk",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Only for addresses that others in a network, or other apps on a device, could listen to: http inside a private network, or an app's scheme without a dot. Say why that is acceptable for this client.",
                        max_length=200,
                        verbose_name="why the risk is accepted",
                    ),
                ),
                (
                    "logout_notice_uri",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="This site calls it when a user logs out here, so that the app ends its own session (back-channel logout): https://app.example.com/logout-notice",
                        max_length=500,
                        verbose_name="address for log-outs",
                    ),
                ),
                (
                    "logout_notice_needs_session",
                    models.BooleanField(
                        default=False,
                        help_text="It cannot end all sessions of a user at once: it is told of each one by itself.",
                        verbose_name="must be told which session",
                    ),
                ),
                (
                    "id_token_algorithm",
                    models.CharField(
                        choices=[("ES256", "ES256"), ("RS256", "RS256"), ("EdDSA", "EdDSA")],
                        default="RS256",
                        help_text="RS256 is what every library reads.",
                        max_length=10,
                        verbose_name="ID tokens are signed with",
                    ),
                ),
                (
                    "userinfo_algorithm",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Plain JSON, not signed"),
                            ("ES256", "ES256"),
                            ("RS256", "RS256"),
                            ("EdDSA", "EdDSA"),
                        ],
                        default="",
                        help_text="Plain JSON is what every library reads; signed, it is a JWT.",
                        max_length=10,
                        verbose_name="UserInfo is signed with",
                    ),
                ),
                (
                    "subject_kind",
                    models.CharField(
                        choices=[("public", "The same at every app"), ("pairwise", "Another at each app")],
                        default="public",
                        help_text="By which number apps know a user. Another at each app: two apps cannot find out that they have the same user. To change it later makes every user a stranger to the app.",
                        max_length=10,
                        verbose_name="name of a user",
                    ),
                ),
                ("subject_key", models.CharField(blank=True, default="", editable=False, max_length=16)),
                (
                    "throttle_rate",
                    models.CharField(
                        blank=True,
                        help_text="How many API calls it may make, as in 1000/hour; empty for the site's own rate.",
                        max_length=30,
                        validators=[
                            django.core.validators.RegexValidator(
                                re.compile("\\A[1-9][0-9]{0,8}/(second|minute|hour|day)\\Z"),
                                "Write a number and a unit, as in 1000/hour. Units: second, minute, hour, day.",
                            )
                        ],
                        verbose_name="API rate",
                    ),
                ),
                (
                    "suspended_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="suspended"),
                ),
                (
                    "suspended_reason",
                    models.CharField(blank=True, editable=False, max_length=200, verbose_name="reason"),
                ),
                (
                    "token_epoch",
                    models.CharField(
                        default=django_oauthflows.models.client.random_epoch, editable=False, max_length=32
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who looks after this client. The client stays when this person's account is deleted.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="oauthflows_owned_clients",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "service_user",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account whose permissions this client has when it acts for itself.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="oauthflows_service_clients",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="service user",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["implicit_until"], name="oauthflows_client_implicit")],
                "verbose_name": "client",
                "verbose_name_plural": "clients",
                "permissions": [
                    ("rotate_secret", "Can give a client a new secret"),
                    ("suspend_client", "Can suspend and resume a client"),
                    ("revoke_tokens", "Can end the tokens of a client"),
                    ("trust_client", "Can mark a client as belonging to this site"),
                    ("set_service_user", "Can let a client act as an account whose rights one has"),
                    ("try_client", "Can try a login through a client with one's own account"),
                ],
                "base_manager_name": "objects",
            },
            bases=(APPLICATION_MODEL,),
        ),
        migrations.CreateModel(
            name="ClientOrigin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("origin", models.CharField(max_length=300)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="origins",
                        to="django_oauthflows.client",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("client", "origin"), name="oauthflows_origin_once")
                ],
                "indexes": [models.Index(fields=["origin"], name="oauthflows_origin")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ClientResource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identifier", models.CharField(max_length=255)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resource_identifiers",
                        to="django_oauthflows.client",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("client", "identifier"), name="oauthflows_resource_once")
                ],
                "indexes": [models.Index(fields=["identifier"], name="oauthflows_resource")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ClientSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(blank=True, editable=False, max_length=64, null=True)),
                ("slow_hash", models.CharField(blank=True, editable=False, max_length=255)),
                (
                    "hint",
                    models.CharField(blank=True, editable=False, max_length=8, verbose_name="ends with"),
                ),
                ("label", models.CharField(blank=True, max_length=100, verbose_name="label")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, db_index=True, null=True, verbose_name="expires"),
                ),
                ("reminded", models.PositiveSmallIntegerField(editable=False, null=True)),
                (
                    "last_used_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used"),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to="django_oauthflows.client",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("digest", "client"), name="oauthflows_secret_digest")
                ],
                "indexes": [models.Index(fields=["slow_hash"], name="oauthflows_secret_slow")],
                "verbose_name": "client secret",
                "verbose_name_plural": "client secrets",
                "ordering": ["-created_at", "-pk"],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ClientSkeleton",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(choices=[("name", "Name"), ("host", "Host")], max_length=4)),
                ("shown", models.CharField(max_length=255)),
                ("skeleton", models.CharField(max_length=255)),
                ("folded", models.CharField(default="", max_length=255)),
                ("vouched", models.PositiveSmallIntegerField(default=0)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skeletons",
                        to="django_oauthflows.client",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("client", "skeleton", "kind", "shown"), name="oauthflows_skeleton_once"
                    )
                ],
                "indexes": [
                    models.Index(fields=["skeleton", "vouched"], name="oauthflows_skeleton"),
                    models.Index(
                        fields=["folded"], name="oauthflows_folded", opclasses=["varchar_pattern_ops"]
                    ),
                ],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ClientUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("flow", models.CharField(max_length=30, verbose_name="flow")),
                ("tokens_issued", models.PositiveIntegerField(default=0, verbose_name="tokens issued")),
                ("scope", models.TextField(blank=True, verbose_name="scopes")),
                (
                    "last_used_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="last used"),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to="django_oauthflows.client",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["client", "day"], name="oauthflows_usage_day")],
                "verbose_name": "client usage",
                "verbose_name_plural": "client usage",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scope", models.TextField(blank=True, verbose_name="allowed scopes")),
                ("wordings", models.JSONField(blank=True, default=dict, editable=False)),
                ("allowed_again", models.JSONField(blank=True, default=dict, editable=False)),
                ("refusals", models.JSONField(blank=True, default=dict, editable=False)),
                (
                    "redirect_host",
                    models.CharField(
                        blank=True, editable=False, max_length=255, verbose_name="answers went to"
                    ),
                ),
                (
                    "implied",
                    models.BooleanField(default=False, editable=False, verbose_name="without asking"),
                ),
                (
                    "given_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="first allowed"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="last changed"
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                (
                    "remembered",
                    models.BooleanField(default=True, editable=False, verbose_name="holds for the next time"),
                ),
                (
                    "withdrawn_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="withdrawn"),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to="django_oauthflows.client",
                        verbose_name="client",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="oauthflows_consents",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "client"), name="oauthflows_one_consent")
                ],
                "indexes": [
                    models.Index(
                        fields=["client", "withdrawn_at", "expires_at"], name="oauthflows_consent_in_force"
                    ),
                    models.Index(fields=["updated_at", "id"], name="oauthflows_consent_newest"),
                    models.Index(fields=["client", "updated_at", "id"], name="oauthflows_consent_of_client"),
                ],
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="authorization",
            name="consent",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="authorizations",
                to="django_oauthflows.consent",
                verbose_name="consent",
            ),
        ),
        migrations.CreateModel(
            name="DeviceRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_code_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("scope", models.TextField(blank=True, editable=False, verbose_name="scopes")),
                ("resource", models.TextField(blank=True, editable=False, verbose_name="resources")),
                (
                    "network",
                    models.CharField(blank=True, editable=False, max_length=50, verbose_name="network"),
                ),
                (
                    "token_epoch",
                    models.CharField(
                        default=django_oauthflows.models.client.random_epoch, editable=False, max_length=32
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="ends")),
                (
                    "answered_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="answered"),
                ),
                ("denied", models.BooleanField(default=False, editable=False, verbose_name="not allowed")),
                (
                    "authorization",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="django_oauthflows.authorization",
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="device_requests",
                        to="django_oauthflows.client",
                        verbose_name="client",
                    ),
                ),
            ],
            options={
                "verbose_name": "device request",
                "verbose_name_plural": "device requests",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, editable=False, verbose_name="time"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("client_registered", "Client registered"),
                            ("client_changed", "Client changed"),
                            ("client_suspended", "Client suspended"),
                            ("client_resumed", "Client resumed"),
                            ("client_tokens_revoked", "All tokens of the client ended"),
                            ("client_deleted", "Client deleted"),
                            ("secret_issued", "Secret issued"),
                            ("secret_revoked", "Secret revoked"),
                            ("consent_given", "Consent given"),
                            ("consent_narrowed", "Permission removed"),
                            ("consent_withdrawn", "Consent withdrawn"),
                            ("code_replayed", "Code used twice"),
                            ("refresh_reused", "Old refresh token used again"),
                            ("signing_key_rotated", "Next signing key published"),
                            ("signing_key_retired", "Signing key retired"),
                            ("authorization_revoked", "Authorization ended"),
                            ("message_sent_again", "Message sent again"),
                            ("logout_told", "App was told of a log-out"),
                            ("logout_not_told", "App could not be told of a log-out"),
                            ("purged", "Old records deleted"),
                            ("client_reported", "Reported by a user"),
                            ("client_tried", "Client tried by staff"),
                            ("request_refused", "Request refused"),
                        ],
                        editable=False,
                        max_length=30,
                        verbose_name="what happened",
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        default=django_oauthflows.models.event.new_reference,
                        editable=False,
                        max_length=12,
                        unique=True,
                        verbose_name="reference",
                    ),
                ),
                (
                    "client_name",
                    models.CharField(
                        blank=True, editable=False, max_length=255, verbose_name="client's name"
                    ),
                ),
                ("cause", models.CharField(blank=True, editable=False, max_length=60, verbose_name="cause")),
                ("data", models.JSONField(blank=True, default=dict, editable=False, verbose_name="details")),
                ("count", models.PositiveIntegerField(default=1, editable=False, verbose_name="times")),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="oauthflows_acts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="django_oauthflows.client",
                        verbose_name="client",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="oauthflows_events",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client", "kind", "cause", "at"], name="oauthflows_event_client"),
                    models.Index(fields=["kind", "at"], name="oauthflows_event_kind"),
                    models.Index(fields=["client", "at"], name="oauthflows_event_of_client"),
                    models.Index(fields=["user", "id"], name="oauthflows_event_of_user"),
                    models.Index(
                        fields=["client_name"],
                        name="oauthflows_event_client_name",
                        opclasses=["varchar_pattern_ops"],
                    ),
                ],
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ["-at", "-pk"],
                "permissions": [("export_event", "Can save the record of events as a file")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(editable=False, max_length=30, verbose_name="what it is")),
                ("payload", models.JSONField(default=dict, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="added"
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(default=0, editable=False, verbose_name="tries"),
                ),
                (
                    "next_attempt_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="next try"
                    ),
                ),
                ("leased_until", models.DateTimeField(editable=False, null=True)),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="given up after")),
                (
                    "ended_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="ended"),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting"),
                            ("sent", "Sent"),
                            ("failed", "Given up"),
                            ("expired", "Not sent in time"),
                            ("not_needed", "Not needed any more"),
                        ],
                        default="",
                        editable=False,
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "last_error",
                    models.CharField(blank=True, editable=False, max_length=200, verbose_name="last error"),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outbox",
                        to="django_oauthflows.client",
                        verbose_name="client",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="oauthflows_outbox",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["ended_at", "next_attempt_at"], name="oauthflows_outbox_due")
                ],
                "verbose_name": "outgoing message",
                "verbose_name_plural": "outgoing messages",
                "permissions": [("send_again", "Can send a message of the outbox again")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="RevokedToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("serial", models.BigIntegerField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires")),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revoked_tokens",
                        to="django_oauthflows.client",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("client", "serial"), name="oauthflows_revoked_once")
                ],
                "verbose_name": "revoked token",
                "verbose_name_plural": "revoked tokens",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kid", models.CharField(editable=False, max_length=64, unique=True, verbose_name="key ID")),
                ("algorithm", models.CharField(editable=False, max_length=10, verbose_name="algorithm")),
                ("number", models.PositiveIntegerField(editable=False, verbose_name="number")),
                ("public", models.JSONField(editable=False, verbose_name="public key")),
                ("private_sealed", models.TextField(blank=True, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("signs_from", models.DateTimeField(editable=False, verbose_name="signs from")),
                (
                    "retired_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="retired"),
                ),
            ],
            options={
                "verbose_name": "signing key",
                "verbose_name_plural": "signing keys",
                "ordering": ["signs_from", "pk"],
                "permissions": [
                    ("rotate_signing_key", "Can publish a new signing key"),
                    ("retire_signing_key", "Can retire a signing key"),
                ],
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("algorithm", "number"), name="oauthflows_signing_key_once"
                    )
                ],
            },
        ),
    ]
