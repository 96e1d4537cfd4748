"""The pages of staff in Chromium, in English and from right to left: found, read and used at every width."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone, translation
from django.utils.formats import date_format
from playwright.sync_api import Browser, Page, expect

from django_oauthflows.admin.advice import Topic
from django_oauthflows.models import Authorization, Client, Consent, Event, OutboxMessage, SigningKey
from tests.admin.conftest import allowed_by
from tests.browser.visit import LOOKS, Visit, faults, open_to_all_tools
from tests.factories import ClientFactory, UserFactory

ROOT = "/admin/django_oauthflows"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ar"])
LISTS = ("client", "consent", "authorization", "event", "outboxmessage", "signingkey")
TABS = ("change", "integration", "secrets", "people", "usage", "events")


@pytest.fixture
def app(alice: Any) -> Client:
    """A client with something in each list and on each tab of it."""
    client, _secret = ClientFactory(
        name="A calendar with quite a long name for such a list",
        redirect_uris=["https://calendar.example/callback"],
        scopes=["openid", "profile", "notes:read", "notes:write"],
    )
    for name in ("somebody-with-a-long-name@mail.example", "bob"):
        allowed_by(client, UserFactory(username=name))
    for cause in ("code expired", "wrong client secret"):
        Event.objects.refused(client=client, cause=cause)
    OutboxMessage.objects.put(
        kind="notice", lifetime=timedelta(days=3), payload={}, client=client, user=alice
    )
    SigningKey.objects.rotate()
    return client


@contextmanager
def staff_at_work(chromium: Browser, live_server: Any, language: str) -> Iterator[Visit]:
    UserFactory(username="staff", is_staff=True, is_superuser=True)
    visit = open_to_all_tools(chromium, live_server.url, language)
    visit.log_in_beforehand("staff")
    yield visit
    visit.page.close()


def pages_of(app: Client) -> list[str]:
    """Every kind of page of ours."""
    own = f"{ROOT}/client/{app.pk}"
    acts = ("preview", "try", "suspend", "delete", "rotate-secret")
    user = Consent.objects.filter(client=app)[0].user_id
    suspended, _secret = ClientFactory(name="Not in use any more")
    suspended.suspend(reason="To be seen")
    return [
        f"{ROOT}/",
        *(f"{ROOT}/{name}/" for name in LISTS),
        *(f"{own}/{name}/" for name in (*TABS, *acts)),
        *(f"{ROOT}/client/{suspended.pk}/{name}/" for name in ("change", "resume")),
        *(f"{ROOT}/client/{name}" for name in ("advice/", "add/")),
        *(f"{ROOT}/client/add/?use_case={case}" for case in ("native", "legacy-spa")),
        f"{ROOT}/consent/user/{user}/",
        f"{ROOT}/event/{Event.objects.latest('pk').pk}/change/",
        f"{ROOT}/signingkey/rotate/",
    ]


@LANGUAGES
def test_nobody_is_kept_out_at_any_width_by_light_or_dark(
    chromium: Browser, live_server: Any, app: Client, language: str
) -> None:
    # Their colours are the same at each width.
    looks = LOOKS["en"] if language == "en" else {320: LOOKS["ar"][320]}
    found = []
    with staff_at_work(chromium, live_server, language) as visit:
        for path in pages_of(app):
            visit.page.set_viewport_size({"width": 360, "height": 740})
            visit.open(path)
            if path in {f"{ROOT}/client/{app.pk}/{name}/" for name in TABS}:
                found += [(path, fault) for fault in below_the_first_screen(visit.page)]
            ours = "#content" if visit.page.locator("#content").count() else "main"
            # Django's own search field has a picture for a label.
            context = {"include": [[ours]], "exclude": [["#changelist-search"]]}
            found += [(path, fault) for fault in faults(visit.page, looks, context)]
            if path in {f"{ROOT}/{name}/" for name in LISTS}:
                found += [(path, fault) for fault in cut_off(visit.page)]
    assert not found, "\n".join(map(str, found))


def cut_off(page: Page) -> list[str]:
    """What is wrong with a list on a computer: no column is cut off, and each row takes a line."""
    rows = page.locator("#result_list tbody tr").count()
    wide, room, lines = page.evaluate(
        """() => [
            document.querySelector("#result_list")?.getBoundingClientRect().width,
            document.querySelector("#changelist .results")?.getBoundingClientRect().width,
            [...document.querySelectorAll("#result_list tbody :is(td, th)")].filter(
                cell => cell.clientHeight > 2.6 * parseFloat(getComputedStyle(cell).fontSize) + 8
            ).length,
        ]"""
    )
    if not rows:
        return ["an empty list"]
    return ["cut columns"] * (wide > room + 1) + ["rows of several lines"] * (lines > 0)


def below_the_first_screen(page: Page) -> list[str]:
    """Whether a tab begins only after what a phone shows at first: the window is one."""
    first = "#content-main form .form-row" if "/change/" in page.url else ".oaf-head ~ h2"
    box = page.locator(first).first.bounding_box()
    return [] if box is not None and box["y"] + 20 < 740 else ["begins below the first screen"]


def test_the_settings_begin_with_what_is_needed_and_end_with_what_ends(
    chromium: Browser, live_server: Any, app: Client
) -> None:
    with staff_at_work(chromium, live_server, "en") as visit:
        visit.open(f"{ROOT}/client/{app.pk}/change/")
        page = visit.page
        for name in ("name", "redirect_uris", "allowed_scopes", "owner", "trust"):
            assert page.locator(f"[name={name}]").first.is_visible(), name
        for name in ("description", "access_token_format", "contacts", "accepted_risk"):
            assert not page.locator(f"[name={name}]").is_visible(), name
        folded = page.locator("fieldset.collapse details")
        for section in folded.all():
            assert section.locator("summary .oaf-about-section").inner_text().strip()
            section.locator("summary").click()
        assert page.locator("[name=description]").is_visible()
        danger = page.locator("#oaf-danger")
        assert danger.locator("a.oaf-red").count() == 3
        assert page.locator(".oaf-head a.oaf-red, .submit-row .deletelink").count() == 0
        box, save = danger.bounding_box(), page.locator("[name=_save]").bounding_box()
        assert box is not None
        assert save is not None
        assert box["y"] > save["y"]


def test_staff_look_at_the_consent_page_and_try_a_login(
    chromium: Browser, live_server: Any, app: Client
) -> None:
    before = (Consent.objects.count(), Authorization.objects.count())
    with staff_at_work(chromium, live_server, "en") as visit:
        page = visit.page
        visit.open(f"{ROOT}/client/{app.pk}/change/")
        visit.submit(page.locator(f'.oaf-actions a[href="{ROOT}/client/{app.pk}/preview/"]'))
        expect(page.get_by_role("heading", level=1)).to_contain_text(app.name)
        for button in page.locator("button").all():
            assert button.is_disabled()
        visit.submit(page.locator(f'.oauthflows-preview a[href="{ROOT}/client/{app.pk}/change/"]'))
        visit.submit(page.locator(f'.oaf-actions a[href="{ROOT}/client/{app.pk}/try/"]'))
        visit.submit(page.locator("#content-main [type=submit]"))
        assert urlsplit(page.url).path == f"{ROOT}/client/{app.pk}/try/"
        visit.submit(page.locator("[name=decision][value=allow]"))
        expect(page.locator(".oaf-steps li")).to_have_count(6)
        assert page.locator(".oaf-failed").count() == 0
        assert "staff" in page.locator(".oaf-steps").inner_text()
        assert page.url.startswith(live_server.url)
    assert (Consent.objects.count(), Authorization.objects.count()) == before
    assert Event.objects.get(kind=Event.Kind.CLIENT_TRIED).actor.username == "staff"


@LANGUAGES
def test_from_the_overview_to_a_secret_that_ends_soon(
    chromium: Browser, live_server: Any, app: Client, language: str
) -> None:
    app.secrets.update(expires_at=timezone.now() + timedelta(days=6))
    with staff_at_work(chromium, live_server, language) as visit:
        page = visit.page
        visit.open(f"{ROOT}/")
        visit.submit(page.locator(f".oaf-overview a[href*='risk={Topic.SECRET_EXPIRES.value}']"))
        visit.submit(page.locator("#result_list tbody th a").first)
        visit.submit(page.locator(f"a[href$='/client/{app.pk}/secrets/']").first)
        with translation.override(language):
            ends = date_format(timezone.localtime(app.secrets.get().expires_at), "DATE_FORMAT")
        expect(page.locator("#content-main")).to_contain_text(ends)


def test_from_the_overview_to_an_event_a_key_and_a_message(
    chromium: Browser, live_server: Any, app: Client
) -> None:
    with staff_at_work(chromium, live_server, "en") as visit:
        page = visit.page
        event = Event.objects.filter(kind=Event.Kind.REQUEST_REFUSED).latest("pk")
        visit.open(f"{ROOT}/")
        assert page.locator(".oaf-overview li").count() >= 9
        page.locator("#oaf-reference").fill(f" {event.reference.lower()} ")
        visit.submit(page.locator(".oaf-lookup [type=submit]"))
        assert urlsplit(page.url).path == f"{ROOT}/event/{event.pk}/change/"
        visit.open(f"{ROOT}/signingkey/rotate/")
        page.locator("[name=algorithm]").select_option("RS256")
        page.locator("[name=reason]").fill("Each spring")
        visit.submit(page.locator("#content-main [type=submit]"))
        expect(page.locator("#result_list tbody tr")).to_have_count(2)
        visit.open(f"{ROOT}/outboxmessage/")
        page.locator("#result_list [name=_selected_action]").check()
        page.locator("[name=action]").select_option("send_again")
        visit.submit(page.locator(".actions [type=submit]"))
        page.locator("[name=reason]").fill("It did not arrive")
        visit.submit(page.locator("[name=confirm]"))
        expect(page.locator(".messagelist .success")).to_be_visible()
    assert Event.objects.get(kind=Event.Kind.MESSAGE_SENT_AGAIN).data["reason"] == "It did not arrive"
