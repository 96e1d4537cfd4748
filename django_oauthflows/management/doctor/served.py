"""What a client gets: the metadata, fetched over the network as a client would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from django.core.signing import TimestampSigner
from django.urls import reverse

from django_oauthflows.conf import SERVER_METADATA, base_path, options
from django_oauthflows.limits import NO_ADDRESS
from django_oauthflows.management.doctor.finding import Finding, error, ok, unseen, warning
from django_oauthflows.option_forms import LOOPBACK_HOSTS
from django_oauthflows.views.health import DOCTOR_SALT

_TIMEOUT = 5
#: Seconds that two clocks may differ: a code lives for a minute.
MAX_DRIFT = 10
_PROXY_LINES = (
    'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")\nand in nginx: proxy_set_header Host $host; '
    "proxy_set_header X-Forwarded-Proto $scheme;"
)


def look(url: str) -> Iterator[Finding]:
    """The site at ``url``, which should be its issuer."""
    if not url:
        yield unseen("metadata", "What clients are told: neither ISSUER nor --url says where the site is.")
        return
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
        yield error(
            "https", f"{url} is not https: codes and tokens can be read on their way.", "Serve it by https."
        )
    address = f"{parts.scheme}://{parts.netloc}{SERVER_METADATA}{parts.path}"
    try:
        answer = requests.get(address, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as failure:
        yield error(
            "metadata", f"{address} cannot be fetched: {type(failure).__name__}.", "Is the site running?"
        )
        return
    yield from _clock(answer)
    yield from _document(answer, address, url.rstrip("/"))


def proxies(url: str) -> Iterator[Finding]:
    """Whether as many proxies of the site's own as ``NUM_PROXIES`` says add to ``X-Forwarded-For``: what they added is
    believed, and what stands before it anybody can write.
    """
    seen, said = _proxies_before(url) if url else None, options().NUM_PROXIES
    if seen is None:
        yield unseen(
            "proxies",
            f"Whether {said or 'no'} proxies stand before the site, as NUM_PROXIES says: callers are told apart by it.",
        )
    elif seen == said:
        yield ok(
            "proxies", f"{seen} proxies add to X-Forwarded-For on the way from here, as NUM_PROXIES says."
        )
    else:
        wrong = (
            "callers can make up the address" if seen < said else "all callers have the address of a proxy"
        )
        yield warning(
            "proxies",
            f"{seen} proxies add to X-Forwarded-For on the way from here, and NUM_PROXIES says {said}: if clients come "
            f"by the same way, {wrong} that limits count by.",
            f'OAUTHFLOWS["NUM_PROXIES"] = {seen}',
        )


def _proxies_before(url: str) -> int | None:
    """As the site at ``url`` sees them, if it is this one; ``None`` where it does not say."""
    path = reverse("oauth2_provider:health").removeprefix(base_path())
    asked = {"doctor": TimestampSigner(salt=DOCTOR_SALT).sign("proxies")}
    try:
        answer = requests.get(
            url.rstrip("/") + path,
            params=asked,
            headers={"X-Forwarded-For": NO_ADDRESS},
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        seen = answer.json().get("proxies")
    except (requests.RequestException, ValueError, AttributeError):
        return None
    return seen if type(seen) is int else None


def _clock(answer: requests.Response) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        yield unseen("server-clock", "The clock of the server: its answer has no date.")
        return
    drift = round(theirs - time.time())
    if abs(drift) > MAX_DRIFT:
        yield error(
            "server-clock",
            f"The clock of the server is {abs(drift)} s {'ahead of' if drift > 0 else 'behind'} that of this machine: "
            "codes and tokens end too soon or too late.",
            "timedatectl set-ntp true",
        )


def _document(answer: requests.Response, address: str, expected: str) -> Iterator[Finding]:
    if answer.is_redirect:
        to = answer.headers.get("Location", "")[:200]
        yield error(
            "metadata", f"{address} redirects to {to}: clients do not follow (RFC 8414 §3).", _PROXY_LINES
        )
        return
    try:
        document = answer.json() if answer.status_code == 200 else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        yield error(
            "metadata",
            f"{address} answers {answer.status_code}, and not with the metadata: clients cannot find the endpoints.",
            'urlpatterns = [path("", include("django_oauthflows.urls")), ...] and, where the site is under a path, '
            'path("", include("django_oauthflows.well_known")) at the root; is the host in ALLOWED_HOSTS?',
        )
        return
    yield from _said(document, expected)


def _said(document: dict[str, Any], expected: str) -> Iterator[Finding]:
    issuer = str(document.get("issuer", ""))
    if issuer != expected:
        line = f'OAUTHFLOWS = {{"ISSUER": "{expected}", ...}}'
        if urlsplit(issuer).scheme != urlsplit(expected).scheme:
            line = _PROXY_LINES
        yield error(
            "issuer",
            f"The site calls itself {issuer[:200]}, and clients reach it at {expected}: they refuse it.",
            line,
        )
        return
    elsewhere = [
        name
        for name, value in document.items()
        if name.endswith(("_endpoint", "jwks_uri"))
        and urlsplit(str(value)).netloc != urlsplit(expected).netloc
    ]
    if elsewhere:
        yield warning("endpoints", f"Not on the issuer's host: {', '.join(elsewhere)}.", _PROXY_LINES)
    else:
        yield ok("metadata", f"Clients are told {issuer}, and where its endpoints are.")
