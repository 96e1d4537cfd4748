"""Fixtures that all tests share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management.commands import flush
from django.db import connection
from django.middleware.csrf import CSRF_SECRET_LENGTH
from django.test import Client as Visitor
from django.test import override_settings
from django.utils import translation
from django.utils.crypto import get_random_string
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from django_oauthflows import limits
from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import event, event_bounds, usage
from django_oauthflows.tokens import jwt
from tests.factories import ClientFactory, UserFactory
from tests.held import Held
from tests.keys import Pool
from tests.oauth_client import OAuthClient, UserAgent

pytest_plugins = ["django_oauthflows.testing", "tests.fewer_cases"]

# The same examples each time, however slow the machine is: no test fails by chance. Whatever one example of a test
# leaves behind must not matter to the next.
hypothesis_settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("steady")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: many tests wait for a browser, a server or a moment to come."""
    return (os.cpu_count() or 1) + 2


@pytest.fixture(scope="session", autouse=True)
def usage_is_flushed_by_hand() -> Iterator[None]:
    """The flush that is due once a minute would fall into a request whose statements are counted.

    For the whole session: a live server flushes after its answer, which may be when the test is over and its
    tables are being emptied.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(usage, "FLUSH_SECONDS", float("inf"))
        yield


#: Bytes of a table in which few enough rows have ever been for a DELETE.
SMALL = 256 * 1024
#: What Django itself puts there, of the models, and no test changes.
KEPT = frozenset({"django_content_type", "auth_permission"})


@pytest.fixture(scope="session", autouse=True)
def tables_are_emptied_quickly() -> Iterator[None]:
    """After each test whose changes were committed. Django would make all permissions anew then, which takes fifteen
    times as long as to empty the tables. PostgreSQL takes ten times as long to truncate fifty tables as to delete the
    few rows that a test leaves.
    """
    operations = type(connection.ops)
    sql_flush = operations.sql_flush

    def quick(ops: Any, style: Any, tables: Iterable[str], **more: Any) -> list[str]:
        changed = [table for table in tables if table not in KEPT]
        if connection.vendor == "postgresql" and not more.get("reset_sequences") and _are_small(changed):
            return ["; ".join(f"DELETE FROM {ops.quote_name(table)}" for table in changed)]
        return sql_flush(ops, style, changed, **more)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(operations, "sql_flush", quick)
        monkeypatch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)
        yield


def _are_small(tables: list[str]) -> bool:
    largest = "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relname = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(largest, [tables])
        return bool(cursor.fetchone()[0] < SMALL)


@pytest.fixture(autouse=True)
def nothing_is_counted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test's requests come from one network, and a refusal is on record only so often in an hour. That hour, or
    day, begins with the test, and does not end within it.
    """
    begun, hour = time.time(), event_bounds.this_hour()
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: time.time() - begun % 86_400))
    for module in (event, event_bounds):
        monkeypatch.setattr(module, "this_hour", lambda: hour)
    limits.forget()
    event_bounds.overflow.forget()
    event_bounds.repeats.forget()


@pytest.fixture(scope="session")
def rsa_keys() -> Iterator[Pool]:
    """To find two primes takes longer than most tests, and so does to look at them again whenever a key is read."""
    made = Pool(rsa.generate_private_key)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(rsa, "generate_private_key", made)
        monkeypatch.setattr(jwt, "load_pem_private_key", lru_cache(jwt.load_pem_private_key))
        yield made


@pytest.fixture(autouse=True)
def rsa_keys_are_those_of_any_test(rsa_keys: Pool) -> None:
    rsa_keys.begin_anew()


@pytest.fixture(autouse=True)
def no_key_is_known_yet() -> None:
    """Another test's signing keys went with its database."""
    ring.forget()


@pytest.fixture(autouse=True)
def language_of_the_site() -> None:
    """A request in another language leaves that one on in its thread, for whichever test comes next."""
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def uploaded_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests upload is not left among the files of the demo."""
    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")):
        yield


@pytest.fixture
def alice(transactional_db: None) -> Any:
    return UserFactory(username="alice")


def logged_in(origin: str, user: Any) -> UserAgent:
    """A user agent as the login form leaves it. To walk through that takes longer than much of what is tested here."""
    visitor, user_agent = Visitor(), UserAgent(origin)
    visitor.force_login(user)
    host = urlsplit(origin).hostname or ""
    for name, value in (
        (settings.SESSION_COOKIE_NAME, visitor.cookies[settings.SESSION_COOKIE_NAME].value),
        (settings.CSRF_COOKIE_NAME, get_random_string(CSRF_SECRET_LENGTH)),
    ):
        # As Python's own jar names the host whose answer sets them, so that those take their place.
        domain = host if "." in host else f"{host}.local"
        user_agent.http.cookies.set(name, value, domain=domain, path="/")
    return user_agent


@pytest.fixture
def user_agent(live_server: Any, alice: Any) -> UserAgent:
    """A user agent in which alice is logged in."""
    return logged_in(live_server.url, alice)


@pytest.fixture
def log_in(live_server: Any) -> Callable[[str], UserAgent]:
    """A user agent of its own for another user, who is made on the way."""

    def make(username: str) -> UserAgent:
        return logged_in(live_server.url, UserFactory(username=username))

    return make


@pytest.fixture
def register(live_server: Any) -> Any:
    """Register a client and get an ``OAuthClient`` that speaks for it."""

    def make(*args: Any, **kwargs: Any) -> OAuthClient:
        client, secret = ClientFactory(*args, **kwargs)
        uris = client.redirect_uris.split()
        return OAuthClient(live_server.url, client.client_id, secret, uris[0] if uris else "")

    return make


@pytest.fixture
def held(transactional_db: None) -> Held:
    """A user's authorization and what its client would hold."""
    return Held()


@pytest.fixture
def parallel_writers(transactional_db: None) -> None:
    """Races need a database that lets writers run side by side."""
    if connection.vendor == "sqlite":
        pytest.skip("races need PostgreSQL or MariaDB: set DATABASE_URL=postgres://… or mysql://…")
