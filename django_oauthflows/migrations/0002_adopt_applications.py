"""Each application of the toolkit becomes a client; going back leaves the toolkit's tables as they were.

Not in one transaction: a running site is not kept waiting, and what was broken off goes on where it was.
"""

from typing import Any

from django.db import migrations
from oauth2_provider.settings import ACCESS_TOKEN_MODEL, APPLICATION_MODEL

from django_oauthflows.adoption.applications import adopt_all, mark_resource_servers


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    adopt_all(apps, using=alias)
    mark_resource_servers(
        apps.get_model(ACCESS_TOKEN_MODEL).objects.using(alias),
        apps.get_model("django_oauthflows", "Client").objects.using(alias),
    )


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    applications = apps.get_model(APPLICATION_MODEL).objects.using(alias)
    clients = apps.get_model("django_oauthflows", "Client").objects.using(alias)
    for pk, owner_id in clients.exclude(owner=None).values_list("pk", "owner_id").iterator():
        applications.filter(pk=pk).update(user_id=owner_id)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("django_oauthflows", "0001_initial"),
        migrations.swappable_dependency(ACCESS_TOKEN_MODEL),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
