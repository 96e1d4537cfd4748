"""Signing keys on pages of the admin: looked at, rotated and retired, each by its own permission."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_oauthflows.models import Event, SigningKey
from tests.admin.conftest import CONFIRM

pytestmark = pytest.mark.django_db
LIST = "/admin/django_oauthflows/signingkey/"


def rotated(user_agent: Any, **more: str) -> int:
    form = {"algorithm": "ES256", "reason": "Every quarter"} | more
    return int(user_agent.post(f"{LIST}rotate/", form).status_code)


def action(name: str, *keys: SigningKey, **more: str) -> dict[str, Any]:
    return {"action": name, "_selected_action": [key.pk for key in keys]} | more


def test_a_key_is_published_and_its_state_told_in_words(staff: Any) -> None:
    user_agent = staff("view_signingkey", "rotate_signing_key")
    assert rotated(user_agent) == 302
    assert rotated(user_agent) == 302
    assert rotated(user_agent) == 302  # one is waiting: no third
    signs, waits = SigningKey.objects.order_by("number")
    html = user_agent.get(LIST).content.decode()
    for words in (
        signs.kid,
        waits.kid,
        "Signs new tokens",
        "Waits: it is published",
        "Publish the next signing key",
    ):
        assert words in html
    event = Event.objects.filter(kind="signing_key_rotated").latest("pk")
    assert (event.actor, event.data["reason"]) == (user_agent.user, "Every quarter")
    one = user_agent.get(f"{LIST}{signs.pk}/change/").content.decode()
    assert "private" not in one.lower()
    assert (
        "This field is required" in user_agent.post(f"{LIST}rotate/", {"algorithm": "ES256"}).content.decode()
    )
    assert rotated(user_agent, algorithm="none") == 200


def test_only_what_is_not_needed_any_more_is_retired(staff: Any) -> None:
    user_agent = staff("view_signingkey", "rotate_signing_key", "retire_signing_key")
    rotated(user_agent)
    rotated(user_agent)
    old, new = SigningKey.objects.order_by("number")
    SigningKey.objects.filter(pk=new.pk).update(signs_from=timezone.now())
    asked = user_agent.post(LIST, action("retire", old, new)).content.decode()
    assert "This key signs now." in asked
    assert "may be good until" in asked
    assert 'name="confirm"' not in asked
    user_agent.post(LIST, action("retire", old, new, **CONFIRM))
    assert not SigningKey.objects.filter(retired_at__isnull=False).exists()
    user_agent.post(LIST, action("retire_at_once", old, new, **CONFIRM))
    old.refresh_from_db()
    new.refresh_from_db()
    assert old.retired_at is not None
    assert (old.private_sealed, new.retired_at) == ("", None)
    assert Event.objects.get(kind="signing_key_retired").data["reason"] == CONFIRM["reason"]
    keys = user_agent.get("/oauth/jwks/").json()["keys"]
    assert {key["kid"] for key in keys if key["alg"] == new.algorithm} == {new.kid}


def test_an_old_key_is_retired_without_haste(staff: Any) -> None:
    user_agent = staff("view_signingkey", "rotate_signing_key", "retire_signing_key")
    rotated(user_agent)
    rotated(user_agent)
    old, new = SigningKey.objects.order_by("number")
    SigningKey.objects.filter(pk=new.pk).update(signs_from=timezone.now() - timedelta(days=400))
    SigningKey.objects.filter(pk=old.pk).update(signs_from=timezone.now() - timedelta(days=800))
    assert user_agent.post(LIST, action("retire", old, **CONFIRM)).status_code == 302
    assert SigningKey.objects.get(pk=old.pk).retired_at is not None


def test_each_needs_its_own_permission(staff: Any) -> None:
    looking = staff("view_signingkey")
    key = SigningKey.objects.rotate()
    assert key.kid in looking.get(LIST).content.decode()
    assert "Publish the next" not in looking.get(LIST).content.decode()
    assert rotated(looking) == 403
    assert looking.get(f"{LIST}rotate/").status_code == 403
    assert rotated(staff("view_signingkey", "retire_signing_key")) == 403
    for name in ("retire", "retire_at_once"):
        assert looking.post(LIST, action(name, key, **CONFIRM)).status_code == 403
        rotating = staff("view_signingkey", "rotate_signing_key")
        assert rotating.post(LIST, action(name, key, **CONFIRM)).status_code == 403
    assert staff("view_client").get(LIST).status_code == 403
    assert looking.get(f"{LIST}add/").status_code == 403
    assert SigningKey.objects.get().retired_at is None
