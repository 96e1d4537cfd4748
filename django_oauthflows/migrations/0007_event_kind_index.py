from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("django_oauthflows", "0006_client_index")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["kind", "at"], name="oauthflows_event_kind"),
        ),
    ]
