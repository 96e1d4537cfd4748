"""What a browser would not load or run in a page, by the page's Content Security Policy (CSP 3 §6)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from urllib.parse import urlsplit

from django_oauthflows.conf import named_origin
from django_oauthflows.option_forms import DEFAULT_PORTS, NONCES
from django_oauthflows.views.policy import Policy

#: Element → the attribute with the address that it loads, and the directive for it.
_LOADS = {
    "img": ("src", "img-src"),
    "script": ("src", "script-src"),
    "iframe": ("src", "frame-src"),
    "audio": ("src", "media-src"),
    "video": ("src", "media-src"),
    "track": ("src", "media-src"),
    "embed": ("src", "object-src"),
    "object": ("data", "object-src"),
}
#: What a link is → the directive for where it leads; other links load nothing.
_LINKS = {
    "stylesheet": "style-src",
    "icon": "img-src",
    "apple-touch-icon": "img-src",
    "manifest": "manifest-src",
    "modulepreload": "script-src",
}
_PRELOADS = {"style": "style-src", "script": "script-src", "font": "font-src", "image": "img-src"}
#: Lets hashes count for attributes, too (CSP 3 §8.3); alone it lets nothing run.
HASHED_ATTRIBUTES = "'unsafe-hashes'"
#: Scripts that are data are not run (HTML §4.12.1).
_RUNS = re.compile(r"(|module|importmap|(text|application)/(x-)?(java|ecma)script)")


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that a page wants to load, or to run or show as it stands there (then without ``address``)."""

    directive: str
    address: str = ""
    nonce: bool = False
    text: str = ""

    @property
    def hash(self) -> str:
        """How a policy names this very text (CSP 3 §6.7.3.3). Browsers read every end of a line as one kind."""
        text = self.text.replace("\r\n", "\n").replace("\r", "\n")
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    @property
    def sources(self) -> list[str]:
        """What the directive would have to say for it, and as long as its text stays, for nothing else."""
        if self.address:
            parts = urlsplit(self.address)
            origin = f"{parts.scheme}://{parts.netloc}" if parts.scheme else parts.netloc
            return [origin if parts.netloc else "'self'"]
        if self.directive == "style-src-attr":
            return ["'unsafe-inline'"]
        return [HASHED_ATTRIBUTES, self.hash] if self.directive == "script-src-attr" else [self.hash]

    def __str__(self) -> str:
        if self.address:
            return self.address[:200]
        what = {"script-src": "a script", "style-src": "a style", "script-src-attr": "an event handler"}
        shown = " ".join(self.text.split())[:60]
        return f"{what.get(self.directive, 'a style attribute')} that stands in the page ({shown!r})"


class _Page(HTMLParser):
    """Collects what a page loads and runs, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.things: list[Thing] = []
        self._open: Thing | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        nonce = bool(given.get("nonce"))
        for directive, address in _loaded(tag, given):
            self.things.append(Thing(directive, address, nonce))
        if tag == "style" or (
            tag == "script" and "src" not in given and _RUNS.fullmatch(given.get("type", "").lower())
        ):
            self._open = Thing(f"{tag}-src", nonce=nonce)
        for name, value in given.items():
            if name == "style" or name.startswith("on"):
                self.things.append(
                    Thing("style-src-attr" if name == "style" else "script-src-attr", text=value)
                )

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open = Thing(self._open.directive, nonce=self._open.nonce, text=self._open.text + data)

    def handle_endtag(self, tag: str) -> None:
        if self._open is not None and self._open.directive == f"{tag}-src":
            if self._open.text.strip():
                self.things.append(self._open)
            self._open = None


def _loaded(tag: str, given: dict[str, str]) -> Iterator[tuple[str, str]]:
    if tag == "link" and given.get("href"):
        for relation in given.get("rel", "").lower().split():
            directive = _PRELOADS.get(given.get("as", "")) if relation == "preload" else _LINKS.get(relation)
            if directive:
                yield directive, given["href"]
    name, directive = _LOADS.get(tag, ("", ""))
    if given.get(name):
        yield directive, given[name]
    if tag in ("img", "source") and "srcset" in given:
        for candidate in given["srcset"].split(","):
            yield from (("img-src", address) for address in candidate.split()[:1])
    if tag == "video" and given.get("poster"):
        yield "img-src", given["poster"]


def first_blocked(html: str, policy: Policy) -> Thing | None:
    """The first thing in a page that a browser would block; ``None`` when it shows the page whole."""
    page = _Page()
    page.feed(html)
    return next((thing for thing in page.things if not _is_allowed(thing, policy)), None)


def _is_allowed(thing: Thing, policy: Policy) -> bool:
    names = (f"{thing.directive}-elem", thing.directive, thing.directive.removesuffix("-attr"), "default-src")
    allowed = next((policy[name] for name in names if name in policy), [])
    by_number = thing.nonce and any(source in NONCES for source in allowed)
    if thing.address:
        return by_number or any(_matches(source, thing.address) for source in allowed)
    # A number or a hash in a policy makes browsers forget 'unsafe-inline' (CSP 3 §6.7.3.2).
    strict = any(source in NONCES or source.startswith(("'nonce-", "'sha")) for source in allowed)
    by_hash = thing.hash in allowed and (
        HASHED_ATTRIBUTES in allowed or not thing.directive.endswith("-attr")
    )
    return by_number or by_hash or ("'unsafe-inline'" in allowed and not strict)


def _matches(source: str, address: str) -> bool:
    """CSP 3 §6.7.2.8, for an address as it stands in a page of ours."""
    parts = urlsplit(address)
    if not parts.scheme and not parts.netloc:
        return source in ("'self'", "*")
    if source == "'self'":
        return bool(named_origin()) and f"{parts.scheme}://{parts.netloc}" == named_origin()
    if source == "*":
        return parts.scheme in ("", "http", "https")
    if source.endswith(":"):
        return parts.scheme == source[:-1].lower()
    wanted = urlsplit(source if "//" in source else f"//{source}")
    if wanted.scheme and parts.scheme and parts.scheme not in (wanted.scheme, f"{wanted.scheme}s"):
        return False
    host, _, port = wanted.netloc.lower().partition(":")
    default = DEFAULT_PORTS.get(parts.scheme or wanted.scheme or "https")
    same_port = port == "*" or int(port or default or 0) == (parts.port or default)
    path = wanted.path if wanted.path.endswith("/") or not wanted.path else f"{wanted.path}\0"
    return fnmatchcase(parts.hostname or "", host) and same_port and f"{parts.path}\0".startswith(path)
