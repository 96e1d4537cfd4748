"""No page of the admin answers nonsense with an error of the server: each one, walked by the list of its addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern

from django_oauthflows.models import (
    Authorization,
    Client,
    ClientSecret,
    Consent,
    Event,
    OutboxMessage,
    SigningKey,
)
from tests.admin.conftest import allowed_by, form_data, page_of
from tests.factories import ClientFactory

pytestmark = [
    pytest.mark.django_db,
    # What MariaDB refuses to store, PostgreSQL does, too.
    pytest.mark.one_database,
    # Django's own warning about a day without a time, from its own filter.
    pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime"),
]
ROOT = "/admin/django_oauthflows"
MODELS = (Authorization, Client, Consent, Event, OutboxMessage, SigningKey)
#: What a database may refuse, tried on each of them. The rest never gets there: what stops it is not the database's.
REFUSED = ("a\0b", "9" * 20, "0001-01-01 00:00:00+14:00")
#: Text that is no number, no date, no key, not to be stored by PostgreSQL, or much too large.
WORST = (*REFUSED, "", "x", "²", "-" + "9" * 20, "9" * 5000)
#: Of those, one of each kind, where there are very many places to try.
TYPICAL = (*REFUSED, "²")
NASTY = (
    *WORST,
    "'",
    "-1",
    "0",
    "1.5",
    "nan",
    "1,2",
    "None",
    "\0",
    "%",
    "\r\n",
    "\ufffd",
    "é" * 300,
    "9999-12-31",
)
#: What the lists read, what Django's links carry, and what nothing knows.
PARAMETERS = (
    *("of", "who", "scope", "trust", "algorithm"),
    *("q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters"),
    *("status", "risk", "use_case", "flow", "state", "kind", "kind__exact", "implied__exact"),
    *("client", "client__id__exact", "user", "consent", "owner", "pk", "id__in", "count"),
    *("at__gte", "at__year", "given_at__lt", "created_at__gte", "name", "unknown", "client__unknown"),
)


def patterns() -> list[tuple[type, str]]:
    """Each address of our part of the admin: its model, and its path with places for the keys."""
    found = []
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == "django_oauthflows":
            for url in model_admin.get_urls():
                assert isinstance(url, URLPattern)
                found.append((model, f"{ROOT}/{model._meta.model_name}/{url.pattern._route}"))  # type: ignore[attr-defined]
    return found


PATTERNS = patterns()
PAGES = pytest.mark.parametrize(("model", "route"), PATTERNS, ids=[route for _model, route in PATTERNS])


def tried(values: tuple[str, ...]) -> tuple[str, ...]:
    """Numbers and moments that are out of range SQLite refuses as well: with others, what it alone would store."""
    return values if connection.vendor == "sqlite" else REFUSED[:1]


@pytest.fixture
def rows(boss: Any) -> dict[type, Any]:
    """A row of each model: model → its key."""
    client, _ = ClientFactory()
    allowed_by(client, boss.user)
    OutboxMessage.objects.put(kind="notice", lifetime=client.updated - client.created, payload={})
    SigningKey.objects.rotate()
    return {model: model._default_manager.order_by("pk")[0].pk for model in (*MODELS, ClientSecret)} | {
        type(boss.user): boss.user.pk
    }


def address(route: str, model: type, rows: dict[type, Any], nasty: str | None = None) -> str:
    """The address with the keys of rows; ``nasty`` in the place of the last one."""
    keys = {"pk": model, "object_id": model, "secret_pk": ClientSecret, "key": list(rows)[-1]}
    route = route if nasty is not None else route.replace("<str:form>", "csv")
    names = re.findall(r"<\w+:(\w+)>", route)
    for place, name in enumerate(names):
        text = quote(nasty, safe="") if nasty is not None and place == len(names) - 1 else rows[keys[name]]
        route = re.sub(rf"<\w+:{name}>", str(text).replace("\\", ""), route)
    return route


Ask = Callable[[dict[str, str]], int]


def ask_one_by_one(ask: Ask, names: Iterable[str], values: Sequence[str]) -> None:
    for name, value in product(names, values):
        ask({name: value})


def ask_together(ask: Ask, names: Sequence[str], values: Sequence[str]) -> None:
    """Each value for each name, another one for the next: what is refused is asked for anew, one by one, as the page
    need not have read all of it.
    """
    for shift in range(len(values)):
        query = {name: values[(place + shift) % len(values)] for place, name in enumerate(names)}
        if ask(query) != 200:
            for name, value in query.items():
                ask({name: value})


def ask_for_a_list(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most names it refuses as soon as it reads them. What it shows of the others is seen when they are together."""
    first, *others = tried(TYPICAL)
    with monkeypatch.context() as unseen:
        unseen.setattr(SimpleTemplateResponse, "rendered_content", "")
        shown = [name for name in PARAMETERS if ask({name: first}) == 200]
    ask_one_by_one(ask, [name for name in PARAMETERS if name not in shown], others)
    ask_together(ask, shown, [first, *others])
    ask_one_by_one(ask, ("q", "p"), [value for value in tried(WORST) if value not in TYPICAL])


