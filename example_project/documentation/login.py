"""What to copy into other programs so that they log people in: the snippets of the admin, for a made-up client."""

from __future__ import annotations

from functools import partial

from django.test.utils import override_settings

from django_oauthflows.models import Client
from django_oauthflows.openid.login_snippets import PROGRAMS, login_snippet

_SITE = {"SITE_NAME": "Example Notes", "SCOPES": {"openid": "", "profile": "", "email": ""}}


def _snippet(program: str, language: str, redirect_uri: str, issuer: str = "https://example.org") -> str:
    client = Client(
        client_id="CLIENT_ID",
        name="Example",
        redirect_uris=redirect_uri,
        allowed_scopes="openid profile email",
        client_type=Client.CLIENT_CONFIDENTIAL,
    )
    (found,) = (each for each in PROGRAMS if each.key == program)
    with override_settings(OAUTHFLOWS=_SITE, ROOT_URLCONF="django_oauthflows.urls"):
        return f"```{language}\n{login_snippet(found, client, issuer=issuer, origin=issuer).strip()}\n```"


django = partial(
    _snippet, "mozilla", "python", "http://localhost:9000/oidc/callback/", issuer="http://127.0.0.1:8000"
)
grafana = partial(_snippet, "grafana", "ini", "https://grafana.example.com/login/generic_oauth")
nextcloud = partial(_snippet, "nextcloud", "sh", "https://cloud.example.com/apps/user_oidc/code")
python = partial(_snippet, "python", "python", "https://app.example.com/callback")
node = partial(_snippet, "node", "js", "https://app.example.com/callback")
