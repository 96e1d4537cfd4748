
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_oauthflows", "0004_adopted_tokens_and_renewed_permissions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
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
                    ("request_refused", "Request refused"),
                ],
                editable=False,
                max_length=30,
                verbose_name="what happened",
            ),
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
                "verbose_name": "message to be sent",
                "verbose_name_plural": "outbox",
                "permissions": [("send_again", "Can send a message of the outbox again")],
                "indexes": [
                    models.Index(fields=["ended_at", "next_attempt_at"], name="oauthflows_outbox_due")
                ],
            },
        ),
    ]
