"""The Content Security Policy of our pages (CSP 3): nothing but what they, and the host's own template, need.

There is no ``form-action``. Browsers hold it against every redirect that follows a form, and Allow begins a
chain that ends where the app likes: its callback may go on to the app's own scheme, the login to another host's.
What it would hold back is a form that a stranger smuggles into the page. Strangers' words are escaped in all our
pages; without script nobody presses the button for the user; and a form could carry off nothing of worth: no
password is asked for, and the token against forgery (CSRF) is good only with the cookie of the same browser.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static

from django_oauthflows import logos
from django_oauthflows.conf import options
from django_oauthflows.models.redirect_uri import policy_source
from django_oauthflows.option_forms import NONCES

logger = logging.getLogger("django_oauthflows")

STYLESHEET = "django_oauthflows/oauthflows.css"
#: The kinds of things that a page loads, each a directive.
LOADED = (
    "script-src",
    "style-src",
    "img-src",
    "font-src",
    "connect-src",
    "media-src",
    "frame-src",
    "manifest-src",
)
#: Whatever it is, it runs nothing and changes no words.
_HARMLESS = frozenset({"img-src", "font-src", "media-src"})
#: A site may live with these elsewhere; for the page where users decide, it has to ask for them by name.
LOOSE = frozenset(
    {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "http:", "https:", "data:", "blob:"}
)
_NOTHING = "'none'"
#: What no host changes: RFC 9700 §4.16, and addresses in the page that mean what they say.
_FIXED = {"frame-ancestors": [_NOTHING], "base-uri": [_NOTHING]}

Policy = dict[str, list[str]]


def policy() -> Policy:
    """Directive → what it allows, on every page of ours. A nonce stands there as the settings name it."""
    ours = ["'self'", *_asset_sources()]
    found: Policy = {"default-src": [_NOTHING], "style-src": ours, "img-src": ours}
    if options().BASE_TEMPLATE:
        found = _joined(found | {"font-src": ours}, _of_the_site())
    return _joined(found, {name: listed(value) for name, value in options().CSP.items()}) | _FIXED


def stylesheet() -> str:
    """The address of our stylesheet.

    A storage that knows all its files refuses to name one that ``collectstatic`` has not brought yet. A page without
    its style is better than none: users come here from other sites, whose requests would be lost.
    """
    try:
        return static(STYLESHEET)
    except ValueError:
        logger.warning("%s is not among the static files: run collectstatic.", STYLESHEET)
        return f"{settings.STATIC_URL}{STYLESHEET}"


def wanted_nonce(request: HttpRequest) -> str:
    """What the templates write as ``csp_nonce``; empty where the policy lets nothing run by one."""
    return nonce_of(request) if _has_nonce(policy()) else ""


def header(request: HttpRequest, more: Mapping[str, list[str]] | None = None) -> str:
    """The policy as an answer to ``request`` carries it; ``more`` is what this one page needs besides."""
    found = _joined(policy(), more or {}) | _FIXED
    nonce = f"'nonce-{nonce_of(request)}'" if _has_nonce(found) else ""
    return "; ".join(
        " ".join((name, *(nonce if source in NONCES else source for source in allowed)))
        for name, allowed in found.items()
    )


def nonce_of(request: HttpRequest) -> str:
    """The number, used once, that lets a script or style of the page run (CSP 3 §7.2.1).

    It is the one that Django's middleware, or django-csp's, has made for this request, so that the host's
    templates write it as on its other pages; else one of ours.
    """
    for name in ("csp_nonce", "_csp_nonce"):
        made = getattr(request, name, None)
        if made is not None:  # a lazy one counts as false until it is used
            return str(made)
    made = secrets.token_urlsafe(16)
    vars(request)["_csp_nonce"] = made
    return made


def _has_nonce(policy: Policy) -> bool:
    return any(source in NONCES for allowed in policy.values() for source in allowed)


def _asset_sources() -> list[str]:
    """Where the site keeps its files, if that is elsewhere: by ``STATIC_URL``, ``MEDIA_URL`` and its storages."""
    origins = (_origin_of(address) for address in (stylesheet(), settings.MEDIA_URL, logos.elsewhere()))
    return list(dict.fromkeys(filter(None, origins)))


def _origin_of(address: str) -> str:
    """As a policy names it; empty for a path of this site."""
    parts = urlsplit(address)
    if not parts.netloc:
        return ""
    return policy_source(address) if parts.scheme else parts.netloc


def _of_the_site() -> Policy:
    """What the site's own policy (Django's ``SECURE_CSP``) lets all its pages load."""
    site: Mapping[str, Any] = getattr(settings, "SECURE_CSP", None) or {}
    found = {}
    for name in LOADED:
        loose = frozenset() if name in _HARMLESS else LOOSE
        allowed = listed(site[name] if name in site else site.get("default-src"))
        found[name] = [source for source in allowed if source not in loose and source != _NOTHING]
    return {name: allowed for name, allowed in found.items() if allowed}


def listed(value: Any) -> list[str]:
    """The sources in a value of a directive, however settings write it."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return list(value) if isinstance(value, list | tuple) else []


def _joined(policy: Policy, more: Mapping[str, list[str]]) -> Policy:
    """Both: what one of them allows is allowed."""
    joined = dict(policy)
    for name, allowed in more.items():
        # Where there is a part, such as style-src-elem, it stands in the place of the whole (CSP 3 §6.8.4).
        whole = name.removesuffix("-elem").removesuffix("-attr")
        both = dict.fromkeys([*joined.get(name, joined.get(whole, [])), *allowed])
        joined[name] = [source for source in both if source != _NOTHING] or list(both)
    return joined
