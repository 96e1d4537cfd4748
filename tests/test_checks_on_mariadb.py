"""What `manage.py check` says of tables that only MySQL and MariaDB have, and that its hint mends them."""

from __future__ import annotations

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection

from django_oauthflows.models import Event

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "mysql",
        reason="only MySQL and MariaDB have such tables: set DATABASE_URL=mysql://…",
    ),
]


def found() -> CheckMessage | None:
    messages = run_checks(databases=["default"])
    return next((each for each in messages if each.id == "oauthflows.W121"), None)


@pytest.mark.parametrize("letters", ["latin1", "utf8mb3", "utf8mb4"])
def test_tables_that_cannot_hold_all_letters(letters: str) -> None:
    convert = f"ALTER TABLE {Event._meta.db_table} CONVERT TO CHARACTER SET %s"
    with connection.cursor() as cursor:
        cursor.execute(convert % letters)
        try:
            told = found()
        finally:
            cursor.execute(convert % "utf8mb4 COLLATE utf8mb4_general_ci")
    assert (told is not None) == (letters != "utf8mb4")


def test_statements_for_the_tables() -> None:
    with connection.cursor() as cursor:
        for table in ("django_oauthflows_event", "django_oauthflows_client"):
            cursor.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET latin1")
        told = found()
        assert told is not None
        lines = str(told.hint).splitlines()
        for line in lines:
            cursor.execute(line)
    assert len(lines) >= 2
    assert found() is None
