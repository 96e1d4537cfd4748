"""All flows and use cases, and how to find one. The only list of them."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows import (
    authorization_code,
    client_credentials,
    device_code,
    implicit,
    refresh_token,
)
from django_oauthflows.flows.base import ClientType, Flow, Need, UseCase

FLOWS: tuple[Flow, ...] = (
    authorization_code.FLOW,
    implicit.FLOW,
    client_credentials.FLOW,
    refresh_token.FLOW,
    device_code.FLOW,
)

USE_CASES: tuple[UseCase, ...] = (
    UseCase(
        name="web",
        title=_("Web app with a server"),
        sentence=_("A website with its own server: people log in here and agree, its server calls the API."),
        example=_("A calendar site that shows the user's notes."),
        why=_("Its server can keep a secret, and the tokens never reach the browser."),
        avoid=_(
            "Do not give the browser any token, and do not share one registration between several sites."
        ),
        flows=("authorization_code", "refresh_token"),
        client_type=ClientType.CONFIDENTIAL,
    ),
    UseCase(
        name="spa",
        title=_("Single-page app"),
        sentence=_("An app that runs entirely in the browser and has no server of its own."),
        example=_("A dashboard written in React."),
        why=_("A browser cannot keep a secret, so PKCE protects the code instead."),
        avoid=_(
            "Do not ship a secret in the page: everybody can read it. Do not keep tokens where other "
            "scripts reach them."
        ),
        flows=("authorization_code", "refresh_token"),
        client_type=ClientType.PUBLIC,
        in_browser=True,
    ),
    UseCase(
        name="native",
        title=_("Mobile or desktop app"),
        sentence=_(
            "An app that is installed on a phone or computer and opens the system's browser to log in."
        ),
        example=_("A phone app, or a command-line program."),
        why=_(
            "Anyone can unpack an installed app, so it has no secret; PKCE and its own redirect URI protect it."
        ),
        avoid=_("Do not ship a secret in the app, and do not log in inside an embedded web view."),
        flows=("authorization_code", "refresh_token"),
        client_type=ClientType.PUBLIC,
        private_use_schemes=True,
        loopback_any_port=True,
    ),
    UseCase(
        name="service",
        title=_("Server to server, or a scheduled job"),
        sentence=_("A machine that acts for itself: no person is there to log in."),
        example=_("A nightly report, or another company's server."),
        why=_("There is no user to ask, so the machine proves who it is with its secret."),
        avoid=_(
            "Do not use it for what a user should agree to, and do not share one secret between machines."
        ),
        flows=("client_credentials",),
        client_type=ClientType.CONFIDENTIAL,
    ),
    UseCase(
        name="legacy-spa",
        title=_("Old browser app that cannot do PKCE"),
        sentence=_("An existing browser app that gets its token in the address and cannot be changed yet."),
        example=_("A widget from 2014 that still has users."),
        why=_("Only the implicit flow works for it; it is short-lived and best given an end date."),
        avoid=_(
            "Do not build anything new like this: a page that can be changed belongs under single-page app."
        ),
        flows=("implicit",),
        client_type=ClientType.PUBLIC,
        in_browser=True,
    ),
    UseCase(
        name="device",
        title=_("TV, printer or other device without a browser"),
        sentence=_("A device that shows a short code, which the user enters on their phone."),
        example=_("A television app."),
        why=_("Typing a password on a television is painful and unsafe."),
        avoid=_("Do not use it where a browser can be opened."),
        flows=("device_code", "refresh_token"),
        client_type=ClientType.PUBLIC,
        offered=False,
    ),
)

_BY_NAME = {flow.name: flow for flow in FLOWS}
_BY_GRANT_TYPE = {grant: flow for flow in FLOWS if flow.offered for grant in flow.grant_types}
_BY_RESPONSE_TYPE = {response: flow for flow in FLOWS if flow.offered for response in flow.response_types}
_USE_CASES = {use_case.name: use_case for use_case in USE_CASES}


def flow_named(name: str) -> Flow:
    """The flow of that name. Raises ``KeyError`` for an unknown name."""
    return _BY_NAME[name]


def flow_for_grant_type(grant_type: str | None) -> Flow | None:
    """The offered flow that answers a token request with this grant type (RFC 6749 §4), if any.

    The implicit flow never visits the token endpoint, so its grant type finds nothing here.
    """
    flow = _BY_GRANT_TYPE.get(grant_type or "")
    return flow if flow is not None and flow.visits_token_endpoint else None


def flow_for_response_type(response_type: str | None) -> Flow | None:
    """The offered flow that answers this ``response_type`` (RFC 6749 §3.1.1), if any."""
    return _BY_RESPONSE_TYPE.get(response_type or "")


def use_case_named(name: str) -> UseCase:
    """The use case of that name. Raises ``KeyError`` for an unknown name."""
    return _USE_CASES[name]


def offered_flows(names: Iterable[str] | None = None) -> tuple[Flow, ...]:
    """Flows that this version offers, restricted to ``names`` when given, in the registry's order."""
    wanted = None if names is None else set(names)
    return tuple(flow for flow in FLOWS if flow.offered and (wanted is None or flow.name in wanted))


def needs_redirect_uri(names: Iterable[str]) -> bool:
    """Whether any of the named flows answers by a redirect, so that the client must register a URI."""
    return any(Need.REDIRECT_URI in flow.needs for flow in offered_flows(names))
