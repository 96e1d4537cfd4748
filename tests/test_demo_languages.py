"""The demo speaks the product's languages: every text of its own is marked, translated, compiled and shown.

What programs say in a terminal, and what the provider tells developers, is English everywhere.
After a text has changed, from the folder ``example_project/notes``, with ``..`` searched::

    django-admin makemessages -l ar -l de -l es -l fr -l ja -l pt_BR --no-obsolete --no-wrap --no-location
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import django
import polib
import pytest
from django.test import Client as HttpClient
from django.utils.translation import get_language_info, gettext, override

import example_project
from django_oauthflows.flows import registry
from django_oauthflows.flows.parameters import PARAMETERS
from example_project.demo import PASSWORD, seed
from tests.catalogs import LANGUAGES, catalog, key_of, texts_of

pytestmark = [pytest.mark.one_database, pytest.mark.one_environment]
DEMO = Path(example_project.__file__).parent
DJANGO = Path(django.__file__).parent
HOLES = re.compile(r"%\(\w+\)[sd]|<[^>]+>")
PAGES = (
    *("/", "/notes/", "/flows/", "/flows/choose/", "/flows/choose/?user=no&secret=yes", "/clients/native/"),
    *("/clients/tv/", "/clients/service/", "/clients/job/", "/clients/second-site/", "/clients/spa/"),
    *("/clients/legacy-spa/", "/watch/doctor/", *(f"/flows/{flow.name}/" for flow in registry.FLOWS)),
)


def path_of(language: str, suffix: str) -> Path:
    return DEMO / "notes" / "locale" / language / "LC_MESSAGES" / f"django{suffix}"


def own(language: str) -> polib.POFile:
    return polib.pofile(str(path_of(language, ".po")))


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What ``makemessages`` finds in the demo now; the permissions in its settings have a test of their own."""
    if shutil.which("xgettext") is None:
        pytest.skip("needs gettext")
    copy = tmp_path_factory.mktemp("marked") / DEMO.name
    shutil.copytree(DEMO, copy, ignore=shutil.ignore_patterns("locale", "settings.py", "__pycache__"))
    (copy / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "-l", "de", "--keep-pot"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    return {entry.msgid for entry in polib.pofile(str(copy / "locale" / "django.pot"))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_no_other(language: str, marked: set[str]) -> None:
    """By the demo, or by those whose words it uses: the product and Django."""
    entries = own(language)
    assert [entry.msgid for entry in entries if entry.fuzzy or not entry.translated()] == []
    mine = {entry.msgid for entry in entries if not entry.msgctxt}
    assert mine <= marked
    others = {entry.msgid for entry in catalog(language) if not entry.msgctxt}
    for app in ("admin", "auth"):
        others |= {
            entry.msgid
            for entry in polib.mofile(str(DJANGO / f"contrib/{app}/locale/{language}/LC_MESSAGES/django.mo"))
        }
    assert marked - mine - others == set()
    assert len(mine) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_keeps_places_and_marks_and_is_compiled(language: str) -> None:
    for entry in own(language):
        assert sorted(HOLES.findall(entry.msgstr)) == sorted(HOLES.findall(entry.msgid)), entry.msgid
    compiled = polib.mofile(str(path_of(language, ".mo")))
    assert {key_of(entry): texts_of(entry) for entry in compiled} == {
        key_of(entry): texts_of(entry) for entry in own(language)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_flows_and_parameters_declare_is_translated_too(language: str) -> None:
    declared = {
        str(text)
        for flow in registry.FLOWS
        for text in (
            *(flow.label, flow.summary, flow.when, flow.avoid, *flow.protections, *flow.risks),
            *(step.title for step in flow.steps),
            *(party.value for party in flow.parties),
            *(need.value for need in flow.needs if need.value != "PKCE"),
            *(kind.value for kind in flow.client_types),
        )
    }
    declared |= {parameter.meaning for parameter in PARAMETERS}
    known = {entry.msgid for entry in (*own(language), *catalog(language))}
    assert declared - known == set()


class Words(HTMLParser):
    """The texts of a page, but for code and for what is marked as English."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.root: dict[str, str | None] = {}
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.root = given
        if tag not in ("meta", "link", "input", "img", "br", "line", "polygon", "circle"):
            self._open.append((tag, tag in ("script", "style", "code", "pre") or given.get("lang") == "en"))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(skipped for _tag, skipped in self._open) and data.strip():
            self.found.append(" ".join(data.split()))


@pytest.fixture(params=LANGUAGES)
def reader(request: Any, db: None, client: HttpClient) -> Iterator[tuple[str, HttpClient]]:
    """A language, and a browser that asks for it, in which the demo's member of staff is logged in."""
    seed()
    client.defaults |= {"HTTP_ACCEPT_LANGUAGE": request.param.replace("_", "-"), "HTTP_HOST": "localhost"}
    client.defaults["wsgi.multithread"] = True
    client.post("/accounts/login/", {"username": "admin", "password": PASSWORD})
    with override("en"):  # what a request activates stays for the thread
        yield request.param.lower().replace("_", "-"), client


def test_the_explorer_says_what_happened_in_the_language_of_the_page(
    reader: tuple[str, HttpClient],
) -> None:
    language, browser = reader
    browser.defaults["HTTP_HOST"] = "localhost:1"  # not this server's port: the application is asked directly
    browser.post("/flows/client_credentials/next/")
    tried = browser.post("/flows/client_credentials/what-if/more-scope-machine/", follow=True)
    with override(language):
        verdict = gettext("Refused. %(why)s") % {"why": gettext("It gets what staff allowed it.")}
        meaning = gettext("What the client presents in order to get a token.")
    assert "Refused" not in verdict
    shown = unescape(tried.content.decode())
    assert f'<span lang="{language}" dir="auto">{verdict}</span>' in shown
    assert f"{meaning} <small>RFC 6749 §4</small>" in shown


def test_no_page_has_a_text_of_ours_in_english(reader: tuple[str, HttpClient], marked: set[str]) -> None:
    language, browser = reader
    with override(language):
        foreign = {text for text in marked if gettext(text) != text}
    left = {}
    for address in (*PAGES, "/accounts/login/"):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        page = Words(answer.content.decode())
        info = get_language_info(language)
        assert (page.root["lang"], page.root["dir"]) == (language, "rtl" if info["bidi"] else "ltr")
        left[address] = {text for text in page.found if text in foreign or text.rstrip(".:") in foreign}
    assert {address: texts for address, texts in left.items() if texts} == {}
