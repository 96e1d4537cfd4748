"""JWT access tokens: what is in them, who accepts them, and what is refused."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.test import Client
from django.test.utils import override_settings
from joserfc import jwt as jose_jwt
from joserfc.jwk import KeySet

from django_oauthflows.models import Client as OAuthClientModel
from django_oauthflows.models import Consent, SigningKey
from django_oauthflows.testing import headers_for
from django_oauthflows.verifier import AccessTokenError, AccessTokenVerifier
from tests.factories import ClientFactory
from tests.oauth_client import UserAgent

pytestmark = pytest.mark.one_database

JWT = {"access_token_format": "jwt"}
WITHOUT_DATABASE = override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_WITHOUT_DATABASE": True})


def machine(register: Any, **values: Any) -> Any:
    return register(machine=True, **JWT, **values)


def jwt_of(client: Any, **data: str) -> str:
    response = client.token(grant_type="client_credentials", scope="stats:read", **data)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


class AuthlibService(JWTBearerTokenValidator):
    """An API elsewhere that is protected by Authlib's own reading of RFC 9068."""

    def __init__(self, keys: dict[str, Any], issuer: str, *, audience: str = "") -> None:
        super().__init__(issuer, audience or issuer)
        self.keys = keys

    def get_jwks(self) -> KeySet:
        return KeySet.import_key_set(self.keys)

    def check(self, text: str, scopes: list[str]) -> None:
        self.validate_token(self.authenticate_token(text), scopes, request=None)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_machines_jwt_has_the_claims_of_rfc_9068_and_every_library_accepts_it(
    register: Any, live_server: Any, algorithm: str, tmp_path: Path
) -> None:
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_ALGORITHM": algorithm}):
        client = machine(register)
        text = jwt_of(client)
    issuer = live_server.url
    metadata = requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=10).json()
    jwks = requests.get(metadata["jwks_uri"], timeout=10)
    assert jwks.headers["Cache-Control"] == "public, max-age=600"
    assert "d" not in jwks.json()["keys"][0], "the private half stays here"
    header = jwt.get_unverified_header(text)
    assert (header["typ"], header["alg"]) == ("at+jwt", algorithm)

    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(text)
    claims = jwt.decode(text, key, algorithms=[algorithm], audience=issuer, issuer=issuer)
    assert claims["sub"] == claims["client_id"] == client.client_id
    assert claims["sub_kind"] == "client"
    assert claims["scope"] == "stats:read"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["jti"]

    # joserfc is what became of Authlib's own module for JOSE.
    verified = jose_jwt.decode(text, KeySet.import_key_set(jwks.json()), algorithms=[algorithm])
    jose_jwt.JWTClaimsRegistry(iss={"essential": True, "value": issuer}).validate(verified.claims)
    assert verified.claims["client_id"] == client.client_id

    by_authlib = AuthlibService(jwks.json(), issuer)
    by_authlib.check(text, ["stats:read"])
    with pytest.raises(InsufficientScopeError):
        by_authlib.check(text, ["notes:read"])
    with pytest.raises(InvalidTokenError):
        AuthlibService(jwks.json(), issuer, audience="https://other.example").check(text, [])

    token = AccessTokenVerifier(issuer, issuer).verify(text, ["stats:read"])
    assert token.is_machine
    assert token.scopes == {"stats:read"}


@pytest.mark.filterwarnings(
    "ignore:EdDSA is deprecated"
)  # joserfc prefers its newer name, "Ed25519" (RFC 9864)
def test_eddsa_is_read_by_those_who_know_it(register: Any, live_server: Any) -> None:
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_ALGORITHM": "EdDSA"}):
        client = machine(register)
        text = jwt_of(client)
        assert client.api("/api/stats/", text).status_code == 200
    assert jwt.get_unverified_header(text)["alg"] == "EdDSA"
    keys = requests.get(f"{live_server.url}/oauth/jwks/", timeout=10).json()
    assert (keys["keys"][0]["kty"], keys["keys"][0]["crv"]) == ("OKP", "Ed25519")
    assert AccessTokenVerifier(live_server.url, live_server.url).verify(text, ["stats:read"]).is_machine
    read = jose_jwt.decode(text, KeySet.import_key_set(keys), algorithms=["EdDSA"])
    assert read.claims["client_id"] == client.client_id


