"""Real client libraries go through the device code flow (RFC 8628) against the live server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE
from oauthlib.oauth2 import DeviceClient, OAuth2Error

from django_oauthflows.models import Client
from example_project.demo import seed
from tests.oauth_client import OAuthClient, UserAgent

pytestmark = pytest.mark.one_environment

OPENID_CLIENT = """
import * as client from 'openid-client';
const [issuer, clientId] = process.argv.slice(2);
const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(),
  {algorithm: 'oauth2', execute: [client.allowInsecureRequests]});
const codes = await client.initiateDeviceAuthorization(config, {scope: 'profile'});
console.log(JSON.stringify(codes));
const tokens = await client.pollDeviceAuthorizationGrant(config, codes);
const next = await client.refreshTokenGrant(config, tokens.refresh_token);
console.log(JSON.stringify({tokens, next}));
"""
OAUTH4WEBAPI = """
import * as oauth from 'oauth4webapi';
import {once} from 'node:events';
const [issuer, clientId] = process.argv.slice(2);
const insecure = {[oauth.allowInsecureRequests]: true};
const found = await oauth.discoveryRequest(new URL(issuer), {algorithm: 'oauth2', ...insecure});
const as = await oauth.processDiscoveryResponse(new URL(issuer), found);
const client = {client_id: clientId};
const asked = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), {scope: 'profile'}, insecure);
const codes = await oauth.processDeviceAuthorizationResponse(as, client, asked);
const poll = async () => oauth.processDeviceCodeResponse(as, client,
  await oauth.deviceCodeGrantRequest(as, client, oauth.None(), codes.device_code, insecure));
const early = await poll().catch((error) => error.error);
console.log(JSON.stringify({...codes, early}));
await once(process.stdin, 'data');
const tokens = await poll();
const refreshed = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, insecure);
const next = await oauth.processRefreshTokenResponse(as, client, refreshed);
console.log(JSON.stringify({tokens, next}));
process.exit(0);
"""


@pytest.fixture
def tv(register: Any) -> OAuthClient:
    made: OAuthClient = register(use_case="device", redirect_uris=(), scopes=("profile",))
    return made


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both libraries of npm, and a program for each."""
    folder = tmp_path_factory.mktemp("device-clients")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here")
    installed = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "openid-client@6", "oauth4webapi@3"],
        cwd=folder,
        capture_output=True,
        timeout=180,
        check=False,
    )
    if installed.returncode:
        pytest.skip("npm cannot install openid-client and oauth4webapi here")
    (folder / "openid-client.mjs").write_text(OPENID_CLIENT)
    (folder / "oauth4webapi.mjs").write_text(OAUTH4WEBAPI)
    return folder


def allow(user_agent: UserAgent, user_code: str) -> None:
    """Type the code on the phone and allow."""
    user_agent.get("/oauth/device/")
    form = {"csrfmiddlewaretoken": user_agent.http.cookies["csrftoken"], "user_code": user_code}
    done = user_agent.decide(user_agent.post("/oauth/device/", form))
    assert "Go back to your device" in done.text


@pytest.mark.parametrize("program", ["openid-client", "oauth4webapi"])
def test_a_library_of_npm_gets_tokens_and_refreshes_them(
    tv: OAuthClient, user_agent: UserAgent, programs: Path, program: str
) -> None:
    running = subprocess.Popen(
        ["node", f"{program}.mjs", tv.origin, tv.client_id],
        cwd=programs,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line, running.communicate(timeout=30)[1]
    codes = json.loads(line)
    assert codes.get("early", "authorization_pending") == "authorization_pending"
    allow(user_agent, codes["user_code"])
    output, errors = running.communicate("answered\n", timeout=60)
    assert running.returncode == 0, errors
    given = json.loads(output)
    assert given["tokens"]["scope"] == given["next"]["scope"] == "profile"
    assert tv.api("/api/me/", given["next"]["access_token"]).json() == {"username": "alice"}


def test_oauthlib(tv: OAuthClient, user_agent: UserAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 3.3 and 4.0 alike: nothing here is decided by the library."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    client = DeviceClient(tv.client_id, scope=["profile"])
    codes = tv.post("/oauth/device_authorization/", scope="profile").json()
    body = client.prepare_request_body(codes["device_code"], include_client_id=True)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def poll() -> str:
        return requests.post(f"{tv.origin}/oauth/token/", body, headers=headers, timeout=30).text

    for error in ("authorization_pending", "slow_down"):
        with pytest.raises(OAuth2Error) as told:
            client.parse_request_body_response(poll())
        assert told.value.error == error
    allow(user_agent, codes["user_code"])
    tokens = client.parse_request_body_response(poll(), scope=["profile"])
    assert tv.api("/api/me/", tokens["access_token"]).status_code == 200


def test_authlib(tv: OAuthClient, user_agent: UserAgent) -> None:
    session = OAuth2Session(tv.client_id, token_endpoint_auth_method="none", scope="profile")
    form = {"client_id": tv.client_id, "scope": "profile"}
    codes = session.post(
        f"{tv.origin}/oauth/device_authorization/", data=form, withhold_token=True, timeout=30
    ).json()
    allow(user_agent, codes["user_code"])
    endpoint = f"{tv.origin}/oauth/token/"
    tokens = session.fetch_token(
        endpoint, grant_type=DEVICE_CODE_GRANT_TYPE, device_code=codes["device_code"]
    )
    assert session.get(f"{tv.origin}/api/me/", timeout=30).json() == {"username": "alice"}
    assert session.refresh_token(endpoint, tokens["refresh_token"])["access_token"] != tokens["access_token"]


def test_the_demos_television(live_server: Any, transactional_db: None) -> None:
    """The program as it is run in a terminal; it waits the five seconds that it was told."""
    seed()
    phone = UserAgent(live_server.url)
    phone.log_in("alice")
    running = subprocess.Popen(
        [sys.executable, "-m", "example_project.clients.tv", "--provider", live_server.url],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    code = None
    while code is None:
        line = running.stdout.readline()
        assert line, running.stderr.read()
        code = re.fullmatch(r" +([B-Z]{4}-[B-Z]{4})\n", line)
    allow(phone, code[1])
    output = running.stdout.read()
    assert running.wait(timeout=60) == 0, running.stderr.read()
    assert re.search(r"[▀▄█]", output), "the QR code"
    assert "- Water the plants on Friday." in output
    assert Client.objects.get(client_id="demo-tv").use_case == "device"
