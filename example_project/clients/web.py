"""A web app with a server of its own: login by OpenID Connect, authorization code with PKCE, refresh, log-out.

Written with requests-oauthlib; the ID token is checked in ``id_token.py``. What it keeps between requests is in the
visitor's session, sealed, so that whoever reads the session store finds no token there.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography.fernet import Fernet, InvalidToken
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET, require_POST
from oauthlib.oauth2 import AccessDeniedError, InvalidGrantError, TokenExpiredError, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from example_project.clients.credentials import client_secret
from example_project.clients.directory import WEB
from example_project.clients.id_token import checked
from example_project.clients.pages import client_page, told_of
from example_project.clients.provider import TIMEOUT, Provider, ProviderError
from example_project.origins import clients_origin, provider_origin

_KEPT = "note_calendar"


class LoginEndedError(ProviderError):
    """The user took the permission back at the provider, or its time is over."""


class NoteCalendar:
    """The client, on behalf of one visitor."""

    def __init__(self, request: HttpRequest) -> None:
        self.session = request.session
        self.provider = Provider(provider_origin(request))
        self.provider.allow_plain_http_on_loopback()
        self.redirect_uri = clients_origin(request) + WEB.callback
        self.home = clients_origin(request) + WEB.after_logout
        self._auth = HTTPBasicAuth(WEB.client_id, client_secret(WEB.client_id))

    # What is kept. -----------------------------------------------------------------------------------

    @staticmethod
    def _sealer() -> Fernet:
        key = salted_hmac("example_project.clients.web", "session", algorithm="sha256").digest()
        return Fernet(base64.urlsafe_b64encode(key))

    def kept(self) -> dict[str, Any]:
        """What was kept for this visitor: a login that has begun, or tokens."""
        try:
            return dict(json.loads(self._sealer().decrypt(self.session.get(_KEPT, "").encode())))
        except InvalidToken:
            return {}

    def keep(self, **what: Any) -> None:
        self.session[_KEPT] = self._sealer().encrypt(json.dumps(what).encode()).decode()

    def forget(self) -> None:
        self.session.pop(_KEPT, None)

    @property
    def token(self) -> dict[str, Any] | None:
        return self.kept().get("token")

    # The flow. ---------------------------------------------------------------------------------------

    def authorization_url(self) -> str:
        """Where to send the visitor; state, nonce and PKCE verifier stay here (RFC 6749 §10.12, RFC 7636)."""
        client = WebApplicationClient(WEB.client_id)
        verifier = client.create_code_verifier(64)
        challenge = client.create_code_challenge(verifier, "S256")
        oauth = OAuth2Session(client=client, redirect_uri=self.redirect_uri, scope=list(WEB.scopes))
        nonce = secrets.token_urlsafe(16)
        url, state = oauth.authorization_url(
            self.provider.authorization_endpoint,
            nonce=nonce,
            code_challenge=challenge,
            code_challenge_method="S256",
        )
        self.keep(state=state, verifier=verifier, nonce=nonce)
        return str(url)

    def finish(self, request: HttpRequest) -> None:
        """Redeem the code that came back. Raises ``ProviderError`` if the answer is not for us."""
        begun = self.kept()
        state = request.GET.get("state", "")
        if "state" not in begun or not secrets.compare_digest(begun["state"].encode(), state.encode()):
            raise ProviderError(_("This answer does not belong to a login that you began here."))
        if request.GET.get("iss") != self.provider.issuer:  # RFC 9207 §2.4
            raise ProviderError(_("This answer comes from another provider than the one that was asked."))
        self.forget()
        oauth = OAuth2Session(WEB.client_id, redirect_uri=self.redirect_uri, state=state)
        token = oauth.fetch_token(
            self.provider.token_endpoint,
            authorization_response=request.build_absolute_uri(),
            auth=self._auth,
            code_verifier=begun["verifier"],
            timeout=TIMEOUT,
        )
        claims = self.checked(token.get("id_token", ""), nonce=begun["nonce"])
        self.keep(token=token, subject=claims["sub"])

    def checked(self, id_token: str, **expected: str) -> dict[str, Any]:
        """What the ID token says. Raises ``ProviderError`` when it is not right."""
        keys = requests.get(self.provider.jwks_uri, timeout=TIMEOUT)
        keys.raise_for_status()
        issuer = self.provider.issuer
        return checked(id_token, keys.json(), issuer=issuer, client_id=WEB.client_id, **expected)

    def keep_renewed(self, token: dict[str, Any]) -> None:
        """New tokens of the same login (OpenID Connect Core §12.2)."""
        subject = self.kept()["subject"]
        if "id_token" in token:
            self.checked(token["id_token"], subject=subject)
        self.keep(token=token, subject=subject)

    def user(self) -> dict[str, Any]:
        """Who has logged in: what the UserInfo endpoint tells of them (OpenID Connect Core §5.3)."""
        told: dict[str, Any] = self.call("GET", self.provider.userinfo_endpoint)
        if told.get("sub") != self.kept()["subject"]:
            raise ProviderError(_("The provider tells of another user than the one who has logged in."))
        return told

    def call(self, method: str, url: str, **kwargs: Any) -> Any:
        """What the API answers; the access token is renewed first when it has expired.

        Raises ``LoginEndedError`` when the user has taken the permission back, or it is over.
        """
        oauth = OAuth2Session(
            WEB.client_id,
            token=self.token,
            auto_refresh_url=self.provider.token_endpoint,
            token_updater=self.keep_renewed,
        )
        own: dict[str, Any] = {"client_id": WEB.client_id, "client_secret": client_secret(WEB.client_id)}
        with self._noticing_the_end():
            response = oauth.request(method, url, timeout=TIMEOUT, **own, **kwargs)
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                raise TokenExpiredError
        response.raise_for_status()
        return response.json()

    def refresh(self) -> None:
        """Ask for new tokens (RFC 6749 §6); the provider gives a new refresh token each time."""
        oauth = OAuth2Session(WEB.client_id, token=self.token)
        with self._noticing_the_end():
            token = oauth.refresh_token(self.provider.token_endpoint, auth=self._auth, timeout=TIMEOUT)
        self.keep_renewed(token)

    @contextmanager
    def _noticing_the_end(self) -> Iterator[None]:
        """Tokens that the provider no longer takes are of no use to keep."""
        try:
            yield
        except (TokenExpiredError, InvalidGrantError):
            self.forget()
            raise LoginEndedError(_("Your login here has ended. Log in again to go on.")) from None

    def end_session_url(self) -> str:
        """Where to send a visitor who wants to log out of the provider as well (OpenID Connect RP-Initiated Logout).

        With the ID token of the login nobody has to be asked again.
        """
        hint = (self.token or {}).get("id_token")
        who = {"id_token_hint": hint} if hint else {"client_id": WEB.client_id}
        return (
            f"{self.provider.end_session_endpoint}?{urlencode(who | {'post_logout_redirect_uri': self.home})}"
        )

    def log_out(self) -> None:
        """Tell the provider that the tokens are no longer needed (RFC 7009), and forget them."""
        token = self.token
        self.forget()
        if token:
            requests.post(
                self.provider.revocation_endpoint,
                data={"token": token.get("refresh_token") or token["access_token"]},
                auth=self._auth,
                timeout=TIMEOUT,
            )


@client_page(WEB)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The calendar: what the provider let us see, or a button to log in."""
    calendar = NoteCalendar(request)
    try:
        context = _seen_by(calendar)
    except LoginEndedError as ended:
        context = {"told": told_of(ended)}
    return render(request, "clients/web.html", {"client": WEB, **context})


