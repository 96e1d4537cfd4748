"""The permission to let a client act as an account."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("django_oauthflows", "0008_outbox")]

    operations = [
        migrations.AlterModelOptions(
            name="client",
            options={
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
    ]
