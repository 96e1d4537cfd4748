"""A site of any size, made by the database itself: clients, users, what they allowed, what happened.

Some are much larger than the rest, as on every site: the first client is used by a tenth of all users, the second,
which asks them, by a twentieth; the first user has ten thousand events and up to five hundred apps. A page that is
quick for the others only is not quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

#: Names begin alike, as those of one company do, and also differ, as those of strangers do.
_NAME = (
    "(array['Harbor','Cedar','Quill','Maple','Orbit','Pixel','Delta','Mango'])[1 + n %% 8] || ' app ' || n"
)
_HOST = "'app' || n || '.example'"
_SPREAD = "now() - (n * 7919 %% 365000) * interval '1 second' * 86.4"
_STEPS: tuple[tuple[str, str], ...] = (
    (
        "users",
        """
        INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, is_superuser,
            is_active, date_joined)
        SELECT 'person' || n, '', '', '', 'person' || n || '@site.example', false, false, true, now()
        FROM generate_series(1, %(users)s::int) AS n
        """,
    ),
    (
        "applications",
        f"""
        INSERT INTO oauth2_provider_application (client_id, redirect_uris, client_type,
            authorization_grant_type, client_secret, name, skip_authorization, created, updated, algorithm,
            post_logout_redirect_uris, hash_client_secret, allowed_origins, registration_source)
        SELECT md5('client' || n), 'https://' || {_HOST} || '/callback', 'confidential',
            'authorization-code', '', {_NAME}, false, {_SPREAD}, now(), '', '', true,
            'https://' || {_HOST}, ''
        FROM generate_series(1, %(clients)s::int) AS n
        """,
    ),
    (
        "clients",
        """
        INSERT INTO django_oauthflows_client (application_id, use_case, flows, allowed_scopes, default_scopes,
            description, logo_uri, client_uri, policy_uri, tos_uri, publisher, contacts, trust, pkce_exemption,
            implicit_reason, is_resource_server, resources, access_token_format, throttle_rate, suspended_at,
            suspended_reason, token_epoch, logout_notice_needs_session, logout_notice_uri, advice_seen, logo,
            id_token_algorithm, subject_kind, userinfo_algorithm, accepted_risk, user_groups, subject_key, owner_id)
        SELECT id, 'web', 'authorization_code refresh_token', 'profile notes:read', 'profile', '', '', '', '', '', '',
            '', (array['not_reviewed','reviewed','first_party'])[CASE WHEN id %% 50 = 0 THEN 2
            WHEN id %% 1000 = 1 THEN 3 ELSE 1 END], '', '', false, '', 'opaque', '',
            CASE WHEN id %% 500 = 7 THEN now() END, '', md5(random()::text), false, '', '[]', '', '', 'public', '',
            '', '', '', NULL
        FROM oauth2_provider_application WHERE name LIKE '%% app %%'
        """,
    ),
    (
        "skeletons",
        """
        INSERT INTO django_oauthflows_clientskeleton (kind, shown, skeleton, folded, vouched, client_id)
        SELECT 'name', a.name, replace(lower(a.name), ' ', ''), lower(a.name), (c.trust <> 'not_reviewed')::int, a.id
        FROM oauth2_provider_application a JOIN django_oauthflows_client c ON c.application_id = a.id
        WHERE a.name LIKE '%% app %%'
        UNION ALL
        SELECT 'host', split_part(a.redirect_uris, '/', 3), split_part(a.redirect_uris, '/', 3),
            split_part(a.redirect_uris, '/', 3), (c.trust <> 'not_reviewed')::int, a.id
        FROM oauth2_provider_application a JOIN django_oauthflows_client c ON c.application_id = a.id
        WHERE a.name LIKE '%% app %%'
        """,
    ),
    (
        "origins",
        """
        INSERT INTO django_oauthflows_clientorigin (origin, client_id)
        SELECT allowed_origins, id FROM oauth2_provider_application WHERE name LIKE '%% app %%'
        """,
    ),
    (
        "secrets",
        """
        INSERT INTO django_oauthflows_clientsecret (digest, slow_hash, hint, label, created_at, expires_at,
            last_used_at, client_id)
        SELECT encode(sha256(id::text::bytea), 'hex'), '', 'abcd', '', now() - id %% 700 * interval '1 day',
            CASE WHEN id %% 100 = 0 THEN now() + id %% 365 * interval '1 day' END,
            now() - id %% 200 * interval '1 day', id
        FROM oauth2_provider_application WHERE name LIKE '%% app %%'
        """,
    ),
    (
        "usage",
        """
        INSERT INTO django_oauthflows_clientusage (day, flow, tokens_issued, scope, last_used_at, client_id)
        SELECT current_date - d, 'authorization_code', 10, 'profile', now() - d * interval '1 day', c.application_id
        FROM django_oauthflows_client c, generate_series(0, 9) AS d WHERE c.application_id %% 3 > 0 OR d = 0
        """,
    ),
    (
        # A tenth of the users use the first client; everybody some of the others; the first user many.
        "consents",
        f"""
        INSERT INTO django_oauthflows_consent (user_id, client_id, scope, wordings, allowed_again, refusals,
            remembered, redirect_host, implied, given_at, updated_at, expires_at, withdrawn_at)
        SELECT u.user_id, c.client_id, 'profile', '{{}}', '{{}}', '{{}}', true, c.host, n %% 20 = 0, at,
            at, CASE WHEN n %% 10 = 3 THEN at + interval '300 days' END, CASE WHEN n %% 12 = 5 THEN now() END
        FROM (
            SELECT n, {_SPREAD} AS at,
                CASE WHEN n %% %(share)s = 0 THEN 1 WHEN n %% (2 * %(share)s) = 1 THEN 2
                    ELSE 1 + (hashint8(n) & 2147483647) %% %(clients)s END AS client,
                CASE WHEN n %% %(share)s > 1 AND n <= %(apps_of_one)s THEN 1
                    ELSE 1 + (hashint8(-n) & 2147483647) %% %(users)s END AS person
            FROM generate_series(1::bigint, %(consents)s::bigint) AS n
        ) AS made
        JOIN (SELECT id AS client_id, row_number() OVER (ORDER BY id) AS client,
            split_part(redirect_uris, '/', 3) AS host
            FROM oauth2_provider_application WHERE name LIKE '%% app %%') AS c USING (client)
        JOIN (SELECT id AS user_id, row_number() OVER (ORDER BY id) AS person
            FROM auth_user WHERE username LIKE 'person%%') AS u USING (person)
        ON CONFLICT DO NOTHING
        """,
    ),
    (
        "authorizations",
        """
        INSERT INTO django_oauthflows_authorization (consent_id, flow, scope, redirect_uri, code_challenge, nonce,
            resource, token_epoch, generation, created_at, expires_at, redeemed_at, rotated_at, revoked_at,
            revoked_cause, issuer, session, acr, amr, claims_asked)
        SELECT c.id, 'authorization_code', 'profile', 'https://' || c.redirect_host || '/callback', repeat('x', 43), '',
            '', md5(random()::text), 1, c.given_at, c.given_at + interval '200 days', c.given_at,
            least(now(), c.given_at + k * interval '1 day'), CASE WHEN k = 3 THEN now() END,
            CASE WHEN k = 3 THEN 'revoked by staff' ELSE '' END, '', md5(c.user_id::text), '', '', ''
        FROM django_oauthflows_consent c, generate_series(1, %(each)s::int) AS k
        """,
    ),
    (
        "events",
        f"""
        INSERT INTO django_oauthflows_event (at, kind, reference, client_name, cause, data, count, client_id, user_id)
        SELECT {_SPREAD},
            (array['consent_given','consent_withdrawn','consent_narrowed','request_refused'])[1 + n %% 4],
            upper(substr(md5(n::text), 1, 12)), c.name, CASE WHEN n %% 4 = 3 THEN 'invalid_scope' ELSE '' END,
            '{{"scope": "profile"}}', 1, c.client_id, CASE WHEN n %% 4 < 3 THEN u.user_id END
        FROM (
            SELECT n, CASE WHEN n %% %(share)s = 0 THEN 1 WHEN n %% (2 * %(share)s) = 1 THEN 2
                    ELSE 1 + (hashint8(n) & 2147483647) %% %(clients)s END AS client,
                CASE WHEN n <= %(events_of_one)s THEN 1 ELSE 1 + (hashint8(-n) & 2147483647) %% %(users)s END AS person
            FROM generate_series(1::bigint, %(events)s::bigint) AS n
        ) AS made
        JOIN (SELECT id AS client_id, name, row_number() OVER (ORDER BY id) AS client
            FROM oauth2_provider_application WHERE name LIKE '%% app %%') AS c USING (client)
        JOIN (SELECT id AS user_id, row_number() OVER (ORDER BY id) AS person
            FROM auth_user WHERE username LIKE 'person%%') AS u USING (person)
        ON CONFLICT DO NOTHING
        """,
    ),
    (
        "messages",
        """
        INSERT INTO django_oauthflows_outboxmessage (kind, payload, created_at, attempts, next_attempt_at,
            expires_at, ended_at, outcome, last_error, client_id, user_id)
        SELECT 'notice', '{}', now(), 1, now(), now(), CASE WHEN user_id %% 100 > 0 THEN now() END,
            CASE WHEN user_id %% 100 > 0 THEN 'sent' ELSE '' END, '', client_id, user_id
        FROM django_oauthflows_consent ORDER BY id LIMIT %(messages)s::int
        """,
    ),
)


#: Columns that are not named above, and come later, hold nothing. The database is thrown away afterwards.
_DEFAULTS = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT table_name, column_name, CASE data_type WHEN 'boolean' THEN 'false' WHEN 'jsonb' THEN '''{}'''
            WHEN 'text' THEN '''''' WHEN 'character varying' THEN '''''' ELSE '0' END AS empty
        FROM information_schema.columns WHERE table_name LIKE 'django_oauthflows_%' AND is_nullable = 'NO'
            AND column_default IS NULL AND is_identity = 'NO'
            AND data_type IN ('boolean', 'jsonb', 'text', 'character varying', 'integer', 'smallint')
    LOOP EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %s', found.table_name, found.column_name,
        found.empty);
    END LOOP; END $$
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows there are to be."""

    authorizations: int
    clients: int
    users: int
    events: int
    #: Every so-manyth consent and event is of the first client.
    share: int = 10

    def scaled(self, factor: float) -> Size:
        """The same site, so many times as large."""
        every = (self.authorizations, self.clients, self.users, self.events)
        return Size(*(max(20, int(number * factor)) for number in every), share=self.share)


