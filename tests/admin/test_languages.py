"""The admin in German: every kind of page is walked, and none of our English is left on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import override

from django_oauthflows.models import Authorization, Client, ClientUsage, Consent, Event
from django_oauthflows.scopes import declared_scopes
from tests.admin.conftest import allowed_by, form_data, page_of
from tests.admin.test_client_pages import ADD
from tests.admin.test_event_details import recorded
from tests.admin.test_lists import with_risks
from tests.catalogs import catalog
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]
ROOT = "/admin/django_oauthflows/"
#: Hardly an English sentence gets along without one of these, and none is a German word.
ENGLISH = re.compile(r"\b(the|and|is|are|its|it|of|with|this|that|from|by|not|to|for|be)\b", re.IGNORECASE)
#: Code to copy, and values as they are stored.
NO_WORDS = {"script", "style", "code", "pre"}
#: What Django 6 itself has not translated yet.
NOT_YET = "Filter by"
CAUSES = (
    *("no client secret", "wrong client secret", "code malformed", "code used twice", "code expired"),
    *("flow not allowed for this client", "scope not allowed", "redirect URI not registered", "revoked"),
    *("refresh token malformed", "user did not allow it", "consent withdrawn", "unsupported grant type"),
)


class Page(HTMLParser):
    """The words and the links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self._skipped = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._skipped += tag in NO_WORDS
        self.words += [given[name] for name in ("aria-label", "title", "placeholder") if name in given]
        if given.get("type") == "submit":
            self.words.append(given.get("value", ""))
        if tag == "a":
            self.links.append(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in NO_WORDS

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.words.append(" ".join(data.split()))


@pytest.fixture(autouse=True)
def _language_of_the_thread() -> Iterator[None]:
    with override("en"):  # what a request activates stays for the thread
        yield


@pytest.fixture
def site(boss: Any) -> Any:
    """Something of everything that the admin can show; the boss reads German."""
    boss.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    with_risks()
    for case in ({}, {"public": True}, {"machine": True}, {"fragment": True, "implicit_reason": "Old"}):
        ClientFactory(**case)
    suspended, _ = ClientFactory(name="Off", trust="first_party")
    suspended.suspend(by=boss.user, reason="Abuse")
    busy, _ = ClientFactory(name="Busy")
    allowed_by(busy)
    allowed_by(busy).revoke(cause="revoked by staff", by=boss.user)
    allowed_by(busy).consent.withdraw(by=boss.user)
    ClientUsage.objects.create(client=busy, day=timezone.now().date(), flow="refresh_token", tokens_issued=3)
    for cause in CAUSES:
        Event.objects.refused(client=busy, cause=cause, scope="x", redirect_uri="https://client.example/x")
    for kind in (
        Event.Kind.CONSENT_GIVEN,
        Event.Kind.PURGED,
        Event.Kind.CLIENT_REPORTED,
        Event.Kind.CLIENT_TRIED,
    ):
        recorded(kind)
    return boss


def walked(user_agent: Any) -> Iterator[tuple[str, Any]]:
    """Our part of the admin: each client's page, and of all that links lead to one page of each kind."""
    firsts = [page_of(client) for client in Client.objects.order_by("pk")]
    waiting, seen = [ROOT, *firsts], set()
    while waiting:
        address = waiting.pop().partition("#")[0]
        if not address.startswith(ADD):
            address = address.partition("?")[0]  # a filtered list has no other words
        kind = address if address in firsts else re.sub(r"\d+", "#", address)
        if kind not in seen and kind.startswith(ROOT) and "/export/" not in kind:
            seen.add(kind)
            response = user_agent.get(address)
            assert response.status_code == 200, address
            yield address, response
            waiting += [urljoin(address, link) for link in Page(response.content.decode()).links]


@cache
def marked() -> set[str]:
    """Our sentences that are others in German."""
    entries = catalog("de")
    same = {text for entry in entries for text in (entry.msgstr, capfirst(entry.msgstr))}
    return {text for entry in entries for text in (entry.msgid, capfirst(entry.msgid))} - same


def english_on(response: Any) -> set[str]:
    """What is ours and not German: marked sentences, and anything that reads like English."""
    page = Page(response.content.decode())
    left = set()
    for text in page.words:
        own = text
        for other in (*(str(scope.label) for scope in declared_scopes().values()), NOT_YET):
            own = own.replace(other, "")
        if {text, text.rstrip(":.")} & marked() or ENGLISH.search(own):
            left.add(text)
    return left


def test_no_page_of_the_admin_has_english_on_it(site: Any) -> None:
    found = {address: english_on(response) for address, response in walked(site)}
    assert {address: words for address, words in found.items() if words} == {}
    kinds = {re.sub(r"\d+", "#", address.removeprefix(ROOT)) for address in found}
    assert {
        "client/advice/",
        "client/add/?use_case=legacy-spa",
        *(f"client/#/{tab}/" for tab in ("change", "integration", "secrets", "people", "usage", "events")),
        *(
            f"client/#/{action}/"
            for action in ("suspend", "resume", "revoke-tokens", "rotate-secret", "delete")
        ),
        "client/#/secrets/#/revoke/",
        "consent/user/#/",
        *(f"{name}/#/change/" for name in ("consent", "authorization", "event")),
    } <= kinds


def test_no_answer_to_a_form_has_english_on_it(site: Any) -> None:
    busy = Client.objects.get(name="Busy")
    adding = f"{ADD}?use_case=web"
    empty = form_data(site.get(adding))
    for uri in ("", "x", "http://a.example/", "https://*.a.example/", "https://a.example/#x", "app:/x", "é"):
        refused = site.post(adding, empty | {"redirect_uris": uri})
        assert refused.status_code == 200
        assert english_on(refused) == set()
    for uri in ("https://client.example/callback", "https://client.example/x", "https://["):
        assert english_on(site.get(page_of(busy, "integration"), {"uri": uri})) == set()
    for name, action in (("client", "suspend"), ("client", "resume"), ("client", "revoke_tokens")):
        asked = site.post(f"{ROOT}{name}/", {"action": action, "_selected_action": [busy.pk]})
        assert english_on(asked) == set()
    for model, action in ((Consent, "withdraw"), (Authorization, "revoke")):
        chosen = {"action": action, "_selected_action": list(model.objects.values_list("pk", flat=True))}
        asked = site.post(f"{ROOT}{model._meta.model_name}/", chosen)
        assert english_on(asked) == set()
        done = site.post(
            f"{ROOT}{model._meta.model_name}/", chosen | {"confirm": "1", "reason": "Missbrauch"}, follow=True
        )
        assert english_on(done) == set()
    rotation = page_of(busy, "rotate-secret")
    newest = site.get(rotation).context["form"].initial["newest"]
    for overlap in ("never", 3600):  # a mistake, the new secret
        assert (
            english_on(site.post(rotation, {"overlap": overlap, "newest": newest, "reason": "Each spring"}))
            == set()
        )
