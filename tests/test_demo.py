"""``manage.py demo``, and the example project as a server runs it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from django.test import Client as HttpClient
from django.test import override_settings
from django.utils.translation import override

from django_oauthflows.models import Client, ClientSecret
from django_oauthflows.models.client_secret import is_strong
from django_oauthflows.scopes import declared_scopes
from example_project.clients.credentials import client_secret
from example_project.clients.directory import CLIENTS
from example_project.demo import PASSWORD, seed
from example_project.explorer.clients import ensure_clients
from example_project.notes.models import Note
from tests.catalogs import LANGUAGES

pytestmark = pytest.mark.one_environment

ROOT = Path(__file__).resolve().parent.parent


def dump() -> str:
    """All rows of all tables."""
    out = StringIO()
    call_command("dumpdata", stdout=out)
    return out.getvalue()


def test_seeding_again_changes_nothing(db: None) -> None:
    call_command("demo", "--seed-only", stdout=StringIO())
    first = dump()
    assert "demo-web" in first
    call_command("demo", "--seed-only", stdout=StringIO())
    assert dump() == first


def test_seeding_for_another_port_keeps_the_first(db: None) -> None:
    seed("http://localhost:8000")
    seed("http://localhost:8001")
    spa = Client.objects.get(client_id="demo-spa")
    assert spa.redirect_uris.split() == [
        "http://localhost:8000/clients/spa/",
        "http://localhost:8001/clients/spa/",
    ]
    assert spa.origin_allowed("http://localhost:8001")


def test_a_new_secret_key_gives_the_clients_secrets_that_work_again(db: None) -> None:
    seed()
    with override_settings(SECRET_KEY="another key " * 4):
        seed()
        assert ClientSecret.objects.filter(client__client_id="demo-web").count() == 2
    assert not ClientSecret.objects.exclude(slow_hash="").exists()


def test_secrets_are_strong_differ_and_are_stored_nowhere(db: None) -> None:
    seed()
    secrets = [client_secret(client.client_id) for client in CLIENTS]
    assert len(set(secrets)) == len(secrets)
    assert all(is_strong(secret) for secret in secrets)
    rows = dump()
    assert not any(secret in rows for secret in secrets)


def test_the_first_consent_is_one_that_nobody_need_fear(db: None, client: HttpClient) -> None:
    seed()
    client.post("/accounts/login/", {"username": "alice", "password": PASSWORD})
    web = Client.objects.get(client_id="demo-web")
    asked = {
        "response_type": "code",
        "client_id": web.client_id,
        "redirect_uri": web.redirect_uris,
        "scope": web.allowed_scopes,
        "state": "s",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    page = client.get("/oauth/authorize/", asked).content.decode()
    assert "Reviewed by Example Notes" in page
    assert "oauthflows-warning" not in page
    logo = re.search(r'<img class="oauthflows-logo" src="(/media/[^"]+)"', page)
    assert logo
    served = client.get(logo[1])
    assert b"".join(served.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_staff_find_a_site_that_is_looked_after_with_two_things_to_see(db: None, client: HttpClient) -> None:
    seed()
    ensure_clients("http://127.0.0.1:8000")  # as the explorer does
    client.post("/accounts/login/", {"username": "admin", "password": PASSWORD})
    overview = client.get("/admin/django_oauthflows/").content.decode()
    rows = re.findall(r'<li class="oaf-alarming"><a[^>]*><strong>([^<]+)</strong> ([^<]+)', overview)
    assert rows == [
        ("1", "new client that nobody has reviewed"),
        ("1", "report by users about an app in the last week"),
    ]
    advice = client.get("/admin/django_oauthflows/client/advice/").content.decode()
    assert re.findall(r">(Old Note [^<]+|Note [^<]+|Flow explorer[^<]*)</a>", advice) == [
        "Flow explorer (implicit)",
        "Old Note Widget",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_permissions_are_told_in_every_language(language: str) -> None:
    scopes = declared_scopes().values()
    english = {str(words) for scope in scopes for words in (scope.label, scope.group)}
    with override(language):
        told = {str(words) for scope in scopes for words in (scope.label, scope.group)}
    assert len(told) == len(english)
    assert told & english <= {"Notes", "Site"}  # which are French, too


def test_a_logo_that_was_lost_is_put_back(db: None) -> None:
    seed()
    logo = Client.objects.get(client_id="demo-web").logo
    logo.storage.delete(logo.name)
    seed()
    again = Client.objects.get(client_id="demo-web").logo
    assert again.storage.exists(again.name)


def test_a_port_that_is_taken_is_said_with_the_option_that_helps(db: None) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Port {port} is taken.*--port \d+"):
            call_command("demo", "--port", str(port), stdout=StringIO())
    assert not Client.objects.exists(), "nothing was done yet"
    for nonsense in ("0", "65536", "-1"):
        with pytest.raises(CommandError, match="--port 8000"):
            call_command("demo", f"--port={nonsense}", stdout=StringIO())


@pytest.mark.parametrize("username", ["alice", "bob", "admin"])
def test_the_people_can_log_in(db: None, client: HttpClient, username: str) -> None:
    seed()
    answer = client.post("/accounts/login/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/admin/").status_code == (200 if username == "admin" else 302)


def test_the_service_account_cannot_log_in(db: None, client: HttpClient) -> None:
    seed()
    answer = client.post("/accounts/login/", {"username": "nightly-report", "password": PASSWORD})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_people_see_and_delete_their_own_notes_only(db: None, client: HttpClient) -> None:
    seed()
    client.post("/accounts/login/", {"username": "bob", "password": PASSWORD})
    assert "Library books!" not in client.get("/notes/").content.decode()
    client.post("/notes/", {"text": "<b>mine</b>"})
    assert "&lt;b&gt;mine&lt;/b&gt;" in client.get("/notes/").content.decode()
    bobs, alices = (Note.objects.filter(author__username=name).first() for name in ("bob", "alice"))
    assert client.post(f"/notes/{alices.pk}/delete/").status_code == 404
    assert client.post(f"/notes/{10**30}/delete/").status_code == 404
    assert client.get(f"/notes/{bobs.pk}/delete/").status_code == 405
    assert client.post(f"/notes/{bobs.pk}/delete/").status_code == 302
    assert "mine" not in client.get("/notes/").content.decode()


def test_the_home_page_leads_only_where_something_is(db: None, client: HttpClient) -> None:
    page = client.get("/", headers={"host": "127.0.0.1:8000"}).content.decode()
    assert "http://localhost:8000/clients/web/" in page
    assert "/admin/" in page


def test_the_demo_answers_programs_that_only_look_and_people_who_are_lost(
    db: None, client: HttpClient
) -> None:
    """A monitor asks by HEAD; somebody who typed a wrong address finds the way home."""
    assert [client.head(path).status_code for path in ("/", "/flows/", "/flows/choose/")] == [200] * 3
    lost = client.get("/nowhere/")
    assert lost.status_code == 404
    assert 'href="/"' in lost.content.decode()


def test_an_api_answer_is_for_registered_origins_only(db: None, client: HttpClient) -> None:
    seed()
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    ours = client.options("/api/notes/", headers=preflight | {"Origin": "http://localhost:8000"})
    assert ours.headers["Access-Control-Allow-Origin"] == "http://localhost:8000"
    for origin in ("https://evil.example", "null", "http://localhost:8000.evil.example", "x" * 300):
        other = client.options("/api/notes/", headers=preflight | {"Origin": origin})
        assert "Access-Control-Allow-Origin" not in other.headers
    page = client.get("/accounts/login/", headers={"Origin": "http://localhost:8000"})
    assert "Access-Control-Allow-Origin" not in page.headers


def test_a_server_that_does_one_thing_at_a_time_says_so_instead_of_hanging(
    db: None, client: HttpClient
) -> None:
    one_worker: Any = {"wsgi.multithread": False, "wsgi.multiprocess": False}
    answer = client.get("/clients/web/", headers={"host": "localhost:8000"}, **one_worker)
    assert answer.status_code == 503
    assert "--threads" in answer.content.decode()


# As a server runs it. -----------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(command: list[str], environment: dict[str, str], port: int) -> subprocess.Popen[str]:
    """A server that answers by now."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for _ in range(1200):
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=10)
        except requests.ConnectionError:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.1)
        else:
            return process
    process.kill()
    raise AssertionError(process.communicate()[0])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As unset as on a new machine, but for a database of its own."""
    unset = ("DEBUG", "ALLOWED_HOSTS", "CACHE_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    own = {"DATABASE_URL": f"sqlite:///{tmp_path / 'demo.sqlite3'}", "MEDIA_ROOT": str(tmp_path / "media")}
    return kept | own | {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(params=["demo", "gunicorn"])
def server(request: Any, environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The demo by its own command, and behind gunicorn."""
    port = free_port()
    command = ["manage.py", "demo", "--port", str(port)]
    if request.param == "gunicorn":
        seeding = [sys.executable, "manage.py", "demo", "--seed-only", "--port", str(port)]
        subprocess.run(seeding, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
        command = ["-m", "gunicorn", "example_project.wsgi", "--threads=8", f"--bind=127.0.0.1:{port}"]
    process = started(command, environment, port)
    yield f"http://127.0.0.1:{port}", process
    process.terminate()
    process.communicate(timeout=30)


def test_the_demo_serves_without_any_setting(server: tuple[str, subprocess.Popen[str]]) -> None:
    origin, process = server
    home = requests.get(origin, timeout=30)
    assert home.status_code == 200
    assert requests.get(f"{origin}/static/notes/notes.css", timeout=30).status_code == 200
    assert requests.get(f"{origin}/accounts/login/", timeout=30).status_code == 200
    # The client that calls the provider in the same process, a secret in the query that is not logged.
    client = requests.Session()
    clients = origin.replace("127.0.0.1", "localhost")
    assert (
        client.get(f"{clients}/clients/web/callback/?code=very-secret&state=x", timeout=30).status_code == 502
    )

    # Writers in parallel, from as many threads as there are: nobody fails.
    def token(_: int) -> int:
        auth = ("demo-service", client_secret("demo-service"))
        data = {"grant_type": "client_credentials"}
        return requests.post(f"{origin}/oauth/token/", data=data, auth=auth, timeout=60).status_code

    def log_in(_: int) -> int:
        user_agent = requests.Session()
        form = user_agent.get(f"{origin}/accounts/login/", timeout=60)
        data = {
            "csrfmiddlewaretoken": user_agent.cookies["csrftoken"],
            "username": "bob",
            "password": PASSWORD,
        }
        assert form.status_code == 200
        return user_agent.post(form.url, data=data, allow_redirects=False, timeout=60).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(token, range(16))) == {200}
        assert set(threads.map(log_in, range(8))) == {302}
    process.terminate()
    assert "very-secret" not in process.communicate(timeout=30)[0]
