"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class OAuthFlowsConfig(AppConfig):
    name = "django_oauthflows"
    verbose_name = _("OAuth provider")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_oauthflows import checks, logins, notices  # noqa: F401 - registers checks
        from django_oauthflows.resource_server import checks as api_checks  # noqa: F401

        if apps.is_installed("drf_spectacular"):
            from django_oauthflows.rest_framework import openapi  # noqa: F401
        from django_oauthflows.models import adoption, authorization, legacy, usage

        logins.watch()
        notices.watch()
        legacy.watch()
        adoption.watch()
        authorization.watch()
        usage.watch()
