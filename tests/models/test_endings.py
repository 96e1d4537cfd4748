"""What ends a token, each by one verb and a constant number of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from django_oauthflows import signals
from django_oauthflows.models import Authorization, Client, Consent
from tests.factories import UserFactory
from tests.held import SCOPES, Held


def api(url: str, token: str) -> int:
    return requests.get(
        f"{url}/api/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ).status_code


def refresh(url: str, held: Held, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return requests.post(
        f"{url}/oauth/token/", data=form, auth=(held.client.client_id, held.secret), timeout=30
    )


def deactivate(held: Held) -> None:
    held.user.is_active = False
    held.user.save()


ENDINGS: dict[str, Callable[[Held], Any]] = {
    "the user withdraws": lambda held: held.consent.withdraw(by=held.user),
    "staff end all tokens of the client": lambda held: held.client.revoke_tokens(),
    "staff suspend the client": lambda held: held.client.suspend(reason="test"),
    "staff delete the client": lambda held: held.client.remove(),
    "the user is deactivated": deactivate,
    "the user is deleted": lambda held: held.user.delete(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_next_call_and_the_next_refresh_are_refused(live_server: Any, held: Held, ending: str) -> None:
    authorization = held.authorization()
    access, renew = held.access_token(authorization), held.refresh_token(authorization)
    assert api(live_server.url, access) == 200
    ENDINGS[ending](held)
    assert api(live_server.url, access) == 401
    assert refresh(live_server.url, held, renew).status_code in (400, 401)


def test_a_resumed_clients_tokens_work_again(live_server: Any, held: Held) -> None:
    access = held.access_token()
    held.client.suspend()
    assert api(live_server.url, access) == 401
    held.client.resume()
    assert api(live_server.url, access) == 200


def test_a_new_password_ends_tokens_only_where_the_site_asks_for_it(
    live_server: Any, held: Held, settings: Any
) -> None:
    access = held.access_token()
    held.user.set_password("another-password")
    held.user.save()
    assert api(live_server.url, access) == 200

    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"END_ON_PASSWORD_CHANGE": True}
    held.user.first_name = "Alice"
    held.user.save()
    assert api(live_server.url, access) == 200
    held.user.set_password("a-third-password")
    held.user.save()
    assert api(live_server.url, access) == 401


def test_a_shortened_list_of_scopes_counts_at_once(live_server: Any, held: Held) -> None:
    access = held.access_token()
    Client.objects.filter(pk=held.client.pk).update(allowed_scopes="notes:read")
    assert api(live_server.url, access) == 403


def statements(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


@pytest.mark.parametrize(
    "ending", ["the user withdraws", "staff end all tokens of the client", "staff delete the client"]
)
def test_the_number_of_statements_does_not_grow(transactional_db: None, ending: str) -> None:
    def spent(users: int, authorizations: int) -> int:
        held = Held()
        for user in UserFactory.create_batch(users):
            Consent.objects.give(user=user, client=held.client, scopes=SCOPES)
        for _ in range(authorizations):
            held.authorization()
        client_pk = held.client.pk
        count = statements(lambda: ENDINGS[ending](held))
        assert not Authorization.objects.live().filter(consent__client_id=client_pk).exists()
        return count

    assert spent(users=2, authorizations=3) == spent(users=150, authorizations=150)


def change_password(held: Held) -> None:
    held.user.set_password("another-password")
    held.user.save()


#: Those that end everything of a consent, a client or a user, whatever holds it.
FOR_GOOD = {name: ENDINGS[name] for name in list(ENDINGS)[:2]} | {
    "staff delete the client": ENDINGS["staff delete the client"],
    "the user changes the password": change_password,
}


def toolkit_tokens(held: Held) -> Any:
    """A token of the toolkit's own, made by the site's older code; and how many are left of such."""
    client, user = held.client.pk, held.user
    access = get_access_token_model().objects.create(
        user=user,
        application_id=client,
        token="theirs",
        scope=" ".join(SCOPES),
        expires=timezone.now() + timedelta(hours=1),
    )
    get_refresh_token_model().objects.create(
        user=user, application_id=client, token="renew", access_token=access
    )
    return lambda: (
        get_access_token_model().objects.filter(application_id=client).count(),
        get_refresh_token_model().objects.filter(application_id=client, revoked=None).count(),
    )


@pytest.mark.parametrize("ending", FOR_GOOD)
def test_the_toolkits_own_tokens_end_with_ours(
    live_server: Any, held: Held, settings: Any, ending: str
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"END_ON_PASSWORD_CHANGE": True}
    left = toolkit_tokens(held)
    assert api(live_server.url, "theirs") == 200
    assert left() == (1, 1)
    FOR_GOOD[ending](held)
    assert left() == (0, 0)
    assert api(live_server.url, "theirs") == 401


@pytest.fixture
def failing() -> Iterator[None]:
    """Whoever else has to end something cannot."""

    def fail(**_: Any) -> None:
        raise RuntimeError("the other table is away")

    signals.access_ended.connect(fail)
    yield
    signals.access_ended.disconnect(fail)


@pytest.mark.parametrize("ending", list(FOR_GOOD)[:3])
def test_an_ending_that_fails_half_way_ends_nothing(
    transactional_db: None, held: Held, failing: None, ending: str
) -> None:
    held.authorization()
    left = toolkit_tokens(held)
    epoch = held.client.token_epoch
    with pytest.raises(RuntimeError):
        FOR_GOOD[ending](held)
    assert left() == (1, 1)
    assert Client.objects.get(pk=held.client.pk).token_epoch == epoch
    assert Consent.objects.live().count() == 1
    assert Authorization.objects.live().count() == 1
