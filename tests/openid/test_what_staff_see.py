"""What staff see of a log-out that an app was told of, or was not, and what they can do about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client as Http

from django_oauthflows.authorization_server.outbox.delivery import deliver
from django_oauthflows.models import Event, OutboxMessage
from tests.admin.conftest import CONFIRM
from tests.factories import UserFactory
from tests.oauth_client import UserAgent
from tests.openid.conftest import App

pytestmark = pytest.mark.django_db(transaction=True)
OUTBOX, EVENTS = "/admin/django_oauthflows/outboxmessage/", "/admin/django_oauthflows/event/"


@pytest.fixture
def staff(transactional_db: None) -> Http:
    http = Http()
    http.force_login(UserFactory(is_staff=True, is_superuser=True))
    return http


def page(http: Http, path: str) -> str:
    response = http.get(path, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_call_that_was_refused_can_be_looked_up_and_made_again(
    staff: Http, user_agent: UserAgent, new_app: Callable[..., App]
) -> None:
    app = new_app(told=True, behaviour={"statuses": [400]}, name="Grumpy App")
    app.log_in(user_agent)
    user_agent.log_out()
    waiting = page(staff, f"{OUTBOX}?kind=logout")
    assert "Call to an app about a log-out" in waiting
    assert "Grumpy App" in waiting
    deliver(10)
    assert "The app refused it, or sent us elsewhere." in page(staff, OUTBOX)
    (event,) = Event.objects.filter(kind=Event.Kind.LOGOUT_NOT_TOLD)
    told = page(staff, f"{EVENTS}{event.pk}/")
    assert "App could not be told of a log-out" in told
    assert "Grumpy App" in told

    message = OutboxMessage.objects.get(kind="logout")
    chosen = {"action": "send_again", "_selected_action": [message.pk]}
    assert staff.post(OUTBOX, chosen | CONFIRM).status_code == 302
    deliver(10)
    assert len(app.told) == 2
    (event,) = Event.objects.filter(kind=Event.Kind.LOGOUT_TOLD)
    assert "App was told of a log-out" in page(staff, f"{EVENTS}{event.pk}/")
