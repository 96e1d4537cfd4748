"""Large tables, made by the database itself: authorizations of ours, tokens of stock's."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

# One user and one consent for every ten authorizations: people come back.
_USERS: LiteralString = """
INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, is_superuser, is_active, date_joined)
SELECT 'grown' || n, '', '', '', '', false, false, true, now() FROM generate_series(%(first)s::int, %(last)s::int) AS n
"""
_CONSENTS: LiteralString = """
INSERT INTO django_oauthflows_consent
    (user_id, client_id, scope, wordings, remembered, redirect_host, implied, given_at, updated_at)
SELECT u.id, (SELECT min(client_id) FROM django_oauthflows_clientsecret), 'profile', '{}', true, '', false, now(), now()
FROM auth_user u WHERE u.username LIKE 'grown%%'
ON CONFLICT DO NOTHING
"""
_AUTHORIZATIONS: LiteralString = """
INSERT INTO django_oauthflows_authorization
    (consent_id, flow, scope, redirect_uri, code_challenge, nonce, resource, token_epoch, generation,
     created_at, expires_at, redeemed_at, rotated_at, revoked_cause)
SELECT c.id, 'authorization_code', 'profile', 'https://client.example/callback', repeat('x', 43), '', '',
       md5(random()::text), 1, now(), now() + %(lives)s::int * interval '1 second', now(), now(), ''
FROM django_oauthflows_consent c, generate_series(1, %(each)s::int)
"""
_STOCK_TOKENS: LiteralString = """
INSERT INTO oauth2_provider_accesstoken
    (token, token_checksum, application_id, user_id, expires, scope, resource, created, updated)
SELECT md5(n::text), encode(sha256(n::text::bytea), 'hex'), (SELECT min(id) FROM oauth2_provider_application),
       (SELECT min(id) FROM auth_user), now() + %(lives)s::int * interval '1 second', 'profile', '[]', now(), now()
FROM generate_series(1, %(rows)s::int) AS n
"""
_PER_USER = 10


def grow_ours(database: str, rows: int, *, lives: int = 86400) -> None:
    """Add users, consents and authorizations until there are about ``rows`` of the last."""
    with psycopg.connect(database, autocommit=True) as connection:
        have = _one(connection, "SELECT count(*) FROM auth_user WHERE username LIKE 'grown%'")
        connection.execute(_USERS, {"first": have + 1, "last": rows // _PER_USER})
        connection.execute(_CONSENTS)
        have = _one(connection, "SELECT count(*) FROM django_oauthflows_authorization")
        missing = max(0, rows - have)
        each = max(
            1, round(missing / max(1, _one(connection, "SELECT count(*) FROM django_oauthflows_consent")))
        )
        connection.execute(_AUTHORIZATIONS, {"each": each, "lives": lives})
        connection.execute("VACUUM ANALYZE")


def grow_stock(database: str, rows: int, *, lives: int) -> None:
    """Add access tokens to stock's table."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_STOCK_TOKENS, {"rows": rows, "lives": lives})
        connection.execute("VACUUM ANALYZE")


def size_of(database: str, table: LiteralString) -> tuple[int, int]:
    """Rows and bytes of a table, its indexes included."""
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT count(*) FROM " + table).fetchone()
        size = connection.execute("SELECT pg_total_relation_size(%s)", [table]).fetchone()
    return int(rows[0]) if rows else 0, int(size[0]) if size else 0


def _one(connection: Any, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0])
