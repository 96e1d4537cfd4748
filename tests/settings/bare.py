"""The smallest site that can be a provider: what `startproject` writes, and the lines of the README."""

import os
from pathlib import Path

import dj_database_url

from django_oauthflows import provider_settings

SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 3
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_oauthflows",
    "oauth2_provider",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "tests.settings.bare_urls"
STATIC_URL = "static/"
DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{Path(os.devnull)}")}

OAUTHFLOWS = {
    "SCOPES": {
        "notes:read": "Read your notes",
        "notes:write": {"label": "Change your notes", "implies": ["notes:read"], "sensitive": True},
    },
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
