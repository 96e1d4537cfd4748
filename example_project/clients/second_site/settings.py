"""Settings of a site that has no passwords of its own. What is told when it starts comes from the environment."""

from __future__ import annotations

import os
import secrets

import django

SECRET_KEY = secrets.token_urlsafe(50)
DEBUG = True
ALLOWED_HOSTS = ["localhost"]
INTERNAL_IPS: list[str] = []
ROOT_URLCONF = "example_project.clients.second_site.urls"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DATABASE"],
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# It lives on the same computer as the first site: a cookie of the same name would be the other's.
SESSION_COOKIE_NAME = "second_site_session"
CSRF_COOKIE_NAME = "second_site_csrf"
LOGIN_REDIRECT_URL = "/"
# Mail is printed. Django 6.1 asks for it under a new name.
_PRINTED = "django.core.mail.backends.console.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _PRINTED}}
else:
    EMAIL_BACKEND = _PRINTED

# The login with the first site. -----------------------------------------------------------------------

PROVIDER = os.environ["PROVIDER"]
CLIENT_ID = os.environ.get("CLIENT_ID", "demo-second-site")
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "SCOPE": ["openid", "profile", "email"],
        "APPS": [
            {
                "provider_id": "example-notes",
                "name": "Example Notes",
                "client_id": CLIENT_ID,
                "secret": os.environ["CLIENT_SECRET"],
                "settings": {"server_url": f"{PROVIDER}/.well-known/openid-configuration"},
            }
        ],
    }
}
SOCIALACCOUNT_ONLY = True
ACCOUNT_EMAIL_VERIFICATION = "none"
