"""The site of the toolkit's tests, on our classes."""

from django_oauthflows import provider_settings

SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 3
ALLOWED_HOSTS = ["testserver", "localhost", "example.org"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_oauthflows",
    "oauth2_provider",
    "rest_framework",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
USE_TZ = True
PASSWORD_HASHERS = ["tests.utils.QuickHasher"]
OAUTHFLOWS = {
    "SCOPES": dict.fromkeys(
        (
            "read",
            "write",
            "introspection",
            "dolphin",
            "scope1",
            "scope2",
            "resource1:read",
            "resource1:write",
        ),
        "A scope of the tests",
    )
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
