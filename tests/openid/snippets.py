"""The apps of the integration page, each written to a folder and served as it stands."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import requests

from django_oauthflows.models import Client
from tests.oauth_client import UserAgent

#: A site of Django's own making, before anything is pasted.
SETTINGS = """
from pathlib import Path

import django

SECRET_KEY = "x" * 50
DEBUG = True
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                  "django.contrib.messages"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
              "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
              "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                          "django.contrib.auth.context_processors.auth",
                          "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("db.sqlite3"),
             "OPTIONS": {"timeout": 20}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# Django 6.1 asks for it under a new name.
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
MAILERS = {"default": {"BACKEND": EMAIL_BACKEND}}
if django.VERSION >= (6, 1):
    del EMAIL_BACKEND
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
"""
URLS = """
from django.http import JsonResponse
from django.urls import path


def home(request):
    user = request.user
    return JsonResponse({"username": user.get_username(), "email": getattr(user, "email", "")})


urlpatterns = [path("", home)]
"""


def snippet_of(staff: UserAgent, client: Client, key: str) -> str:
    """A snippet as the integration page shows it."""
    page = staff.get(f"/admin/django_oauthflows/client/{client.pk}/integration/")
    assert page.status_code == 200, page.text[:500]
    found = re.search(rf'aria-labelledby="openid-{key}"><code>(.*?)</code>', page.text, re.DOTALL)
    assert found, (key, re.findall(r'aria-labelledby="([^"]*)"', page.text))
    return unescape(found.group(1))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_django_site(folder: Path, snippet: str) -> None:
    """Paste each part of the snippet where it says that it belongs."""
    files = {"settings.py": SETTINGS, "urls.py": URLS}
    for part in snippet.split("# File: ")[1:]:
        name = re.match(r"[\w.]+", part)
        assert name
        files[name.group()] = files.get(name.group(), "") + "\n# " + part
    for name_, text in files.items():
        (folder / name_).write_text(text)


@contextlib.contextmanager
def serving(command: list[str], folder: Path, port: int, secret: str, **more: str) -> Iterator[UserAgent]:
    """Run ``command`` in ``folder`` until the app answers; a visitor of it."""
    environment = os.environ | {
        "CLIENT_SECRET": secret,
        "PORT": str(port),
        "PYTHONPATH": str(folder),
        "NO_PROXY": "localhost,127.0.0.1",
        **more,
    }
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield UserAgent(_answering(f"http://localhost:{port}", process, folder))
        finally:
            process.terminate()
            process.wait(timeout=20)


def _answering(origin: str, process: subprocess.Popen[bytes], folder: Path) -> str:
    for _ in range(200):
        assert process.poll() is None, (folder / "log.txt").read_text()[-3000:]
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            requests.get(origin + "/", timeout=10, allow_redirects=False)
            return origin
        time.sleep(0.05)
    raise AssertionError("the app does not answer")


def manage(folder: Path, *arguments: str, secret: str) -> list[str]:
    """The command that runs the site's ``manage.py``; other commands than ``runserver`` are run at once."""
    command = [sys.executable, "-m", "django", *arguments]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(folder),
        "CLIENT_SECRET": secret,
    }
    if arguments[0] != "runserver":
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return command
