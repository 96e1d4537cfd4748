"""Each application of the toolkit becomes a client; going back leaves the toolkit's tables as they were."""

from typing import Any

from django.db import migrations
from oauth2_provider.settings import APPLICATION_MODEL

from django_oauthflows.adoption.applications import adopt


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    client_model = apps.get_model("django_oauthflows", "Client")
    secret_model = apps.get_model("django_oauthflows", "ClientSecret")
    known = client_model.objects.values("application_id")
    applications = apps.get_model(APPLICATION_MODEL).objects.using(alias)
    for application in applications.exclude(pk__in=known).iterator():
        adopt(application, client_model, secret_model, using=alias)


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    applications = apps.get_model(APPLICATION_MODEL).objects.using(alias)
    clients = apps.get_model("django_oauthflows", "Client").objects.using(alias)
    for pk, owner_id in clients.exclude(owner=None).values_list("pk", "owner_id").iterator():
        applications.filter(pk=pk).update(user_id=owner_id)


class Migration(migrations.Migration):
    dependencies = [("django_oauthflows", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
