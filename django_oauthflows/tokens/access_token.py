"""The access token as views and permissions see it (``request.auth``), and the refusal of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django_oauthflows.scopes import declared_scopes


class TokenRefused(Exception):  # noqa: N818 - a refusal, not an error of ours
    """A token is not accepted. ``cause`` is one of a few fixed words, safe to tell the caller."""

    def __init__(self, cause: str, client: Any = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.client = client


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A checked access token. Has the attributes and methods of django-oauth-toolkit's model.

    ``user`` is ``None`` when a machine acts for itself and has no service user; ``application`` is
    the ``Client``; ``expires`` is an aware UTC time; ``is_machine`` says that no user's authorization
    stands behind the token (RFC 6749 §4.4).
    """

    user: Any
    application: Any
    scope: str
    issued: datetime
    expires: datetime
    is_machine: bool = False
    authorization_id: int | None = None
    consent_id: int | None = None
    audience: tuple[str, ...] = ()
    #: How the user had logged in when they allowed it: when, in seconds since 1970 (``None``: unknown), and ``acr``.
    auth_time: int | None = None
    acr: str = ""
    claims_asked: str = ""

    @property
    def client(self) -> Any:
        """The client, under the name that RFC 6749 gives it."""
        return self.application

    @property
    def consent(self) -> Any:
        """The user's consent that it stands on, by one statement; ``None`` for a machine."""
        return None if self.is_machine else self.application.consents.filter(user_id=self.user.pk).first()

    @property
    def resource(self) -> list[str]:
        """RFC 8707 audience, under the name that django-oauth-toolkit's permissions use."""
        return list(self.audience)

    @property
    def scopes(self) -> dict[str, str]:
        """Scope names and their labels, as django-oauth-toolkit's ``AccessToken.scopes``."""
        registry = declared_scopes()
        return {name: registry[name].label if name in registry else name for name in self.scope.split()}

    def is_expired(self) -> bool:
        """Whether the token's time is over."""
        return datetime.now(UTC) >= self.expires

    def allow_scopes(self, scopes: Iterable[str] | None) -> bool:
        """Whether the token covers all ``scopes``, implied ones included."""
        return not scopes or declared_scopes().expand(self.scope.split()).issuperset(scopes)

    def is_valid(self, scopes: Iterable[str] | None = None) -> bool:
        """Whether the token still lives and covers ``scopes``."""
        return not self.is_expired() and self.allow_scopes(scopes)

    def __str__(self) -> str:
        # Never any part of the token itself: this text ends up in logs and tracebacks.
        return f"access token of {self.application}"
