"""Sites whose ``default`` database is empty, or whose router reads from a copy that lags behind.

Each is a process of its own on files of SQLite: what is tried is who asks which database, not a database.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.oauth_client import OAuthClient, UserAgent
from tests.site_process import Site
from tests.test_hosts import MAKE_USER, registered, walk_all_flows

pytestmark = pytest.mark.one_environment

CALLBACK = ("--redirect-uri", "https://client.example/callback")
#: What staff see: every list, every page of a client, and one of each other kind, as status codes by path.
ADMIN_PAGES = """
import json
from django.contrib.auth import get_user_model
from django.test import Client as Visitor
from django_oauthflows.models import Authorization, Client, Consent, Event
admin = get_user_model().objects.create_superuser("admin", password="demo-password")
visitor = Visitor(raise_request_exception=False, headers={"host": "127.0.0.1"})
visitor.force_login(admin)
client = Client.objects.filter(consents__isnull=False).first()
tabs = ("change", "usage", "people", "events", "secrets", "integration", "rotate-secret")
paths = [f"client/{client.pk}/{tab}/" for tab in tabs]
for model in (Client, Consent, Authorization, Event):
    name = model._meta.model_name
    paths += [f"{name}/", f"{name}/{model.objects.first().pk}/change/"]
paths += ["client/add/", "signingkey/", "outboxmessage/"]
print(json.dumps({path: visitor.get(f"/admin/django_oauthflows/{path}").status_code for path in paths}))
"""
#: What staff and users do.
VERBS = """
import json
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from django_oauthflows.models import Authorization, Client, ClientSecret, ClientUsage, Consent
from django_oauthflows.models.usage import counter
user = get_user_model()._default_manager.using({alias!r}).get(username="alice")
client = Client.objects.filter(consents__isnull=False).first()
Consent.objects.give(user=user, client=client, scopes=["profile", "email"])
Consent.objects.get(user=user, client=client).remove_scope("email")
for _ in range(2):
    counter.count(client=client, flow="refresh_token", scopes=["profile"])
    counter.flush()
ClientUsage.objects.update(day=timezone.now().date() - timedelta(days=3))
ClientSecret.objects.rotate(client, by=user)
ClientSecret.objects.first().revoke(by=user)
client.description = "Other"
client.change(["description"], by=user)
client.suspend(by=user)
client.resume(by=user)
user.set_password("another-password")
user.save()
client.revoke_tokens(by=user)
Consent.objects.get(user=user, client=client).withdraw(by=user)
live = Authorization.objects.live().filter(consent__client=client).count()
client.remove(by=user)
print(json.dumps(live))
"""


#: Every command that changes something, once; what the tour says at its end.
COMMANDS = """
import io, json
from django.core.management import call_command

def oauth(*arguments):
    out = io.StringIO()
    call_command("oauth", *arguments, stdout=out)
    return out.getvalue()

job = ("--name", "Job", "--use-case", "service", "--scope", "stats:read")
machine = json.loads(oauth("client", "create", *job, "--json"))["client_id"]
with open({file!r}, "w") as file:
    file.write(oauth("client", "export").replace('"Job"', '"Night job"'))
oauth("client", "import", {file!r})
for verb in ("show", "suspend", "resume", "rotate-secret"):
    oauth("client", verb, machine)
assert "Night job" in oauth("client", "list")
oauth("client", "delete", machine)
for command in (("key", "rotate"), ("key", "list"), ("purge",), ("deliver",)):
    oauth(*command)
print(json.dumps(oauth("tour", *{tour!r}).count("PASS")))
"""


def copied(site: Site) -> None:
    """The copy hears of all that has happened so far."""
    path = urlsplit(site.database_url).path
    shutil.copy(path, f"{path}.copy")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Site:
    """A site without a default database."""
    site = Site("tests.settings.elsewhere", f"sqlite:///{tmp_path / 'main'}.sqlite3")
    site.manage("migrate", "--database", "main", "-v", "0")
    site.evaluate(MAKE_USER % ("alice", {}))
    return site


@pytest.fixture(scope="module")
def with_alice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that knows alice, and nothing else."""
    path = tmp_path_factory.mktemp("lagging") / "main.sqlite3"
    site = Site("tests.settings.lagging", f"sqlite:///{path}")
    site.manage("migrate", "-v", "0")
    site.evaluate(MAKE_USER % ("alice", {}))
    return path


@pytest.fixture
def lagging(tmp_path: Path, with_alice: Path) -> Site:
    """A site with a copy that knows alice, and nothing that came later."""
    site = Site("tests.settings.lagging", f"sqlite:///{tmp_path / 'main'}.sqlite3")
    shutil.copy(with_alice, urlsplit(site.database_url).path)
    copied(site)
    return site


def test_without_a_default_database_every_flow_page_and_command_works(
    elsewhere: Site, tmp_path: Path
) -> None:
    elsewhere.manage("check", "--database", "main", "--fail-level", "WARNING")
    with elsewhere.serving() as origin:
        walk_all_flows(elsewhere, origin, "alice")
    pages = elsewhere.evaluate(ADMIN_PAGES)
    assert set(pages.values()) == {200}, pages
    assert elsewhere.evaluate(COMMANDS.format(file=str(tmp_path / "clients.json"), tour=()))
    assert elsewhere.evaluate(VERBS.format(alias="main")) == 0


