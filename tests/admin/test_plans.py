"""No statement of a page goes through a large table: PostgreSQL says how many rows each step of it has read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from django_oauthflows.admin import keyset
from django_oauthflows.models import Authorization, Client, Consent, Event
from tests.benchmarks import large_site

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="reads the plans of PostgreSQL"),
]
ROOT = "/admin/django_oauthflows"
#: A hundredth of the size that pages are built for. The bounds of lists are made smaller likewise.
SIZE = large_site.LARGE.scaled(1 / 100)
#: So many rows of a step are few: of each large table there are twice as many at least.
FEW = 5000
LISTS = {
    "client": ("", "?q=Harbor app 8", "?q=app10.", "?q=person123", "?status=suspended", "?trust=reviewed"),
    "consent": (
        "",
        "?q=Harbor app 8",
        "?q=person123",
        "?state=ended",
        "?scope=notes:write",
        "?of=Harbor app 8",
        "?who=person123",
    ),
    "authorization": (
        "",
        "?q=Harbor app 8",
        "?q=person123",
        "?state=expired",
        "?state=revoked",
        "?flow=implicit",
    ),
    "event": (
        "",
        "?q=ABCD2345EFGH",
        "?q=person123",
        "?of=Harbor app 8",
        "?who=person123",
        "?kind__exact=purged",
    ),
    "outboxmessage": ("", "?q=person123", "?state=waiting", "?client=1"),
}


def scans(browser: Any, address: str) -> list[str]:
    """The statements of a page with a step that reads more than a few rows."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200, address
    found = []
    for statement in (one["sql"] for one in captured.captured_queries if one["sql"].startswith("SELECT")):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING off, COSTS off) {statement}")
            plan = [row[0] for row in cursor.fetchall()]
        if any(rows > FEW for rows in _read(plan)):
            found.append("\n".join([address, statement, *plan]))
    return found


def _read(plan: list[str]) -> Iterator[int]:
    """How many rows each step read, those that it left out included."""
    loops = 1
    for line in plan:
        if step := re.search(r"actual rows=([\d.]+) loops=(\d+)", line):
            loops = int(step[2])
            yield int(float(step[1]) * loops)
        if left_out := re.search(r"Rows Removed by \w+( \w+)?: (\d+)", line):
            yield int(left_out[2]) * loops


def test_no_page_goes_through_a_large_table(boss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "FEW", 100)
    monkeypatch.setattr(keyset, "LOOKED_AT", 500)
    with connection.cursor() as cursor:
        large_site.fill(cursor, SIZE)
        cursor.execute("ANALYZE")
    client, user = Client.objects.earliest("pk"), get_user_model()._default_manager.get(username="person77")
    rows = {
        model._meta.model_name: model._default_manager.earliest("pk")
        for model in (Consent, Authorization, Event)
    }
    pages = [f"{ROOT}/{name}/{query}" for name, queries in LISTS.items() for query in queries]
    pages += [f"{ROOT}/{name}/{row.pk}/change/" for name, row in rows.items()]
    # Not the tabs that say how many live authorizations there are: their answer is bounded, what is read for it is not.
    pages += [f"{ROOT}/client/{client.pk}/{tab}/" for tab in ("change", "integration", "secrets", "events")]
    own = Browser()
    own.force_login(user)
    address = (
        f"/oauth/authorize/?response_type=code&client_id={client.client_id}&redirect_uri={client.redirect_uris}"
        f"&scope=profile&prompt=consent&code_challenge_method=S256&code_challenge={'x' * 43}"
    )
    found = [scan for page in pages for scan in scans(boss, page)]
    for page in ("/oauth/apps/", "/oauth/apps/history/", address):
        found += scans(own, page)
    assert found == []