@PAGES
@pytest.mark.each_case
def test_no_page_fails_on_nonsense_in_its_address(
    boss: Any, rows: dict[type, Any], model: type, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = address(route, model, rows)
    assert boss.get(page).status_code < 404  # the walk knows the way

    def ask(query: dict[str, str]) -> int:
        url = f"{page}?{urlencode(query)}"
        status: int = boss.get(url).status_code
        assert status < 500, url
        return status

    for nasty in tried(NASTY) if "<" in route else ():
        assert boss.get(address(route, model, rows, nasty)).status_code < 500, nasty
    if re.search(r"django_oauthflows/\w+/(export/)?$", route):
        ask_for_a_list(ask, monkeypatch)
    else:
        ask_one_by_one(ask, ["_to_field"], REFUSED[:2])
        ask_together(ask, ("_changelist_filters", "_popup", "uri", "p"), REFUSED[:2])


@PAGES
@pytest.mark.each_case
def test_no_page_fails_on_a_form_of_nonsense(
    boss: Any, rows: dict[type, Any], model: type, route: str
) -> None:
    names = (
        *("action", "_selected_action", "index", "select_across", "confirm", "reason", "newest", "overlap"),
        *("consent", "scope", "label", "name", "_save"),
    )
    page = address(route, model, rows)
    sent: list[dict[str, Any]] = [{}, *(dict.fromkeys(names, nasty) for nasty in tried(WORST))]
    sent += [{name: [nasty, "", nasty] for name in names} for nasty in tried(TYPICAL)]
    sent += [{"confirm": "yes", "reason": nasty} for nasty in tried(TYPICAL)]
    for data in sent:
        assert boss.post(page, data).status_code < 500, (page, data)
    for nasty in tried(WORST) if "<" in route else ():
        assert boss.post(address(route, model, rows, nasty), {"confirm": "yes"}).status_code < 500, nasty


@pytest.mark.parametrize("model", [Authorization, Client, Consent, OutboxMessage])
def test_rows_that_cannot_be_are_no_rows_to_act_on(boss: Any, rows: dict[type, Any], model: Any) -> None:
    """``action`` fits, so that what is sent with it is read."""
    model_admin = admin.site._registry[model]
    url = f"{ROOT}/{model._meta.model_name}/"
    actions = [action.list_name for action in model_admin.row_actions if action.many]  # type: ignore[attr-defined]
    before = list(model.objects.values())
    for place, action in enumerate(
        (*actions, *(["export_csv"] if model is Client else []), "delete_selected")
    ):
        # What the database may refuse for each of them; the rest never gets there, whichever reads it.
        for nasty in dict.fromkeys((*REFUSED, *tried(NASTY)[place::2])):
            chosen = {"action": action, "confirm": "yes", "reason": "A test"}
            assert boss.post(url, chosen | {"_selected_action": [nasty]}).status_code < 500, nasty
            if not nasty.lstrip("-").isdecimal() or len(nasty) > 19:
                both = chosen | {"_selected_action": [str(rows[model]), nasty]}
                assert boss.post(url, both).status_code == 400, nasty
            more = dict.fromkeys(("index", "select_across", "reason"), nasty)
            assert boss.post(url, {"action": action, "_selected_action": ["0"]} | more).status_code < 500, (
                nasty
            )
    assert list(model.objects.values()) == before


@pytest.mark.parametrize("case", ["web", "legacy-spa", "service", "change"])
def test_no_field_of_a_client_fails_on_nonsense(
    boss: Any, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = ClientFactory(fragment=True, implicit_reason="Until May")
    url = page_of(client) if case == "change" else f"{ROOT}/client/add/?use_case={case}"
    data = form_data(boss.get(url))
    addresses = ("https://[", f"https://{'a' * 300}.example/", "https://a.example:99999999/", "//", "a:")
    dates = ("0001-01-01", "9999-12-31", "2026-02-30")
    taken: dict[Any, list[str]] = {}
    for nasty in (*tried(WORST), *addresses, *dates, "2147483648", ("x", "x")):
        # All at once: each field reads what it was sent, whatever the others say.
        answer = boss.post(url, dict.fromkeys(data, nasty))
        assert answer.status_code < 500, nasty
        errors = answer.context["adminform"].form.errors
        taken[nasty] = [name for name in data if not any(name.startswith(field) for field in errors)]
    # That pages show it again was seen above.
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    for nasty, names in taken.items():
        # What no field minds may get as far as the database.
        assert boss.post(url, data | dict.fromkeys(names, nasty)).status_code < 500, (names, nasty)
    for place, name in enumerate(data):
        # And each alone, without which or with which the others are looked at.
        more = addresses if "uri" in name or "url" in name else dates if "until" in name else ()
        for nasty in (REFUSED[place % 2], *more[place % 2 :: 2]):
            assert boss.post(url, data | {name: nasty}).status_code < 500, (name, nasty)
    for place in range(8):
        left_out = list(data)[place::8]
        answer = boss.post(url, {name: value for name, value in data.items() if name not in left_out})
        assert answer.status_code < 500, left_out


@pytest.mark.parametrize("encoding", ["unicode_escape", "utf-7", "utf-16"])
@pytest.mark.parametrize("page", ["client/", "client/export/", "client/add/", "consent/", "event/"])
def test_half_a_character_gets_in_by_no_encoding(boss: Any, page: str, encoding: str) -> None:
    answer = boss.get(f"{ROOT}/{page}?q=%5Cud800", CONTENT_TYPE=f"text/plain; charset={encoding}")
    assert answer.status_code == 400
    assert boss.get(f"{ROOT}/{page}", CONTENT_TYPE="text/plain; charset=UTF8").status_code == 200


def test_a_bad_parameter_shows_the_whole_list(boss: Any, rows: dict[type, Any]) -> None:
    for bad in ("unknown=1", "owner=x", "e__gte=yesterday"):
        for page in ("client/", "client/export/"):
            answer = boss.get(f"{ROOT}/{page}?{bad}")
            assert (answer.status_code, answer.headers["Location"].partition("?")[2]) == (302, "e=1"), bad
    assert (
        boss.get(f"{ROOT}/client/?created__gte=yesterday").status_code == 400
    )  # the list offers no such filter
    assert boss.get(f"{ROOT}/client/?e=1").context["cl"].result_count == 1


def test_a_transaction_goes_on_after_text_that_cannot_be_stored(boss: Any, rows: dict[type, Any]) -> None:
    assert boss.get(f"{ROOT}/event/?kind__exact=%00").status_code in (200, 302)
    assert boss.get(f"{ROOT}/consent/user/%00/").status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_time_are_no_end_of_the_implicit_flow(
    boss: Any, settings: Any, rows: dict[type, Any], zone: str, date: str
) -> None:
    settings.TIME_ZONE = zone
    client, _ = ClientFactory(fragment=True, implicit_reason="Until May")
    data = form_data(boss.get(page_of(client)))
    for time in ("00:00:00", "23:59:59"):
        sent = data | {"implicit_until_0": date, "implicit_until_1": time}
        assert boss.post(page_of(client), sent).status_code < 500
        for page in (page_of(client), page_of(client, "events"), f"{ROOT}/client/", f"{ROOT}/event/"):
            assert boss.get(page).status_code == 200
    for suffix in ("", " 00:00:00", " 23:59:59+00:00", "T23:59:59-14:00", " 00:00:00+14:00"):
        assert boss.get(f"{ROOT}/event/", {"at__gte": date + suffix}).status_code < 500
        assert boss.get(f"{ROOT}/client/", {"created__lt": date + suffix}).status_code < 500
