"""Fills the database of a stock django-oauth-toolkit site, by that site's own endpoints.

Run with the settings ``tests.settings.stock``; prints what its clients and their users hold, as JSON.
Nothing of this package is imported here.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

# client_type, authorization_grant_type, secret and whether the toolkit hashes it
STRONG = "Zk3vQ8wLr2XyTb7NcMf5HgJd9PsAe1Uo4RiW6tVhKjGxBqSnDlCzYpEm0uOaIF"
APPLICATIONS = {
    "web": ("confidential", "authorization-code", STRONG + "web", True),
    "gone": ("confidential", "authorization-code", STRONG + "gone", False),
    "spa": ("public", "authorization-code", "", True),
    "widget": ("public", "implicit", "", True),
    "machine": ("confidential", "client-credentials", STRONG + "machine", True),
    "weak": ("confidential", "client-credentials", "weak", True),
    "clear": ("confidential", "client-credentials", STRONG + "clear", False),
    "clearweak": ("confidential", "client-credentials", "feeble", False),
    "password": ("confidential", "password", STRONG + "password", True),
}


def populate() -> dict[str, Any]:
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from oauth2_provider.models import get_application_model

    users = {
        name: User.objects.create(username=name, password=make_password("demo-password", hasher="md5"))
        for name in ("alice", "bob", "gone", "owner")
    }
    held: dict[str, Any] = {}
    for name, (client_type, grant, secret, hashed) in APPLICATIONS.items():
        application = get_application_model().objects.create(
            name=name,
            user=users["owner"],
            client_type=client_type,
            authorization_grant_type=grant,
            client_secret=secret,
            hash_client_secret=hashed,
            redirect_uris=f"https://{name}.example/callback",
            allowed_origins=f"https://{name}.example" if client_type == "public" else "",
            skip_authorization=grant == "authorization-code",
        )
        held[name] = {"client_id": application.client_id, "client_secret": secret}
    for name in ("web", "spa"):
        held[name] |= {"tokens": tokens_of(held[name], users["alice"], name)}
        held[name] |= {"more": tokens_of(held[name], users["alice"], name)}
        held[name] |= {"bobs": tokens_of(held[name], users["bob"], name)}
    held["gone"] |= {"tokens": tokens_of(held["gone"], users["gone"], "gone")}
    held["web"] |= {"expired": expired(tokens_of(held["web"], users["alice"], "web"))}
    get_application_model().objects.update(skip_authorization=False)
    User.objects.filter(username="gone").update(is_active=False)
    return held


def tokens_of(client: dict[str, str], user: Any, name: str) -> Any:
    from django.test import Client as UserAgent

    from tests.oauth_client import pkce_pair

    user_agent = UserAgent()
    user_agent.force_login(user)
    verifier, challenge = pkce_pair()
    redirect_uri = f"https://{name}.example/callback"
    request = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": redirect_uri,
        "scope": "profile notes:read",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    location = user_agent.get("/o/authorize/", request).headers["Location"]
    response = user_agent.post(
        "/o/token/",
        {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(location).query)["code"][0],
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            **client,
        },
    )
    assert response.status_code == 200, response.content
    return response.json()


def expired(tokens: dict[str, str]) -> dict[str, str]:
    from django.utils import timezone
    from oauth2_provider.models import get_access_token_model

    get_access_token_model().objects.filter(token=tokens["access_token"]).update(
        expires=timezone.now() - timedelta(minutes=1)
    )
    return tokens


def rows() -> dict[str, Any]:
    """Every row of the toolkit's tables, as the database holds it."""
    from django.db import connection

    tables = sorted(
        name for name in connection.introspection.table_names() if name.startswith("oauth2_provider_")
    )
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY id")
            names = [column[0] for column in cursor.description]
            found[table] = [dict(zip(names, map(str, row), strict=True)) for row in cursor.fetchall()]
    return found


def main(verb: str) -> None:
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.stock")
    django.setup()
    if verb == "populate":
        from django.test.utils import setup_test_environment

        setup_test_environment()
        call_command("migrate", verbosity=0)
        print(json.dumps({"held": populate(), "rows": rows()}))
    else:
        print(json.dumps({"rows": rows()}))


if __name__ == "__main__":
    main(sys.argv[1])
