"""A site with a past on stock django-oauth-toolkit: its rows, and its requests while somebody migrates it.

``python -m tests.benchmarks.old_site fill TOKENS`` makes a refresh token for every ten access tokens and an
application for every hundred, and ``end`` lets all of them be over; ``live`` does what the site does all day, one after
the other, until its standard input ends, and prints for how many milliseconds each had to wait at most. With the
settings of a benchmark's project. Nothing of this package is imported here.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

#: The site's own: what ``live`` does leaves the rows of ``fill`` as they are.
NAME = "busy"
#: In seconds, between one request and the next: it is to wait, not to take a processor from who is measured.
_PAUSE = 0.01


def fill(tokens: int) -> None:
    """By the database itself: a statement for each table, with keys from 1 on."""
    from django.core.management.color import no_style
    from django.db import connection
    from django.utils import timezone

    now = timezone.now()
    times = {"now": now, "past": now - timedelta(days=1), "later": now + timedelta(days=30)}
    values = {name: connection.ops.adapt_datetimefield_value(moment) for name, moment in times.items()}
    counts = {"users": tokens // 3, "apps": tokens // 100, "half": tokens // 2}
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')")
        for statement, rows in (
            (_USERS, "users"),
            (_APPLICATIONS, "apps"),
            (_TOKENS, ""),
            (_REFRESH_TOKENS, ""),
        ):
            series = _SERIES[connection.vendor].format(counts.get(rows, tokens))
            cursor.execute(f"{statement.format(**counts)} FROM {series} {_WHERE.get(statement, '')}", values)
        for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE")
    users, application, _, _ = _models()
    users._default_manager.create(username=NAME, password="!")
    application._default_manager.create(
        name=NAME, client_type="public", authorization_grant_type="authorization-code"
    )


def _models() -> tuple[Any, ...]:
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import get_access_token_model, get_application_model, get_refresh_token_model

    return get_user_model(), get_application_model(), get_access_token_model(), get_refresh_token_model()


#: The numbers from 1 on, as ``n``.
_SERIES = {
    "postgresql": "generate_series(1, {}) AS s(n)",
    "mysql": "(SELECT seq AS n FROM seq_1_to_{}) AS s",
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s) AS s",
}
_USERS = """
INSERT INTO auth_user (id, username, password, first_name, last_name, email, is_staff, is_superuser, is_active,
    date_joined)
SELECT n, 'person' || n, '!', '', '', '', 1 = 0, 1 = 0, 1 = 1, %(now)s
"""
# Confidential ones, machines, public ones, and those whose secrets are in the clear.
_APPLICATIONS = """
INSERT INTO oauth2_provider_application (id, client_id, redirect_uris, client_type, authorization_grant_type,
    client_secret, hash_client_secret, name, skip_authorization, created, updated, algorithm,
    post_logout_redirect_uris, allowed_origins, registration_source)
SELECT n, 'client' || n, 'https://app' || n || '.example/callback',
    CASE WHEN n %% 10 = 2 THEN 'public' ELSE 'confidential' END,
    CASE WHEN n %% 10 = 1 THEN 'client-credentials' ELSE 'authorization-code' END,
    CASE WHEN n %% 10 = 2 THEN '' WHEN n %% 10 = 3 THEN 'Zk3vQ8wLr2XyTb7NcMf5HgJd9PsAe1Uo4RiW6tVhKjGxBqSnDlCz' || n
        ELSE 'pbkdf2_sha256$1$salt$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=' END,
    n %% 10 <> 3, 'App ' || n, 1 = 0, %(now)s, %(now)s, '', '', 'https://app' || n || '.example', ''
"""
# Nine of ten are live; one of fifty is a machine's; an app's tokens of one user come in twos that are far apart, and
# every fifth user has allowed more since; the first app and the first user have many.
_TOKENS = """
INSERT INTO oauth2_provider_accesstoken (id, token, token_checksum, user_id, application_id, scope, resource, expires,
    created, updated)
