"""Back-channel logout: this site tells apps, server to server, that a user's session here has ended.

OpenID Connect Back-Channel Logout 1.0. Told are the apps that have an address for it and that the user has logged in
to: when the user logs out, anywhere on this site; when the account is closed or deleted or its password changes, which
ends its sessions; and one app alone when the user disconnects it. A session that merely expires tells nobody.

Each app's message goes on the outbox with the change that it tells of, and is sent later. Its token is made when it is
sent, anew for each try, so that it is never old and never stored.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as AnyDatabaseError
from django.db.models.signals import post_save, pre_delete
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, gettext_noop

from django_oauthflows import signals
from django_oauthflows.accounts import is_accepted
from django_oauthflows.authorization_server.auth_time import known_session_name
from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.authorization_server.outbox import http
from django_oauthflows.authorization_server.outbox.kind import Kind, NotNeeded, Result, Sent
from django_oauthflows.conf import options
from django_oauthflows.database import atomic, streamed
from django_oauthflows.models import Authorization, Client, Consent, Event, OutboxMessage
from django_oauthflows.models.authorization import AuthorizationQuerySet
from django_oauthflows.openid.session import sid
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.scopes import OPENID, offers_openid
from django_oauthflows.tokens.jwt import LOGOUT_TOKEN_TYPE

logger = logging.getLogger("django_oauthflows")

#: What makes a JWT a logout token (§2.4).
EVENT = "http://schemas.openid.net/event/backchannel-logout"
#: Seconds that a logout token is good (§2.4 recommends two minutes at most).
TOKEN_LIFETIME = 120


# When a session ends. ---------------------------------------------------------------------------------


def tell_of_session(session: str) -> None:
    """Every app that the user logged in to in this session is told of its end. Two statements for one app."""
    logins = Authorization.objects.filter(session=session)
    _put(_logins(logins), user_exists=True)


def tell_of_user(user: Any, *, client: Client | None = None, user_exists: bool = True) -> None:
    """Every app that ``user`` logged in to in any session, or one of them, is told that all of them have ended."""
    logins = Authorization.objects.filter(consent__user=user).exclude(session="")
    if client is not None:
        logins = logins.filter(consent__client=client)
    with atomic(Authorization):
        _put(_logins(logins), user_exists=user_exists, whole_user=True)
        if user_exists and not is_accepted(user):
            logins.update(session="")  # a closed account may be saved many times, and is told of once


def _logins(logins: AuthorizationQuerySet) -> Iterable[Authorization]:
    """Those by which an app got an ID token and that it wants to be told of."""
    found = logins.filter(scope__contains=OPENID).exclude(consent__client__logout_notice_uri="")
    rows = found.select_related("consent__client", "consent__user").order_by("pk")
    return (row for row in streamed(rows, 500) if OPENID in row.scope.split())


def _put(logins: Iterable[Authorization], *, user_exists: bool, whole_user: bool = False) -> None:
    """A message for each app, or for each app and session where that is what the app needs."""
    messages: dict[tuple[int, str], dict[str, Any]] = {}
    for login in logins:
        client = login.client
        by_session = not whole_user or client.logout_notice_needs_session
        try:
            subject = subject_of(client, login.consent.user_id)
        except ImproperlyConfigured:  # the site cannot name its users to this app any more
            logger.exception("The client %s cannot be told of a log-out.", client.client_id)
            continue
        payload = {
            "iss": options().ISSUER or login.issuer,
            "sub": subject,
            "sid": sid(login.session, client.client_id) if by_session else "",
        }
        user = login.user if user_exists else None
        messages[client.pk, payload["sid"]] = {"payload": payload, "client": client, "user": user}
    for message in messages.values():
        NOTICE.put(**message)


def _on_logout(*, request: HttpRequest | None, **_: Any) -> None:
    """Within the log-out, which must not fail for our sake."""
    session = (
        known_session_name(request.session) if request is not None and hasattr(request, "session") else ""
    )
    if not session or not offers_openid():
        return
    try:
        tell_of_session(session)
    except AnyDatabaseError:
        logger.exception("Apps could not be told that a user has logged out.")


def _on_user_change(
    *, instance: Any, created: bool, raw: bool = False, update_fields: Any = None, **_: Any
) -> None:
    """The account was closed, or has a new password, which ends its sessions (Django's session hash)."""
    if created or raw or not offers_openid() or set(update_fields or ()) == {"last_login"}:
        return
    # Kept until it is saved; a mere upgrade of the hash at login does not (``AbstractBaseUser.save``).
    if getattr(instance, "_password", None) is not None or not is_accepted(instance):
        tell_of_user(instance)


def _on_user_deletion(*, instance: Any, **_: Any) -> None:
    if offers_openid():
        tell_of_user(instance, user_exists=False)


def _on_withdrawal(*, consent: Consent, **_: Any) -> None:
    if offers_openid() and consent.client.logout_notice_uri:
        tell_of_user(consent.user, client=consent.client)


# When it is sent. -------------------------------------------------------------------------------------


def logout_token(client: Client, payload: dict[str, str]) -> str:
    """§2.4, signed as the client's ID tokens are. ``payload`` has ``iss``, ``sub`` and perhaps ``sid``."""
    now = int(time.time())
    claims = {
        "iss": payload["iss"],
        "sub": payload["sub"],
        "aud": client.client_id,
        "iat": now,
        "exp": now + TOKEN_LIFETIME,
        "jti": secrets.token_hex(16),
        "events": {EVENT: {}},
    } | ({"sid": payload["sid"]} if payload["sid"] else {})
    return ring.signer(client.id_token_algorithm).sign(claims, typ=LOGOUT_TOKEN_TYPE)


def _send(message: OutboxMessage, seconds: float) -> Result:
    client = message.client
    if client is None or not client.logout_notice_uri or client.is_suspended:
        return NotNeeded(gettext_noop("The app is suspended, or does not want to be told any more."))
    http.post(client.logout_notice_uri, {"logout_token": logout_token(client, message.payload)}, seconds)
    return Sent()


def _record(message: OutboxMessage, outcome: OutboxMessage.Outcome, error: str) -> None:
    """For staff: the message itself is purged after some days."""
    if outcome == OutboxMessage.Outcome.NOT_NEEDED:
        return
    arrived = outcome == OutboxMessage.Outcome.SENT
    Event.objects.record(
        Event.Kind.LOGOUT_TOLD if arrived else Event.Kind.LOGOUT_NOT_TOLD,
        client=message.client,
        user=message.user,
        message=str(message),
        tries=message.attempts,
        error=error or ("" if arrived else message.last_error),
    )


NOTICE = Kind(
    name="logout",
    label=gettext_lazy("Call to an app about a log-out"),
    send=_send,
    time_limit=5,
    # Longer than all its tries take: an app that is down for an hour learns of it, too.
    lifetime=timedelta(hours=3),
    per_client=True,
    ended=_record,
)


def watch() -> None:
    """Called when the app is ready."""
    user = get_user_model()
    user_logged_out.connect(_on_logout, dispatch_uid="oauthflows.backchannel")
    post_save.connect(_on_user_change, sender=user, dispatch_uid="oauthflows.backchannel")
    pre_delete.connect(_on_user_deletion, sender=user, dispatch_uid="oauthflows.backchannel")
    signals.consent_withdrawn.inside.connect(_on_withdrawal, dispatch_uid="oauthflows.backchannel")
