"""The authorization request (RFC 6749 §4.1.1, §4.2.1) from top to bottom, and its answer.

1. ``accept`` checks the request: first who asks and where the answer goes, because until both are certain
   nothing may be sent anywhere (RFC 6749 §4.1.2.1); then what is asked for.
2. ``consent_policy.py`` says whether the user is asked; the view shows the pages.
3. ``grant`` inserts one ``Authorization`` and gives the answer: a code, or a token in the fragment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.uri_validate import is_absolute_uri

from django_oauthflows.adoption.applications import adopted
from django_oauthflows.authorization_server import pkce
from django_oauthflows.authorization_server.client_lookup import client_with_standing
from django_oauthflows.authorization_server.issue import check_length, issue_user_token
from django_oauthflows.authorization_server.request import (
    AnswerAddress,
    AuthorizationRequest,
    RequestRefused,
    invalid_request,
    refusals_of,
    requested_scopes,
)
from django_oauthflows.authorization_server.resource_indicators import requested_resources
from django_oauthflows.conf import issuer, options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Authorization, Client, Consent
from django_oauthflows.models.redirect_uri import with_answer, without_answers
from django_oauthflows.openid.authentication_context import kept_of_login
from django_oauthflows.openid.authentication_request import AuthenticationRequest, understood
from django_oauthflows.openid.subject import check_subjects

_DEFAULT_RESPONSE_MODE = "query"
#: OAuth 2.0 Form Post Response Mode §2: the browser carries the answer in a form, not in an address that is logged.
FORM_POST = "form_post"


@dataclass(frozen=True, slots=True)
class AcceptedAuthorizationRequest:
    """An authorization request that is valid in itself; whether the user agrees is another matter."""

    http: HttpRequest
    received_at: datetime
    client: Client
    flow: Flow
    address: AnswerAddress
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    code_challenge: str
    prompt: frozenset[str]
    #: Who is to answer, how they are to have logged in, and what is to be told of them.
    login: AuthenticationRequest
    #: What the user has allowed the client so far, live or not; ``None`` while nobody is logged in.
    standing: Consent | None = None

    @property
    def redirect_uri(self) -> str:
        return self.address.redirect_uri

    def refused(
        self, error: errors.OAuth2Error, cause: str = "", details: Mapping[str, str] | None = None
    ) -> RequestRefused:
        """A refusal of it that its client is told."""
        return RequestRefused(error, cause, client=self.client, address=self.address, details=details)


def accept(request: AuthorizationRequest) -> AcceptedAuthorizationRequest:
    """Check the request. Raises ``RequestRefused``."""
    client, standing = _known_client(request)
    redirect_uri = _registered_redirect_uri(request, client)
    address = AnswerAddress(
        redirect_uri, request.parameters.get("state"), _response_mode(request, redirect_uri)
    )
    # From here on the client is told what is wrong.
    with refusals_of(client, address):
        return _accept_from(request, client, address, standing)


def _known_client(request: AuthorizationRequest) -> tuple[Client, Consent | None]:
    """RFC 6749 §2.2. A wrong id is told to the user, never to whomever the redirect URI belongs."""
    client_id = request.parameters.get("client_id")
    if not client_id:
        raise RequestRefused(errors.MissingClientIdError(description="client_id is missing."))
    client, standing = client_with_standing(client_id, request.http.user)
    if client is None and adopted(client_id):
        client, standing = client_with_standing(client_id, request.http.user)
    if client is None:
        raise RequestRefused(
            errors.InvalidClientIdError(), "unknown client", details={"client_id": client_id[:80]}
        )
    if client.is_suspended:
        raise RequestRefused(errors.InvalidClientIdError(), "client suspended", client=client)
    return client, standing


def _registered_redirect_uri(request: AuthorizationRequest, client: Client) -> str:
    """The place to answer to: the one that is named, if it is registered, or else the only one there is.

    RFC 6749 §3.1.2.3, RFC 9700 §2.1 (exact matching), RFC 8252 §7.3 (any loopback port).
    """
    redirect_uri = request.parameters.get("redirect_uri")
    if not redirect_uri:
        registered = client.redirect_uris.split()
        if len(registered) != 1:
            said = "redirect_uri is missing, and this client registered more than one."
            raise RequestRefused(errors.MissingRedirectURIError(description=said), client=client)
        return str(registered[0])
    if client.redirect_uri_allowed(redirect_uri):
        return redirect_uri
    if not is_absolute_uri(redirect_uri):
        said = "redirect_uri is not an absolute URI."
        raise RequestRefused(errors.InvalidRedirectURIError(description=said), client=client)
    raise RequestRefused(
        errors.MismatchingRedirectURIError(),
        "redirect URI not registered",
        client=client,
        details={"redirect_uri": redirect_uri[:500]},
    )


def _accept_from(
    request: AuthorizationRequest, client: Client, address: AnswerAddress, standing: Consent | None
) -> AcceptedAuthorizationRequest:
    """What is asked for, of a client that is known and at an address that is its own."""
    parameters = request.parameters
    flow = _allowed_flow(request, client)
    _check_response_mode(parameters.get("response_mode"), flow, address)
    check_subjects(client)
    login = AuthenticationRequest.read(parameters, client)
    code_challenge = pkce.code_challenge(parameters, required=flow.uses_pkce and client.requires_pkce())
    resources = requested_resources(request.http, parameters)
    scopes = requested_scopes(client, understood(tuple(parameters.get("scope").split())))
    check_length(client, scopes, resources)
    return AcceptedAuthorizationRequest(
        http=request.http,
        received_at=request.received_at,
        client=client,
        flow=flow,
        address=address,
        scopes=scopes,
        resources=resources,
        code_challenge=code_challenge,
        prompt=request.prompt,
        login=login,
        standing=standing,
    )


def _allowed_flow(request: AuthorizationRequest, client: Client) -> Flow:
    """The flow that answers this ``response_type`` (RFC 6749 §3.1.1), if staff gave it to the client."""
    response_type = request.parameters.get("response_type")
    if not response_type:
        raise RequestRefused(errors.MissingResponseTypeError(description="response_type is missing."))
    flow = registry.flow_for_response_type(response_type)
    if flow is None:
        raise RequestRefused(errors.UnsupportedResponseTypeError(), "unsupported response type")
    if not client.may_use(flow, request.received_at):
        raise RequestRefused(errors.UnauthorizedClientError(), "flow not allowed for this client")
    return flow


def _response_mode(request: AuthorizationRequest, redirect_uri: str) -> str:
    """Where an answer travels, an error too (RFC 6749 §4.1.2.1, §4.2.2.1)."""
    flow = registry.flow_for_response_type(request.parameters.get("response_type"))
    if flow is None:
        return _DEFAULT_RESPONSE_MODE
    asked = request.parameters.get("response_mode")
    # Only a website can be posted to.
    by_form = asked == FORM_POST and flow.gives_code and redirect_uri.startswith(("https:", "http:"))
    return FORM_POST if by_form else flow.response_mode


def _check_response_mode(asked: str, flow: Flow, address: AnswerAddress) -> None:
    """OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2."""
    if asked == FORM_POST and flow.gives_code and address.response_mode != FORM_POST:
        raise invalid_request("response_mode=form_post needs a redirect URI of a website.")
    if asked not in ("", flow.response_mode, address.response_mode):
        raise invalid_request(f"response_mode must be {flow.response_mode} for this response_type.")


def grant(request: AcceptedAuthorizationRequest, consent: Consent, scopes: Iterable[str]) -> dict[str, str]:
    """Begin an authorization that stands on ``consent``; the members of the answer.

    One row is inserted. The code (RFC 6749 §4.1.2) is a sealed reference to it; a flow that answers
    with a token (RFC 6749 §4.2.2) gets one of its first and only generation.
    """
    flow, client = request.flow, request.client
    consent.client = client  # which would be fetched once more
    lifetime = (
        options().AUTHORIZATION_CODE_LIFETIME if flow.gives_code else client.access_token_lifetime_for(flow)
    )
    authorization = Authorization.objects.begin(
        consent=consent,
        flow=flow,
        scopes=scopes,
        lifetime=lifetime,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        nonce=request.login.nonce,
        resource=" ".join(request.resources),
        claims_asked=request.login.claims.kept(),
        generation=0 if flow.gives_code else 1,
        **kept_of_login(request.http),
    )
    if flow.gives_code:
        return {"code": authorization.code()}
    response = issue_user_token(
        request.http,
        authorization,
        flow=flow,
        generation=1,
        scopes=scopes,
        resources=request.resources,
        issued=request.received_at,
    )
    return {name: str(value) for name, value in response.members().items()}


def answer_members(http: HttpRequest, address: AnswerAddress, members: dict[str, str]) -> dict[str, str]:
    """The whole answer: ``members``, ``state`` and ``iss`` (RFC 9207 §2)."""
    return members | ({"state": address.state} if address.state else {}) | {"iss": issuer(http)}


def answer_uri(http: HttpRequest, address: AnswerAddress, members: dict[str, str]) -> str:
    """The redirect URI with the answer in its query or fragment."""
    told = answer_members(http, address, members)
    uri = without_answers(address.redirect_uri)
    return with_answer(uri, told, in_fragment=address.response_mode == "fragment")
