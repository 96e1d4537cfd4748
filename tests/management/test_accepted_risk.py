"""Addresses that others could listen to are allowed only with a reason, which stays in sight; some never are."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_oauthflows.models import Client
from tests.admin.conftest import form_data, page_of

pytestmark = pytest.mark.django_db
WHY = "Our own network and tools"


def create(use_case: str, *arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command(
        *(
            "oauth",
            "client",
            "create",
            "--name",
            "X",
            "--use-case",
            use_case,
            "--scope",
            "notes:read",
            "--json",
        ),
        *arguments,
        stdout=out,
    )
    return dict(json.loads(out.getvalue()))


@pytest.mark.parametrize(
    ("use_case", "uri"),
    [
        ("native", "cursor://anysphere.cursor-mcp/oauth/callback"),
        ("native", "vscode://vendor.extension/callback"),
        ("native", "claude://callback"),
        ("native", "http://nas.local/cb"),
        ("web", "http://192.168.1.5:8080/cb"),
        ("web", "http://10.0.0.7/cb"),
        ("web", "http://100.64.1.1/cb"),
        ("web", "http://[fd00::1]:3000/cb"),
        ("web", "http://grafana.lan:3000/login/generic_oauth"),
        ("web", "http://host.docker.internal:3000/cb"),
        ("web", "http://intranet/cb"),
        ("web", "http://printer.home.arpa/cb"),
    ],
)
def test_a_risk_is_accepted_with_a_reason_and_only_so(use_case: str, uri: str) -> None:
    with pytest.raises(CommandError, match="reason why you accept the risk"):
        create(use_case, "--redirect-uri", uri)
    with pytest.raises(CommandError, match="reason why you accept the risk"):
        create(use_case, "--redirect-uri", uri, "--accept-risk", " ")
    assert not Client.objects.exists()
    made = create(use_case, "--redirect-uri", uri, "--accept-risk", WHY)
    assert made["redirect_uris"] == [uri]
    assert Client.objects.get().accepted_risk == WHY


@pytest.mark.parametrize(
    ("use_case", "uri"),
    [
        ("web", "http://app.example.com/cb"),
        ("web", "http://8.8.8.8/cb"),
        ("web", "http://224.0.0.1/cb"),
        ("web", "http://0.0.0.0/cb"),
        ("web", "http://lan.example.com/cb"),
        ("web", "http://local.com/cb"),
        ("web", "http://app.lan.example/cb"),
        ("web", "cursor://x/cb"),
        ("native", "javascript:alert(1)"),
        ("native", "data:text/html,x"),
        ("native", "vbscript:x"),
        ("native", "file:///etc/passwd"),
        ("native", "intent://x"),
        ("native", "mailto:x"),
        ("native", "JavaScript:alert(1)"),
    ],
)
def test_no_reason_makes_these_right(use_case: str, uri: str) -> None:
    with pytest.raises(CommandError):
        create(use_case, "--redirect-uri", uri, "--accept-risk", WHY)
    assert not Client.objects.exists()


def test_pages_inside_apps_and_extensions_may_read_answers() -> None:
    origins = (
        "capacitor://localhost",
        "chrome-extension://abcdefghijklmnop",
        "ionic://localhost",
        "tauri://localhost",
    )
    given = [part for origin in origins for part in ("--allowed-origin", origin)]
    made = create("spa", "--redirect-uri", "https://app.example.com/cb", *given)
    assert made["allowed_origins"] == list(origins)
    for bad in (
        "http://app.example.com",
        "javascript://x",
        "capacitor://",
        "capacitor://localhost/x",
        "file://x",
        "null",
    ):
        with pytest.raises(CommandError):
            create("spa", "--redirect-uri", "https://app.example.com/cb", "--allowed-origin", bad)
    network = ("--redirect-uri", "https://app.example.com/cb", "--allowed-origin", "http://grafana.lan:3000")
    with pytest.raises(CommandError):
        create("spa", *network)
    assert create("spa", *network, "--accept-risk", WHY)["allowed_origins"] == ["http://grafana.lan:3000"]


def test_an_origin_of_an_app_gets_its_answers(client: Any) -> None:
    create("spa", "--redirect-uri", "https://app.example.com/cb", "--allowed-origin", "capacitor://localhost")
    answer = client.options(
        "/oauth/token/", HTTP_ORIGIN="capacitor://localhost", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST"
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "capacitor://localhost"
    other = client.options(
        "/oauth/token/", HTTP_ORIGIN="capacitor://other", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST"
    )
    assert "Access-Control-Allow-Origin" not in other.headers


def test_staff_see_the_risk_and_give_the_reason_in_the_admin(admin_client: Any) -> None:
    create("web", "--redirect-uri", "http://grafana.lan/cb", "--accept-risk", WHY)
    client = Client.objects.get()
    page = admin_client.get(page_of(client))
    assert f"http://grafana.lan/cb is a risk that was accepted: {WHY}." in page.content.decode()
    data = form_data(page) | {"accepted_risk": "", "redirect_uris": "http://grafana.lan/other"}
    refused = admin_client.post(page_of(client), data)
    assert "reason why you accept the risk" in refused.content.decode()
    data["accepted_risk"] = "Behind the VPN"
    assert admin_client.post(page_of(client), data).status_code == 302
    client.refresh_from_db()
    assert client.redirect_uris == "http://grafana.lan/other"
    changed = client.events.filter(kind="client_changed").latest("pk").data["changed"]
    assert changed["accepted_risk"] == [WHY, "Behind the VPN"]


def test_an_agent_comes_back_on_any_port_of_localhost() -> None:
    create("native", "--redirect-uri", "http://localhost/callback")
    client = Client.objects.get()
    assert client.redirect_uri_allowed("http://localhost:52999/callback")
    assert not client.redirect_uri_allowed("http://localhost:52999/other")
    assert not client.redirect_uri_allowed("http://localhost.evil.example:52999/callback")
