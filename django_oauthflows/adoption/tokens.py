"""Tokens that a site has from its time with stock django-oauth-toolkit.

They are honoured until they expire and never made anew; refreshing one turns it into an
``Authorization``. A user's token stands on a consent as every other does: a migration gives those that
were there one, and a row that is saved later gets one too. A site that has none of them asks its
database nothing for an unknown token.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.signals import post_save
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from django_oauthflows import signals
from django_oauthflows.accounts import is_accepted
from django_oauthflows.adoption.consents import ensure_consent
from django_oauthflows.conf import options
from django_oauthflows.database import atomic, once_more, rows_of, writer_of
from django_oauthflows.flows import registry
from django_oauthflows.models.adopted_token import AdoptedToken
from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.consent import Consent
from django_oauthflows.scopes import declared_scopes
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused

_MAX_LENGTH = 4096
#: For so many seconds a process believes that the toolkit's tables hold no token.
_ABSENCE_SECONDS = 60.0


class _Presence:
    """Whether the toolkit's token tables hold anything, asked at most once a minute while they do not."""

    def __init__(self) -> None:
        self._absent_until = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._absent_until:
            return False
        found = any(rows_of(model()).exists() for model in (get_access_token_model, get_refresh_token_model))
        self._absent_until = 0.0 if found else time.monotonic() + _ABSENCE_SECONDS
        return bool(found)

    def notice(self, **_: Any) -> None:
        """A row was saved in this process: look again."""
        self._absent_until = 0.0


present = _Presence()


def watch() -> None:
    """Called when the app is ready."""
    for model in (get_access_token_model(), get_refresh_token_model()):
        post_save.connect(present.notice, sender=model, dispatch_uid=f"oauthflows.{model.__name__}")
    post_save.connect(
        _ensure_consent, sender=get_access_token_model(), dispatch_uid="oauthflows.adopted_consent"
    )
    signals.access_ended.connect(_end, dispatch_uid="oauthflows.adopted_tokens")


