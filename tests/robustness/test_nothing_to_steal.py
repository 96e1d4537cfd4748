"""What a thief of the database, of the log or of the key can do: nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone

from django_oauthflows.models import Authorization
from django_oauthflows.models.client import random_epoch
from django_oauthflows.tokens.errors import BadToken
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal, unseal
from tests.factories import ClientFactory, UserFactory
from tests.held import Held
from tests.oauth_client import OAuthClient, UserAgent, answer_of, pkce_pair
from tests.server import serving
from tests.tokens.thief import HEAD, Thief


def dump() -> str:
    """Every value of every table, as text."""
    return "\n".join(dump_rows())


def dump_rows() -> Iterator[str]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield f"{table}: " + " | ".join(str(value) for value in row)


def walk_all_flows(origin: str) -> list[str]:
    """One journey per flow; every secret, code and token that was seen on the way."""
    seen: list[str] = []
    UserFactory(username="alice")
    user_agent = UserAgent(origin)
    user_agent.log_in("alice")
    for client, secret in (ClientFactory(), ClientFactory(public=True)):
        uri = client.redirect_uris.split()[0]
        oauth = OAuthClient(origin, client.client_id, secret, uri)
        verifier, challenge = pkce_pair()
        code = oauth.code_from(user_agent, "profile", challenge)
        first = oauth.exchange(code, verifier).json()
        second = oauth.refresh(first["refresh_token"]).json()
        oauth.api("/api/me/", second["access_token"])
        oauth.post("/oauth/introspect/", token=second["access_token"])
        oauth.post("/oauth/revoke/", token=second["refresh_token"])
        # Refused ones, too: they are what gets logged and recorded.
        oauth.exchange(code, verifier)
        oauth.refresh(first["refresh_token"])
        OAuthClient(origin, client.client_id, f"{secret}x", uri).refresh(first["refresh_token"])
        seen += [secret or "", verifier, code]
        seen += [pair[name] for pair in (first, second) for name in ("access_token", "refresh_token")]
    client, secret = ClientFactory(machine=True)
    seen += [
        secret,
        OAuthClient(origin, client.client_id, secret)
        .token(grant_type="client_credentials")
        .json()["access_token"],
    ]
    client, _none = ClientFactory(fragment=True)
    oauth = OAuthClient(origin, client.client_id, None, client.redirect_uris.split()[0])
    request = oauth.authorization_request("profile", "", response_type="token")
    request = {name: value for name, value in request.items() if not name.startswith("code_")}
    back = user_agent.decide(user_agent.authorize(**request))
    seen.append(answer_of(back.headers["Location"])["access_token"])
    return [text for text in seen if text]


@pytest.mark.usefixtures("parallel_writers")
def test_no_secret_code_or_token_is_in_the_database_or_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log) as server:
        seen = walk_all_flows(server.url)
        database = dump()
    assert len(seen) == 16
    logged = log.read_text()
    assert "POST /oauth/token/" in logged
    for text in seen:
        assert text not in database
        assert text not in logged
        assert text[5:45] not in database + logged, "not even without its prefix"
    # Nor another text for the same: nothing that looks sealed opens, with its prefix or without.
    for text in set(re.findall(r"[A-Za-z0-9_-]{60,}", database + logged)):
        for kind in Kind:
            with pytest.raises(BadToken):
                unseal(kind, text)
            with pytest.raises(BadToken):
                unseal(kind, kind.value + text)


def forged_with(secret: bytes | str, epoch: str, authorization: Authorization) -> str:
    """An access token for ``profile``, as one makes it who has these two halves."""
    now = int(timezone.now().timestamp())
    scope = hashlib.sha256(b"profile").digest()[:4]
    content = HEAD.pack(2, 1, authorization.pk, 1, now, now + 600, 1, 0) + scope
    return Thief(secret).under(epoch.encode(), "ACCESS", Kind.ACCESS.value, content)


def test_nothing_in_the_dump_is_a_key(held: Held, live_server: Any, settings: Any) -> None:
    """The thief has every row, the epoch too, and knows the format; any value may be the key."""
    row = held.authorization()
    values = {value for line in dump_rows() for value in line.partition(": ")[2].split(" | ")}
    assert row.token_epoch in values
    for value in values:
        with pytest.raises(BadToken):
            unseal(Kind.ACCESS, forged_with(value, row.token_epoch, row))
    # What is missing is the site's secret, and nothing else.
    assert call(live_server.url, forged_with(settings.SECRET_KEY, row.token_epoch, row)) == 200
    assert call(live_server.url, forged_with("guessed", row.token_epoch, row)) == 401


def test_the_key_without_the_row_makes_no_token(held: Held, live_server: Any, settings: Any) -> None:
    row, other = held.authorization(), held.authorization()
    for epoch in ("", "0" * 32, random_epoch(), other.token_epoch, held.client.token_epoch):
        assert call(live_server.url, forged_with(settings.SECRET_KEY, epoch, row)) == 401
    assert call(live_server.url, forged_with(settings.SECRET_KEY, row.token_epoch, row)) == 200


def test_the_key_without_the_row_redeems_refreshes_and_ends_nothing(held: Held, live_server: Any) -> None:
    row, unredeemed = held.authorization(), held.authorization(generation=0)
    now = int(timezone.now().timestamp())

    def forged(kind: Kind, of: Authorization) -> str:
        reference = Reference(Subject.AUTHORIZATION, of.pk, of.generation, now, now + 600)
        return seal(kind, reference, epoch=random_epoch())

    oauth = OAuthClient(live_server.url, held.client.client_id, held.secret, held.redirect_uri)
    for answer in (
        oauth.refresh(forged(Kind.REFRESH, row)),
        oauth.exchange(forged(Kind.CODE, unredeemed), held.verifier),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    for kind in (Kind.ACCESS, Kind.REFRESH):
        assert oauth.post("/oauth/introspect/", token=forged(kind, row)).json() == {"active": False}
        assert oauth.post("/oauth/revoke/", token=forged(kind, row)).status_code == 200
    # Nothing happened to either: the real ones work.
    assert call(live_server.url, held.access_token(row)) == 200
    assert oauth.refresh(held.refresh_token(row)).status_code == 200
    assert oauth.exchange(unredeemed.code(), held.verifier).status_code == 200


def test_a_token_of_one_kind_never_passes_for_another(held: Held, live_server: Any) -> None:
    row: Authorization = held.authorization()
    refresh, access = held.refresh_token(row), held.access_token(row)
    for disguised in (refresh, Kind.ACCESS.value + refresh[5:], Kind.ACCESS.value + held.code()[5:]):
        assert call(live_server.url, disguised) == 401
    form = {"grant_type": "refresh_token", "refresh_token": Kind.REFRESH.value + access[5:]}
    answer = requests.post(
        f"{live_server.url}/oauth/token/", data=form, auth=(held.client.client_id, held.secret), timeout=30
    )
    assert answer.json()["error"] == "invalid_grant"


def call(url: str, token: str) -> int:
    return requests.get(
        f"{url}/api/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ).status_code
