"""Each operation with few rows and with millions of them; what a million active authorizations take."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from urllib.parse import quote, urlencode

from tests.benchmarks import postgresql, tables
from tests.benchmarks.prepare import challenge
from tests.benchmarks.speed import OPERATIONS, Server, serving, wait_until_ready

_TABLE = "django_oauthflows_authorization"


def measure(few: int, many: int, requests: int) -> str:
    """The figures, as Markdown."""
    with postgresql.running() as cluster, serving("ours", cluster, requests * 3 + 60) as server:
        wait_until_ready(server)
        tables.grow_ours(server.database, few)
        small = _medians(server, requests)
        tables.grow_ours(server.database, many)
        large = _medians(server, requests)
        rows, size = tables.size_of(server.database, _TABLE)
    lines = [f"| operation | p50 ms at {few:,} | p50 ms at {rows:,} | ratio |", "|---|---:|---:|---:|"]
    lines += [
        f"| {operation} | {small[operation]:.2f} | {large[operation]:.2f} | "
        f"{large[operation] / small[operation]:.2f} |"
        for operation in OPERATIONS
    ]
    lines.append(f"\n{_per_million(rows, size)} MiB per million active authorizations, with indexes.")
    return "\n".join(lines)


#: What staff and users open: ``{…}`` is filled in with what there is.
PAGES = {
    "clients": ("staff", "/admin/django_oauthflows/client/"),
    "clients, searched": ("staff", "/admin/django_oauthflows/client/?q={name}"),
    "a client": ("staff", "/admin/django_oauthflows/client/{client}/change/"),
    "a client's people": ("staff", "/admin/django_oauthflows/client/{client}/people/"),
    "a client's events": ("staff", "/admin/django_oauthflows/client/{client}/events/"),
    "a client's usage": ("staff", "/admin/django_oauthflows/client/{client}/usage/"),
    "suspend a client": ("staff", "/admin/django_oauthflows/client/{client}/suspend/"),
    "consents": ("staff", "/admin/django_oauthflows/consent/"),
    "consents, searched": ("staff", "/admin/django_oauthflows/consent/?q=person1"),
    "authorizations": ("staff", "/admin/django_oauthflows/authorization/"),
    "events": ("staff", "/admin/django_oauthflows/event/"),
    "an event, by reference": ("staff", "/admin/django_oauthflows/event/?q={reference}"),
    "outbox": ("staff", "/admin/django_oauthflows/outboxmessage/"),
    "consent page": ("asked", ""),
    "connected apps": ("user", "/oauth/apps/"),
    "history": ("user", "/oauth/apps/history/"),
}


def measure_pages(few: int, many: int, requests: int) -> str:
    """Each page with few and with many rows, in turn: as Markdown, with what a million rows take."""
    with postgresql.running() as cluster, ExitStack() as stack:
        servers = [stack.enter_context(serving("pages", cluster, n, own=f"pages{n}")) for n in (few, many)]
        lines = [f"| page | p50 ms at {few:,} authorizations | at {many:,} | ratio |", "|---|---:|---:|---:|"]
        for name in PAGES:
            times: list[list[float]] = [[], []]
            for number in range(requests + 2):
                for server, taken in zip(servers, times, strict=True):
                    seconds = _open(server, name)
                    if number >= 2:
                        taken.append(seconds * 1000)
            small, large = (statistics.median(taken) for taken in times)
            lines.append(f"| {name} | {small:.1f} | {large:.1f} | {large / small:.2f} |")
        sizes = {
            table: tables.size_of(servers[1].database, table) for table in (_TABLE, "django_oauthflows_event")
        }
    lines += [f"\n{_per_million(*size)} MiB per million rows of {table}." for table, size in sizes.items()]
    return "\n".join(lines)


def _open(server: Server, name: str) -> float:
    """Seconds until the page was there."""
    who, path = PAGES[name]
    held = server.held
    asked = {
        "response_type": "code",
        "client_id": held["asks"][0],
        "redirect_uri": held["asks"][1],
        "scope": "profile",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    }
    filled = path.format(**held | {"name": quote(held["name"])}) or f"/oauth/authorize/?{urlencode(asked)}"
    begun = time.perf_counter()
    answer = server.fetch("GET", filled, {"Cookie": f"sessionid={held[who]}"})
    taken = time.perf_counter() - begun
    if answer.status != 200:
        raise RuntimeError(f"{name}: {answer.status} {answer.location} {answer.text[:300]!r}")
    return taken


def _per_million(rows: int, size: int) -> str:
    return f"{size / rows * 1_000_000 / 2**20:.0f}"


def _medians(server: Server, requests: int) -> dict[str, float]:
    found = {}
    for operation in OPERATIONS:
        for _ in range(10):
            server.send(operation)
        found[operation] = statistics.median(server.send(operation) for _ in range(requests)) * 1000
    return found
