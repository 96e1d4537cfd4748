"""An account that the site no longer accepts ends everywhere at once, as Django's own session does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import AllowAllUsersModelBackend, BaseBackend, ModelBackend
from django.contrib.auth.models import UserManager
from django.core.management import CommandError, call_command

from tests.oauth_client import OAuthClient, UserAgent


class Strict(ModelBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and user.first_name != "banned"


class Keeper(ModelBackend):
    def get_user(self, user_id: Any) -> Any:
        user = super().get_user(user_id)
        return None if user is None or user.first_name == "banned" else user


class OfDocumentation(BaseBackend):
    """As Django's own documentation writes one."""

    def get_user(self, user_id: Any) -> Any:
        return get_user_model()._default_manager.exclude(first_name="banned").filter(pk=user_id).first()


class ForgivesCapitals(UserManager[Any]):
    def get_by_natural_key(self, username: str | None) -> Any:
        return self.get(username__iexact=username)


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


@pytest.mark.parametrize(
    "backends", [("Keeper",), ("Keeper", "OfOthers"), ("OfDocumentation",), ("OfDocumentation", "OfOthers")]
)
def test_one_whose_session_the_sites_own_backend_ends(
    client: OAuthClient, user_agent: UserAgent, alice: Any, settings: Any, backends: tuple[str, ...]
) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    toolkits = "oauth2_provider.backends.OAuth2Backend"
    settings.AUTHENTICATION_BACKENDS = [toolkits, *(f"{__name__}.{name}" for name in backends)]
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    change(alice, first_name="banned")
    assert refused(client, tokens)


def test_a_command_finds_whom_the_login_finds(
    alice: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if (
        not get_user_model()._default_manager.filter(username="Alice").exists()
    ):  # MariaDB forgives them by itself
        with pytest.raises(CommandError, match="There is no user “Alice”"):
            call_command("oauth", "user", "show", "Alice")
    manager = ForgivesCapitals()
    manager.model = get_user_model()
    monkeypatch.setitem(vars(get_user_model()._meta), "default_manager", manager)
    call_command("oauth", "user", "show", "Alice", "--json")
    assert '"user": "alice"' in capsys.readouterr().out


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
