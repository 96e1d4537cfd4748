"""Settings of the example project. Everything a deployment changes comes from the environment."""

import contextlib
import os
import secrets
from pathlib import Path

import dj_database_url
import django
from django.utils.translation import pgettext_lazy as _

from django_oauthflows import provider_settings
from example_project import prepared

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DEBUG", "").lower() in ("1", "true", "yes")


def _secret_key() -> str:
    """The configured key; else one that is made on the first start and kept beside the database.

    Tokens are sealed with it, so a key that changed at each start would log every client out.
    """
    configured = os.environ.get("SECRET_KEY")
    if configured:
        return configured
    kept = BASE_DIR / ".secret_key"
    if not kept.exists():
        # Several processes may start at once: the file appears whole, and the first one's key counts.
        own = BASE_DIR / f".secret_key.{os.getpid()}"
        own.touch(mode=0o600)
        own.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(own)
        own.unlink()
    return kept.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "example_project.notes",
    "example_project.clients",
    "example_project.documentation",
    "example_project.explorer",
    "django_oauthflows",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_project.origins.for_templates",
            ],
        },
    },
]

DATABASES = {
    "default": dj_database_url.config(
        "DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}", conn_max_age=60
    ),
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Readers go on while one writes, and writers wait for each other instead of failing: the demo's
    # clients call the provider while they are themselves being called.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # A server that is away is answered for soon; connect_timeout is in seconds.
    _OPTIONS = {"connect_timeout": 3} | prepared.OPTIONS
    DATABASES["default"]["OPTIONS"] = _OPTIONS | DATABASES["default"].get("OPTIONS", {})
    if os.environ.get("REPLICA_URL"):
        # What may be read from it, routers.py says.
        DATABASES["replica"] = dj_database_url.parse(
            os.environ["REPLICA_URL"], conn_max_age=60, conn_health_checks=True
        )
        DATABASES["replica"]["OPTIONS"] = _OPTIONS | DATABASES["replica"].get("OPTIONS", {})
        DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
        DATABASE_ROUTERS = ["example_project.routers.Replica"]

_CACHE_URL = os.environ.get("CACHE_URL", "")
CACHES = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": _CACHE_URL,
            # In seconds: nobody waits long for a cache.
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        }
        if _CACHE_URL.startswith(("redis://", "rediss://"))
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    ),
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
MEDIA_URL = "media/"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or BASE_DIR / "media")
WHITENOISE_USE_FINDERS = True
# There is no mail server here: mail is printed. Django 6.1 asks for it under a new name.
_PRINTED = "django.core.mail.backends.console.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _PRINTED}}
else:
    EMAIL_BACKEND = _PRINTED
# The demo is one process on 127.0.0.1 (provider) and localhost (browser clients): two sites to a browser.
SESSION_COOKIE_SAMESITE = "Lax"
# Browser apps on other origins may call the API; which origins, the clients' registrations say
# (see notes/cors.py). The provider's own endpoints answer for themselves.
CORS_URLS_REGEX = r"^/api/"
CORS_EXPOSE_HEADERS = ["WWW-Authenticate"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_query": {"()": "example_project.log.WithoutQuery"}},
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Below INFO, oauthlib writes codes and tokens into the log.
        "oauthlib": {"level": "INFO"},
        "requests_oauthlib": {"level": "INFO"},
        # The address a client is called back at has a code in it.
        "django.server": {"handlers": ["console"], "filters": ["without_query"], "propagate": False},
    },
}

# The provider. --------------------------------------------------------------------------------------

OAUTHFLOWS = {
    "SITE_NAME": "Example Notes",
    # Checked tokens are remembered for a moment only if asked for, and best in a cache such as Redis.
    "TOKEN_CACHE": os.environ.get("TOKEN_CACHE", ""),
    "SCOPES": {
        # OpenID Connect: other programs can log people in with their accounts here.
        "openid": {"label": _("example", "Log you in with your account here"), "group": _("example", "You")},
        "profile": {"label": _("example", "See your name"), "group": _("example", "You")},
        "email": {
            "label": _("example", "See your e-mail address"),
            "group": _("example", "You"),
            "sensitive": True,
        },
        "notes:read": {"label": _("example", "Read your notes"), "group": _("example", "Notes")},
        "notes:write": {
            "label": _("example", "Write and change your notes"),
            "group": _("example", "Notes"),
            "implies": ["notes:read"],
            "sensitive": True,
        },
        "stats:read": {
            "label": _("example", "See how many notes there are on this site"),
            "group": _("example", "Site"),
        },
    },
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["django_oauthflows.rest_framework.OAuthAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.FormParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Example Notes",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "django_oauthflows.rest_framework.openapi.describe_refusals",
    ],
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_OAUTH2_CONFIG": {
        "clientId": "demo-api-docs",  # see clients/directory.py
        "scopes": "profile notes:read",
        "usePkceWithAuthorizationCodeGrant": True,
    },
}
