"""The package's catalogs, read as translators see them."""

from __future__ import annotations

from pathlib import Path

import polib

import django_oauthflows

PACKAGE = Path(django_oauthflows.__file__).parent
LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt_BR")
#: Context, sentence, plural.
Key = tuple[str | None, str, str]


def path_of(language: str, suffix: str) -> Path:
    """Where the catalog of ``language`` is: as text (``.po``) or compiled (``.mo``)."""
    return PACKAGE / "locale" / language / "LC_MESSAGES" / f"django{suffix}"


def catalog(language: str) -> polib.POFile:
    return polib.pofile(str(path_of(language, ".po")))


def key_of(entry: polib.POEntry | polib.MOEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or ""


def texts_of(entry: polib.POEntry | polib.MOEntry) -> tuple[str, ...]:
    """The translation, in each of its plural forms."""
    plurals = entry.msgstr_plural
    return tuple(plurals[number] for number in sorted(plurals)) if plurals else (entry.msgstr,)
