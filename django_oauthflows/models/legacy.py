"""Tokens that a site brings along from its time with stock django-oauth-toolkit.

They are honoured until they expire and never made anew; refreshing one turns it into an
``Authorization``. A site that has none of them asks its database nothing for an unknown token.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from django_oauthflows.conf import options
from django_oauthflows.flows import registry
from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.token import TokenRefused
from django_oauthflows.tokens.access_token import AccessToken

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
        found = get_access_token_model().objects.exists() or get_refresh_token_model().objects.exists()
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


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _findable(text: str) -> bool:
    return bool(text) and len(text) <= _MAX_LENGTH and present()


def find_access_token(text: str) -> AccessToken:
    """What a brought-along token allows. Raises ``TokenRefused``."""
    if not _findable(text):
        raise TokenRefused("malformed")
    row = (
        get_access_token_model()
        .objects.filter(token_checksum=_checksum(text))
        .select_related("user", "application__oauthflows_client")
        .first()
    )
    if row is None or row.application is None:
        raise TokenRefused("unknown")
    client: Client = row.application.oauthflows_client
    for applies, cause in (
        (row.is_expired(), "expired"),
        (client.is_suspended, "client suspended"),
        (row.user is not None and not getattr(row.user, "is_active", True), "user inactive"),
    ):
        if applies:
            raise TokenRefused(cause, client)
    return AccessToken(
        user=row.user,
        application=client,
        scope=row.scope,
        issued=_aware(row.created),
        expires=_aware(row.expires),
        is_machine=row.user is None,
        audience=tuple(row.resource or ()),
    )


def _aware(moment: datetime) -> datetime:
    return (
        moment.astimezone(UTC) if timezone.is_aware(moment) else timezone.make_aware(moment).astimezone(UTC)
    )


def adopt_refresh_token(text: str, client: Client) -> Authorization:
    """Turn a brought-along refresh token into an ``Authorization`` at generation 1, once.

    The refresh then goes on as any other does and moves it to generation 2. Raises ``TokenRefused``.
    """
    if not _findable(text):
        raise TokenRefused("malformed")
    with transaction.atomic():
        row = (
            get_refresh_token_model()
            .objects.select_for_update(of=("self",))
            .filter(token_checksum=_checksum(text), application_id=client.pk, revoked=None)
            .select_related("access_token", "user")
            .first()
        )
        if row is None or row.access_token is None:
            raise TokenRefused("unknown")
        if not getattr(row.user, "is_active", True):
            raise TokenRefused("user inactive")
        authorization = _authorization_from(row, client)
        # The toolkit's own verb: marks the refresh token and deletes its access token.
        row.revoke()
    return authorization


def _authorization_from(row: Any, client: Client) -> Authorization:
    scopes = row.access_token.scope.split()
    consent = Consent.objects.give(user=row.user, client=client, scopes=scopes, implied=True)
    created = Authorization.objects.begin(
        consent=consent,
        flow=registry.flow_named("authorization_code"),
        scopes=scopes,
        lifetime=options().REFRESH_TOKEN_IDLE_LIFETIME,
        generation=1,
    )
    found = Authorization.objects.in_use(created.pk)
    assert found is not None
    return found


def revoke(text: str, client: Client) -> None:
    """End a brought-along token of ``client``, by the toolkit's own verbs."""
    if not _findable(text):
        return
    mine = {"token_checksum": _checksum(text), "application_id": client.pk}
    for access in get_access_token_model().objects.filter(**mine):
        refresh = get_refresh_token_model().objects.filter(access_token=access).first()
        (refresh or access).revoke()
    for refresh in get_refresh_token_model().objects.filter(**mine, revoked=None):
        refresh.revoke()


def delete_all(**which: Any) -> None:
    """Delete all that the toolkit's tables hold for a client, by a constant number of statements."""
    revoke_all(**which)
    for model in (get_refresh_token_model(), get_grant_model(), get_id_token_model()):
        model.objects.filter(**which).delete()


def revoke_all(**which: Any) -> None:
    """End all brought-along tokens of a client or a user, by a constant number of statements."""
    get_refresh_token_model().objects.filter(**which, revoked=None).update(
        revoked=timezone.now(), access_token=None
    )
    get_access_token_model().objects.filter(**which).delete()
