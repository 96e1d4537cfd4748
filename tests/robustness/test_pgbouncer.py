"""PostgreSQL behind PgBouncer in transaction mode, with no setting for it: nothing of ours outlives a transaction."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.oauth_client import OAuthClient, UserAgent, pkce_pair
from tests.pgbouncer import pooled
from tests.robustness.test_routers import ADMIN_PAGES, CALLBACK, COMMANDS
from tests.site_process import Site, fresh_database
from tests.test_hosts import MAKE_USER, registered, walk_all_flows

USERS = 8
ROUNDS = 6


_MORE_USERS = f"""
from django.contrib.auth import get_user_model
for number in range({USERS}):
    get_user_model().objects.create_user(username=f"user{{number}}", password="demo-password")
print("null")
"""


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the database itself."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("this needs PostgreSQL: set DATABASE_URL=postgres://…")
    with fresh_database("pgbouncer", tmp_path_factory.mktemp("pgbouncer")) as url:
        yield url


@pytest.fixture(scope="module")
def site(direct: str) -> Iterator[Site]:
    """A site that was migrated through the pooler."""
    with pooled(direct) as url:
        site = Site("tests.settings.pooled", url)
        site.manage("migrate", "-v", "0")
        site.evaluate(MAKE_USER % ("alice", {}))
        site.evaluate(_MORE_USERS)
        yield site


def test_flows_pages_and_commands_work_behind_a_pooler(site: Site, tmp_path: Path) -> None:
    with site.serving("gunicorn", "example_project.wsgi", "--threads", "8") as origin:
        walk_all_flows(site, origin, "alice")
    pages = site.evaluate(ADMIN_PAGES)
    assert set(pages.values()) == {200}, pages
    assert site.evaluate(COMMANDS.format(file=str(tmp_path / "clients.json"), tour=()))


def test_many_at_once_share_few_connections(site: Site) -> None:
    """Logins, consents, exchanges, refreshes and calls of many users, all in each other's way."""

    def live(number: int) -> list[int]:
        user_agent = UserAgent(origin)
        user_agent.log_in(f"user{number}")
        seen, tokens = [], _tokens(app, user_agent)
        for _ in range(ROUNDS):
            tokens = app.refresh(tokens["refresh_token"]).json()
            seen.append(app.api("/api/me/", tokens["access_token"]).status_code)
            seen.append(user_agent.get("/oauth/apps/").status_code)
        return seen

    with site.serving("gunicorn", "example_project.wsgi", "--threads", "16") as origin:
        app = registered(site, origin, "web", *CALLBACK)
        with ThreadPoolExecutor(USERS) as pool:
            seen = list(pool.map(live, range(USERS)))
    assert seen == [[200] * ROUNDS * 2] * USERS


def _tokens(app: OAuthClient, user_agent: UserAgent) -> Any:
    verifier, challenge = pkce_pair()
    return app.exchange(app.code_from(user_agent, "profile", challenge), verifier).json()


PREPARED = """
import json
from django.db import connection
from django_oauthflows.models import Client
for _ in range(12):
    assert list(Client.objects.filter(client_id="nobody")) == []
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_prepared_statements")
    print(json.dumps([connection.connection.prepare_threshold, cursor.fetchone()[0] > 0]))
"""


def test_statements_are_prepared_at_the_server_and_not_behind_a_pooler(site: Site, direct: str) -> None:
    assert site.evaluate(PREPARED) == [None, False]
    assert Site("tests.settings.pooled", direct).evaluate(PREPARED) == [5, True]


#: Rows that are read as they come, by who is in no transaction.
STREAMED = """
import json
from concurrent.futures import ThreadPoolExecutor
from django.db import connections
from django_oauthflows.database import streamed
from django_oauthflows.models import Client
for number in range(30):
    Client.objects.register(name=f"Job {number}", use_case="service", scopes=["stats:read"])
def read(_):
    try:
        return [sum(1 for _row in streamed(Client.objects.all(), 5)) for _ in range(10)]
    finally:
        connections.close_all()
with ThreadPoolExecutor(8) as pool:
    print(json.dumps(sorted({count for counts in pool.map(read, range(8)) for count in counts})))
"""


def test_rows_that_are_read_as_they_come_keep_no_cursor_on_the_server(site: Site) -> None:
    (count,) = site.evaluate(STREAMED)
    assert count >= 30
