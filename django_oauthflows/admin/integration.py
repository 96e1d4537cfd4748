"""What a client's developer needs: the endpoints, and code that runs as it stands for its flows and values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauthflows.conf import known_origin, options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Client
from django_oauthflows.models.client_metadata import metadata
from django_oauthflows.models.redirect_uri import is_loopback
from django_oauthflows.openid.login_snippets import login_snippets
from django_oauthflows.scopes import OPENID, offers_openid

#: Language → its name, and how it writes a text. Quoted, no value can end up as code in a terminal.
_LANGUAGES: dict[str, tuple[Any, Callable[[str], str]]] = {
    "curl": ("curl", shlex.quote),
    "python": ("Python", repr),
    "javascript": ("JavaScript (Node.js)", json.dumps),
    "browser": (gettext_lazy("JavaScript in a page"), json.dumps),
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code to copy: ``key`` is unique on the page."""

    key: str
    flow: str
    language: Any
    code: str


def endpoints(request: HttpRequest, client: Client) -> list[tuple[str, str]]:
    """Label and address of what the client will call or be asked for."""
    base = _origin(request)
    flows = registry.offered_flows(client.flow_names)
    logs_in = offers_openid() and OPENID in client.allowed_scope_names()
    wanted = [
        (_("Server metadata"), "oauth-server-metadata", True),
        (_("Authorization endpoint"), "authorize", any(f.visits_authorization_endpoint for f in flows)),
        (
            _("Device authorization endpoint"),
            "device-authorization",
            any(f.asks_elsewhere for f in flows),
        ),
        (_("Page for users of devices"), "device", any(f.asks_elsewhere for f in flows)),
        (_("Token endpoint"), "token", any(f.visits_token_endpoint for f in flows)),
        (_("Revocation endpoint"), "revoke-token", True),
        (_("Introspection endpoint"), "introspect", client.has_secret),
        (_("OpenID Connect discovery"), "oidc-connect-discovery-info", logs_in),
        (_("UserInfo endpoint"), "user-info", logs_in),
        (_("Signing keys"), "jwks", logs_in),
        (_("Log-out endpoint"), "rp-initiated-logout", logs_in),
    ]
    return [
        (_("Issuer"), _issuer(request)),
        *((label, base + _path(name)) for label, name, shown in wanted if shown),
    ]


def _origin(request: HttpRequest) -> str:
    """As the site is known; where it does not know its name yet, as staff reach it: only they see this page."""
    return known_origin(request) or f"{request.scheme}://{request.get_host()}"


def _issuer(request: HttpRequest) -> str:
    return options().ISSUER or _origin(request)


def _path(name: str) -> str:
    return reverse(f"oauth2_provider:{name}")


def snippets(request: HttpRequest, client: Client) -> list[Snippet]:
    """One per flow that it may use and language that the flow has a template for; then the programs that it can be,
    when it logs people in.
    """
    flows = [flow for flow in registry.offered_flows(client.flow_names) if client.may_use(flow)]
    found = []
    # What goes on from another flow comes after it.
    for flow in sorted(flows, key=lambda flow: flow.continues):
        for language in _languages(client, flow):
            code = _code(request, client, flow, language)
            if code:
                label, _quote = _LANGUAGES[language]
                found.append(Snippet(f"{flow.name}-{language}", _(flow.label), label, code))
    for program, code in login_snippets(client, issuer=_issuer(request), origin=_origin(request)):
        found.append(Snippet(f"openid-{program.key}", _("Log in with this site"), program.label, code))
    return found


def _languages(client: Client, flow: Flow) -> Iterator[str]:
    """All of them, but JavaScript only where the client lives: in a page or outside."""
    case = client.declared_use_case
    in_page = flow.answers_in_fragment or (case is not None and case.in_browser)
    return (name for name in _LANGUAGES if name != ("javascript" if in_page else "browser"))


def _code(request: HttpRequest, client: Client, flow: Flow, language: str) -> str:
    try:
        template = get_template(f"admin/django_oauthflows/snippets/{flow.name}.{language}.txt")
    except TemplateDoesNotExist:
        return ""
    values = _values(request, client, flow)
    _label, quote = _LANGUAGES[language]
    context = {
        **{name: quote(value) for name, value in values.items()},
        "has_secret": client.has_secret,
        # oauthlib wants https on both sides; a native app's redirect never has it.
        "plain_http": is_loopback(values["issuer"]) or not values["redirect_uri"].startswith("https:"),
    }
    return template.render(context).strip() + "\n"


def _values(http_request: HttpRequest, client: Client, flow: Flow) -> dict[str, str]:
    """What the snippets say of this client; ``authorize_url`` lacks only what must be new each time."""
    told = metadata(client, "client_id", "redirect_uris")
    request = {
        "response_type": " ".join(flow.response_types),
        "client_id": told["client_id"],
        "redirect_uri": next(iter(told["redirect_uris"]), ""),
        "scope": " ".join(client.default_scope_names() or client.allowed_scope_names()),
    }
    base = _origin(http_request)
    return request | {
        "issuer": _issuer(http_request),
        "authorize": base + _path("authorize"),
        "authorize_url": f"{base}{_path('authorize')}?{urlencode(request)}",
        "device_authorization": base + _path("device-authorization"),
        "grant_type": " ".join(flow.grant_types),
        "token": base + _path("token"),
        "userpass": f"{told['client_id']}:",
    }
