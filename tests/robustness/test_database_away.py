"""A database that does not answer: every endpoint and page of ours says when to come again, and none is a fault."""

from __future__ import annotations

import pytest

from tests.site_process import Site

pytestmark = pytest.mark.one_environment

#: Asks each of our routes by each method, as an app, a script of another origin and a user who has logged in would;
#: tokens are as they should be, and so is what else is sent: only the database knows whom they belong to.
ASKED = """
import base64, json, logging, time
from django.test import Client as Visitor
from django.urls import get_resolver
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal

logging.disable(logging.CRITICAL)
now = int(time.time())
made = Reference(subject=Subject.AUTHORIZATION, id=1, serial=1, issued=now, expires=now + 600)
code, access, refresh = (seal(kind, made, epoch="0" * 32) for kind in (Kind.CODE, Kind.ACCESS, Kind.REFRESH))
basic = "Basic " + base64.b64encode(b"app:secret").decode()
callers = {
    "script": {"authorization": basic, "origin": "https://client.example"},
    "api": {"authorization": f"Bearer {access}", "origin": "https://client.example"},
    "user": {"cookie": "sessionid=" + "a" * 32},
}
forms = [
    {},
    {"grant_type": "client_credentials"},
    {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43},
    {"grant_type": "authorization_code", "code": "garbage"},
    {"grant_type": "refresh_token", "refresh_token": refresh},
    {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "a"},
    {"token": access, "client_id": "app", "response_type": "code", "decision": "allow"},
]
paths = [
    "/oauth/" + route for route in (
        "authorize", "token", "device_authorization", "device", "revoke", "introspect", "apps", "apps/1/remove",
        "apps/1/reconsider", "apps/disconnect", "apps/history", "apps/1/disconnect", "apps/report", "disconnect/key",
        "errors", "errors/invalid_grant", "jwks", "userinfo", "health", "metrics", "logout", "apps/history.json",
        "apps/history.csv",
    )
] + ["/.well-known/" + name for name in (
    "oauth-protected-resource", "oauth-authorization-server", "openid-configuration", "change-password")]
seen, faults = {}, []
for path in paths:
    for who, headers in callers.items():
        visitor = Visitor(headers=headers | {"host": "127.0.0.1"})
        for number, form in enumerate(forms):
            for method in ("post",) if 0 < number < len(forms) - 1 else ("get", "post", "options"):
                form_type = {"content_type": "application/x-www-form-urlencoded"} if method == "post" else {}
                data = "&".join(f"{k}={v}" for k, v in form.items()) if method == "post" else form
                slash = "" if path.startswith("/.well-known") or "." in path else "/"
                try:
                    answer = getattr(visitor, method)(path + slash, data, **form_type)
                except Exception as error:
                    faults.append(f"{method} {path} {who} {number}: {error!r}"[:300])
                    continue
                status = answer.status_code
                if status >= 500 and (status != 503 or int(answer.headers.get("Retry-After", 0)) < 1):
                    faults.append(f"{method} {path} {who} {number}: {status}")
                seen.setdefault(path, set()).add(status)
print(json.dumps([{path: sorted(statuses) for path, statuses in seen.items()}, faults]))
"""


def test_every_answer_without_a_database_is_one_that_was_foreseen() -> None:
    nowhere = Site("tests.settings.nowhere", "postgres://nobody@127.0.0.1:1/nothing")
    seen, faults = nowhere.evaluate(ASKED)
    assert not faults, "\n".join(faults)
    away = {path for path, statuses in seen.items() if 503 in statuses}
    asks_the_database = {
        "authorize",
        "token",
        "revoke",
        "introspect",
        "apps",
        "jwks",
        "userinfo",
        "health",
        "device",
    }
    assert {f"/oauth/{name}" for name in asks_the_database} <= away
    assert not {path for path in away if path.startswith("/.well-known/")}
