"""In which languages our pages are written, and in which of them they answer an app's request."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

#: What the words are written in that the catalogues translate.
_WRITTEN_IN = "en"


def in_language_of(request: HttpRequest) -> AbstractContextManager[None]:
    """In the first of the app's ``ui_locales`` that our pages speak here (OpenID Connect Core §3.1.2.1); else in the
    browser's.
    """
    for name in request.GET.get("ui_locales", "")[:200].split():
        try:
            language = translation.get_supported_language_variant(name.lower())
        except LookupError:
            continue
        if language in spoken_languages():
            return translation.override(language)
    return nullcontext()


def spoken_languages() -> tuple[str, ...]:
    """Codes of the site's ``LANGUAGES`` that our pages are written in: there is a catalogue, of ours or in
    ``LOCALE_PATHS``. Django's own has more languages, and by that alone a page would be half English.
    """
    codes = [code for code, _name in settings.LANGUAGES] if settings.USE_I18N else [_WRITTEN_IN]
    return _with_catalogue(tuple(codes), tuple(map(Path, settings.LOCALE_PATHS)))


@lru_cache(maxsize=8)
def _with_catalogue(codes: tuple[str, ...], folders: tuple[Path, ...]) -> tuple[str, ...]:
    places = (Path(apps.get_app_config("django_oauthflows").path) / "locale", *folders)

    def is_there(code: str) -> bool:
        # As gettext looks for them: a language of one country is spoken by that of all, too.
        generic = code.partition("-")[0]
        names = {translation.to_locale(code), translation.to_locale(generic)}
        catalogues = (place / name / "LC_MESSAGES" / "django.mo" for place in places for name in names)
        return generic == _WRITTEN_IN or any(catalogue.exists() for catalogue in catalogues)

    return tuple(filter(is_there, codes))
