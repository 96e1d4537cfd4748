"""The six catalogs are whole: every sentence that the package marks is translated, compiled and shipped.

Marked is what end users and staff read: pages, mails, the admin, what is wrong with a form, what helps
after a refused request, and what the flows say of themselves. Not marked, so that it is the same
everywhere: what programs and developers read (``error_description``, challenges, system checks, the output
of commands, logs), the names of permissions (Django keeps its own in English in the database, too), and
the record of an event as it is stored.

After a sentence has changed, from the folder ``django_oauthflows``::

    django-admin makemessages -l ar -l de -l es -l fr -l ja -l pt_BR --no-obsolete --no-wrap --add-location file

then translate what is empty or fuzzy, and ``django-admin compilemessages``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import django
import oauth2_provider
import polib
import pytest
import rest_framework
from django.utils.translation import override

from tests.catalogs import LANGUAGES, PACKAGE, Key, catalog, key_of, path_of, texts_of
from tests.consent.conftest import Walk
from tests.mailbox import delivered

pytestmark = pytest.mark.one_environment

DJANGO = Path(django.__file__).parent
#: Whose catalogs are joined with ours on every site.
OTHERS = (
    DJANGO / "conf",
    *sorted((DJANGO / "contrib").iterdir()),
    Path(oauth2_provider.__file__).parent,
    Path(rest_framework.__file__).parent,
)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> set[Key]:
    """What ``makemessages`` finds in the package now."""
    if shutil.which("xgettext") is None:
        pytest.skip("needs gettext")
    copy = tmp_path_factory.mktemp("marked") / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("LC_MESSAGES", "__pycache__"))
    command = [sys.executable, "-m", "django", "makemessages", "-l", "de", "--keep-pot"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    return {key_of(entry) for entry in polib.pofile(str(copy / "locale" / "django.pot"))}


def test_the_sentences_of_every_room_are_found(marked: set[Key]) -> None:
    assert {
        (None, "Not you?", ""),  # a page
        (None, "Hello %(user)s,", ""),  # a mail
        (None, "For %(days)d day", "For %(days)d days"),  # a form
        (None, "Single-page app", ""),  # what a use case says of itself
        (None, "Its server can keep a secret, and the tokens never reach the browser.", ""),
        (None, "It has no secret that is still valid.", ""),  # advice
        (None, "Client suspended", ""),  # a choice of a model
        ("authorization", "Live", ""),
    } <= marked
    assert len(marked) > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalog_has_every_sentence_translated_and_no_other(language: str, marked: set[Key]) -> None:
    entries = [entry for entry in catalog(language) if not entry.obsolete]
    assert {key_of(entry) for entry in entries} == marked
    assert [entry.msgid for entry in entries if entry.fuzzy or not entry.translated()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_keeps_the_places_to_fill_and_the_marks(language: str) -> None:
    holes = re.compile(r"%\(\w+\)[sd]|<[^>]+>")

    def found(text: str) -> list[str]:
        return sorted(holes.findall(text))

    for entry in catalog(language):
        # "One client" needs no number in it.
        allowed = [found(entry.msgid), *([found(entry.msgid_plural)] if entry.msgid_plural else [])]
        *others, last = texts_of(entry)
        assert found(last) == allowed[-1], entry.msgid
        assert all(found(text) in allowed for text in others), entry.msgid


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_ours_changes_a_word_of_the_host(language: str) -> None:
    """Django joins all catalogs into one: what several of them have must be the same in each.

    A word that means something else here than there, or that the others do not agree about, needs a
    context (``pgettext``).
    """
    ours = {(entry.msgctxt, entry.msgid): texts_of(entry) for entry in catalog(language)}
    compared = 0
    for other in OTHERS:
        path = other / "locale" / language / "LC_MESSAGES" / "django.mo"
        for entry in polib.mofile(str(path)) if path.exists() else ():
            own = ours.get((entry.msgctxt, entry.msgid))
            if own is not None:
                compared += 1
                assert texts_of(entry) == own, f"{other.name}: {entry.msgid}"
    assert compared


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalog_is_current(language: str) -> None:
    compiled = polib.mofile(str(path_of(language, ".mo")))
    assert {key_of(entry): texts_of(entry) for entry in compiled} == {
        key_of(entry): texts_of(entry) for entry in catalog(language).translated_entries()
    }


def test_the_wheel_has_the_compiled_catalogs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=PACKAGE.parent, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for language in LANGUAGES:
            path = path_of(language, ".mo")
            assert archive.read(path.relative_to(PACKAGE.parent).as_posix()) == path.read_bytes()


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
    assert subject in delivered()[0].subject