def _ensure_consent(*, instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """The site made a token by the toolkit's own model: its user must be able to see and end it."""
    # `raw`: a fixture brings rows of its own.
    if created and not raw and instance.user_id is not None and instance.application_id is not None:
        ensure_consent(
            user_id=instance.user_id, client_id=instance.application_id, scopes=instance.scope.split()
        )


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _findable(text: str) -> bool:
    return bool(text) and len(text) <= _MAX_LENGTH and present()


def find_access_token(text: str) -> AccessToken:
    """What one of the toolkit's tokens allows. Raises ``TokenRefused``."""
    row = _row_of(text)
    client: Client = row.application.oauthflows_client
    scopes = _left_of(row.scope.split(), row, client)
    for applies, cause in (
        (row.is_expired(), "expired"),
        (client.is_suspended, "client suspended"),
        (row.user is not None and not is_accepted(row.user), "user inactive"),
        (row.user is not None and row.consented is None, "consent withdrawn"),
        (row.scope and not scopes, "no scope left"),
    ):
        if applies:
            raise TokenRefused(cause, client)
    return AccessToken(
        user=row.user,
        application=client,
        scope=" ".join(scopes),
        issued=_aware(row.created),
        expires=_aware(row.expires),
        is_machine=row.user is None,
        audience=tuple(row.resource or ()),
    )


def _row_of(text: str) -> Any:
    """The row of an access token, with what its user still allows. Raises ``TokenRefused``."""
    if not _findable(text):
        raise TokenRefused("malformed")
    answers = Consent.objects.filter(user=OuterRef("user"), client=OuterRef("application"))
    row = (
        rows_of(get_access_token_model())
        .filter(token_checksum=_checksum(text), application__oauthflows_client__isnull=False)
        .select_related("user", "application__oauthflows_client")
        .annotate(
            answered=Exists(answers),
            consented=Subquery(answers.live().values("scope")),
            allowed_again=Subquery(answers.live().values("allowed_again")),
        )
        .first()
    )
    if row is None:
        raise TokenRefused("unknown")
    if row.user is not None and not row.answered:
        # Made past the migration and the receiver: by a process that still ran the old code, or by SQL.
        ensure_consent(user_id=row.user_id, client_id=row.application_id, scopes=row.scope.split())
        row.consented, row.allowed_again = row.scope, {}
    return row


def _left_of(scopes: list[str], row: Any, client: Client) -> list[str]:
    """``scopes`` less what the user has taken back, and what staff no longer allow the client.

    What this site has not declared, staff could not allow: such scopes are the site's own past.
    """
    declared, allowed = declared_scopes(), client.allowed_scope_names()
    kept = [name for name in scopes if name in allowed or name not in declared]
    if row.user is None:
        return kept
    consent = Consent(scope=row.consented or "", allowed_again=row.allowed_again or {})
    return _without_a_break(kept, consent, row)


def _without_a_break(scopes: list[str], consent: Consent, row: Any) -> list[str]:
    """``scopes`` less what the user has taken back since the token of ``row`` was made, given again or not."""
    allowed = consent.allows(_aware(row.created))
    return [name for name in scopes if name in allowed]


def _aware(moment: datetime) -> datetime:
    return (
        moment.astimezone(UTC) if timezone.is_aware(moment) else timezone.make_aware(moment).astimezone(UTC)
    )


def find_refresh_token(text: str, client: Client) -> Authorization:
    """What one of the toolkit's refresh tokens of ``client`` stands for, as the authorization that it becomes.

    That is not saved yet (``claim`` does it), unless the token was used here before. The token is of
    generation 0: what it gives is of generation 1. Nothing is written, but the consent of a token that came
    past the receiver. Raises ``TokenRefused``.
    """
    if not _findable(text):
        raise TokenRefused("malformed")
    used = AdoptedToken.objects.filter(checksum=_checksum(text)).first()
    if used is not None:
        authorization = Authorization.objects.presented(used.authorization_id, client)
        if authorization is None or authorization.consent.client_id != client.pk:
            raise TokenRefused("unknown")
        return authorization
    row = (
        rows_of(get_refresh_token_model())
        .filter(token_checksum=_checksum(text), application_id=client.pk, revoked=None)
        .select_related("access_token", "user")
        .first()
    )
    if row is None or row.access_token is None:
        raise TokenRefused("unknown")
    return _authorization_for(row, client)


def _authorization_for(row: Any, client: Client) -> Authorization:
    scopes = row.access_token.scope.split()
    ensure_consent(user_id=row.user_id, client_id=client.pk, scopes=scopes)
    consent = Consent.objects.live().filter(user=row.user, client=client).first()
    if consent is None:
        raise TokenRefused("consent withdrawn")
    consent.user, consent.client = row.user, client
    authorization: Authorization = Authorization.objects.prepared(
        consent=consent,
        flow=registry.code_flow(),
        scopes=_without_a_break(scopes, consent, row),
        lifetime=options().REFRESH_TOKEN_IDLE_LIFETIME,
    )
    return authorization


def claim(text: str, authorization: Authorization, *, now: datetime, ends: datetime) -> bool:
    """Save the authorization that a refresh token becomes, at its first generation, and end the token.

    One transaction. False when somebody else was faster.
    """
    authorization.generation = 1
    authorization.redeemed_at = authorization.rotated_at = now
    authorization.expires_at = ends
    return once_more(partial(_claim, text, authorization), using=writer_of(Authorization))


def _claim(text: str, authorization: Authorization) -> bool:
    with atomic(Authorization):
        rows = rows_of(get_refresh_token_model()).select_for_update()
        row = rows.filter(
            token_checksum=_checksum(text), application_id=authorization.client.pk, revoked=None
        ).first()
        if row is None:
            return False
        authorization.save(force_insert=True)
        AdoptedToken.objects.create(authorization=authorization, checksum=_checksum(text))
        _revoke_both(row)
    return True


def _revoke_both(refresh: Any) -> None:
    """By the toolkit's own verb, which marks the refresh token and deletes its access token.

    It looks for that one by the site's router, so on a copy that lags behind it may find none.
    """
    access = refresh.access_token_id
    refresh.revoke()
    rows_of(get_access_token_model()).filter(pk=access).delete()


def revoke(text: str, client: Client) -> None:
    """End one of the toolkit's tokens of ``client``, by the toolkit's own verbs."""
    if not _findable(text):
        return
    mine = {"token_checksum": _checksum(text), "application_id": client.pk}
    for access in rows_of(get_access_token_model()).filter(**mine):
        refresh = rows_of(get_refresh_token_model()).filter(access_token=access).first()
        if refresh is None:
            access.revoke()
        else:
            _revoke_both(refresh)
    for refresh in rows_of(get_refresh_token_model()).filter(**mine, revoked=None):
        _revoke_both(refresh)


def _end(*, client_id: int | None, user_id: Any, deleted: bool, **_: Any) -> None:
    """End all that the toolkit's tables hold for a client, a user or both: see ``signals.access_ended``.

    By a constant number of statements; for a client that is deleted the rows go, by table and not by row.
    """
    which = {"application_id": client_id, "user_id": user_id}
    which = {name: key for name, key in which.items() if key is not None}
    get_refresh_token_model().objects.filter(**which, revoked=None).update(
        revoked=timezone.now(), access_token=None
    )
    get_access_token_model().objects.filter(**which).delete()
    if deleted:
        for model in (get_refresh_token_model(), get_grant_model(), get_id_token_model()):
            model.objects.filter(**which).delete()
