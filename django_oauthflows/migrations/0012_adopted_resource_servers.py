"""Applications that the toolkit let introspect by a token go on: they are APIs."""

from typing import Any

from django.db import migrations
from oauth2_provider.settings import ACCESS_TOKEN_MODEL

from django_oauthflows.adoption.applications import mark_resource_servers


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    mark_resource_servers(
        apps.get_model(ACCESS_TOKEN_MODEL).objects.using(alias),
        apps.get_model("django_oauthflows", "Client").objects.using(alias),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("django_oauthflows", "0011_secret_reminders_and_key_permissions"),
        migrations.swappable_dependency(ACCESS_TOKEN_MODEL),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
