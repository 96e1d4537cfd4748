"""Staff who register or rename a client that looks like another are told that its users will be warned."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from django_oauthflows.models import Client
from tests.admin.conftest import form_data
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ADD = "/admin/django_oauthflows/client/add/?use_case=web"


def register(boss: Any, name: str) -> str:
    data = form_data(boss.get(ADD)) | {
        "name": name,
        "redirect_uris": "https://new.example/cb",
        "allowed_scopes": ["profile"],
    }
    answer = boss.post(ADD, data, follow=True)
    assert Client.objects.filter(name=name).exists()
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("name", "like"),
    [("Example Notes Security", "Example Notes"), ("Calendar Login", "Calendar"), ("Cаlendar", "Calendar")],
)
def test_registering(boss: Any, name: str, like: str) -> None:
    ClientFactory(name="Calendar", trust="reviewed")
    page = register(boss, name)
    assert (
        f"“{name}” looks like “{like}”. Until it is reviewed, everybody who is asked for it is warned."
        in page
    )
    assert "looks like" not in register(boss, "Weather")


def test_renaming(boss: Any) -> None:
    app, _ = ClientFactory(name="Weather")
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    data = form_data(boss.get(path)) | {"name": "Example Notes Support"}
    assert "looks like “Example Notes”" in boss.post(path, data, follow=True).content.decode()


def test_on_the_command_line() -> None:
    told = StringIO()
    call_command(
        *("oauth", "client", "create", "--name", "Example Notes ID", "--use-case", "web"),
        *("--redirect-uri", "https://a.example/cb", "--json"),
        stdout=StringIO(),
        stderr=told,
    )
    assert "looks like “Example Notes”" in told.getvalue()
