"""Staff at their pages: forms are read from the page and sent back as a browser would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as UserAgent

from django_oauthflows.flows import registry
from django_oauthflows.models import Authorization, Client, Consent
from tests.factories import UserFactory

#: What a browser sends to carry out an action.
CONFIRM = {"confirm": "yes", "reason": "Broke the rules"}


@pytest.fixture
def staff(db: None) -> Callable[..., UserAgent]:
    """A user agent in which a member of staff with just these permissions is logged in."""

    def make(*codenames: str, superuser: bool = False) -> UserAgent:
        user = UserFactory(is_staff=True, is_superuser=superuser)
        found = Permission.objects.filter(content_type__app_label="django_oauthflows", codename__in=codenames)
        assert len(found) == len(set(codenames))
        user.user_permissions.set(found)
        user_agent = UserAgent(raise_request_exception=True)
        user_agent.force_login(user)
        user_agent.user = user  # type: ignore[attr-defined]
        return user_agent

    return make


@pytest.fixture
def boss(staff: Any) -> UserAgent:
    """A user agent in which somebody with every permission is logged in."""
    user_agent: UserAgent = staff(superuser=True)
    return user_agent


def form_data(response: Any) -> dict[str, Any]:
    """What a browser would send back of the settings form as it stands."""
    form = response.context["adminform"].form
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        context = widget.get_context(bound.html_name, widget.format_value(value), {})["widget"]
        if "subwidgets" in context:
            for part in context["subwidgets"]:
                data[part["name"]] = part["value"] or ""
        elif isinstance(value, bool):
            data |= {bound.html_name: "on"} if value else {}
        else:
            data[bound.html_name] = "" if value is None else bound.field.prepare_value(value)
    return data


def page_of(client: Any, name: str = "change") -> str:
    return f"/admin/django_oauthflows/client/{client.pk}/{name}/"


def allowed_by(client: Client, user: Any = None) -> Authorization:
    """Somebody allows ``client``, and it has tokens."""
    consent = Consent.objects.give(user=user or UserFactory(), client=client, scopes=["profile"])
    authorization: Authorization = Authorization.objects.begin(
        consent=consent,
        flow=registry.flow_named("authorization_code"),
        scopes=["profile"],
        lifetime=3600,
        generation=1,
    )
    return authorization
