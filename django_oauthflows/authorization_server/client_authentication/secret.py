"""``client_secret_basic`` and ``client_secret_post``: a confidential client proves who it is (RFC 6749 §2.3.1).

By one indexed statement: the client of that id, with the secret of that digest if it has one. Only a
client that still has a secret under a slow hash (one that was made elsewhere and is too weak for a
digest) costs more, within bounds.
"""

from __future__ import annotations

from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth.hashers import check_password
from django.db.models import F, FilteredRelation, Q, QuerySet
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.adoption.applications import adopted
from django_oauthflows.authorization_server.client_authentication.base import ClientAuthenticationMethod
from django_oauthflows.authorization_server.client_lookup import REQUEST_COLUMNS, of_given_id
from django_oauthflows.authorization_server.request import ClientCredentials, FormRequest, RequestRefused
from django_oauthflows.models import Client, ClientSecret
from django_oauthflows.models.client_manager import MAX_CLIENT_ID_LENGTH
from django_oauthflows.models.client_secret import digest_of
from django_oauthflows.models.statement import Beside, Columns, Given, Read, Write

_MAX_SECRET_LENGTH = 512
#: How often the time of last use is written: at most once in so long.
LAST_USED_STEP = timedelta(hours=1)
#: A slow hash takes a processor for a fifth of a second: so many at a time, each waiting so many seconds.
_SLOW_CHECKS = BoundedSemaphore(2)
_SLOW_CHECK_WAIT = 2.0


def is_presented(credentials: ClientCredentials) -> bool:
    """Whether a secret came with the request."""
    return bool(credentials.client_id and credentials.secret)


def authenticate(
    request: FormRequest, credentials: ClientCredentials, beside: Beside | None = None
) -> Client:
    """The client whose secret it is. Raises ``RequestRefused``, or ``LimitExceeded`` for slow hashes."""
    if not _is_plausible(credentials):
        raise _wrong(credentials)
    given = {"client_id": credentials.client_id, "digest": digest_of(credentials.secret)}
    row = _FIND.first(beside, **given)
    if row is None and adopted(credentials.client_id):
        row = _FIND.first(beside, **given)
    if row is None:
        raise _wrong(credentials)
    client, secret = _FIND.instances(row)
    if secret is not None and not secret.digest:
        secret = _slow_secret(request, client, credentials.secret)
    if secret is None or not secret.is_live(request.received_at):
        # Asked for nothing: how long a refusal takes does not tell whether there is such a client.
        adopted(credentials.client_id)
        raise _wrong(credentials, client)
    if secret.last_used_at is None or request.received_at - secret.last_used_at >= LAST_USED_STEP:
        _NOTE_USE.run(pk=secret.pk, now=request.received_at)
    return client  # type: ignore[no-any-return]


def _is_plausible(credentials: ClientCredentials) -> bool:
    """Length and content limits before any work: no honest client breaks them."""
    return (
        len(credentials.secret) <= _MAX_SECRET_LENGTH
        and len(credentials.client_id) <= MAX_CLIENT_ID_LENGTH
        and "\x00" not in credentials.client_id + credentials.secret
    )


def _slow_secret(request: FormRequest, client: Client, secret: str) -> ClientSecret | None:
    """The live one of the client's whose slow hash ``secret`` fits. A strong one gets its fast digest at once.

    Counted per client and network, and few at a time: whoever names such a client can make the site
    work, but not for long, and without using up the turns of the client itself, elsewhere.
    """
    limits.spend("slow_authentication", f"{client.client_id} {limits.network_of(request.http)}")
    if not _SLOW_CHECKS.acquire(timeout=_SLOW_CHECK_WAIT):
        raise limits.LimitExceeded(round(_SLOW_CHECK_WAIT))
    try:
        row: ClientSecret
        for row in client.secrets.live(request.received_at).exclude(slow_hash=""):
            if check_password(secret, row.slow_hash):
                row.speed_up(secret)
                return row
    finally:
        _SLOW_CHECKS.release()
    return None


def _wrong(credentials: ClientCredentials, client: Client | None = None) -> RequestRefused:
    """Neither tells whether the client exists. The claimed client is on record for the site's staff."""
    details = {} if client is not None else {"client_id": credentials.client_id[:80]}
    return RequestRefused(errors.InvalidClientError(), "wrong client secret", client=client, details=details)


_OF_SECRET = ("id", "digest", "expires_at", "last_used_at")


def _find() -> tuple[QuerySet[Client], tuple[Columns, ...]]:
    fits = Q(secrets__digest=Given("digest", ClientSecret, "digest")) | ~Q(secrets__slow_hash="")
    one = (
        of_given_id()
        .annotate(found=FilteredRelation("secrets", condition=fits))
        # The digest that fits goes before slow hashes.
        .order_by(F("found__digest").desc(nulls_last=True))
    )
    return one, (Columns.of(Client, REQUEST_COLUMNS), Columns.of(ClientSecret, _OF_SECRET, "found"))


def _note_use() -> tuple[QuerySet[ClientSecret], dict[str, Any]]:
    return (
        ClientSecret.objects.filter(pk=Given("pk", ClientSecret, "id")).order_by(),
        {"last_used_at": Given("now", ClientSecret, "last_used_at")},
    )


_FIND = Read(lambda: Client, _find)
_NOTE_USE = Write(lambda: ClientSecret, _note_use)

METHOD = ClientAuthenticationMethod(
    names=("client_secret_basic", "client_secret_post"),
    proves=True,
    is_presented=is_presented,
    authenticate=authenticate,
)
