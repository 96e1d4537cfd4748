"""All flows and use cases, and how to find one. The only lists of them.

A flow that is added to ``FLOWS`` while the process runs is found from then on: nothing here is kept from
an earlier look.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows import (
    authorization_code,
    client_credentials,
    device_code,
    implicit,
    refresh_token,
)
from django_oauthflows.flows.base import ClientType, Flow, Need, UseCase

_Declared = TypeVar("_Declared", Flow, UseCase)

FLOWS: list[Flow] = [
    authorization_code.FLOW,
    implicit.FLOW,
    client_credentials.FLOW,
    refresh_token.FLOW,
    device_code.FLOW,
]

USE_CASES: list[UseCase] = [
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
        why=_("A browser cannot keep a secret, so a proof made for each login (PKCE) protects it instead."),
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
            "Anyone can unpack an installed app, so it has no secret; a proof made for each login (PKCE) and its own "
            "redirect URI protect it."
        ),
        avoid=_("Do not ship a secret in the app, and do not log in inside an embedded web view."),
        flows=("authorization_code", "refresh_token"),
        client_type=ClientType.PUBLIC,
        redirect_uri_examples=("http://127.0.0.1/callback", "com.example.app:/callback"),
        private_use_schemes=True,
        loopback_any_port=True,
        narrows_scopes=True,
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
    ),
]


def flow_named(name: str) -> Flow:
    """The flow of that name. Raises ``KeyError`` for an unknown name."""
    return _named(name, FLOWS)


def use_case_named(name: str) -> UseCase:
    """The use case of that name. Raises ``KeyError`` for an unknown name."""
    return _named(name, USE_CASES)


def _named(name: str, declared: Iterable[_Declared]) -> _Declared:
    for one in declared:
        if one.name == name:
            return one
    raise KeyError(name)


def offered_flows(names: Iterable[str] | None = None) -> tuple[Flow, ...]:
    """Flows that this version offers, restricted to ``names`` when given, in the registry's order."""
    wanted = None if names is None else set(names)
    return tuple(flow for flow in FLOWS if flow.offered and (wanted is None or flow.name in wanted))


def flow_for_grant_type(grant_type: str | None) -> Flow | None:
    """The offered flow that answers a token request with this grant type (RFC 6749 §4), if any.

    The implicit flow never visits the token endpoint, so its grant type finds nothing here.
    """
    for flow in offered_flows():
        if grant_type in flow.grant_types and flow.visits_token_endpoint:
            return flow
    return None


def flow_for_response_type(response_type: str | None) -> Flow | None:
    """The offered flow that answers this ``response_type`` (RFC 6749 §3.1.1), if any."""
    return next((flow for flow in offered_flows() if response_type in flow.response_types), None)


def code_flow() -> Flow:
    """The offered flow whose authorization response carries a code (RFC 6749 §4.1)."""
    return next(flow for flow in offered_flows() if flow.gives_code)


def device_flow() -> Flow | None:
    """The offered flow whose user is asked on another device (RFC 8628), if any."""
    return next((flow for flow in offered_flows() if flow.asks_elsewhere), None)


def flows_of(use_case: UseCase) -> tuple[Flow, ...]:
    """The flows that ``use_case`` has, the one that it begins with first."""
    return tuple(flow_named(name) for name in use_case.flows)


def use_cases_of(flow: Flow) -> tuple[UseCase, ...]:
    """The use cases that ``flow`` serves, in the registry's order."""
    return tuple(use_case for use_case in USE_CASES if flow.name in use_case.flows)


def beginning_of(flow: Flow) -> Flow:
    """The flow that a client runs first to come to ``flow``.

    That is ``flow`` itself, unless it continues another: then the one with which its first use case begins.
    Raises ``LookupError`` when it continues another and no use case has it.
    """
    return flows_of(use_cases_of(flow)[0])[0] if flow.continues else flow


def needs_redirect_uri(names: Iterable[str]) -> bool:
    """Whether any of the named flows answers by a redirect, so that the client must register a URI."""
    return any(Need.REDIRECT_URI in flow.needs for flow in offered_flows(names))
