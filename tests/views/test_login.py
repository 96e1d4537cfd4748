"""To the login page and back, whatever it is like; and sites where nobody logs in at all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.views import LoginView
from django.test import Client as Visitor
from django.urls import clear_url_caches, include, path

from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


class OwnLogin(LoginView):
    redirect_field_name = "came_from"


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("next", LoginView.as_view()),
        ("came_from", OwnLogin.as_view()),
        ("goto", LoginView.as_view(redirect_field_name="goto")),
        ("next", lambda request: None),
    ],
)
def test_the_way_back_is_told_by_the_name_that_the_login_page_reads(
    settings: Any, name: str, view: Any
) -> None:
    settings.LOGIN_URL = "/own/login/?theme=dark"
    ours = path("", include("django_oauthflows.urls"))
    settings.ROOT_URLCONF = type("routes", (), {"urlpatterns": [path("own/login/", view), ours]})
    clear_url_caches()
    walk = Walk(Visitor(), ClientFactory()[0])
    UserFactory(username="alice", password="demo-password")
    away = walk.ask("profile")["Location"]
    assert away.startswith("/own/login/?theme=dark&")
    assert f"{name}=/oauth/authorize/" in away
    if hasattr(view, "view_class"):
        back = walk.visitor.post(away, {"username": "alice", "password": "demo-password"})
        assert back["Location"].startswith("/oauth/authorize/?")


def test_a_site_for_machines_alone_shows_its_pages_to_visitors(settings: Any) -> None:
    """Without anything in MIDDLEWARE that knows users."""
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    job, secret = ClientFactory(machine=True)
    form = {"grant_type": "client_credentials", "client_id": job.client_id, "client_secret": secret}
    kind = "application/x-www-form-urlencoded"
    visitor = Visitor()
    assert visitor.post("/oauth/token/", urlencode(form), content_type=kind).status_code == 200
    for address, status in (
        ("/oauth/authorize/", 400),
        (f"/oauth/authorize/?client_id={job.client_id}", 400),
        ("/oauth/errors/invalid_grant/", 200),
        ("/oauth/apps/", 302),
        ("/oauth/device/", 302),
        ("/oauth/logout/", 200),
        ("/oauth/disconnect/nonsense/", 410),
        ("/no/such/page/", 404),
    ):
        assert visitor.get(address).status_code == status, address
