"""One process, two sites: the provider on 127.0.0.1 and the browser clients on localhost.

To a browser these are different origins with cookies of their own, as provider and clients are in
life. Behind any other host name, both are that host.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest

PROVIDER_HOST = "127.0.0.1"
CLIENTS_HOST = "localhost"


def _on(host: str, request: HttpRequest) -> str:
    own = urlsplit(f"{request.scheme}://{request.get_host()}")
    if own.hostname not in (PROVIDER_HOST, CLIENTS_HOST):
        return own.geturl()
    port = f":{own.port}" if own.port else ""
    return f"{own.scheme}://{host}{port}"


def provider_origin(request: HttpRequest) -> str:
    """The origin of the notes site and its endpoints, such as ``http://127.0.0.1:8000``."""
    return _on(PROVIDER_HOST, request)


def clients_origin(request: HttpRequest) -> str:
    """The origin of the browser clients, such as ``http://localhost:8000``."""
    return _on(CLIENTS_HOST, request)


def for_templates(request: HttpRequest) -> dict[str, Any]:
    """Both, for links from one to the other (a context processor)."""
    return {"provider_origin": provider_origin(request), "clients_origin": clients_origin(request)}
