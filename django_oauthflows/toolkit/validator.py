"""The ``OAUTH2_VALIDATOR_CLASS``: oauthlib's questions, answered by the files beside this one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.flows import registry
from django_oauthflows.toolkit.authorization_codes import AuthorizationCodes, check_code_challenge
from django_oauthflows.toolkit.client_authentication import ClientAuthentication
from django_oauthflows.toolkit.exchange import exchange_of
from django_oauthflows.toolkit.resources import requested_resources
from django_oauthflows.toolkit.token_issue import TokenIssue
from django_oauthflows.toolkit.token_use import TokenUse


class Validator(ClientAuthentication, AuthorizationCodes, TokenIssue, TokenUse, OAuth2Validator):
    """What may this client do? A flow that is switched off is refused here, not hidden from oauthlib."""

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Whether the client was given the flow that answers this token request."""
        flow = registry.flow_for_grant_type(grant_type)
        if flow is None or not client.may_use(flow):
            return exchange_of(request).refuse("flow not allowed for this client")
        exchange_of(request).flow = flow
        return True

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Whether the client was given the flow that answers this authorization request."""
        exchange = exchange_of(request)
        flow = registry.flow_for_response_type(response_type)
        if flow is None:
            exchange.refuse("unsupported response type")
            raise errors.UnsupportedResponseTypeError(request=request)
        if not client.may_use(flow):
            return exchange.refuse("flow not allowed for this client")
        if request.response_mode not in (None, flow.response_mode):
            raise errors.InvalidRequestError(
                description=f"response_mode must be {flow.response_mode} for this response_type.",
                request=request,
            )
        check_code_challenge(request)
        exchange.resources = requested_resources(request)
        exchange.flow = flow
        return True

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Exact match with a registered one (RFC 9700 §2.1)."""
        if request.client.redirect_uri_allowed(redirect_uri):
            return True
        return exchange_of(request).refuse("redirect URI not registered", redirect_uri=redirect_uri[:500])

    def validate_scopes(
        self, client_id: str, scopes: Iterable[str], client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Whether the client may ask for all of them; asking for nothing needs a declared default."""
        asked = list(scopes or ())
        refused = set(asked).difference(client.allowed_scope_names())
        if asked and not refused:
            return True
        exchange_of(request).refuse("scope not allowed", scope=" ".join(sorted(refused))[:500])
        return False

    def get_default_scopes(self, client_id: str, request: Any, *_: Any, **__: Any) -> list[str]:
        return list(request.client.default_scope_names())