@pytest.fixture(scope="session")
def jose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jose")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here")
    installed = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "jose@6"],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if installed.returncode:
        pytest.skip("npm cannot install jose here")
    (folder / "verify.mjs").write_text(
        "import {createRemoteJWKSet, jwtVerify} from 'jose';\n"
        "const [text, jwks, issuer, audience] = process.argv.slice(2);\n"
        "const {payload} = await jwtVerify(text, createRemoteJWKSet(new URL(jwks)),"
        " {issuer, audience, typ: 'at+jwt'});\n"
        "console.log(JSON.stringify(payload));\n"
    )
    return folder


def test_jose_of_npm_accepts_it(register: Any, live_server: Any, jose: Path) -> None:
    client = machine(register)
    origin = live_server.url
    arguments = ["node", "verify.mjs", jwt_of(client), f"{origin}/oauth/jwks/", origin]
    good = subprocess.run([*arguments, origin], cwd=jose, capture_output=True, timeout=60, check=False)
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["client_id"] == client.client_id
    elsewhere = [*arguments, "https://other.example"]
    bad = subprocess.run(elsewhere, cwd=jose, capture_output=True, timeout=60, check=False)
    assert bad.returncode != 0


def test_the_verifier_needs_no_django() -> None:
    code = "import sys, django_oauthflows.verifier; print([m for m in sys.modules if m.split('.')[0] == 'django'])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"


def test_a_users_jwt_reads_introspects_refreshes_and_ends_as_any_token(
    register: Any, user_agent: UserAgent, alice: Any
) -> None:
    client = register(**JWT)
    tokens = client.tokens_from(user_agent, "profile notes:read")
    text = tokens["access_token"]
    claims = jwt.decode(text, options={"verify_signature": False})
    assert (claims["sub"], claims["sub_kind"]) == (str(alice.pk), "user")
    assert client.api("/api/me/", text).json() == {"username": "alice"}
    assert client.api("/api/stats/", text).status_code == 403
    told = client.post("/oauth/introspect/", token=text).json()
    assert told["active"] is True
    assert (told["sub"], told["sub_kind"]) == (str(alice.pk), "user")
    assert client.refresh(tokens["refresh_token"]).json()["access_token"].count(".") == 2

    text = client.tokens_from(user_agent, "profile")["access_token"]
    assert client.post("/oauth/revoke/", token=text).status_code == 200
    assert client.api("/api/me/", text).json()["detail"] == "The access token was revoked."
    assert client.post("/oauth/introspect/", token=text).json() == {"active": False}


def test_a_machines_jwt_ends_when_it_is_revoked_or_its_client_suspended(register: Any) -> None:
    client = machine(register)
    one, other = jwt_of(client), jwt_of(client)
    client.post("/oauth/revoke/", token=one)
    assert client.api("/api/stats/", one).status_code == 401
    assert client.api("/api/stats/", other).status_code == 200
    OAuthClientModel.objects.get(client_id=client.client_id).suspend()
    assert client.api("/api/stats/", other).json()["detail"] == "The client is suspended."


def altered(text: str, **header: Any) -> str:
    """The same payload under another header, signature kept."""
    _, payload, signature = text.split(".")
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{payload}.{signature}"


