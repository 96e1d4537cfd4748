"""The ``OAUTH2_BACKEND_CLASS``: what the toolkit's own views and classes, and a host's subclasses of them, get
from our authorization server. Our own views do not pass here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables
from oauth2_provider.settings import DEFAULTS
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.exceptions import ConsentRequired, LoginRequired

from django_oauthflows.authorization_server import (
    auth_time,
    authorization,
    consent_policy,
    grants,
    revocation,
)
from django_oauthflows.authorization_server.authorization import AcceptedAuthorizationRequest
from django_oauthflows.authorization_server.client_authentication import authenticate_with_proof
from django_oauthflows.authorization_server.consent_policy import Verdict
from django_oauthflows.authorization_server.request import (
    AuthorizationRequest,
    ClientCredentials,
    FormRequest,
    Parameters,
    Postponed,
    RequestRefused,
    form_parameters,
)
from django_oauthflows.database import NO_ANSWER
from django_oauthflows.limits import LimitExceeded
from django_oauthflows.models import Consent
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.resource_server.access import bearer_token
from django_oauthflows.toolkit import access_token

# Found by its settings name: the module it lives in moves with the toolkit's next releases.
_Parent: Any = import_string(str(DEFAULTS["OAUTH2_BACKEND_CLASS"]))
_toolkit: Any = sys.modules[_Parent.__module__]

#: Location, headers, body and status, as the toolkit's views expect them.
Answer = tuple[str | None, dict[str, str], str | None, int]
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}


@sensitive_variables()  # as in the endpoints: what was sent, and what would be answered
def _answer(request: HttpRequest, members: Callable[[FormRequest], dict[str, Any]]) -> Answer:
    """What a program is told that sent a form: ``members``, or why not."""
    try:
        body = json.dumps(members(FormRequest.read(request, endpoint="token")))
    except RequestRefused as refused:
        error = refused.error
        return None, _HEADERS | error.headers, error.json, error.status_code
    except (LimitExceeded, *NO_ANSWER) as cause:
        later = Postponed.by(cause)
        return None, _HEADERS | later.headers, later.error.json, later.status
    return None, _HEADERS, body, 200


def _issued(form: FormRequest) -> dict[str, Any]:
    members = grants.respond(form).members
    access_token.keep(members["access_token"])
    return members


def _raise(refused: RequestRefused) -> NoReturn:
    """As the toolkit's authorization view wants it: one kind of error stays here, the other is sent on."""
    address = refused.address
    if address is None:
        raise _toolkit.FatalClientError(error=refused.error) from None
    refused.error.redirect_uri, refused.error.state = address.redirect_uri, address.state
    refused.error.response_mode = address.response_mode
    raise _toolkit.OAuthToolkitError(error=refused.error, redirect_uri=address.redirect_uri) from None


