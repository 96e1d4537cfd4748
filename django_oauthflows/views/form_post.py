"""Forms that go from site to site: an answer that is posted to the client, and a request that it posts to us."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import (
    MAX_QUERY_LENGTH,
    Parameters,
    RequestRefused,
    invalid_request,
)
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.views import policy
from django_oauthflows.views.pages import page


def form_post_page(request: HttpRequest, redirect_uri: str, members: dict[str, str]) -> HttpResponse:
    """OAuth 2.0 Form Post Response Mode §2: goes on by itself where script runs, by a button where not."""
    context = {
        "redirect_uri": redirect_uri,
        "members": members,
        "host": host_of(redirect_uri),
        "csp_nonce": policy.nonce_of(request),
    }
    response = page(request, "form_post.html", context)
    response.headers["Content-Security-Policy"] = policy.header(request, {"script-src": ["'nonce'"]})
    return response


def by_get(request: HttpRequest, parameters: Parameters) -> HttpResponse:
    """OpenID Connect Core §3.1.2.1: the authorization request may come by POST. Raises ``RequestRefused``."""
    if not parameters.get("client_id"):  # no such request: whatever form it was, it belongs into no address
        raise RequestRefused(errors.MissingClientIdError(description="client_id is missing."))
    query = urlencode({**parameters.values, "resource": parameters.resources}, doseq=True)
    if len(query) > MAX_QUERY_LENGTH:
        raise invalid_request("The request is too long.")
    return once_more_by_get(request, query)


def once_more_by_get(request: HttpRequest, query: str) -> HttpResponse:
    """Have the browser ask again (RFC 9110 §15.4.4). A form that another site posts comes without our cookies
    (``SameSite=Lax``); a GET brings them.
    """
    response = HttpResponseRedirect(f"{request.path}?{query}", status=303)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
