"""An API elsewhere that asked the toolkit about tokens goes on, by its secret or by its token for that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Visitor
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from django_oauthflows.adoption.applications import mark_resource_servers
from django_oauthflows.models import Client, Event
from tests.authorization_server.test_client_authentication import basic
from tests.factories import ClientFactory
from tests.held import Held

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
FORM = "application/x-www-form-urlencoded"
INACTIVE = {"active": False}


def introspect(token: str, headers: dict[str, str]) -> Any:
    return Visitor().post("/oauth/introspect/", f"token={token}", FORM, headers=headers)


def api(scope: str = "introspection", **values: Any) -> tuple[Client, dict[str, str]]:
    """A client with one of the toolkit's tokens, as the toolkit's documentation has it made for an API."""
    client, _ = ClientFactory(machine=True)
    get_access_token_model().objects.create(
        application=client, token=f"api-{client.pk}", scope=scope,
        **{"expires": timezone.now() + timedelta(days=365)} | values,
    )  # fmt: skip
    mark_resource_servers(get_access_token_model().objects, Client.objects)
    return Client.objects.get(pk=client.pk), {"Authorization": f"Bearer api-{client.pk}"}


def test_its_token_for_that_goes_on(held: Held) -> None:
    client, bearer = api()
    assert client.is_resource_server
    seen = introspect(held.access_token(), bearer)
    assert (seen.status_code, seen.json()["active"]) == (200, True)
    assert seen.json()["username"] == held.user.get_username()
    assert introspect("nothing of ours", bearer).json() == INACTIVE


@pytest.mark.parametrize("why", ["no such scope", "expired", "suspended", "unmarked", "a user's", "nonsense"])
def test_no_other_token_does_for_that(why: str, held: Held) -> None:
    client, bearer = api("introspection_of_mine read" if why == "no such scope" else "introspection")
    if why == "expired":
        get_access_token_model().objects.update(expires=timezone.now())
    elif why == "suspended":
        client.suspend()
    elif why == "unmarked":
        Client.objects.update(is_resource_server=False)
    elif why == "a user's":
        bearer = {"Authorization": f"Bearer {held.access_token()}"}
    elif why == "nonsense":
        bearer = {"Authorization": "Bearer nonsense"}
    answer = introspect(held.access_token(), bearer)
    assert answer.status_code == 401
    assert "active" not in answer.json()


def test_staff_are_told_of_a_client_that_asks_what_only_an_api_may(
    held: Held, client: Any, admin_user: Any
) -> None:
    curious, secret = ClientFactory(machine=True)
    for _ in range(30):
        answer = introspect(held.access_token(), basic(curious.client_id, secret))
        assert (answer.status_code, answer.json()) == (200, INACTIVE)
    refused = Event.objects.filter(client=curious, kind=Event.Kind.REQUEST_REFUSED)
    event = refused.first()
    assert event is not None
    assert refused.count() == 20, "a flood writes no more"
    client.force_login(admin_user)
    page = client.get(f"/admin/django_oauthflows/event/{event.pk}/change/").content.decode()
    assert "tick “is an API” in its settings" in page
    curious.is_resource_server = True
    curious.save()
    assert introspect(held.access_token(), basic(curious.client_id, secret)).json()["active"] is True