def test_a_copy_that_lags_is_not_asked_about_what_is_ours(lagging: Site, tmp_path: Path) -> None:
    lagging.manage("check", "--database", "default", "--fail-level", "WARNING")
    with lagging.serving() as origin:
        walk_all_flows(lagging, origin, "alice")
    pages = lagging.evaluate(ADMIN_PAGES.replace("visitor.force_login(admin)", _LOG_IN_BY_THE_COPY))
    assert set(pages.values()) == {200}, pages
    # Whose session it is, the site itself asks the copy: an account that is made for the tour is not there.
    code = COMMANDS.format(file=str(tmp_path / "clients.json"), tour=("--user", "alice"))
    assert lagging.evaluate(code)
    assert lagging.evaluate(VERBS.format(alias="default")) == 0


#: The site itself finds its users in the copy: this one has come there by now.
_LOG_IN_BY_THE_COPY = "admin.save(using='copy'); visitor.force_login(admin)"

#: By which change made a moment ago, seen by the database that is written to alone, a user's tokens end.
ENDINGS = {
    "the client is suspended": "Client.objects.get(client_id={client!r}).suspend()",
    "the user takes the consent back": "Consent.objects.get(client__client_id={client!r}).withdraw()",
    "the account is closed": "get_user_model().objects.using('default').update(is_active=False)",
}


@pytest.mark.parametrize("change", ENDINGS.values(), ids=list(ENDINGS))
def test_what_ends_tokens_ends_them_at_once_however_late_the_copy_hears_of_it(
    lagging: Site, change: str
) -> None:
    with lagging.serving() as origin:
        app = registered(lagging, origin, "web", *CALLBACK)
        watching = registered(lagging, origin, "web", *CALLBACK)
        tokens = _tokens(app, origin)
        copied(lagging)  # it knows of the tokens, and nothing of what ends them
        lagging.evaluate(
            "from django.contrib.auth import get_user_model\n"
            "from django_oauthflows.models import Client, Consent\n"
            f"{change.format(client=app.client_id)}\nprint('null')"
        )
        assert app.api("/api/me/", tokens["access_token"]).status_code == 401
        assert app.refresh(tokens["refresh_token"]).status_code in (400, 401)
        assert watching.post("/oauth/introspect/", token=tokens["access_token"]).json() == {"active": False}


def _tokens(app: OAuthClient, origin: str) -> Any:
    user_agent = UserAgent(origin)
    user_agent.log_in("alice")
    return app.tokens_from(user_agent, "profile")


def test_tokens_of_the_toolkit_are_looked_up_where_they_are_written(lagging: Site) -> None:
    with lagging.serving() as origin:
        app = registered(lagging, origin, "web", *CALLBACK)
        lagging.evaluate(_TOKENS_OF_THE_TOOLKIT % app.client_id)
        assert app.api("/api/me/", "an-access-token").status_code == 200
        refreshed = app.refresh("a-refresh-token")
        assert refreshed.status_code == 200
        assert app.api("/api/me/", "an-access-token").status_code == 401
        assert app.api("/api/me/", refreshed.json()["access_token"]).status_code == 200


_TOKENS_OF_THE_TOOLKIT = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken
user = get_user_model().objects.get(username="alice")
app = Application.objects.using("default").get(client_id=%r)
access = AccessToken.objects.create(user=user, application=app, token="an-access-token",
    scope="profile", expires=timezone.now() + timedelta(hours=1))
RefreshToken.objects.create(user=user, application=app, token="a-refresh-token", access_token=access)
print("null")
"""


def test_migrating_reads_and_writes_the_database_that_is_migrated(tmp_path: Path) -> None:
    """The copy has no tables at all yet, and the site has a past with the toolkit."""
    site = Site("tests.settings.lagging", f"sqlite:///{tmp_path / 'main'}.sqlite3")
    for app in ("auth", "contenttypes", "oauth2_provider"):
        site.manage("migrate", app, "-v", "0")
    site.evaluate(_PAST)
    site.manage("migrate", "-v", "0")
    adopted = site.evaluate(
        "import json\nfrom django_oauthflows.models import Client, Consent\n"
        "print(json.dumps([Client.objects.get().flows, Consent.objects.get().scope]))"
    )
    assert adopted == ["authorization_code refresh_token", "profile"]
    site.manage("migrate", "django_oauthflows", "zero", "-v", "0")


_PAST = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.signals import post_save
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application
post_save.receivers.clear()
post_save.sender_receivers_cache.clear()
user = get_user_model().objects.create_user("alice")
app = Application.objects.create(name="Old", user=user, client_type="public",
    authorization_grant_type="authorization-code", redirect_uris="https://client.example/callback")
AccessToken.objects.create(user=user, application=app, token="an-access-token",
    scope="profile", expires=timezone.now() + timedelta(hours=1))
print("null")
"""