class Backend(_Parent):
    """Has the methods of the toolkit's class."""

    def create_token_response(self, request: HttpRequest) -> Answer:
        return _answer(request, _issued)

    def create_revocation_response(self, request: HttpRequest) -> Answer:
        return _answer(request, lambda form: revocation.respond(form).members)

    def create_device_authorization_response(self, request: HttpRequest) -> tuple[dict[str, str], str, int]:
        """Headers, body and status of a refusal (RFC 8628 §3.2): the toolkit's view would keep the codes in a table
        of its own, in the clear, and our token endpoint would not know them. Ours is at ``device-authorization``.
        """
        description = "Devices ask for their codes at the address that the server's metadata names."
        error = errors.InvalidRequestError(description=description)
        return {"Cache-Control": "no-store"}, error.json, error.status_code

    def validate_authorization_request(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        """Scopes and credentials. Raises the toolkit's errors, those of a client that wants no page, too."""
        accepted = self._accepted(request)
        if request.method != "POST" and request.user.is_authenticated:
            self._decided(accepted)
        return list(accepted.scopes), {
            "client_id": accepted.client.client_id,
            "redirect_uri": accepted.redirect_uri,
            "response_type": accepted.flow.response_types[0],
            "state": accepted.address.state,
        }

    def create_authorization_response(
        self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any], allow: bool
    ) -> Answer:
        """Where to send the user with the answer. Raises the toolkit's errors.

        What was asked is read from the URL again; of the form only the user's answer counts, and only where the
        policy asks for one. A view that answers by itself (the toolkit's does for ``skip_authorization`` and
        ``approval_prompt``) is believed where the policy would not have asked either.
        """
        accepted = self._accepted(request)
        standing, verdict = accepted.standing, self._verdict(accepted)
        if not allow:
            _raise(accepted.refused(errors.AccessDeniedError(), "user did not allow it"))
        granted = [scope for scope in accepted.scopes if scope in scopes]
        if verdict is not Verdict.GRANT or standing is None:
            standing = Consent.objects.give(
                user=request.user,
                client=accepted.client,
                scopes=granted,
                shown=accepted.scopes,
                redirect_host=host_of(accepted.redirect_uri),
                implied=verdict is Verdict.VOUCH and request.method != "POST",
                request=request,
            )
        members = authorization.grant(accepted, standing, granted)
        uri = authorization.answer_uri(request, accepted.address, members)
        auth_time.use_login(request)
        return uri, {"Location": uri}, None, 302

    @staticmethod
    def _decided(accepted: AcceptedAuthorizationRequest) -> Verdict:
        try:
            return consent_policy.decide(accepted, accepted.standing, accepted.scopes)
        except RequestRefused as refused:
            _raise(refused)

    def _verdict(self, accepted: AcceptedAuthorizationRequest) -> Verdict:
        """What the consent policy says of an answer. Raises the toolkit's errors where none may count."""
        verdict = self._decided(accepted)
        if verdict is Verdict.TURN_AWAY:
            _raise(accepted.refused(errors.AccessDeniedError(), "user may not use the client"))
        if verdict in (Verdict.LOG_IN, Verdict.LOG_IN_AGAIN):
            _raise(accepted.refused(LoginRequired(description="The user has to log in again.")))
        if verdict is Verdict.ASK and accepted.http.method != "POST":
            _raise(accepted.refused(ConsentRequired(description="The user has to be asked.")))
        return verdict

    @staticmethod
    def _accepted(request: HttpRequest) -> AcceptedAuthorizationRequest:
        try:
            accepted = authorization.accept(AuthorizationRequest.read(request))
            if accepted.address.response_mode != accepted.flow.response_mode:
                # The host's view sends a redirect, whatever it is asked for.
                description = f"response_mode must be {accepted.flow.response_mode} here."
                raise accepted.refused(errors.InvalidRequestError(description=description))
            return accepted
        except RequestRefused as refused:
            _raise(refused)

    @sensitive_variables()
    def authenticate_client(self, request: HttpRequest) -> bool:
        """For the toolkit's views that programs call with a client's credentials: has it proven who it is?

        By the header in a request of any kind, of which the rest is the view's own matter, or by a form.
        """
        try:
            by_header = ClientCredentials.in_header(request) is not None
            parameters = Parameters({}) if by_header else form_parameters(request)
            authenticate_with_proof(FormRequest(request, parameters, "introspection"))
        except (RequestRefused, LimitExceeded):
            return False
        return True

    @sensitive_variables()
    def verify_request(self, request: HttpRequest, scopes: Iterable[str]) -> tuple[bool, Request]:
        """Whether the request carries an access token of ours that covers ``scopes``."""
        # Without the stream of the body, which oauthlib would read away from the view.
        headers = self.extract_headers(request)
        oauthlib_request = Request(f"{request.scheme}:{request.path}", headers=headers)
        token = bearer_token(request)
        valid = token is not None and self.server.request_validator.validate_bearer_token(
            token, list(scopes or ()), oauthlib_request
        )
        return bool(valid), oauthlib_request