#: The size at which every page has to answer within 300 ms.
LARGE = Size(authorizations=5_000_000, clients=100_000, users=1_000_000, events=2_000_000)


def of_each(rows: int) -> Size:
    """A site with so many rows of each kind, whose lists are as full as those of a larger one."""
    return Size(authorizations=rows, clients=rows, users=rows, events=rows)


def fill(connection: Any, size: Size) -> None:
    """Fill the empty tables of a migrated database. ``connection`` is psycopg's, or a cursor of Django's."""
    each = 3
    values = {
        "users": size.users,
        "clients": size.clients,
        "consents": size.authorizations // each,
        "each": each,
        "events": size.events,
        "messages": size.users // 2,
        "share": size.share,
        "apps_of_one": min(500, size.authorizations // 50),
        "events_of_one": min(10_000, size.events // 10),
    }
    connection.execute(_DEFAULTS)
    for _what, statement in _STEPS:
        connection.execute(statement, {name: n for name, n in values.items() if f"%({name})s" in statement})
        connection.execute("ANALYZE")  # so that the next ones are planned for what is there


def grow(database: str, size: Size) -> None:
    """``fill`` the empty database of this URL in minutes, and let it look at what it has then. For a superuser.

    Rows are not checked one by one: foreign keys are right as they are made, and indexes are built once at the end.
    """
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET work_mem = '256MB'")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _definition in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        fill(connection, size)
        for _name, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")


#: Those that no constraint needs: what is unique is seen to on the way.
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename LIKE 'django_oauthflows_%'
    AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
