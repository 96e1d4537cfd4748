"""RP-initiated logout: an app sends its user here to log out (OpenID Connect RP-Initiated Logout 1.0).

Read from top to bottom: who asks, whether the app knows this very session, where the user may go afterwards, and what
ends. Whatever is wrong is refused on a page of ours: nobody is sent on to an address that is in doubt (§4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import signals
from django_oauthflows.authorization_server.auth_time import known_session_name
from django_oauthflows.authorization_server.key_ring import IdTokenHint, id_token_hint
from django_oauthflows.authorization_server.request import Parameters, RequestRefused, refusals_of
from django_oauthflows.models import Authorization, Client
from django_oauthflows.models.redirect_uri import with_answer
from django_oauthflows.openid.session import sid
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.tokens.cache import ended
from django_oauthflows.tokens.errors import BadSignature

_CAUSE = "logged out by the app"


def _refused(cause: str, *, description: str, **details: str) -> RequestRefused:
    return RequestRefused(errors.InvalidRequestError(description=description), cause, details=details)


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A request to log out (§2) as a browser brought it, checked. ``client`` is ``None`` when nobody says who asks."""

    http: HttpRequest
    client: Client | None
    hint: IdTokenHint | None
    #: Registered for the client, letter by letter; empty when the user stays here.
    redirect_uri: str
    state: str

    @classmethod
    def read(cls, http: HttpRequest, parameters: Parameters) -> LogoutRequest:
        """One statement when a client is named. Raises ``RequestRefused``."""
        hint = _hint(parameters.get("id_token_hint"))
        client = _client(parameters.get("client_id"), hint)
        if client is None:
            redirect_uri = _redirect_uri(parameters, None)
        else:
            with refusals_of(client):
                redirect_uri = _redirect_uri(parameters, client)
        return cls(http, client, hint, redirect_uri, parameters.get("state"))

    def is_of_this_session(self) -> bool:
        """Whether the app has shown an ID token of just this session, so that nobody need be asked (§2).

        Any other app, or a page of a stranger's, could send the user here as well.
        """
        if self.hint is None or self.client is None or not self.hint.proves:
            return False
        ours = sid(known_session_name(self.http.session), self.client.client_id)
        return bool(ours) and self.hint.claims.get("sid") == ours and not self.is_about_another_user()

    def is_about_another_user(self) -> bool:
        """Whether the app means somebody else than who is logged in here."""
        if self.hint is None or self.client is None:
            return False
        try:
            return bool(self.hint.claims.get("sub") != subject_of(self.client, self.http.user.pk))
        except ImproperlyConfigured:  # the site cannot name its users to this app any more
            return True

    def carry_out(self) -> None:
        """End the site's session, and what the app was given in it. Other apps keep what they have."""
        session = known_session_name(self.http.session)
        if self.client is not None and session:
            _revoke(session, self.client, self.http.user)
        logout(self.http)

    def answer_uri(self) -> str:
        """Where to send the user (§3); empty when they stay here."""
        if not self.redirect_uri or not self.state:
            return self.redirect_uri
        return with_answer(self.redirect_uri, {"state": self.state})


def _hint(text: str) -> IdTokenHint | None:
    """§4: an ID token of this site, expired or not."""
    if not text:
        return None
    try:
        return id_token_hint(text)
    except BadSignature:
        raise _refused(
            "hint is no ID token of ours", description="The id_token_hint is no ID token of this site."
        ) from None


def _client(client_id: str, hint: IdTokenHint | None) -> Client | None:
    """Who asks: §2 has ``client_id`` agree with the audience of the hint."""
    audience = hint.claims.get("aud") if hint is not None else None
    if isinstance(audience, list):
        audience = audience[0] if len(audience) == 1 else None
    if hint is not None and (not isinstance(audience, str) or (client_id and client_id != audience)):
        raise _refused("hint of another client", description="The id_token_hint is for another client.")
    named = client_id or audience
    if not named:
        return None
    client = Client.objects.with_client_id(named)
    if client is None:
        raise RequestRefused(errors.InvalidClientIdError(), "unknown client")
    if client.is_suspended:
        raise RequestRefused(errors.InvalidClientIdError(), "client suspended", client=client)
    return client


def _redirect_uri(parameters: Parameters, client: Client | None) -> str:
    """§3, RFC 9700 §4.11: exactly as registered, and not without knowing for whom."""
    uri = parameters.get("post_logout_redirect_uri")
    if not uri:
        return ""
    if client is None:
        raise _refused(
            "log-out address of nobody",
            description="A post_logout_redirect_uri needs an id_token_hint or a client_id.",
        )
    if uri not in client.post_logout_redirect_uris.split():
        raise _refused(
            "log-out address not registered",
            description="The post_logout_redirect_uri is not registered.",
            redirect_uri=uri,
        )
    return uri


def _revoke(session: str, client: Client, user: Any) -> None:
    """One statement, or two where somebody listens."""
    given = Authorization.objects.filter(session=session, consent__client=client, revoked_at=None)
    heard = signals.authorization_revoked.has_listeners(Authorization)
    ids = list(given.values_list("pk", flat=True)) if heard else []
    given.revoke(cause=_CAUSE)
    ended(user=user.pk)
    if ids:
        signals.authorization_revoked.announce(Authorization, authorization_ids=ids, cause=_CAUSE)
