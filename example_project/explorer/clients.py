"""The explorer's own demo clients, made when the explorer needs them and kept afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Client, ClientSecret
from django_oauthflows.models.client_secret import digest_of
from example_project.clients.credentials import client_secret

#: So many of the addresses that the explorer was last opened at stay registered.
_KEPT_URIS = 8


@dataclass(frozen=True, slots=True)
class DemoClient:
    """One client: how it is registered, what it asks for, and the API that it calls."""

    client_id: str
    name: str
    use_case: str
    asks: str
    api_path: str
    further: dict[str, Any] = field(default_factory=dict)

    @property
    def auth(self) -> tuple[str, str] | None:
        """Id and secret; ``None`` for a public client."""
        case = registry.use_case_named(self.use_case)
        return (self.client_id, client_secret(self.client_id)) if case.client_type == "confidential" else None

    @property
    def flows(self) -> tuple[Flow, ...]:
        """How it gets its tokens."""
        return registry.flows_of(registry.use_case_named(self.use_case))

    def redirect_uris(self, origin: str) -> list[str]:
        """Where its answers go: the explorer's page for each of its flows that answers by a redirect."""
        names = [flow.name for flow in self.flows]
        return [origin + back_path(name) for name in names] if registry.needs_redirect_uri(names) else []


#: Long enough to look at each step, short enough to see a token expire.
_LIFETIME = {"access_token_lifetime": 90}
WEB = DemoClient("explorer-web", "Flow explorer", "web", "openid profile notes:read", "/api/me/", _LIFETIME)
LEGACY = DemoClient(
    "explorer-legacy-spa", "Flow explorer (implicit)", "legacy-spa", "profile", "/api/me/", _LIFETIME
)
SERVICE = DemoClient(
    "explorer-service", "Flow explorer (machine)", "service", "stats:read", "/api/stats/", _LIFETIME
)
TV = DemoClient("explorer-tv", "Flow explorer (television)", "device", "profile", "/api/me/", _LIFETIME)
#: Its tokens live one second, to show what happens then.
BRIEF = DemoClient(
    "explorer-brief",
    "Flow explorer (short-lived)",
    "service",
    "stats:read",
    "/api/stats/",
    {"access_token_lifetime": 1},
)
#: It plays the part of somebody who got hold of a token that is not theirs.
OTHER = DemoClient("explorer-other", "Flow explorer (somebody else)", "web", "profile", "/api/me/")
OTHER_TV = DemoClient(
    "explorer-other-tv", "Flow explorer (somebody else's television)", "device", "profile", "/api/me/"
)
#: It plays the part of an API that asks about tokens.
API = DemoClient(
    "explorer-api",
    "Flow explorer (API)",
    "service",
    "stats:read",
    "/api/stats/",
    {"is_resource_server": True},
)
ALL = (WEB, LEGACY, SERVICE, TV, BRIEF, OTHER, OTHER_TV, API)


def back_path(flow_name: str) -> str:
    """The redirect URI's path."""
    return reverse("explorer:back", args=[flow_name])


def client_for(flow: Flow) -> DemoClient:
    """Who walks through ``flow``: the client of the first use case that it serves."""
    use_case = registry.use_cases_of(flow)[0]
    return next(client for client in ALL if client.use_case == use_case.name)


def ensure_clients(origin: str) -> None:
    """Register what is missing, for an explorer at ``origin``; doing it again changes nothing.

    Raises ``ValidationError`` when an answer cannot safely be sent to ``origin``.
    """
    try:
        _ensure(origin)
    except IntegrityError:  # another visitor came first, in this very moment
        _ensure(origin)


@transaction.atomic
def _ensure(origin: str) -> None:
    known = {client.client_id: client for client in Client.objects.filter(client_id__startswith="explorer-")}
    for demo in ALL:
        client = known.get(demo.client_id)
        if client is None:
            _register(demo, origin)
        else:
            _renew(client, demo, origin)


def _register(demo: DemoClient, origin: str) -> None:
    Client.objects.register(
        client_id=demo.client_id,
        name=demo.name,
        use_case=demo.use_case,
        scopes=demo.asks.split(),
        redirect_uris=demo.redirect_uris(origin),
        client_secret=demo.auth[1] if demo.auth else None,
        publisher="Example Notes",
        trust=Client.Trust.REVIEWED,
        **demo.further,
    )


def _renew(client: Client, demo: DemoClient, origin: str) -> None:
    """The address may be new, and so may the key that the secrets are derived from."""
    uris = client.redirect_uris.split()
    missing = [uri for uri in demo.redirect_uris(origin) if uri not in uris]
    if missing:
        client.redirect_uris = " ".join([*uris, *missing][-_KEPT_URIS:])
        client.full_clean(exclude=["client_secret"])
        client.save(update_fields=["redirect_uris"])
    if demo.auth and not client.live_secrets().filter(digest=digest_of(demo.auth[1])).exists():
        ClientSecret.objects.adopt(client, demo.auth[1])
