"""Fill one project's database and print what a client would hold, as JSON. Runs in a process of its own.

``python -m tests.benchmarks.prepare ours|plain|stock|floor COUNT`` makes COUNT codes, refresh tokens and access tokens.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

#: Users who have not answered yet, at most: each answer takes one.
MAX_ASKED = 3000
REDIRECT_URI = "https://client.example/callback"
VERIFIER = "v" * 64
OPENID = ("openid", "profile")


def sessions(count: int) -> list[str]:
    """The session keys of so many new users who have logged in."""
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    return [session_of(users.create(username=secrets.token_hex(8), password="!")) for _ in range(count)]


def session_of(user: Any) -> str:
    """The key of a session in which ``user`` has logged in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    return str(session.session_key)


def ours(count: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from django_oauthflows.flows.registry import flow_named
    from django_oauthflows.models import Authorization, Client, Consent, DeviceRequest

    user = get_user_model()._default_manager.create(username=secrets.token_hex(8))
    web, secret = Client.objects.register(
        name="web", use_case="web", redirect_uris=[REDIRECT_URI], scopes=["profile", "stats:read"]
    )
    machine, machine_secret = Client.objects.register(name="m", use_case="service", scopes=["stats:read"])
    signed, signed_secret = Client.objects.register(
        name="j", use_case="service", scopes=["profile"], access_token_format="jwt"
    )
    consent = Consent.objects.give(user=user, client=web, scopes=["profile"])
    flow = flow_named("authorization_code")

    login, login_secret = Client.objects.register(
        name="l", use_case="web", redirect_uris=[REDIRECT_URI], scopes=["openid", "profile"]
    )
    with_login = Consent.objects.give(user=user, client=login, scopes=["openid", "profile"])
    tv, _ = Client.objects.register(name="tv", use_case="device", scopes=["profile"])
    asked = DeviceRequest.objects.begin(
        client=tv, scopes=["profile"], resources=(), lifetime=86400, network=""
    )

    def begin(
        generation: int, consent: Consent = consent, scopes: tuple[str, ...] = ("profile",)
    ) -> Authorization:
        made: Authorization = Authorization.objects.begin(
            consent=consent,
            flow=flow,
            scopes=scopes,
            lifetime=3600,
            redirect_uri=REDIRECT_URI,
            code_challenge=challenge(),
            generation=generation,
        )
        return made

    def access() -> str:
        return begin(1).access_token(generation=1, scopes=["profile"], issued=timezone.now(), lifetime=3600)

    return {
        "web": [web.client_id, secret],
        "machine": [machine.client_id, machine_secret],
        "codes": [begin(0).code() for _ in range(count)],
        "refresh": [begin(1).refresh_token(generation=1, issued=timezone.now()) for _ in range(count)],
        "access": [access() for _ in range(count)],
        "signed": [signed.client_id, signed_secret],
        "login": [login.client_id, login_secret],
        "login codes": [begin(0, with_login, OPENID).code() for _ in range(count)],
        "login access": [
            begin(1, with_login, OPENID).access_token(
                generation=1, scopes=OPENID, issued=timezone.now(), lifetime=3600
            )
        ],
        "device": [tv.client_id, asked.device_code],
        "sessions": sessions(min(count, MAX_ASKED)),
    }


def stock(count: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

    user = get_user_model()._default_manager.create(username=secrets.token_hex(8))
    secret, machine_secret = secrets.token_urlsafe(64), secrets.token_urlsafe(64)
    web = Application.objects.create(
        name="web",
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=REDIRECT_URI,
        client_secret=secret,
    )
    machine = Application.objects.create(
        name="m",
        client_type="confidential",
        authorization_grant_type="client-credentials",
        client_secret=machine_secret,
    )
    login_secret = secrets.token_urlsafe(64)
    login = Application.objects.create(
        name="l",
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=REDIRECT_URI,
        client_secret=login_secret,
        algorithm="RS256",
    )
    expires = timezone.now() + timedelta(hours=1)

    def access(application: Application = web, scope: str = "profile") -> AccessToken:
        return AccessToken.objects.create(
            user=user,
            application=application,
            token=secrets.token_urlsafe(24),
            scope=scope,
            expires=expires,
        )

    def code(application: Application = web, scope: str = "profile") -> str:
        return str(
            Grant.objects.create(
                user=user,
                application=application,
                code=secrets.token_urlsafe(24),
                expires=expires,
                redirect_uri=REDIRECT_URI,
                scope=scope,
                code_challenge=challenge(),
                code_challenge_method="S256",
            ).code
        )

    def refresh() -> str:
        made = RefreshToken.objects.create(
            user=user, application=web, token=secrets.token_urlsafe(24), access_token=access()
        )
        return str(made.token)

    return {
        "web": [web.client_id, secret],
        "machine": [machine.client_id, machine_secret],
        "codes": [code() for _ in range(count)],
        "refresh": [refresh() for _ in range(count)],
        "access": [access().token for _ in range(count)],
        "login": [login.client_id, login_secret],
        "login codes": [code(login, "openid profile") for _ in range(count)],
        "login access": [access(login, "openid profile").token],
        # It remembers by the tokens that there are.
        "remembered": session_of(user),
        "sessions": sessions(min(count, MAX_ASKED)),
    }


def floor(count: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model

    from tests.benchmarks.floor.models import FloorClient
    from tests.benchmarks.floor.views import digest, new_token

    user = get_user_model()._default_manager.create(username=secrets.token_hex(8))
    secret = secrets.token_urlsafe(32)
    client = FloorClient.objects.create(client_id=secrets.token_hex(16), secret_digest=digest(secret))

    def made(kind: str) -> str:
        text, row = new_token(kind, client.pk, user.pk, "profile")
        row.save()
        return text

    return {
        "web": [client.client_id, secret],
        "machine": [client.client_id, secret],
        "codes": [made("code") for _ in range(count)],
        "refresh": [made("refresh") for _ in range(count)],
        "access": [made("access") for _ in range(count)],
        "sessions": sessions(min(count, MAX_ASKED)),
    }


def challenge() -> str:
    import base64

    return base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


PROJECTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "ours": ours,
    "plain": ours,
    "stock": stock,
    "floor": floor,
}


def main() -> None:
    name, count = sys.argv[1], int(sys.argv[2])
    os.environ["DJANGO_SETTINGS_MODULE"] = f"tests.benchmarks.projects.{name}"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    # The floor's tables have no migrations, and point at the user's, which must be there first.
    call_command("migrate", run_syncdb=True, verbosity=0)
    json.dump(PROJECTS[name](count), sys.stdout)


if __name__ == "__main__":
    main()
