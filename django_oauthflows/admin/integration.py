"""What a client's developer needs: the endpoints, and code that runs as it stands for its flows and values."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse
from django.utils.translation import gettext as _

from django_oauthflows.conf import issuer
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Client
from django_oauthflows.models.redirect_uri import is_loopback

#: Language → how it writes a text. Values are quoted, so that none can end up as code in a terminal.
_LANGUAGES = {
    "curl": ("curl", shlex.quote),
    "python": ("Python", repr),
    "javascript": ("JavaScript", json.dumps),
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code to copy: ``key`` is unique on the page."""

    key: str
    flow: str
    language: str
    code: str


def endpoints(request: HttpRequest, client: Client) -> list[tuple[str, str]]:
    """Label and address of what the client will call or be asked for."""
    origin = issuer(request)
    flows = registry.offered_flows(client.flow_names)
    wanted = [
        (_("Issuer"), "", True),
        (_("Server metadata"), "oauth-server-metadata", True),
        (_("Authorization endpoint"), "authorize", any(f.visits_authorization_endpoint for f in flows)),
        (_("Token endpoint"), "token", any(f.visits_token_endpoint for f in flows)),
        (_("Revocation endpoint"), "revoke-token", True),
        (_("Introspection endpoint"), "introspect", client.has_secret),
    ]
    return [(label, origin + _path(name)) for label, name, shown in wanted if shown]


def _path(name: str) -> str:
    return reverse(f"oauth2_provider:{name}") if name else ""


def snippets(request: HttpRequest, client: Client) -> list[Snippet]:
    """One per flow that it may use and language that the flow has a template for."""
    flows = [flow for flow in registry.offered_flows(client.flow_names) if client.may_use(flow)]
    found = []
    for flow in flows:
        for key, (label, quote) in _LANGUAGES.items():
            code = _code(request, client, flow, key, quote)
            if code:
                found.append(Snippet(f"{flow.name}-{key}", _(flow.label), label, code))
    return found


def _code(request: HttpRequest, client: Client, flow: Flow, language: str, quote: Any) -> str:
    try:
        template = get_template(f"admin/django_oauthflows/snippets/{flow.name}.{language}.txt")
    except TemplateDoesNotExist:
        return ""
    origin = issuer(request)
    uris = client.redirect_uris.split()
    values = {
        "client_id": client.client_id,
        "authorize": origin + _path("authorize"),
        "token": origin + _path("token"),
        "redirect_uri": uris[0] if uris else "",
        "scope": client.default_scopes or client.allowed_scopes,
        "issuer": origin,
        "userpass": f"{client.client_id}:",
        "authorize_url": _authorize_url(origin, flow, client, uris),
    }
    context = {
        **{name: quote(value) for name, value in values.items()},
        "has_secret": client.has_secret,
        # oauthlib wants https on both sides; a native app's redirect never has it.
        "plain_http": is_loopback(origin) or not values["redirect_uri"].startswith("https:"),
    }
    return template.render(context).strip() + "\n"


def _authorize_url(origin: str, flow: Flow, client: Client, uris: list[str]) -> str:
    """The authorization request but for what must be new each time (state, code challenge)."""
    query = {
        "response_type": " ".join(flow.response_types),
        "client_id": client.client_id,
        "redirect_uri": uris[0] if uris else "",
        "scope": client.default_scopes or client.allowed_scopes,
    }
    return f"{origin}{_path('authorize')}?{urlencode(query)}"
