"""A trial beside the real thing, on connections of their own: neither is in the way of the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection
from django.test import Client as UserAgent

from django_oauthflows.models import Authorization, Consent
from tests.admin.conftest import page_of
from tests.factories import ClientFactory, UserFactory


def test_trials_and_a_real_yes_at_once(parallel_writers: None) -> None:
    app, _ = ClientFactory(scopes=["profile", "notes:read"])
    user = UserFactory(is_staff=True, is_superuser=True)
    asked = {
        "redirect_uri": app.redirect_uris,
        "asked": ["profile"],
        "decision": "allow",
        "scope": ["profile"],
    }

    def tries() -> int:
        user_agent = UserAgent()
        user_agent.force_login(user)
        try:
            return user_agent.post(page_of(app, "try"), asked).status_code
        finally:
            connection.close()

    def agrees() -> int:
        try:
            Consent.objects.give(user=user, client=app, scopes=["notes:read"], redirect_host="x.example")
            return 200
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        work: list[Any] = [tries, tries, tries, agrees, tries, tries, tries]
        answers = list(pool.map(lambda each: each(), work))
    assert answers == [200] * 7
    assert Consent.objects.get().scope == "notes:read"
    assert not Authorization.objects.exists()
