"""Relations are followed on the database that is written to; nothing changes in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("django_oauthflows", "0013_refusals_that_stay"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="adoptedtoken",
            options={
                "base_manager_name": "objects",
                "verbose_name": "adopted token",
                "verbose_name_plural": "adopted tokens",
            },
        ),
        migrations.AlterModelOptions(
            name="authorization",
            options={
                "base_manager_name": "objects",
                "verbose_name": "authorization",
                "verbose_name_plural": "authorizations",
            },
        ),
        migrations.AlterModelOptions(
            name="client",
            options={
                "base_manager_name": "objects",
                "permissions": [
                    ("rotate_secret", "Can give a client a new secret"),
                    ("suspend_client", "Can suspend and resume a client"),
                    ("revoke_tokens", "Can end the tokens of a client"),
                    ("trust_client", "Can mark a client as belonging to this site"),
                    ("set_service_user", "Can let a client act as an account whose rights one has"),
                ],
                "verbose_name": "client",
                "verbose_name_plural": "clients",
            },
        ),
        migrations.AlterModelOptions(
            name="clientorigin",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="clientresource",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="clientsecret",
            options={
                "base_manager_name": "objects",
                "ordering": ["-created_at", "-pk"],
                "verbose_name": "client secret",
                "verbose_name_plural": "client secrets",
            },
        ),
        migrations.AlterModelOptions(
            name="clientskeleton",
            options={"base_manager_name": "objects"},
        ),
        migrations.AlterModelOptions(
            name="clientusage",
            options={
                "base_manager_name": "objects",
                "verbose_name": "client usage",
                "verbose_name_plural": "client usage",
            },
        ),
        migrations.AlterModelOptions(
            name="consent",
            options={
                "base_manager_name": "objects",
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
            },
        ),
        migrations.AlterModelOptions(
            name="event",
            options={
                "base_manager_name": "objects",
                "ordering": ["-at", "-pk"],
                "verbose_name": "event",
                "verbose_name_plural": "events",
            },
        ),
        migrations.AlterModelOptions(
            name="outboxmessage",
            options={
                "base_manager_name": "objects",
                "permissions": [("send_again", "Can send a message of the outbox again")],
                "verbose_name": "message to be sent",
                "verbose_name_plural": "outbox",
            },
        ),
        migrations.AlterModelOptions(
            name="revokedtoken",
            options={
                "base_manager_name": "objects",
                "verbose_name": "revoked token",
                "verbose_name_plural": "revoked tokens",
            },
        ),
        migrations.AlterModelOptions(
            name="signingkey",
            options={
                "base_manager_name": "objects",
                "ordering": ["signs_from", "pk"],
                "permissions": [
                    ("rotate_signing_key", "Can publish a new signing key"),
                    ("retire_signing_key", "Can retire a signing key"),
                ],
                "verbose_name": "signing key",
                "verbose_name_plural": "signing keys",
            },
        ),
    ]
