"""Our models without our app: said in a sentence, before Django fails at the first of them."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from django_oauthflows.conf import INSTALLED_APPS_LINE


class NotInstalledError(ImproperlyConfigured, CommandError):
    """The package is imported, ``include("django_oauthflows.urls")`` for one, but is no app of the site.

    A ``CommandError`` as well, so that ``manage.py`` shows the sentence and no traceback.
    """


if not apps.is_installed("django_oauthflows"):
    raise NotInstalledError(
        f"'django_oauthflows' is missing from INSTALLED_APPS. Write: {INSTALLED_APPS_LINE}"
    )
