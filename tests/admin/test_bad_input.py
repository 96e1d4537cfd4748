"""Whatever is written into the admin's addresses and forms: a page or a refusal, never an error of the server."""

from __future__ import annotations

from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.admin.conftest import allowed_by
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db

BASE = "/admin/django_oauthflows/"
NASTY = (
    "",
    "\0",
    "x",
    "-1",
    "1.5",
    "²",
    "9" * 20,
    "9" * 5000,
    "nan",
    "\ud800",
    "[]",
    "1," + "9" * 30,
    "9999-12-31",
)
LISTS = ("client/", "client/export/", "consent/", "authorization/", "event/", "outboxmessage/")
PARAMETERS = (
    "q", "o", "p", "all", "_to_field", "_changelist_filters", "unknown", "pk", "id__in", "client__id__exact",
    "user__id__exact", "status", "state", "kind__exact", "at__gte", "created_at__lt", "implied__isnull",
)  # fmt: skip


def written(value: str) -> str:
    return quote(value, errors="surrogatepass", safe="")


@pytest.mark.parametrize("page", LISTS)
def test_parameters_of_the_lists(boss: Any, page: str) -> None:
    allowed_by(ClientFactory()[0])
    for name, value in product(PARAMETERS, NASTY):
        query = urlencode({name: value}, errors="surrogatepass")
        assert boss.get(f"{BASE}{page}?{query}").status_code < 500, query


@pytest.mark.parametrize("model", ["client", "consent", "authorization", "event", "outboxmessage"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_keys_in_addresses(boss: Any, model: str, method: str) -> None:
    pages = ["change", "delete", "history"]
    pages += ["suspend", "rotate-secret", "secrets", "people", "integration"] if model == "client" else []
    for page, value in product(pages, NASTY):
        path = f"{BASE}{model}/{written(value)}/{page}/"
        assert getattr(boss, method)(path).status_code < 500, path


@pytest.mark.parametrize(
    ("model", "action"), [("client", "suspend"), ("consent", "withdraw"), ("authorization", "revoke")]
)
def test_actions_on_what_was_never_shown(boss: Any, model: str, action: str) -> None:
    sound = {"action": action, "_selected_action": ["1"], "confirm": "1", "reason": "A test"}
    for name, value in product(
        ("action", "_selected_action", "index", "select_across", "confirm", "reason"), NASTY
    ):
        for given in (value, [value, value, "1"]):
            answer = boss.post(f"{BASE}{model}/", {**sound, name: given})
            assert answer.status_code < 500, (name, given)


def test_the_client_form(boss: Any) -> None:
    client, _ = ClientFactory()
    page = f"{BASE}client/{client.pk}/change/"
    fields = (
        "name", "redirect_uris", "allowed_origins", "access_token_lifetime", "implicit_until_0", "throttle_rate",
        "owner", "service_user", "trust", "flows", "allowed_scopes", "logo_uri",
    )  # fmt: skip
    for name, value in product(fields, (*NASTY, "https://[", "https://a.example:99999999/", "2147483648")):
        assert boss.post(page, {"name": "n", name: value}).status_code < 500, (name, value)
