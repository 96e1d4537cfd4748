"""Rotation while two server processes sign and verify, and services outside keep the keys they were given."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from django_oauthflows.verifier import AccessTokenError, AccessTokenVerifier
from tests.oauth_client import OAuthClient
from tests.site_process import Site, fresh_database

pytestmark = pytest.mark.one_environment


class CachingService:
    """A service elsewhere that keeps the published keys for as long as it is told it may, and never looks
    earlier, not even for a key that it does not know.
    """

    def __init__(self, origin: str) -> None:
        self.origin, self.keys, self.until = origin, {}, 0.0

    def accepts(self, text: str) -> bool:
        if time.monotonic() >= self.until:
            asked = time.monotonic()
            answer = requests.get(f"{self.origin}/oauth/jwks/", timeout=10)
            kept = re.fullmatch(r"public, max-age=(\d+)", answer.headers["Cache-Control"])
            assert kept is not None
            self.until = asked + int(kept[1])
            self.keys = {key["kid"]: jwt.PyJWK(key) for key in answer.json()["keys"]}
        kid = jwt.get_unverified_header(text)["kid"]
        if kid not in self.keys:
            return False
        jwt.decode(text, self.keys[kid], audience=self.origin, issuer=self.origin)
        return True


class Load:
    """Asks for tokens without a pause, and has each checked wherever a token can be."""

    def __init__(self, client: OAuthClient) -> None:
        self.origin, self.client = client.origin, client
        self.kids: set[str] = set()
        self.checks = 0
        self.refused: list[str] = []
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self) -> None:
        caching = CachingService(self.origin)
        # Ours waits for as long as the published keys may be kept before it looks again.
        verifier = AccessTokenVerifier(self.origin, self.origin, cooldown=1)
        held: deque[str] = deque(maxlen=50)
        while not self._done.is_set():
            try:
                answer = self.client.token(grant_type="client_credentials", scope="stats:read")
                held.append(answer.json()["access_token"])
                self.kids.add(jwt.get_unverified_header(held[-1])["kid"])
                for text in (held[0], held[-1]):  # signed a while ago, and just now
                    self._check("the site's API", self.client.api("/api/stats/", text).status_code == 200)
                    self._check("a caching service", caching.accepts(text))
                    verifier.verify(text)
            except (requests.RequestException, jwt.PyJWTError, AccessTokenError, KeyError) as error:
                self.refused.append(repr(error))

    def _check(self, where: str, accepted: bool) -> None:
        self.checks += 1
        if not accepted:
            self.refused.append(where)

    def wait_for(self, kid: str) -> None:
        """Until a token signed with that key was seen."""
        ends = time.monotonic() + 30
        while kid not in self.kids:
            assert time.monotonic() < ends, f"nobody signs with {kid}"
            time.sleep(0.05)


BEGIN = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("oauth", "client", "create", "--name", "Load", "--use-case", "service",
             "--scope", "stats:read", "--access-token-format", "jwt", "--json")
"""
ROTATE_TWICE = """
import json, time
from django.core.management import CommandError, call_command
from django_oauthflows.models import SigningKey
for _ in range(2):
    call_command("oauth", "key", "rotate", stdout=open("/dev/null", "w"))
    time.sleep(2.2)  # the site publishes it for two seconds before it signs
kids = [key.kid for key in SigningKey.objects.published("ES256")]
try:
    call_command("oauth", "key", "retire", kids[0])
except CommandError as error:
    print(json.dumps({"kids": kids, "refused": str(error)}))
"""


def test_rotation_under_load_refuses_no_valid_token(tmp_path: Path) -> None:
    """Two server processes, staff in a third, and services outside that keep the keys as long as they may."""
    log = tmp_path / "access"
    server = ("gunicorn", "example_project.wsgi", "--workers", "2", "--threads", "3")
    logged = ("--access-logfile", str(log), "--access-logformat", "%(p)s")
    with fresh_database("rotation", tmp_path) as url:
        place = Site("tests.settings.hasty_keys", url)
        told = place.evaluate(BEGIN)
        with (
            place.serving(*server, *logged) as origin,
            Load(OAuthClient(origin, told["client_id"], told["client_secret"])) as load,
        ):
            done = place.evaluate(ROTATE_TWICE)
            load.wait_for(done["kids"][-1])
    assert load.refused == []
    assert load.kids >= set(done["kids"][-3:])
    assert load.checks > 100
    assert len(set(log.read_text().split())) == 2, "both processes served"
    assert "may be good until" in done["refused"], "retiring now would refuse tokens that are good"
