"""No statement of a page goes through a large table: PostgreSQL says how many rows each step of it has read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_oauthflows.admin import advice, filters, impact, keyset, overview
from django_oauthflows.forms import people
from tests.benchmarks import large_site
from tests.site_pages import Page, Visitors, every_page

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="reads the plans of PostgreSQL"),
]
#: Small enough to be made in seconds. So that what is read of the largest client stands out, it has a third of all.
SIZE = large_site.Size(authorizations=24_000, clients=4_000, users=8_000, events=8_000, share=3)
#: So many rows of a step are few: of each large table, and of the largest client's, there are more.
FEW = 1_500
#: What is no difference between two statements.
_MOMENT = re.compile(r"'20\d\d-\d\d-[^']+'")


def scans(visitors: Visitors, page: Page, seen: set[str]) -> list[str]:
    """The statements of a page with a step that reads more than a few rows; of those that were not ``seen`` before."""
    with CaptureQueriesContext(connection) as captured:
        answer = visitors.open(page)
        if answer.streaming:  # all of a file is read, but not at once
            next(iter(answer.streaming_content))
    found = []
    for statement in (one["sql"] for one in captured.captured_queries if one["sql"].startswith("SELECT")):
        alike = _MOMENT.sub("", statement)
        if alike in seen:
            continue
        seen.add(alike)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING off, COSTS off) {statement}")
            plan = [row[0] for row in cursor.fetchall()]
        if any(rows > FEW for rows in _read(plan)):
            found.append("\n".join([page.name, statement, *plan]))
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


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bounded, by bounds that are as much smaller as the site is. No list is long, which takes time only."""
    for module, name, number in (
        *((module, "MOST_COUNTED", 100) for module in (advice, impact, keyset, overview)),
        (advice, "MOST_ADVISED", 50),
        (filters, "MOST_ROWS", 30),
        (people, "MOST_NAMED", 100),
        (keyset, "LOOKED_AT", 400),
        (keyset, "FEW", 100),
        *((model_admin, "list_per_page", 5) for model_admin in admin.site._registry.values()),
    ):
        assert hasattr(module, name)
        monkeypatch.setattr(module, name, number)


def test_no_page_goes_through_a_large_table(small_bounds: None) -> None:
    with connection.cursor() as cursor:
        # Rows that other tests took back are still in the way of every scan. With users and clients all else goes.
        cursor.execute("TRUNCATE auth_user, oauth2_provider_application CASCADE")
        large_site.fill(cursor, SIZE)
        # Of a table as small as these, reading all is the quickest way to some of it; of a large one it never is.
        cursor.execute("SET enable_seqscan = off; SET random_page_cost = 1.1")
    visitors, seen = Visitors(), set[str]()
    try:
        assert [scan for page in every_page(visitors) for scan in scans(visitors, page, seen)] == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET enable_seqscan; RESET random_page_cost")


def test_what_staff_search_for_is_planned_for_just_that(boss: Any) -> None:
    """On a connection that prepares what it is asked, as the example project's does, from the first time on."""
    direct = connection.connection
    before, direct.prepare_threshold = direct.prepare_threshold, 0
    try:
        for page in ("", "django_oauthflows/consent/?q=alice", "django_oauthflows/event/?q=alice"):
            assert boss.get(f"/admin/{page}").status_code == 200
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            prepared = " ".join(statement for (statement,) in cursor.fetchall())
        assert direct.prepare_threshold == 0
    finally:
        direct.prepare_threshold = before
    assert "auth_user" in prepared, "what other pages ask"
    assert "django_oauthflows_consent" not in prepared
    assert "django_oauthflows_event" not in prepared
