import re
import secrets

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from oauth2_provider.settings import APPLICATION_MODEL

import django_oauthflows.models.client
import django_oauthflows.models.event


def _number() -> int:
    # What an epoch was before it became a text (see the migration about epochs of 128 bits).
    return secrets.randbits(63)


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
            name="SigningKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kid", models.CharField(editable=False, max_length=40, unique=True, verbose_name="key ID")),
                ("algorithm", models.CharField(editable=False, max_length=10, verbose_name="algorithm")),
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
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("logo_uri", models.URLField(blank=True, verbose_name="logo")),
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
                        help_text="Leave empty: PKCE protects the user. A reason here switches it off for this client.",
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
                    models.BigIntegerField(default=_number, editable=False),
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
                "verbose_name": "client",
                "verbose_name_plural": "clients",
                "permissions": [
                    ("rotate_secret", "Can give a client a new secret"),
                    ("suspend_client", "Can suspend and resume a client"),
                    ("revoke_tokens", "Can end the tokens of a client"),
                    ("trust_client", "Can mark a client as belonging to this site"),
                ],
            },
            bases=(APPLICATION_MODEL,),
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
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
            },
        ),
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
                    "token_epoch",
                    models.BigIntegerField(default=_number, editable=False),
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
                (
                    "consent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authorizations",
                        to="django_oauthflows.consent",
                        verbose_name="consent",
                    ),
                ),
            ],
            options={
                "verbose_name": "authorization",
                "verbose_name_plural": "authorizations",
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
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ["-at", "-pk"],
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
                "verbose_name": "revoked token",
                "verbose_name_plural": "revoked tokens",
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
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
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
                "verbose_name": "client secret",
                "verbose_name_plural": "client secrets",
                "ordering": ["-created_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("digest", "client"), name="oauthflows_secret_digest")
                ],
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
                "verbose_name": "client usage",
                "verbose_name_plural": "client usage",
                "indexes": [models.Index(fields=["client", "day"], name="oauthflows_usage_day")],
            },
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.UniqueConstraint(fields=("user", "client"), name="oauthflows_one_consent"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["client", "kind", "cause", "at"], name="oauthflows_event_client"),
        ),
        migrations.AddConstraint(
            model_name="revokedtoken",
            constraint=models.UniqueConstraint(fields=("client", "serial"), name="oauthflows_revoked_once"),
        ),
    ]
