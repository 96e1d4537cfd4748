"""Fill one project's database and print what a client would hold, as JSON. Runs in a process of its own.

``python -m tests.benchmarks.prepare PROJECT COUNT`` (a name of ``PROJECTS``) makes COUNT codes, refresh tokens and
access tokens.
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
    """The key of a session in which ``user`` has logged in, with all that a login leaves in it."""
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return str(request.session.session_key)


def ours(count: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from django_oauthflows.flows.registry import flow_named
    from django_oauthflows.models import Authorization, Client, Consent, DeviceRequest

    user = get_user_model()._default_manager.create(username=secrets.token_hex(8))
    flow = flow_named("authorization_code")

    def app(use_case: str, *scopes: str, **more: Any) -> tuple[Client, list[str], Any]:
        """A client, what it authenticates by, and the user's consent, if it is an app for users."""
        if use_case in ("web", "spa"):
            more["redirect_uris"] = [REDIRECT_URI]
        client, secret = Client.objects.register(name=use_case, use_case=use_case, scopes=scopes, **more)
        consent = (
            Consent.objects.give(user=user, client=client, scopes=scopes) if "redirect_uris" in more else None
        )
        return client, [client.client_id, secret], consent

    _, of_web, consent = app("web", "profile")
    _, of_login, with_login = app("web", *OPENID)
    _, of_public, by_public = app("spa", "profile")
    tv, of_tv, _ = app("device", "profile")
    asked = DeviceRequest.objects.begin(
        client=tv, scopes=["profile"], resources=(), lifetime=86400, network=""
    )

    def begin(generation: int, consent: Consent, scopes: tuple[str, ...] = ("profile",)) -> Authorization:
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

    def access(consent: Consent, scopes: tuple[str, ...] = ("profile",)) -> str:
        made = begin(1, consent, scopes)
        return made.access_token(generation=1, scopes=scopes, issued=timezone.now(), lifetime=3600)

    def refresh(consent: Consent) -> str:
        return begin(1, consent).refresh_token(generation=1, issued=timezone.now())

    return {
        "web": of_web,
        "machine": app("service", "stats:read")[1],
        "codes": [begin(0, consent).code() for _ in range(count)],
        "refresh": [refresh(consent) for _ in range(count)],
        "access": [access(consent) for _ in range(count)],
        "public": of_public[:1],
        "public codes": [begin(0, by_public).code() for _ in range(count)],
        "public refresh": [refresh(by_public) for _ in range(count)],
        "framework": [access(consent)],
        "signed": app("service", "profile", access_token_format="jwt")[1],
        "login": of_login,
        "login codes": [begin(0, with_login, OPENID).code() for _ in range(count)],
        "login access": [access(with_login, OPENID)],
        "device": [of_tv[0], asked.device_code],
        "sessions": sessions(min(count, MAX_ASKED)),
    }


class Toolkit:
    """What a client of stock django-oauth-toolkit would hold."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.utils import timezone

        self.user = get_user_model()._default_manager.create(username=secrets.token_hex(8))
        self.expires = timezone.now() + timedelta(hours=1)

    def app(self, grant: str, client_type: str = "confidential", **more: Any) -> tuple[Any, list[str]]:
        from oauth2_provider.models import Application

        secret = secrets.token_urlsafe(64)
        made = Application.objects.create(
            name=grant,
            client_type=client_type,
            authorization_grant_type=grant,
            redirect_uris=REDIRECT_URI if grant == "authorization-code" else "",
            client_secret=secret,
            **more,
        )
        return made, [made.client_id, secret]

    def access(self, application: Any, scope: str = "profile") -> Any:
        from oauth2_provider.models import AccessToken

        return AccessToken.objects.create(
            user=self.user,
            application=application,
            token=secrets.token_urlsafe(24),
            scope=scope,
            expires=self.expires,
        )

    def code(self, application: Any, scope: str = "profile") -> str:
        from oauth2_provider.models import Grant

        made = Grant.objects.create(
            user=self.user,
            application=application,
            code=secrets.token_urlsafe(24),
            expires=self.expires,
            redirect_uri=REDIRECT_URI,
            scope=scope,
            code_challenge=challenge(),
            code_challenge_method="S256",
        )
        return str(made.code)

    def refresh(self, application: Any) -> str:
        from oauth2_provider.models import RefreshToken

        made = RefreshToken.objects.create(
            user=self.user,
            application=application,
            token=secrets.token_urlsafe(24),
            access_token=self.access(application),
        )
        return str(made.token)

    def device(self) -> list[str]:
        from oauth2_provider.models import DeviceGrant

        _, (client_id, _secret) = self.app("urn:ietf:params:oauth:grant-type:device_code", "public")
        made = DeviceGrant.objects.create(
            device_code=secrets.token_urlsafe(24),
            user_code="ABCDEFGH",
            client_id=client_id,
            expires=self.expires,
            scope="profile",
        )
        return [client_id, made.device_code]


def stock(count: int) -> dict[str, Any]:
    toolkit = Toolkit()
    web, of_web = toolkit.app("authorization-code")
    public, of_public = toolkit.app("authorization-code", "public")
    return {
        "web": of_web,
        "machine": toolkit.app("client-credentials")[1],
        "codes": [toolkit.code(web) for _ in range(count)],
        "refresh": [toolkit.refresh(web) for _ in range(count)],
        "access": [toolkit.access(web).token for _ in range(count)],
        "framework": [toolkit.access(web).token],
        "public": of_public[:1],
        "public codes": [toolkit.code(public) for _ in range(count)],
        "public refresh": [toolkit.refresh(public) for _ in range(count)],
        "device": toolkit.device(),
        # It remembers by the tokens that there are.
        "remembered": session_of(toolkit.user),
        "sessions": sessions(min(count, MAX_ASKED)),
    }


def stock_openid(count: int) -> dict[str, Any]:
    """A site of its own, for with OpenID Connect every exchange takes a statement more."""
    toolkit = Toolkit()
    login, of_login = toolkit.app("authorization-code", algorithm="RS256")
    return {
        "login": of_login,
        "login codes": [toolkit.code(login, "openid profile") for _ in range(count)],
        "login access": [toolkit.access(login, "openid profile").token],
    }


def floor(count: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model

    from tests.benchmarks.floor.models import FloorClient
    from tests.benchmarks.floor.views import digest, new_token

    user = get_user_model()._default_manager.create(username=secrets.token_hex(8))
    secret = secrets.token_urlsafe(32)
    client = FloorClient.objects.create(client_id=secrets.token_hex(16), secret_digest=digest(secret))

    def made(kind: str, scope: str = "profile") -> str:
        text, row = new_token(kind, client.pk, user.pk, scope)
        row.save()
        return text

    return {
        "web": [client.client_id, secret],
        "machine": [client.client_id, secret],
        "codes": [made("code") for _ in range(count)],
        "refresh": [made("refresh") for _ in range(count)],
        "access": [made("access") for _ in range(count)],
        "framework": [made("access")],
        "public": [client.client_id],
        "public codes": [made("code") for _ in range(count)],
        "public refresh": [made("refresh") for _ in range(count)],
        "login": [client.client_id, secret],
        "login codes": [made("code", "openid profile") for _ in range(count)],
        "login access": [made("access", "openid profile")],
        "device": [client.client_id, made("device")],
        "sessions": sessions(min(count, MAX_ASKED)),
    }


def challenge() -> str:
    import base64

    return base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


PROJECTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "ours": ours,
    "plain": ours,
    "stock": stock,
    "stock_openid": stock_openid,
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
