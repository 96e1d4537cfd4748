"""From which device and place a request comes, as roughly as its user needs it to know it again.

A mail says it, and is kept by others: so no address of a single line, and no words that the request chose.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from django_oauthflows.conf import options
from django_oauthflows.confusables import readable
from django_oauthflows.limits import rough_network_of

logger = logging.getLogger(__name__)

#: What stands in ``User-Agent``, and what it is called. The first that is found counts: most name several.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_MAX_PLACE = 80


def device_of(request: HttpRequest) -> tuple[str, str]:
    """Names of the browser and of the system, each empty if it is none of those that are known here."""
    said = request.headers.get("User-Agent", "")[:1000]
    return _first_in(said, _BROWSERS), _first_in(said, _SYSTEMS)


def _first_in(said: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for sign, name in known if sign in said), "")


def device_in_words(browser: str, system: str) -> str:
    """In the language that is active."""
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("not known")


def place_of(request: HttpRequest) -> str:
    """What the site's own function says (``PLACE_OF``), else the network; empty if neither is known."""
    path = options().PLACE_OF
    if path:
        try:
            return readable(str(import_string(path)(request) or ""), limit=_MAX_PLACE)
        except Exception:  # it is the site's: whatever it raises, the user's decision stands
            logger.exception("%s, which PLACE_OF names, could not say where a request comes from.", path)
    return rough_network_of(request)
