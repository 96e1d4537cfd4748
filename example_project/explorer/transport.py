"""How the explorer reaches the provider that it is served by, and where it dares to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, override
from rest_framework.test import RequestsClient

from django_oauthflows.option_forms import LOOPBACK_HOSTS


def origin_of(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def is_own_host(request: HttpRequest) -> bool:
    """Whether the request's Host can be trusted with a client's secret and a redirect URI.

    The header is the visitor's to choose, and ``ALLOWED_HOSTS = ["*"]`` lets anything pass; so only
    this machine, and names that the site's owner has written out.
    """
    host = urlsplit(origin_of(request)).hostname or ""
    return host in LOOPBACK_HOSTS or host in settings.ALLOWED_HOSTS


def goes_over_the_wire(request: HttpRequest) -> bool:
    """Whether the server can answer itself while it answers this request.

    A server with one worker and no threads would wait for itself for ever. Only this very server's
    port is ever called, so that a forged Host cannot send us to another one.
    """
    parts = urlsplit(origin_of(request))
    parallel = request.META.get("wsgi.multithread") or request.META.get("wsgi.multiprocess")
    own_port = str(parts.port or 80) == str(request.META.get("SERVER_PORT"))
    return bool(parallel and own_port and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


class _Inside(RequestsClient):
    """Hands requests to the application, in this thread, whose language stays the visitor's."""

    def request(self, *args: Any, **options: Any) -> Any:
        with override(get_language()):
            return super().request(*args, **options)


def http_for(request: HttpRequest) -> requests.Session:
    """A session whose requests reach this site: over HTTP, or handed to the application directly."""
    if goes_over_the_wire(request):
        return requests.Session()
    inside: requests.Session = _Inside()
    inside.headers["Host"] = request.get_host()
    return inside
