"""Every sentence that end users read is there in every language, and the compiled catalogs are current."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import polib
import pytest
from django.core import mail
from django.utils.translation import override
from django.utils.translation.template import templatize

import django_oauthflows
from tests.consent.conftest import Walk

PACKAGE = Path(django_oauthflows.__file__).parent
TEMPLATES = PACKAGE / "templates" / "django_oauthflows"
LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt_BR")
#: Where the sentences for end users are.
FOR_USERS = (
    *(
        TEMPLATES / f"{name}.html"
        for name in (
            "apps",
            "consent",
            "disconnect",
            "disconnect_stale",
            "disconnected",
            "error",
            "login_again",
            "parts/app",
        )
    ),
    TEMPLATES / "mail" / "connected.txt",
    *(
        PACKAGE / name
        for name in ("forms/consent.py", "notices.py", "views/apps.py", "views/cards.py", "views/consent.py")
    ),
)
_CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
#: What templates turn into: ``gettext(u'…')``, or ``_('…')`` for constants.
_IN_TEMPLATE = re.compile(
    r"gettext\(u?(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|'''.*?'''|\"\"\".*?\"\"\")", re.S
)


def sentences(path: Path) -> set[str]:
    """What ``path`` marks for translation."""
    if path.suffix != ".py":
        marked = templatize(path.read_text(), origin=str(path))
        return {ast.literal_eval(found["text"]) for found in _IN_TEMPLATE.finditer(marked)}
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in _CALLS
        and isinstance(call.args[0], ast.Constant)
    }


def catalog(language: str) -> Any:
    return polib.pofile(str(PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"))


def test_the_sentences_are_found() -> None:
    found = set().union(*map(sentences, FOR_USERS))
    assert {"Not you?", "This time only", "For %(days)d day", "Hello %(user)s,", "Website"} <= found
    assert len(found) > 75
    assert all(sentences(path) for path in FOR_USERS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_for_users_is_translated(language: str) -> None:
    done = {entry.msgid: entry for entry in catalog(language) if entry.translated()}
    missing = set().union(*map(sentences, FOR_USERS)) - set(done)
    assert missing == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_keeps_the_places_to_fill_and_the_marks(language: str) -> None:
    holes = re.compile(r"%\(\w+\)[sd]|<[^>]+>")
    for entry in catalog(language):
        for text in (entry.msgstr, *entry.msgstr_plural.values()):
            if text:
                assert sorted(holes.findall(text)) == sorted(holes.findall(entry.msgid)), entry.msgid


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalog_is_current(language: str) -> None:
    compiled = polib.mofile(str(PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo"))
    source = catalog(language)
    assert not source.fuzzy_entries()
    assert {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in compiled} == {
        entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in source.translated_entries()
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "title", "direction", "subject"),
    [
        ("de", "Nicht Sie?", "ltr", "verbunden"),
        ("ar", "لست أنت؟", "rtl", "حسابك"),
        ("pt-br", "Não é você?", "ltr", "conectado"),
    ],
)
def test_page_and_mail_speak_the_users_language(
    walk: Walk, settings: Any, language: str, title: str, direction: str, subject: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    with override("en"):
        walk.visitor.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        page = walk.ask("profile")
        assert title in page.content.decode()
        assert f'lang="{language}" dir="{direction}"' in page.content.decode()
        walk.answer(page)
    assert subject in mail.outbox[0].subject
