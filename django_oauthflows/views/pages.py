"""What all pages for people share: headers that keep them safe, and the site's own name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from django_oauthflows.conf import options, site_name
from django_oauthflows.database import log_failure


def secured(response: HttpResponse, *, form_targets: tuple[str, ...] = ()) -> HttpResponse:
    """No framing, no scripts, nothing kept, nothing told to others (RFC 9700 §4.2, §4.16).

    ``form_targets`` are origins that a form on the page may end at, by way of a redirect.
    """
    form_action = " ".join(("'self'", *form_targets))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        f"form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    form_targets: tuple[str, ...] = (),
) -> HttpResponse:
    """A page of ours, inside the host's base template if it has named one."""
    # Names in the host's template lead where they do on its own pages, not within the instance of the
    # namespace that this page happens to be in (Django's "Reversing namespaced URLs").
    request.current_app = None  # type: ignore[assignment]
    context = {
        "base_template": options().BASE_TEMPLATE or "django_oauthflows/base.html",
        "site_name": site_name(request),
        **context,
    }
    response = render(request, f"django_oauthflows/{template}", context, status=status)
    return secured(response, form_targets=form_targets)


def own_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For a view that makes a page: what it changes is atomic by itself, and one that cannot be made says so.

    A transaction around it all (``ATOMIC_REQUESTS``) would make what others got in the way of impossible
    to try again.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except OperationalError:
            log_failure()
            response = page(request, "busy.html", {}, status=503)
            response.headers["Retry-After"] = "1"
            return response

    return transaction.non_atomic_requests(wrapper)


def too_many_requests_page(request: HttpRequest, wait: int) -> HttpResponse:
    """RFC 6585 §4, for a person. Nothing is put on record: a flood must not write."""
    response = page(request, "too_many_requests.html", {"wait": wait}, status=429)
    response.headers["Retry-After"] = str(wait)
    return response
