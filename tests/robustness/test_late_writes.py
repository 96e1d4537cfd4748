"""A request that was slow: what it read is no longer so when it writes. Its write must meet nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from django_oauthflows.models import Authorization
from tests.held import Held


def seen(held: Held, generation: int) -> Authorization:
    """An authorization as a request has just read it."""
    made = held.authorization(generation=generation)
    found = Authorization.objects.presented(made.pk, held.client)
    assert found is not None
    return found


def advance(authorization: Authorization) -> bool:
    now = timezone.now()
    return authorization.advance(now=now, ends=now + timedelta(days=1))


def redeem(authorization: Authorization) -> bool:
    now = timezone.now()
    return authorization.redeem(now=now, ends=now + timedelta(days=1))


def test_a_late_refresh_does_not_bring_an_old_generation_back(held: Held) -> None:
    late = seen(held, generation=1)
    for _ in range(2):
        fresh = Authorization.objects.get(pk=late.pk)
        assert advance(fresh)
    assert not advance(late)
    assert Authorization.objects.get(pk=late.pk).generation == 3


def test_a_late_redemption_does_not_redeem_again(held: Held) -> None:
    late = seen(held, generation=0)
    assert redeem(Authorization.objects.get(pk=late.pk))
    assert advance(Authorization.objects.get(pk=late.pk))
    assert not redeem(late)
    assert Authorization.objects.get(pk=late.pk).generation == 2


@pytest.mark.parametrize(("generation", "write"), [(0, redeem), (1, advance)])
def test_what_was_ended_meanwhile_stays_ended(
    held: Held, generation: int, write: Callable[[Authorization], bool]
) -> None:
    late = seen(held, generation)
    held.consent.withdraw()
    assert not write(late)
    ended = Authorization.objects.get(pk=late.pk)
    assert (ended.generation, ended.revoked_at is None) == (generation, False)
