"""What all pages for people share: headers that keep them safe, and the site's own name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static

from django_oauthflows.conf import known_origin, options, site_name, site_url
from django_oauthflows.database import NO_ANSWER, log_failure, undo_all, without_transaction
from django_oauthflows.models.redirect_uri import origin_of
from django_oauthflows.views import policy

#: A page, or a file that is sent as it is made.
Response = TypeVar("Response", bound=HttpResponseBase)


def secured(request: HttpRequest, response: Response) -> Response:
    """No framing, no scripts, nothing kept, nothing told to others (RFC 9700 §4.2, §4.16)."""
    response.headers["Content-Security-Policy"] = policy.header(request)
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A page of ours, inside the host's base template if it has named one."""
    # Names in the host's template lead where they do on its own pages, not within the instance of the
    # namespace that this page happens to be in (Django's "Reversing namespaced URLs").
    request.current_app = None  # type: ignore[assignment]
    nonce = policy.wanted_nonce(request)
    context = {
        "base_template": options().BASE_TEMPLATE or "django_oauthflows/base.html",
        "site_name": site_name(request),
        "site_url": site_url(),
        "here": request.get_full_path(),
        "site_logo": _site_logo(),
        "stylesheet": policy.stylesheet(),
        **({"csp_nonce": nonce} if nonce else {}),
        **context,
    }
    return secured(request, render(request, f"django_oauthflows/{template}", context, status=status))


#: Where an app wants its user back: after an answer (RFC 6749 §4.1.1), or logged out (RP-Initiated Logout 1.0 §2).
_ADDRESSES = ("redirect_uri", "post_logout_redirect_uri")


def keeps_opener(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For a view that an app may open in a window of its own: the page that opened it stays in touch with it.

    Django gives each answer ``Cross-Origin-Opener-Policy: same-origin``, and a browser that meets it on the way,
    be it on a redirect, cuts the two apart for good (HTML §7.1.3): the app sees its window as closed, and its
    callback has nobody to tell. What the app's page gains by it is no look inside: it can see whether the window
    is closed, and send it elsewhere. An app of this very origin keeps the site's own policy, as its page has it.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        goes_on_to = {origin_of(request.GET.get(name, "")) for name in _ADDRESSES}
        if (known_origin(request) or None) not in goes_on_to:
            response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response

    return wrapper


def _site_logo() -> str:
    """The address of the site's own picture; empty without one, or where it is missing (a check says so)."""
    try:
        return static(options().SITE_LOGO) if options().SITE_LOGO else ""
    except ValueError:  # storages that know all their files
        return ""


def own_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For a view that makes a page: what it changes is atomic by itself, and one that cannot be made says so."""
    return without_transaction(says_when_busy(_with_user(view)))


def _with_user(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Where nothing in ``MIDDLEWARE`` knows users, as on a site for machines only, everybody is a visitor."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not hasattr(request, "user"):
            request.user = AnonymousUser()
        return view(request, *args, **kwargs)

    return wrapper


def says_when_busy(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For a view for people: where the database does not answer, it tells them so, and nothing is changed."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NO_ANSWER:
            log_failure()
            undo_all()
            response = page(request, "busy.html", {}, status=503)
            response.headers["Retry-After"] = "1"
            return response

    return wrapper


def cookies_were_kept_back(request: HttpRequest) -> bool:
    """Whether the browser may know who is logged in, and only did not say so because another site sent it here
    (``SESSION_COOKIE_SAMESITE = "Strict"``).
    """
    strict = (
        settings.SESSION_COOKIE_SAMESITE == "Strict" and settings.SESSION_COOKIE_NAME not in request.COOKIES
    )
    return strict and request.headers.get("Sec-Fetch-Site") == "cross-site"


def come_again_page(request: HttpRequest) -> HttpResponse:
    """A page that asks for the same address once more, by itself: then it is this site that sends the browser."""
    return page(request, "come_again.html", {"here": request.get_full_path()})


def too_many_requests_page(request: HttpRequest, wait: int) -> HttpResponse:
    """RFC 6585 §4, for a person. Nothing is put on record: a flood must not write."""
    response = page(request, "too_many_requests.html", {"wait": wait}, status=429)
    response.headers["Retry-After"] = str(wait)
    return response