def test_forgeries_are_refused_here_and_elsewhere(register: Any, live_server: Any) -> None:
    client, origin = machine(register), live_server.url
    text = jwt_of(client)
    verifier = AccessTokenVerifier(origin, origin)
    verifier.verify(text)
    kid = jwt.get_unverified_header(text)["kid"]
    claims = jwt.decode(text, options={"verify_signature": False})
    # The old confusion: what everybody can read, used as a shared secret.
    public = SigningKey.objects.get(kid=kid).public["x"] * 2
    forgeries = [
        altered(text, alg="none", typ="at+jwt", kid=kid),
        altered(text, alg="ES256", typ="JWT", kid=kid),  # an ID token, say
        altered(text, alg="ES256", typ="at+jwt", kid="other"),
        altered(text, alg="ES256", typ="at+jwt"),
        altered(text, alg="ES256", typ=5, kid=[kid]),
        jwt.encode(claims, public, algorithm="HS256", headers={"kid": kid, "typ": "at+jwt"}),
        text[:-6] + "AAAAAA",
        "eyJ..",
        "eyJ" + "A" * 9000 + "..",
    ]
    for forged in forgeries:
        refused = client.api("/api/stats/", forged)
        assert refused.status_code == 401, forged
        assert refused.json()["error"] == "invalid_token"
        with pytest.raises(AccessTokenError) as caught:
            verifier.verify(forged)
        assert (caught.value.error, caught.value.status) == ("invalid_token", 401)
    assert client.api("/api/stats/", claims["jti"]).status_code == 401, "the jti is no token"
    with pytest.raises(AccessTokenError, match="does not cover") as caught:
        verifier.verify(text, ["notes:read"])
    assert caught.value.status == 403


@pytest.mark.django_db
@pytest.mark.urls("tests.api.urls")
def test_a_jwt_costs_one_statement_or_none_where_the_site_says_so(
    client: Client, user: Any, django_assert_num_queries: Any
) -> None:
    app, secret = ClientFactory(machine=True, **JWT)
    basic = base64.b64encode(f"{app.client_id}:{secret}".encode()).decode()
    answer = client.post(
        "/oauth/token/",
        "grant_type=client_credentials&scope=notes:read",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )
    headers = headers_for(answer.json()["access_token"])
    assert client.get("/function/", headers=headers).status_code == 200  # reads the keys, once in a minute
    with django_assert_num_queries(1):
        assert client.get("/function/", headers=headers).status_code == 200
    with WITHOUT_DATABASE:
        for path in ("/function/", "/framework/", "/async/"):
            with django_assert_num_queries(0):
                assert client.get(path, headers=headers).json()["user"] == app.client_id
        # What it costs: the site notices a suspension only when the token expires.
        app.suspend()
        assert client.get("/function/", headers=headers).status_code == 200
        told = client.post(
            "/oauth/introspect/",
            f"token={answer.json()['access_token']}",
            content_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Basic {basic}"},
        )
        assert told.status_code == 401, "a suspended client learns nothing"
    assert client.get("/function/", headers=headers).status_code == 401


def test_without_the_database_a_users_token_still_knows_the_user(
    register: Any, user_agent: UserAgent, alice: Any
) -> None:
    client = register(**JWT)
    text = client.tokens_from(user_agent, "profile notes:write")["access_token"]
    with WITHOUT_DATABASE:
        assert client.api("/api/me/", text).json() == {"username": "alice"}
        posted = client.api("/api/notes/", text, "POST", json={"text": "hello"})
        assert posted.status_code == 201
        Consent.objects.get(user=alice).withdraw()
        assert client.api("/api/me/", text).status_code == 200
        assert client.post("/oauth/introspect/", token=text).json() == {"active": False}
    assert client.api("/api/me/", text).status_code == 401


@pytest.mark.django_db
def test_staff_choose_format_and_rate_by_command() -> None:
    create = (
        "oauth",
        "client",
        "create",
        "--name",
        "N",
        "--use-case",
        "service",
        "--scope",
        "stats:read",
        "--json",
    )
    out = StringIO()
    call_command(*create, "--access-token-format", "jwt", "--api-rate", "5/hour", stdout=out)
    client = OAuthClientModel.objects.get(client_id=json.loads(out.getvalue())["client_id"])
    assert (client.access_token_format, client.throttle_rate) == ("jwt", "5/hour")
    with pytest.raises(CommandError, match="number and a unit"):
        call_command(*create, "--api-rate", "many", stdout=StringIO())
