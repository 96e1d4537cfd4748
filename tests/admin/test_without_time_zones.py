"""A site without time zones (``USE_TZ = False``): staff see every page all the same."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import (
    Authorization,
    Client,
    ClientSecret,
    Consent,
    Event,
    OutboxMessage,
    SigningKey,
)
from tests.held import Held

pytestmark = pytest.mark.one_database

LISTS = (Client, Consent, Authorization, Event, OutboxMessage, SigningKey)
TABS = ("change", "usage", "people", "events", "secrets", "integration", "rotate-secret", "suspend", "delete")


def test_every_list_and_page_is_shown(settings: Any, transactional_db: None, admin_client: Any) -> None:
    settings.USE_TZ = False
    held = Held()
    held.authorization()
    ring.signer("RS256")
    ClientSecret.objects.issue(Client.objects.get(pk=held.client.pk))
    paths = [f"client/{held.client.pk}/{tab}/" for tab in TABS]
    paths += ["client/advice/"]
    for model in LISTS:
        name = model._meta.model_name
        one = model._default_manager.first()
        paths += [f"{name}/", *([f"{name}/{one.pk}/change/"] if one is not None else [])]
    answers = {path: admin_client.get(f"/admin/django_oauthflows/{path}").status_code for path in paths}
    assert set(answers.values()) == {200}, answers
