"""A client and a user in one thread, so that every statement and every function of a request is seen."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Model
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import answer_of, hidden_fields, pkce_pair

FLOWS = "authorization_code refresh_token client_credentials"


@dataclass
class Cost:
    """What a request cost at the database.

    ``late`` names the columns that no statement had fetched when the code read them, so that each took a
    statement of its own.
    """

    statements: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)


@contextmanager
def counted() -> Iterator[Cost]:
    """Count what is sent to the database meanwhile; the answer is there at the end."""
    cost = Cost()
    load = Model.refresh_from_db

    def noted(self: Model, using: Any = None, fields: Any = None, **more: Any) -> None:
        cost.late.extend(f"{type(self).__name__}.{name}" for name in fields or ["*"])
        load(self, using=using, fields=fields, **more)

    with CaptureQueriesContext(connection) as captured, mock.patch.object(Model, "refresh_from_db", noted):
        yield cost
    cost.statements.extend(query["sql"] for query in captured)


class Walk:
    """One client of the kind that is wanted, and a user who has agreed; every request by Django's test client."""

    def __init__(self, *, scope: str = "profile stats:read", **kind: Any) -> None:
        self.scope = scope
        self.http, self.api = HttpClient(), HttpClient()
        self.user = UserFactory()
        self.http.force_login(self.user)
        client, secret = ClientFactory(**kind or {"flows": FLOWS})
        self.client_id = client.client_id
        self.redirect_uri = client.redirect_uris.split()[0]
        self.headers = {}
        if secret:
            both = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
            self.headers = {"HTTP_AUTHORIZATION": f"Basic {both}"}
        self.is_machine = "client_credentials" in client.flows.split()
        self.is_deprecated = client.flows == "implicit"
        # Use by use, the first in an hour writes the time of last use; each statement is compiled once in a
        # process; whether the toolkit's tables are empty is asked once a minute. What runs before the request
        # that is looked at does all that.
        tokens = self.tokens()
        for token in (tokens["access_token"], tokens.get("refresh_token", ""), "nothing of ours"):
            if token:
                self.revoke(token)
        if self.is_machine:
            self.revoke(self.machine()["access_token"])

    def post(self, path: str, **data: str) -> Any:
        """What the endpoint answers to the client."""
        if not self.headers:
            data["client_id"] = self.client_id
        response = self.api.post(
            path, urlencode(data), content_type="application/x-www-form-urlencoded", **self.headers
        )
        assert response.status_code == 200, response.content
        return response.json() if response.content else None

    def authorize(self) -> dict[str, str]:
        """The answer to an authorization request: consent is given on the first visit and remembered on the next."""
        self.verifier, challenge = pkce_pair()
        query = {
            "response_type": "token" if self.is_deprecated else "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
        }
        if not self.is_deprecated:
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        path = f"/oauth/authorize/?{urlencode(query)}"
        response = self.http.get(path)
        if response.status_code == 200:
            fields = hidden_fields(response.content.decode())
            response = self.http.post(path, fields | {"decision": "allow", "scope": self.scope.split()})
        return answer_of(response.headers["Location"])

    def ask(self) -> dict[str, str]:
        """The same for a client whose user is asked each time: the page and its answer."""
        return self.authorize()

    def redeem(self, code: str, **more: str) -> Any:
        """The tokens for a code."""
        return self.post(
            "/oauth/token/",
            grant_type="authorization_code",
            code=code,
            code_verifier=self.verifier,
            redirect_uri=self.redirect_uri,
            **more,
        )

    def tokens(self) -> Any:
        """The whole flow, to its tokens."""
        answer = self.authorize()
        return answer if self.is_deprecated else self.redeem(answer["code"])

    def refresh(self, token: str, **more: str) -> Any:
        """A new pair of tokens."""
        return self.post("/oauth/token/", grant_type="refresh_token", refresh_token=token, **more)

    def machine(self, **more: str) -> Any:
        """A token for the client itself, with the scopes that it has by default."""
        return self.post("/oauth/token/", grant_type="client_credentials", **more)

    def call(self, token: str) -> None:
        """The API, for the user's sake."""
        # `/api/stats/` itself counts notes: one statement more than the token costs.
        response = self.api.get("/api/me/", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert response.status_code == 200, response.content

    def introspect(self, token: str) -> Any:
        """What the client learns of a token (RFC 7662)."""
        return self.post("/oauth/introspect/", token=token)

    def revoke(self, token: str) -> None:
        """The end of a token (RFC 7009)."""
        self.post("/oauth/revoke/", token=token)
