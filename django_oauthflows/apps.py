"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from django_oauthflows.conf import INSTALLED_APPS_LINE


class OAuthFlowsConfig(AppConfig):
    name = "django_oauthflows"
    verbose_name = _("OAuth provider")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        # Our models extend the toolkit's: without it Django fails before any check could speak.
        if not apps.is_installed("oauth2_provider"):
            raise ImproperlyConfigured(
                f"'oauth2_provider' is missing from INSTALLED_APPS. Write: {INSTALLED_APPS_LINE}"
            )
        try:
            super().import_models()
        except FieldError as error:
            # Django (Model field name hiding): a child can have no field of a name that its parent has.
            raise ImproperlyConfigured(
                f"The site's application model has a field of a name that clients have here: {error} Give it another "
                'name and let it keep its column, as in site_logo = models.ImageField(db_column="logo"), and run '
                "makemigrations, which asks whether the field was renamed."
            ) from error

    def ready(self) -> None:
        # Here and not above: the models can be imported only when all apps are there (Django's app loading).
        from django_oauthflows import checks  # noqa: F401 - registers them
        from django_oauthflows.adoption import applications, tokens
        from django_oauthflows.adoption import checks as adoption_checks  # noqa: F401 - as above
        from django_oauthflows.authorization_server import account_changes, auth_time, notices
        from django_oauthflows.authorization_server.outbox import workers
        from django_oauthflows.models import client_index, usage
        from django_oauthflows.openid import backchannel
        from django_oauthflows.openid import checks as openid_checks  # noqa: F401 - as above
        from django_oauthflows.resource_server import checks as api_checks  # noqa: F401 - as above
        from django_oauthflows.toolkit import checks as toolkit_checks
        from django_oauthflows.toolkit import validator
        from django_oauthflows.views import checks as page_checks  # noqa: F401 - as above

        if apps.is_installed("drf_spectacular"):
            from django_oauthflows.rest_framework import openapi  # noqa: F401 - registers itself

        for module in (
            auth_time,
            notices,
            backchannel,
            workers,
            tokens,
            client_index,
            applications,
            account_changes,
            usage,
            toolkit_checks,
            validator,
        ):
            module.watch()
