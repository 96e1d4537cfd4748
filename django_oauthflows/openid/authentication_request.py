"""What OpenID Connect adds to an authorization request (Core §3.1.2.1), read and checked once."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.exceptions import (
    RegistrationNotSupported,
    RequestNotSupported,
    RequestURINotSupported,
)

from django_oauthflows.authorization_server.auth_time import is_recent
from django_oauthflows.authorization_server.key_ring import id_token_hint
from django_oauthflows.authorization_server.request import Parameters, RequestRefused, invalid_request
from django_oauthflows.models import Client
from django_oauthflows.openid.authentication_context import context_of, supported_acr_values
from django_oauthflows.openid.claims_parameter import ClaimsParameter
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.scopes import OFFLINE_ACCESS, OPENID, declared_scopes, offers_openid
from django_oauthflows.tokens.errors import BadSignature

_MAX_NONCE_LENGTH = 255


@dataclass(frozen=True, slots=True)
class AuthenticationRequest:
    """``max_age`` is in seconds, ``None`` when any login will do."""

    nonce: str = ""
    max_age: int | None = None
    #: The users of whom one may answer (``id_token_hint``, or the claim ``sub``); empty for any.
    subjects: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] = ()
    acr_is_essential: bool = False
    claims: ClaimsParameter = field(default_factory=ClaimsParameter)
    #: Whether ``offline_access`` was asked for.
    offline: bool = False

    @classmethod
    def read(cls, parameters: Parameters, client: Client) -> AuthenticationRequest:
        """Raises ``RequestRefused``."""
        _check_offered(parameters)
        claims = ClaimsParameter.read(parameters.get("claims"))
        subjects, hinted = claims.subjects, _hinted_subject(parameters.get("id_token_hint"), client)
        if hinted and subjects and hinted not in subjects:
            raise invalid_request("id_token_hint and claims name different users.")
        asked = tuple(parameters.get("acr_values").split()) or claims.voluntary_acr
        return cls(
            nonce=_nonce(parameters.get("nonce")),
            max_age=_seconds("max_age", parameters.get("max_age")),
            subjects=frozenset((hinted,)) if hinted else subjects,
            acr_values=claims.essential_acr or asked,
            acr_is_essential=bool(claims.essential_acr),
            claims=claims,
            offline=OFFLINE_ACCESS in parameters.get("scope").split(),
        )

    def is_about(self, client: Client, http: HttpRequest) -> bool:
        """Whether the user who is logged in is whom the client means."""
        return not self.subjects or subject_of(client, http.user.pk) in self.subjects

    def is_strong_enough(self, http: HttpRequest, *, silent: bool) -> bool:
        """Whether the login is of a kind that the client wants (Core §5.5.1.1, RFC 9470 §5).

        A mere wish is fulfilled where it can be, by one more login; without, the answer says what there is.
        """
        if not self.acr_values or context_of(http).acr in self.acr_values:
            return True
        if self.acr_is_essential:
            return False
        possible = set(self.acr_values).intersection(supported_acr_values())
        return silent or not possible or was_made_for(http)


def was_made_for(http: HttpRequest) -> bool:
    """Whether the user has logged in for this very request."""
    return is_recent(http, max_age=None, anew=True)


def _check_offered(parameters: Parameters) -> None:
    """Core §3.1.2.6, §6, §7.2.1: what would change the request is not passed over in silence."""
    for name, error in (
        ("request", RequestNotSupported),
        ("request_uri", RequestURINotSupported),
        ("registration", RegistrationNotSupported),
    ):
        if parameters.get(name):
            raise RequestRefused(error(description=f"{name} is not supported."))


def _hinted_subject(text: str, client: Client) -> str:
    """Whom an ID token of ours names, expired or not, that was given to this client."""
    if not text:
        return ""
    try:
        claims = id_token_hint(text).claims
    except BadSignature:
        raise RequestRefused(
            errors.InvalidRequestError(description="The id_token_hint is no ID token of this site."),
            "hint is no ID token of ours",
        ) from None
    if claims.get("aud") not in (client.client_id, [client.client_id]):
        raise RequestRefused(
            errors.InvalidRequestError(description="The id_token_hint is for another client."),
            "hint of another client",
        )
    return str(claims.get("sub", ""))


def _nonce(given: str) -> str:
    """Core §3.1.2.1: passed on unmodified, so one that we cannot keep whole is refused."""
    if len(given) > _MAX_NONCE_LENGTH:
        raise invalid_request(f"nonce is longer than {_MAX_NONCE_LENGTH} characters.")
    return given


def _seconds(name: str, given: str) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 10):
        raise invalid_request(f"{name} must be a number of seconds.")
    return int(given)


def understood(asked: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes of a request without those that mean nothing here, where it is one of OpenID Connect (Core §3.1.2.1).

    ``offline_access`` is no scope here, and its wish is granted or not by the client's flows (Core §11).
    """
    known = declared_scopes()
    ignores = OPENID in asked and offers_openid()
    return tuple(
        name
        for name in asked
        if name in known or not (ignores or (name == OFFLINE_ACCESS and offers_openid()))
    )
