from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_oauthflows", "0004_signing_key_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="clientusage",
            name="scope",
            field=models.TextField(blank=True, verbose_name="scopes"),
        ),
    ]
