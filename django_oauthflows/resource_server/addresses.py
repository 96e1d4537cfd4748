"""By which names this site's API is known: one for all of it, or each address by itself (RFC 9728 §1.2, §3).

A client that follows the standard to the letter wants metadata that names the very address that it called
(RFC 9728 §3.3), and asks for a token for that (RFC 8707 §2). Such a token is good at that address and below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote

from django.http import HttpRequest
from django.urls import Resolver404, get_script_prefix, resolve

from django_oauthflows.conf import UnknownHost, api_resource, base_path, known_origin, options, origin
from django_oauthflows.models.client_index import MAX_RESOURCE_LENGTH, comparable
from django_oauthflows.resource_server.declaration import needs_of, unwrapped

#: What an authenticator of Django REST framework has that reads access tokens: ours, and the toolkit's.
_AUTHENTICATORS = ("reads_access_tokens", "www_authenticate_realm")
#: RFC 3986 §3.3: what a path can hold as it is.
_IN_PATHS = "/:@!$&'()*+,;="


def is_api(path: str) -> bool:
    """Whether ``path``, that of the site itself included, is an address of the API, with or without its last slash:
    it leads to a view that asks for a token, or to any view under ``BEARER_PATHS``.
    """
    script, bare = get_script_prefix().rstrip("/"), path.rstrip("/")
    if not f"{bare}/".startswith(f"{script}/"):
        return False
    inside = bare.removeprefix(script)
    return any(_leads_to_api(each) for each in (f"{inside}/", inside))


def _leads_to_api(path: str) -> bool:
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return False
    return path.startswith(options().BEARER_PATHS) or _asks_for_token(view)


def _asks_for_token(view: Any) -> bool:
    view, cls = unwrapped(view)
    given: dict[str, Any] = getattr(view, "initkwargs", {})
    authenticators = given.get("authentication_classes") or getattr(cls, "authentication_classes", None) or ()
    reads = any(hasattr(each, mark) for each in authenticators for mark in _AUTHENTICATORS)
    return reads or any(True for _ in needs_of(view, cls))


def identifier_of(request: HttpRequest) -> str:
    """What the API that ``request`` calls is called: by the site's one name for it (``RESOURCE``), else by the address
    of the call, else by the issuer, where that is no address of the API.
    """
    if options().RESOURCE or not is_api(request.path):
        return api_resource(request)
    try:
        address = _address(request, request.path)
    except UnknownHost:
        return api_resource(request)
    return address if len(address) <= MAX_RESOURCE_LENGTH else api_resource(request)


def identifier_at(request: HttpRequest, path: str) -> str | None:
    """What the API is called that ``path`` is the address of, which follows a well-known part; ``None`` without one.

    That path is the whole one, or what follows the path that our routes are under.
    """
    wholes = (f"/{path}", f"{base_path()}/{path}")
    return next((_address(request, whole) for whole in wholes if is_api(whole)), None)


def is_identifier(request: HttpRequest, resource: str) -> bool:
    """Whether ``resource`` is an address of this site's API, in the spelling in which its metadata name it."""
    base = known_origin(request)
    path = resource.removeprefix(base)
    sound = base and path.startswith("/") and path != resource
    return bool(sound) and _spelled(unquote(path)) == path and is_api(unquote(path))


def is_called_by(request: HttpRequest, audience: Iterable[str]) -> bool:
    """Whether a token for ``audience`` is good for this call: it names the API, this address, or one above."""
    names = set(map(comparable, audience))
    return comparable(api_resource(request)) in names or not names.isdisjoint(_names(request))


def _names(request: HttpRequest) -> Iterator[str]:
    """The address of a call, and those above it but the origin itself, which is no address of the API."""
    base = known_origin(request)
    path = _spelled(request.path).rstrip("/") if base else ""
    while path:
        yield base + path
        path = path.rpartition("/")[0]


def _address(request: HttpRequest, path: str) -> str:
    return origin(request) + _spelled(path)


def _spelled(path: str) -> str:
    """``path`` as it stands in an address: in one spelling, and nothing in it that could end a header's value."""
    return quote(path, safe=_IN_PATHS)
