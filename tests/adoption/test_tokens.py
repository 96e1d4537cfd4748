"""Tokens in the toolkit's tables stand on consents, whenever they came there."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from django_oauthflows.adoption import consents as adoption
from django_oauthflows.models import Client, Consent
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import OAuthClient

AccessToken: Any = get_access_token_model()
RefreshToken: Any = get_refresh_token_model()

pytestmark = pytest.mark.django_db


def token(client: Client, text: str, scope: str, user: Any = None, **values: Any) -> Any:
    """A row as the toolkit writes it."""
    expires = timezone.now() + timedelta(hours=1)
    given = {"user": user, "application_id": client.pk, "scope": scope, "expires": expires}
    return AccessToken.objects.create(token=text, **given | values)


def migrate() -> None:
    adoption.consents_for_tokens(AccessToken.objects, RefreshToken.objects, Consent.objects)


def allowed() -> dict[tuple[str, str], set[str]]:
    return {
        (consent.user.get_username(), consent.client.name): set(consent.scope.split())
        for consent in Consent.objects.live()
    }


def test_one_consent_for_all_that_an_app_holds_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "BATCH", 2)
    notes, calendar = ClientFactory(name="Notes")[0], ClientFactory(name="Calendar")[0]
    users = [UserFactory(username=name) for name in ("ann", "ben", "cem")]
    for user in users:
        for client in (notes, calendar):
            token(client, f"{user.pk} {client.pk} 1", "profile", user)
            token(client, f"{user.pk} {client.pk} 2", "notes:read", user)
    past = timezone.now() - timedelta(hours=1)
    dora = UserFactory(username="dora")
    token(notes, "dead", "profile", dora, expires=past)
    old = token(calendar, "renewable", "stats:read", dora, expires=past)
    RefreshToken.objects.create(user=dora, token="r", application_id=calendar.pk, access_token=old)
    token(notes, "machine's", "stats:read")
    Consent.objects.all().delete()
    for _again in range(2):
        migrate()
        both = {
            (user.username, client.name): {"profile", "notes:read"}
            for user in users
            for client in (notes, calendar)
        }
        assert allowed() == both | {("dora", "Calendar"): {"stats:read"}}
    first = AccessToken.objects.filter(user=users[0], application_id=notes.pk).earliest("created")
    assert Consent.objects.get(user=users[0], client=notes).given_at == first.created


def test_an_answer_that_is_known_is_neither_widened_nor_brought_back(walk: Walk, app: Client) -> None:
    walk.allow("profile notes:read", scope=["profile"])
    user = Consent.objects.get().user
    token(app, "old", "profile notes:read stats:read", user)
    assert Consent.objects.get().scope == "profile"
    migrate()
    # "No" was said to one of them; of the other nobody has asked.
    assert allowed() == {("alice", "Calendar"): {"profile", "stats:read"}}
    assert walk.ask("profile stats:read").status_code == 200
    assert walk.ask("profile").status_code == 302
    Consent.objects.get().withdraw(by=user)
    token(app, "later", "profile", user)
    migrate()
    assert allowed() == {}


def test_a_token_that_the_site_saves_later_is_seen_and_ended_as_well(
    live_server: Any, walk: Walk, app: Client, user: Any
) -> None:
    api = OAuthClient(live_server.url, app.client_id).api
    token(app, "by-hand", "profile email", user)
    assert api("/api/me/", "by-hand").json() == {"username": "alice", "email": "alice@example.org"}
    assert "Calendar" in walk.visitor.get("/oauth/apps/").content.decode()
    assert walk.ask("profile").status_code == 200
    consent = Consent.objects.get()
    consent.remove_scope("email", by=consent.user)
    assert api("/api/me/", "by-hand").json() == {"username": "alice"}
    Client.objects.filter(pk=app.pk).update(allowed_scopes="email")
    assert api("/api/me/", "by-hand").status_code == 401
    Client.objects.filter(pk=app.pk).update(allowed_scopes="profile")
    Consent.objects.update(expires_at=timezone.now())
    assert api("/api/me/", "by-hand").status_code == 401


@pytest.mark.parametrize("by", ["access token", "refresh token"])
def test_a_token_that_came_past_the_receiver_is_seen_and_ended_as_well(
    by: str, live_server: Any, walk: Walk, app: Client, user: Any
) -> None:
    """While a site is updated, processes of the old code may go on writing tokens for a minute."""
    client = OAuthClient(live_server.url, app.client_id, app.secrets.model.objects.issue(app)[1])
    given = {"user": user, "application_id": app.pk, "expires": timezone.now() + timedelta(hours=1)}
    text = "past it"
    AccessToken.objects.bulk_create(
        [AccessToken(token=text, token_checksum=sha256(text.encode()).hexdigest(), scope="profile", **given)]
    )
    RefreshToken.objects.create(
        token="and again", user=user, application_id=app.pk, access_token=AccessToken.objects.get()
    )
    if by == "refresh token":
        text = client.refresh("and again").json()["access_token"]
    assert client.api("/api/me/", text).status_code == 200
    assert "Calendar" in walk.visitor.get("/oauth/apps/").content.decode()
    Consent.objects.get().withdraw(by=user)
    assert client.api("/api/me/", text).status_code == 401


def test_the_sites_word_does_not_bring_back_what_was_taken_from_an_old_token(
    walk: Walk, app: Client, user: Any
) -> None:
    Client.objects.filter(pk=app.pk).update(trust="first_party")
    token(app, "old", "profile email", user)
    Consent.objects.get().remove_scope("email", by=user)
    assert walk.ask("profile").status_code == 302
    assert walk.ask("profile email").status_code == 200


@pytest.mark.parametrize("by", ["access token", "refresh token"])
def test_a_permission_that_is_given_again_does_not_come_back_to_an_old_token(
    by: str, live_server: Any, walk: Walk, app: Client, user: Any
) -> None:
    client = OAuthClient(live_server.url, app.client_id, app.secrets.model.objects.issue(app)[1])
    old = token(app, "old", "profile email", user)
    RefreshToken.objects.create(token="renews", user=user, application_id=app.pk, access_token=old)
    Consent.objects.get().remove_scope("email", by=user)
    walk.allow("profile email", scope=["profile", "email"])  # what was refused comes unticked
    assert set(Consent.objects.get().scope.split()) == {"profile", "email"}
    text = "old" if by == "access token" else client.refresh("renews").json()["access_token"]
    assert client.api("/api/me/", text).json() == {"username": "alice"}
