"""Which applications cannot go on as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q
from oauth2_provider.models import AbstractApplication, get_access_token_model

from django_oauthflows.adoption.report.finding import Finding
from django_oauthflows.database import streamed
from django_oauthflows.flows.base import ClientType
from django_oauthflows.models.client import Application

_CODE = (AbstractApplication.GRANT_AUTHORIZATION_CODE, AbstractApplication.GRANT_OPENID_HYBRID)

#: What changes, how it is kept, and for which applications: a filter, and a further look at those it finds.
_RULES: tuple[tuple[str, str, Q, Callable[[Any], bool]], ...] = (
    (
        "The password grant is over: a token request with a user's password is refused.",
        "Use the authorization code flow for users, or a service client (client credentials) for a machine.",
        Q(authorization_grant_type=AbstractApplication.GRANT_PASSWORD),
        lambda _: True,
    ),
    (
        "The hybrid flow (code and ID token at once) is over.",
        "Have the client ask for response_type=code: the ID token comes with the access token.",
        Q(authorization_grant_type=AbstractApplication.GRANT_OPENID_HYBRID),
        lambda _: True,
    ),
    (
        "The implicit flow gives access tokens only, of 10 minutes, and no ID token.",
        "Have the client use the authorization code flow with PKCE: current browser libraries do it.",
        Q(authorization_grant_type=AbstractApplication.GRANT_IMPLICIT),
        lambda _: True,
    ),
    (
        "A wildcard in a redirect URI matches nothing: addresses are compared letter by letter.",
        "List each address in the client's redirect URIs.",
        Q(redirect_uris__contains="*"),
        lambda _: True,
    ),
    (
        "PKCE (S256) is required of clients without a secret; nothing waives it for them.",
        "Have PKCE switched on in the client's library before the switch: the toolkit accepts it, too.",
        Q(client_type=ClientType.PUBLIC, authorization_grant_type__in=_CODE),
        lambda _: True,
    ),
    (
        "A redirect URI in a request must be the registered one letter by letter; the toolkit let a request add "
        "parameters to its query.",
        "Have the client carry what it needs in state, or register the whole address.",
        Q(authorization_grant_type__in=_CODE, redirect_uris__contains="?"),
        lambda _: True,
    ),
    (
        "A machine needs a secret: client credentials of a client that has none are refused.",
        "Make the client anew as a service client.",
        Q(client_secret="", authorization_grant_type=AbstractApplication.GRANT_CLIENT_CREDENTIALS),
        lambda _: True,
    ),
    (
        "ID tokens are signed with RS256, ES256 or EdDSA; HS256 would need the client's secret in the clear.",
        "Have the client verify RS256 with the keys that the metadata names (jwks_uri).",
        Q(algorithm=AbstractApplication.HS256_ALGORITHM),
        lambda _: True,
    ),
    (
        "Where users may go after logging out must be on https (or loopback), and is compared letter by letter.",
        "Register the addresses anew on the client's page.",
        ~Q(post_logout_redirect_uris=""),
        lambda one: any(not uri.startswith("https://") for uri in one.post_logout_redirect_uris.split()),
    ),
    (
        "Token requests with a multipart or JSON body are refused (RFC 6749 §4.1.3).",
        "Have the client send a form (application/x-www-form-urlencoded), as OAuth libraries do.",
        Q(),
        lambda _: False,
    ),
)
_FIELDS = ("client_id", "name", "redirect_uris", "post_logout_redirect_uris")


def findings() -> Iterator[Finding]:
    """Each rule that applies to any application, with those to which it does."""
    for what, keep, which, applies in _RULES:
        found = Application.objects.filter(which).only(*_FIELDS).order_by("pk")
        whom = tuple(f"{one.name or 'unnamed'} ({one.client_id})" for one in streamed(found) if applies(one))
        if whom or not which:
            yield Finding(what, keep, whom)
    yield from _introspection()


def _introspection() -> Iterator[Finding]:
    """Any client with a secret could introspect any token there."""
    confidential = Application.objects.filter(client_type=ClientType.CONFIDENTIAL).order_by("pk")
    if confidential.exists():
        yield Finding(
            "A client introspects its own tokens only; one that is an API those that are meant for it. Others are "
            "told active: false. Clients with a token of the scope introspection become APIs by themselves.",
            "Tick “is an API” on the page of each client that is one.",
            tuple(f"{one.name or 'unnamed'} ({one.client_id})" for one in confidential.only(*_FIELDS)),
        )
    lonely = get_access_token_model().objects.filter(application=None, scope__contains="introspection")
    if lonely.exists():
        yield Finding(
            "An access token for introspection that belongs to no application is refused.",
            "Give it the application of the API that uses it.",
            tuple(f"access token {key}" for key in lonely.values_list("pk", flat=True)),
        )
