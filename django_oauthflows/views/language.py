"""In which language our pages answer an app's request."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.http import HttpRequest
from django.utils import translation


def in_language_of(request: HttpRequest) -> AbstractContextManager[None]:
    """In the first of the app's ``ui_locales`` that the site speaks (OpenID Connect Core §3.1.2.1); else in the
    browser's.
    """
    for name in request.GET.get("ui_locales", "")[:200].split():
        try:
            return translation.override(translation.get_supported_language_variant(name.lower()))
        except LookupError:
            continue
    return nullcontext()
