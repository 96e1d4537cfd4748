"""What the pages for client developers show, against a site that runs."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauthflows.models import Client
from tests.docs.blocks import blocks_of
from tests.docs.test_snippets import CLIENTS

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("page", CLIENTS)
def test_the_blocks_of_the_page_run(page: str, live_server: Any, transactional_db: None) -> None:
    client, secret = Client.objects.register(
        name="Example",
        use_case="service",
        scopes=("stats:read",),
        flows="client_credentials authorization_code refresh_token",
        redirect_uris=["https://client.example/callback"],
    )
    assert secret is not None
    own = {"https://example.org": live_server.url, "CLIENT_ID": client.client_id, "CLIENT_SECRET": secret}
    blocks = [block for block in blocks_of(page) if block.language == "python"]
    assert blocks
    for block in blocks:
        text = block.text
        for shown, real in own.items():
            text = text.replace(shown, real)
        exec(compile(text, page, "exec"), {})
