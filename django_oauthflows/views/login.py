"""To the site's own login page, wherever that is, and back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import Resolver404, get_script_prefix, resolve

from django_oauthflows.conf import origin, site_host

_MAX_HINT_LENGTH = 255


def to_login_page(http: HttpRequest, back: str = "") -> HttpResponse:
    """To the login page, and from there to ``back``, a path of this site: else to this very address.

    A login page on another host is told the way back in full, as by Django's own views; in the name that the
    site has, not the one that the caller wrote. It is told whom the client expects (``login_hint``, OpenID
    Connect Core §3.1.2.1) by a parameter of that name, for the site to fill in as it likes.
    """
    login_url, here = resolve_url(settings.LOGIN_URL), back or http.get_full_path()
    elsewhere = urlsplit(login_url).netloc not in ("", site_host(http))
    hint = http.GET.get("login_hint", "")
    if hint and hint.isprintable() and len(hint) <= _MAX_HINT_LENGTH:
        parts = urlsplit(login_url)
        query = "&".join(filter(None, (parts.query, urlencode({"login_hint": hint}))))
        login_url = urlunsplit(parts._replace(query=query))
    field = REDIRECT_FIELD_NAME if elsewhere else redirect_field_name(urlsplit(login_url).path)
    return redirect_to_login(origin(http) + here if elsewhere else here, login_url, field)


def redirect_field_name(path: str) -> str:
    """The parameter by which the login page at ``path`` takes the way back: ``next``, unless its view says otherwise as
    Django's own does, by an attribute or an argument of ``as_view()``.
    """
    try:
        view = resolve(f"/{path.removeprefix(get_script_prefix()).removeprefix('/')}").func
    except Resolver404:
        return REDIRECT_FIELD_NAME
    name = getattr(getattr(view, "view_class", None), "redirect_field_name", None)
    name = getattr(view, "view_initkwargs", {}).get("redirect_field_name", name)
    return str(name or REDIRECT_FIELD_NAME)
