"""The statements of the hot path: two reads, and two writes that are atomic by themselves (``statement.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import QuerySet

from django_oauthflows.models.client import Client
from django_oauthflows.models.statement import Columns, Given, Read, Row, Write

if TYPE_CHECKING:
    from django_oauthflows.models.authorization import Authorization

#: What an API call needs to know of its client, and what a view may want to.
OF_CALLER = (
    "id",
    "application_id",
    "client_id",
    "client_type",
    "name",
    "use_case",
    "flows",
    "trust",
    "allowed_scopes",
    "is_resource_server",
    "suspended_at",
    "throttle_rate",
    "service_user_id",
    "token_epoch",
)
_OF_CONSENT = ("id", "user_id", "client_id", "scope", "expires_at", "withdrawn_at")
_OF_PRESENTED = (
    "id",
    "consent_id",
    "scope",
    "redirect_uri",
    "code_challenge",
    "resource",
    "token_epoch",
    "generation",
    "created_at",
    "redeemed_at",
    "rotated_at",
    "revoked_at",
)
_OF_CALLED_WITH = ("id", "consent_id", "scope", "token_epoch", "generation", "rotated_at", "revoked_at")


def _model() -> type[Authorization]:
    return apps.get_model("django_oauthflows", "Authorization")


def _field(name: str) -> Any:
    return _model()._meta.get_field(name)


def _one() -> QuerySet[Authorization]:
    return _model()._default_manager.filter(pk=Given("pk", _field("id")))


def _with_consent_and_user(names: tuple[str, ...]) -> tuple[Columns, Columns, Columns]:
    from django_oauthflows.models.consent import Consent

    return (
        Columns.of(_model(), names),
        Columns.of(Consent, _OF_CONSENT, "consent"),
        Columns.of_user("consent__user"),
    )


def _presented() -> tuple[QuerySet[Authorization], tuple[Columns, ...]]:
    return _one(), _with_consent_and_user(_OF_PRESENTED)


def _called_with() -> tuple[QuerySet[Authorization], tuple[Columns, ...]]:
    return _one(), (
        *_with_consent_and_user(_OF_CALLED_WITH),
        Columns.of(Client, OF_CALLER, "consent__client"),
    )


def grounds(row: Row) -> tuple[tuple[str, Any], ...]:
    """What a cached row stands on: whatever of these ends, ends the tokens with it."""
    authorization, consent, *_ = CALLED_WITH.instances(row)
    return (
        ("authorization", authorization.pk),
        ("consent", consent.pk),
        ("user", consent.user_id),
        ("client", consent.client_id),
    )


def _redeem() -> tuple[QuerySet[Authorization], dict[str, Any]]:
    return (
        _one().filter(redeemed_at=None, revoked_at=None),
        {
            "redeemed_at": Given("now", _field("redeemed_at")),
            "rotated_at": Given("now", _field("rotated_at")),
            "expires_at": Given("ends", _field("expires_at")),
            "generation": 1,
        },
    )


def _advance() -> tuple[QuerySet[Authorization], dict[str, Any]]:
    return (
        _one().filter(generation=Given("generation", _field("generation")), revoked_at=None),
        {
            "generation": Given("next", _field("generation")),
            "rotated_at": Given("now", _field("rotated_at")),
            "expires_at": Given("ends", _field("expires_at")),
        },
    )


#: For the client that presents a code or refresh token: who that is, is known by then.
PRESENTED = Read(_model, _presented)
#: For an API call: everything that can end a token, and who calls.
CALLED_WITH = Read(_model, _called_with)
REDEEM = Write(_model, _redeem)
ADVANCE = Write(_model, _advance)
