"""What an authorization gives: its code and its tokens, sealed (``tokens/format.py``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django_oauthflows.tokens.format import Kind, Reference, Subject, seal

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client


class AuthorizationTokens:
    """The part of ``Authorization`` that makes texts to hand out; it changes nothing and asks nothing."""

    # The fields they are made from; declared in ``Authorization``.
    pk: Any
    created_at: Any
    expires_at: Any
    token_epoch: Any

    if TYPE_CHECKING:

        @property
        def client(self) -> Client: ...

    def code(self) -> str:
        """The authorization code (RFC 6749 §4.1.2) for it."""
        return self._seal(Kind.CODE, generation=0, issued=self.created_at, expires=self.expires_at)

    def access_token(
        self,
        *,
        generation: int,
        scopes: Iterable[str],
        issued: datetime,
        lifetime: int,
        resources: Iterable[str] = (),
        kind: Kind = Kind.ACCESS,
    ) -> str:
        """An access token of ``generation`` for ``scopes``, living ``lifetime`` seconds."""
        return self._seal(
            kind,
            generation=generation,
            issued=issued,
            expires=issued + timedelta(seconds=lifetime),
            scopes=tuple(scopes),
            resources=tuple(resources),
        )

    def refresh_token(self, *, generation: int, issued: datetime) -> str:
        """The refresh token that follows from ``generation``; it carries the whole grant."""
        return self._seal(
            Kind.REFRESH, generation=generation, issued=issued, expires=self.refresh_end(issued)
        )

    def refresh_end(self, now: datetime) -> datetime:
        """When a refresh token given at ``now`` ends: unused for too long, or too old in all."""
        idle, absolute = self.client.refresh_lifetimes()
        return min(now + timedelta(seconds=idle), self.created_at + timedelta(seconds=absolute))

    def _seal(
        self,
        kind: Kind,
        *,
        generation: int,
        issued: datetime,
        expires: datetime,
        scopes: tuple[str, ...] = (),
        resources: tuple[str, ...] = (),
    ) -> str:
        return seal(
            kind,
            Reference(
                subject=Subject.AUTHORIZATION,
                id=self.pk,
                serial=generation,
                issued=int(issued.timestamp()),
                expires=int(expires.timestamp()),
                scopes=scopes,
                resources=resources,
            ),
            epoch=self.token_epoch,
        )
