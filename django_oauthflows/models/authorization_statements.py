"""The statements of the hot path: one read, and three writes that are atomic by themselves (``statement.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from django_oauthflows.models.client import Client
from django_oauthflows.models.statement import Given, Read, Write, loaded, user_field_names

if TYPE_CHECKING:
    from django_oauthflows.models.authorization import Authorization
    from django_oauthflows.models.consent import Consent


def _model() -> type[Authorization]:
    return apps.get_model("django_oauthflows", "Authorization")


def _field(name: str) -> Any:
    return _model()._meta.get_field(name)


_OWN = (
    "id",
    "flow",
    "scope",
    "redirect_uri",
    "code_challenge",
    "nonce",
    "resource",
    "token_epoch",
    "generation",
    "created_at",
    "expires_at",
    "redeemed_at",
    "rotated_at",
    "revoked_at",
    "consent_id",
)
_OF_CONSENT = ("id", "user_id", "client_id", "scope", "expires_at", "withdrawn_at")
_OF_CLIENT = (
    "id",
    "client_id",
    "client_type",
    "name",
    "use_case",
    "flows",
    "trust",
    "allowed_scopes",
    "access_token_lifetime",
    "refresh_token_idle_lifetime",
    "refresh_token_absolute_lifetime",
    "is_resource_server",
    "suspended_at",
    "throttle_rate",
    "token_epoch",
)


def _in_use() -> QuerySet[Any, Any]:
    names = [
        *_OWN,
        *(f"consent__{name}" for name in _OF_CONSENT),
        *(f"consent__client__{name}" for name in _OF_CLIENT),
        *(f"consent__user__{name}" for name in user_field_names()),
    ]
    return _model()._default_manager.filter(pk=Given("pk", _field("id"))).values_list(*names)


def grounds(row: tuple[Any, ...]) -> tuple[tuple[str, Any], ...]:
    """What a cached row stands on: whatever of these ends, ends the tokens with it."""
    consent = dict(zip(_OF_CONSENT, row[len(_OWN) :], strict=False))
    return (
        ("authorization", row[0]),
        ("consent", consent["id"]),
        ("user", consent["user_id"]),
        ("client", consent["client_id"]),
    )


def assembled(row: tuple[Any, ...]) -> Authorization:
    consent_at = len(_OWN)
    client_at = consent_at + len(_OF_CONSENT)
    user_at = client_at + len(_OF_CLIENT)
    from django_oauthflows.models.consent import Consent

    authorization: Authorization = loaded(_model(), _OWN, row[:consent_at])
    consent: Consent = loaded(Consent, _OF_CONSENT, row[consent_at:client_at])
    client = loaded(Client, (*_OF_CLIENT, "application_id"), (*row[client_at:user_at], row[client_at]))
    consent.client = client
    consent.user = loaded(get_user_model(), user_field_names(), row[user_at:])
    authorization.consent = consent
    return authorization


def _redeem() -> tuple[QuerySet[Any, Any], dict[str, Any]]:
    return (
        _model()._default_manager.filter(pk=Given("pk", _field("id")), redeemed_at=None, revoked_at=None),
        {
            "redeemed_at": Given("now", _field("redeemed_at")),
            "rotated_at": Given("now", _field("rotated_at")),
            "expires_at": Given("ends", _field("expires_at")),
            "generation": 1,
        },
    )


def _advance() -> tuple[QuerySet[Any, Any], dict[str, Any]]:
    return (
        _model()._default_manager.filter(
            pk=Given("pk", _field("id")),
            generation=Given("generation", _field("generation")),
            revoked_at=None,
        ),
        {
            "generation": Given("next", _field("generation")),
            "rotated_at": Given("now", _field("rotated_at")),
            "expires_at": Given("ends", _field("expires_at")),
        },
    )


def _revoke_own() -> tuple[QuerySet[Any, Any], dict[str, Any]]:
    from django_oauthflows.models.consent import Consent

    # A subquery, not a join: some databases cannot update across one, and Django would read first.
    of_client = Consent.objects.filter(client=Given("client", _field("id"))).values("pk")
    return (
        _model()._default_manager.filter(
            pk=Given("pk", _field("id")),
            token_epoch=Given("epoch", _field("token_epoch")),
            consent__in=of_client,
            revoked_at=None,
        ),
        {
            "revoked_at": Given("now", _field("revoked_at")),
            "revoked_cause": Given("cause", _field("revoked_cause")),
        },
    )


IN_USE = Read(_model, _in_use)
REDEEM = Write(_model, _redeem)
ADVANCE = Write(_model, _advance)
REVOKE_OWN = Write(_model, _revoke_own)
