"""What needs an address of this site is refused where the site does not know what it is called (``conf.origin``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.conf import UnknownHost, issuer
from django_oauthflows.views.pages import page

logger = logging.getLogger("django_oauthflows")

View = Callable[..., HttpResponseBase]


def at_known_hosts(refuse: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[View], View]:
    """For a view whose answer names the issuer: asked before anything else is done."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                issuer(request)
            except UnknownHost as unknown:
                logger.warning("Refused at the host %r. %s", request.get_host(), unknown)
                return refuse(request, str(unknown))
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def unknown_host_page(request: HttpRequest, sentence: str) -> HttpResponse:
    """For people."""
    return page(request, "unknown_host.html", {"sentence": sentence}, status=400)


def unknown_host_json(request: HttpRequest, sentence: str) -> HttpResponse:
    """For programs."""
    error = errors.InvalidRequestError(description=sentence)
    return JsonResponse(dict(error.twotuples), status=400, headers={"Cache-Control": "no-store"})
