"""A user's history is found by an index, made while the site goes on."""

from django.db import migrations, models

from django_oauthflows.migrations._online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("django_oauthflows", "0026_searches_by_index")]

    operations = [
        AddIndexOnline(
            model_name="event", index=models.Index(fields=["user", "id"], name="oauthflows_event_of_user")
        ),
    ]
