"""An account that the site no longer accepts ends everywhere at once, as Django's own session does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import AllowAllUsersModelBackend, ModelBackend
from django.contrib.auth.models import UserManager

from tests.oauth_client import OAuthClient, UserAgent


class Strict(ModelBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and user.first_name != "banned"


class OfOthers:
    """A backend for permissions only, which says nothing of accounts."""


class NotDeleted(UserManager[Any]):
    def get_queryset(self) -> Any:
        return super().get_queryset().exclude(last_name="deleted")


def refused(client: OAuthClient, tokens: dict[str, Any]) -> bool:
    """Whether API, introspection and refresh agree that the account is gone."""
    seen = {
        client.api("/api/me/", tokens["access_token"]).status_code == 401,
        client.post("/oauth/introspect/", token=tokens["access_token"]).json() == {"active": False},
        client.post("/oauth/introspect/", token=tokens["refresh_token"]).json() == {"active": False},
        client.refresh(tokens["refresh_token"]).status_code == 400,
    }
    assert len(seen) == 1
    return seen.pop()


@pytest.fixture
def client(register: Any) -> OAuthClient:
    return register()  # type: ignore[no-any-return]


def change(user: Any, **fields: Any) -> None:
    """Past every signal, as SQL does it."""
    get_user_model()._base_manager.filter(pk=user.pk).update(**fields)


def test_a_deactivated_one(client: OAuthClient, user_agent: UserAgent, alice: Any) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    change(alice, is_active=False)
    assert refused(client, tokens)


@pytest.mark.parametrize("beside", [(), ("OfOthers",)])
def test_one_that_the_sites_own_backend_turns_down(
    client: OAuthClient, user_agent: UserAgent, alice: Any, settings: Any, beside: tuple[str, ...]
) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{name}" for name in ("Strict", *beside)]
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    change(alice, first_name="banned")
    assert refused(client, tokens)


def test_a_site_that_lets_everybody_in_does(
    client: OAuthClient, user_agent: UserAgent, alice: Any, settings: Any
) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    backend = AllowAllUsersModelBackend
    settings.AUTHENTICATION_BACKENDS = [f"{backend.__module__}.{backend.__name__}"]
    change(alice, is_active=False)
    assert not refused(client, tokens)


def test_one_that_the_default_manager_hides(
    client: OAuthClient, user_agent: UserAgent, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    manager = NotDeleted()
    manager.model = get_user_model()
    monkeypatch.setitem(vars(get_user_model()._meta), "default_manager", manager)
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    change(alice, last_name="deleted")
    assert refused(client, tokens)
