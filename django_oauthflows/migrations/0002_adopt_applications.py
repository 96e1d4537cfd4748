"""Each application of the toolkit becomes a client; going back leaves the toolkit's tables as they were."""

from typing import Any

from django.db import migrations
from oauth2_provider.settings import APPLICATION_MODEL

from django_oauthflows.adoption.applications import adopt


def forwards(apps: Any, schema_editor: Any) -> None:
    application_model = apps.get_model(APPLICATION_MODEL)
    client_model = apps.get_model("django_oauthflows", "Client")
    secret_model = apps.get_model("django_oauthflows", "ClientSecret")
    known = client_model.objects.values("application_id")
    for application in application_model.objects.exclude(pk__in=known).iterator():
        adopt(application, client_model, secret_model)


def backwards(apps: Any, schema_editor: Any) -> None:
    application_model = apps.get_model(APPLICATION_MODEL)
    client_model = apps.get_model("django_oauthflows", "Client")
    for pk, owner_id in client_model.objects.exclude(owner=None).values_list("pk", "owner_id").iterator():
        application_model.objects.filter(pk=pk).update(user_id=owner_id)


class Migration(migrations.Migration):
    dependencies = [("django_oauthflows", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
