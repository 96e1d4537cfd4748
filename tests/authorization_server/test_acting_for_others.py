"""Staff who act as a user, by one of the packages for it, let no app use that user's account: it would outlast them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as Visitor

from django_oauthflows.models import Authorization, Consent
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

FORM = "application/x-www-form-urlencoded"


class Impersonation:
    """Marks the user as django-impersonate does."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.user.is_impersonate = True
        return self.get_response(request)


#: What is in the session: of django-hijack, django-loginas (as it is, and by another name), django-su; of
#: django-impersonate nothing that tells of this request.
MARKS = {
    "hijack_history": ["1"],
    "loginas_from_user": "1:signed",
    "own_flag": "1:signed",
    "exit_users_pk": [["1", "django.contrib.auth.backends.ModelBackend"]],
    "": None,
}


@pytest.fixture(params=MARKS)
def staff(request: Any, settings: Any) -> Visitor:
    """The browser of somebody who acts as alice."""
    visitor = Visitor()
    visitor.force_login(UserFactory(username="alice"))
    if request.param == "own_flag":
        settings.LOGINAS_FROM_USER_SESSION_FLAG = request.param
    if request.param:
        session = visitor.session
        session[request.param] = MARKS[request.param]
        session.save()
    else:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Impersonation"]
    return visitor


@pytest.mark.parametrize("kind", [{}, {"trust": "first_party"}])
def test_nobody_allows_anything_in_anothers_name(staff: Visitor, kind: dict[str, Any]) -> None:
    app, _ = ClientFactory(**kind)
    walk = Walk(staff, app)
    page = walk.ask("profile")
    assert page.status_code == 403
    assert "You are acting as somebody else." in page.content.decode()
    assert staff.post(walk.url("profile"), {"decision": "allow", "scope": "profile"}).status_code == 403
    assert told(walk.ask("profile", prompt="none"))["error"] == "access_denied"
    assert told(staff.post(walk.url("profile"), {"decision": "deny"}))["error"] == "access_denied"
    assert not Consent.objects.exists()


def allowed_by(user: Any) -> Walk:
    """An app that ``user`` has allowed to see their profile."""
    app, _ = ClientFactory()
    Consent.objects.give(user=user, client=app, scopes=["profile"], redirect_host="client.example")
    return Walk(Visitor(), app)


def test_nor_uses_what_the_user_allowed_themselves(staff: Visitor) -> None:
    walk = allowed_by(get_user_model().objects.get())
    walk.visitor = staff
    assert walk.ask("profile").status_code == 403
    assert not Authorization.objects.exists()


def test_it_is_over_when_the_visit_is() -> None:
    walk = allowed_by(alice := UserFactory(username="alice"))
    walk.visitor.force_login(alice)
    session = walk.visitor.session
    session["hijack_history"] = []  # what is left then
    session.save()
    assert "code" in told(walk.ask("profile"))


def test_they_may_take_back(staff: Visitor) -> None:
    """That only lessens what apps may."""
    allowed_by(get_user_model().objects.get())
    consent = Consent.objects.get()
    assert staff.post(f"/oauth/apps/{consent.pk}/disconnect/").status_code == 302
    assert not Consent.objects.live().exists()


def test_nor_lets_a_device_in(staff: Visitor) -> None:
    tv, _ = ClientFactory(use_case="device", redirect_uris=(), scopes=("profile",))
    asked = f"client_id={tv.client_id}&scope=profile"
    code = staff.post("/oauth/device_authorization/", asked, content_type=FORM).json()["user_code"]
    for decision in ({}, {"decision": "allow", "scope": "profile"}):
        page = staff.post("/oauth/device/", {"user_code": code} | decision)
        assert page.status_code == 403
        assert "You are acting as somebody else." in page.content.decode()
