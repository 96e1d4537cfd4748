"""Host sites of other shapes run the flows too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.oauth_client import OAuthClient, UserAgent, answer_of
from tests.site_process import Site, fresh_database

pytestmark = pytest.mark.one_environment

MAKE_USER = """
from django.contrib.auth import get_user_model
import json
User = get_user_model()
user = User.objects.create_user(**{User.USERNAME_FIELD: %r, "password": "demo-password"} | %r)
print(json.dumps(str(user.pk)))
"""


@contextmanager
def host(name: str, folder: Any, username: str, **user: str) -> Iterator[tuple[Site, str, str]]:
    """A fresh host, served, with one user: the site, its origin and the user's key."""
    with ExitStack() as stack:
        site = Site(f"tests.settings.{name}", stack.enter_context(fresh_database(name, folder)))
        assert "No changes detected" in site.manage("makemigrations", "--check", "--dry-run").stdout
        site.manage("migrate", "-v", "0")
        site.manage("check", "--fail-level", "WARNING")
        key = site.evaluate(MAKE_USER % (username, user))
        yield site, stack.enter_context(site.serving()), key


def registered(site: Site, origin: str, use_case: str, *more: str) -> OAuthClient:
    own = ("--department", "Sales") if site.settings.endswith("swapped") else ()
    made = site.json(
        "manage.py", "oauth", "client", "create", "--name", "App", "--use-case", use_case,
        "--scope", "profile email notes:read notes:write stats:read", "--json", *own, *more,
    )  # fmt: skip
    uris = made["redirect_uris"]
    return OAuthClient(origin, made["client_id"], made.get("client_secret"), uris[0] if uris else "")


def walk_all_flows(site: Site, origin: str, username: str) -> dict[str, Any]:
    """Every flow once, a refusal and a revocation each; what the API says of the user."""
    callback = ("--redirect-uri", "https://client.example/callback")
    web = registered(site, origin, "web", *callback)
    widget = registered(site, origin, "legacy-spa", *callback)
    machine = registered(site, origin, "service")
    user_agent = UserAgent(origin)
    user_agent.log_in(username)

    tokens = web.tokens_from(user_agent, "profile email notes:read")
    me: dict[str, Any] = web.api("/api/me/", tokens["access_token"]).json()
    seen = web.post("/oauth/introspect/", token=tokens["access_token"]).json()
    assert seen["exp"] - seen["iat"] == 3600
    refreshed = web.refresh(tokens["refresh_token"]).json()
    assert web.api("/api/me/", refreshed["access_token"]).status_code == 200
    assert web.refresh(tokens["refresh_token"]).status_code == 200, "a retry within the grace"
    assert web.post("/oauth/revoke/", token=refreshed["refresh_token"]).status_code == 200
    assert web.api("/api/me/", refreshed["access_token"]).status_code == 401

    page = user_agent.authorize(
        response_type="token", client_id=widget.client_id, redirect_uri=widget.redirect_uri, scope="profile"
    )
    answer = answer_of(user_agent.decide(page).headers["Location"])
    assert answer["expires_in"] == "600"
    assert widget.api("/api/me/", answer["access_token"]).status_code == 200

    token = machine.token(grant_type="client_credentials", scope="stats:read").json()["access_token"]
    assert machine.api("/api/stats/", token).status_code == 200
    assert machine.post("/oauth/revoke/", token=token).status_code == 200
    assert machine.post("/oauth/revoke/", token=token).status_code == 200
    assert machine.api("/api/stats/", token).status_code == 401
    machine.client_secret = "wrong"
    assert machine.token(grant_type="client_credentials").status_code == 401
    return me | {"sub": seen["sub"]}


def notices_sent(site: Site) -> int:
    """How many notices went out, after the command has sent what no thread was at."""
    for _ in range(50):
        site.manage("oauth", "deliver")
        outcomes = site.evaluate(
            "import json\n"
            "from django_oauthflows.models import OutboxMessage\n"
            "print(json.dumps(list(OutboxMessage.objects.values_list('outcome', flat=True))))"
        )
        if "" not in outcomes:
            break
    return int(outcomes.count("sent"))


def test_users_of_its_own_kind_behind_closed_doors_without_time_zones(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """UUID keys, e-mail logins, LoginRequiredMiddleware, ATOMIC_REQUESTS, USE_TZ off, ahead of UTC."""
    folder = tmp_path_factory.mktemp("custom_user")
    with host("custom_user", folder, "alice@example.org") as (site, origin, key):
        me = walk_all_flows(site, origin, "alice@example.org")
        assert notices_sent(site) == 2
    assert me == {"username": "alice@example.org", "email": "alice@example.org", "sub": key}


ADD_IN_ADMIN = """
import json
from django.contrib.auth import get_user_model
from django.test import Client as Visitor
from tests.adoption.test_old_values import form_of
from tests.hosts.apps.models import App
visitor = Visitor(headers={"host": "localhost"})
visitor.force_login(get_user_model().objects.create_superuser("root"))
page = "/admin/django_oauthflows/client/add/?use_case=web"
form = form_of(visitor.get(page).content.decode())
wanted = {"name": "By staff", "redirect_uris": "https://a.example/cb", "allowed_scopes": ["profile"]}
statuses = [visitor.post(page, form | wanted | more).status_code for more in ({}, {"department": "Sales"})]
made = App.objects.filter(name="By staff").values_list("department", flat=True)
print(json.dumps(["department" in form, statuses, list(made)]))
"""


def own_fields_are_asked_for(site: Site) -> Any:
    """By the command, which takes a row's key for a relation, and by the admin's form."""
    make = (
        "oauth",
        "client",
        "create",
        "--name",
        "Own",
        "--use-case",
        "service",
        "--scope",
        "stats:read",
        "--json",
    )
    refused = site.manage(*make, check=False)
    assert refused.returncode != 0
    assert "--department" in refused.stderr
    key = site.evaluate(
        "from tests.hosts.apps.models import Team; print(Team.objects.create(name='Blue').pk)"
    )
    wrong = site.manage(*make, "--department", "Sales", "--team", "4711", check=False)
    assert "Give the key of a row that is there." in wrong.stderr
    made = site.json("manage.py", *make, "--department", "Sales", "--team", str(key))
    assert (made["department"], made["team"]) == ("Sales", key)
    kept = site.json("manage.py", "oauth", "client", "export", made["client_id"])["clients"]
    assert (kept[0]["department"], kept[0]["team"]) == ("Sales", key)
    return site.evaluate(ADD_IN_ADMIN)


def test_an_application_model_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("swapped")
    with host("swapped", folder, "alice", email="alice@example.org") as (site, origin, _):
        walk_all_flows(site, origin, "alice")
        told = own_fields_are_asked_for(site)
        adopted = site.evaluate(
            "import json\n"
            "from tests.hosts.apps.models import App\n"
            "from django_oauthflows.models import Client\n"
            "app = App.objects.create(name='Own', client_type='public', department='Sales',"
            " authorization_grant_type='authorization-code')\n"
            "print(json.dumps([Client.objects.get(pk=app.pk).department, Client.objects.get(pk=app.pk).flows]))"
        )
    assert told == [True, [200, 200], ["Sales"]]
    assert adopted == ["Sales", "authorization_code refresh_token"]
