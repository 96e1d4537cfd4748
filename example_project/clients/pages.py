"""What the clients' pages share: their origin, and an answer when the provider says no."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import requests
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from oauthlib.oauth2 import OAuth2Error

from example_project.clients.directory import DemoClient
from example_project.clients.provider import ProviderError
from example_project.origins import clients_origin

View = Callable[..., HttpResponse]


def client_page(client: DemoClient) -> Callable[[View], View]:
    """A page of a server-side client: on the clients' origin, and able to call the provider."""

    def decorate(view: View) -> View:
        @wraps(view)
        @never_cache
        def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            elsewhere = to_clients_origin(request)
            if elsewhere is not None:
                return elsewhere
            if not (request.META.get("wsgi.multithread") or request.META.get("wsgi.multiprocess")):
                # This process is provider and client at once. With one worker that does one thing at a
                # time, the client would wait for an answer that only it could give.
                return render(request, "clients/one_worker.html", {"client": client}, status=503)
            try:
                return view(request, *args, **kwargs)
            except (ProviderError, OAuth2Error, requests.RequestException) as error:
                told = error if isinstance(error, ProviderError) else ProviderError.of(error)
                context = {"client": client, "told": told_of(told)}
                return render(request, "clients/said_no.html", context, status=502)

        return page

    return decorate


def told_of(error: ProviderError) -> str:
    """What went wrong, in the visitor's language."""
    return gettext(error.text) % error.values if error.values else gettext(error.text)


def to_clients_origin(request: HttpRequest) -> HttpResponse | None:
    """A redirect to the same page on the clients' origin, unless the visitor is there."""
    origin = clients_origin(request)
    if f"{request.scheme}://{request.get_host()}" == origin:
        return None
    return redirect(origin + request.get_full_path())