SELECT n, 'token' || n, 'token' || n,
    CASE WHEN n %% {half} %% 50 = 7 THEN NULL WHEN n %% {half} %% 100 = 1 THEN 1
        ELSE 1 + n %% {half} * 7 %% {users} END,
    CASE WHEN n %% {half} %% 10 = 0 THEN 1 ELSE 1 + n %% {half} * 13 %% {apps} END,
    CASE WHEN n > {half} AND n %% 5 = 0 THEN 'profile stats:read' ELSE 'profile' END,
    '[]', CASE WHEN n %% 10 = 0 THEN %(past)s ELSE %(later)s END, %(now)s, %(now)s
"""
_REFRESH_TOKENS = """
INSERT INTO oauth2_provider_refreshtoken (id, token, token_checksum, user_id, application_id, access_token_id, resource,
    created, updated, revoked)
SELECT n, 'refresh' || n, 'refresh' || n, 1 + n %% {users}, 1 + n %% {apps}, n, '[]', %(now)s, %(now)s,
    CASE WHEN n %% 100 = 10 THEN %(now)s END
"""
_WHERE = {_REFRESH_TOKENS: "WHERE n %% 10 = 0"}


def live() -> dict[str, float]:
    """The longest that each had to wait, in milliseconds, and how often one waited for a lock for a second."""
    from django.db import OperationalError, connection

    if connection.vendor in _WAIT_NO_LONGER:
        with connection.cursor() as cursor:
            cursor.execute(_WAIT_NO_LONGER[connection.vendor])
    ended = threading.Thread(target=sys.stdin.read, daemon=True)
    ended.start()
    longest, refused, deeds = {}, 0, _deeds()
    while ended.is_alive():
        for name, deed in deeds.items():
            begun = time.perf_counter()
            try:
                deed()
            except OperationalError:
                refused += 1
            longest[name] = max(longest.get(name, 0), (time.perf_counter() - begun) * 1000)
            time.sleep(_PAUSE)
    return longest | {"refused": refused}


#: A statement that waits for a lock for a second fails. (SQLite's own option, ``timeout``, is 5 seconds.)
_WAIT_NO_LONGER = {
    "postgresql": "SET lock_timeout = '1s'",
    "mysql": "SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1",
}


def _deeds() -> dict[str, Callable[[], Any]]:
    """What the toolkit's endpoints, its API classes and the admin write and read."""
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.utils import timezone
    from oauth2_provider.models import get_access_token_model, get_application_model, get_refresh_token_model

    users, access = get_user_model()._default_manager, get_access_token_model()._default_manager
    user = users.get(username=NAME)
    application = get_application_model()._default_manager.get(name=NAME)
    mine: dict[str, Any] = {"user": user, "application": application}

    def issue() -> None:
        with transaction.atomic():
            expires = timezone.now() + timedelta(hours=1)
            made = access.create(token=uuid4().hex, expires=expires, scope="profile", **mine)
            get_refresh_token_model()._default_manager.create(token=uuid4().hex, access_token=made, **mine)

    def call() -> None:
        newest = access.filter(**mine).select_related("application", "user").order_by("-pk").first()
        assert newest.is_valid(["profile"])

    def log_in() -> None:
        user.last_login = timezone.now()
        user.save(update_fields=["last_login"])

    def sign_up() -> None:
        users.create(username=uuid4().hex, password="!")

    return {
        "token issued": issue,
        "API call": call,
        "application saved": application.save,
        "login": log_in,
        "new user": sign_up,
    }


def end() -> None:
    """All that ``fill`` made is over."""
    from django.utils import timezone

    *_, access, refresh = _models()
    past = timezone.now() - timedelta(days=7)
    access._default_manager.update(expires=past)
    refresh._default_manager.update(revoked=past)


if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[1] == "fill":
        fill(int(sys.argv[2]))
    elif sys.argv[1] == "end":
        end()
    else:
        sys.stdout.write(json.dumps(live()))
