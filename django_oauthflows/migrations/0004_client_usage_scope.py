from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_oauthflows", "0003_consents_for_brought_along_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="clientusage",
            name="scope",
            field=models.TextField(blank=True, verbose_name="scopes"),
        ),
    ]
