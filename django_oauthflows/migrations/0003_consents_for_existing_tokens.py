"""Tokens that the toolkit's tables hold get consents, so that their users see and can end them.

Going back leaves the consents as they are: what a user has taken back meanwhile stays taken back. The
toolkit's tables are only read, in either direction.
"""

from typing import Any

from django.db import migrations
from oauth2_provider.settings import ACCESS_TOKEN_MODEL, REFRESH_TOKEN_MODEL

from django_oauthflows.adoption.consents import consents_for_tokens


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    consents_for_tokens(
        apps.get_model(ACCESS_TOKEN_MODEL).objects.using(alias),
        apps.get_model(REFRESH_TOKEN_MODEL).objects.using(alias),
        apps.get_model("django_oauthflows", "Consent").objects.using(alias),
    )


class Migration(migrations.Migration):
    atomic = False  # some users at a time; what was broken off goes on where it was
    dependencies = [
        ("django_oauthflows", "0002_adopt_applications"),
        migrations.swappable_dependency(ACCESS_TOKEN_MODEL),
        migrations.swappable_dependency(REFRESH_TOKEN_MODEL),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