def _seen_by(calendar: NoteCalendar) -> dict[str, Any]:
    """What the page shows: as much as the visitor has allowed."""
    if not calendar.token:
        return {}
    granted = calendar.token["scope"]
    may_write = "notes:write" in granted
    may_read = may_write or "notes:read" in granted
    return {
        "granted": granted,
        "me": calendar.user(),
        "notes": calendar.call("GET", calendar.provider.api("notes/")) if may_read else [],
        "may_read": may_read,
        "may_write": may_write,
    }


@client_page(WEB)
@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    return redirect(NoteCalendar(request).authorization_url())


@client_page(WEB)
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Where the provider sends the visitor back to; the address with the code is left at once."""
    try:
        NoteCalendar(request).finish(request)
    except AccessDeniedError:
        told = gettext("You did not allow it, so nothing was shared.")
        return render(request, "clients/web.html", {"client": WEB, "told": told})
    return redirect("clients:web")


@client_page(WEB)
@require_POST
def add_note(request: HttpRequest) -> HttpResponse:
    text = request.POST.get("text", "").strip()
    calendar = NoteCalendar(request)
    if calendar.token and text:
        calendar.call("POST", calendar.provider.api("notes/"), json={"text": text[:2000]})
    return redirect("clients:web")


@client_page(WEB)
@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    calendar = NoteCalendar(request)
    if calendar.token:
        calendar.refresh()
    return redirect("clients:web")


@client_page(WEB)
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    NoteCalendar(request).log_out()
    return redirect("clients:web")


@client_page(WEB)
@require_POST
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    calendar = NoteCalendar(request)
    leave = calendar.end_session_url()
    calendar.log_out()
    return redirect(leave)
