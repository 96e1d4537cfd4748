"""Who delivers: a thread after the answer, Django's tasks, and a command that watches. In processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.core import mail
from django.utils.module_loading import import_string

from django_oauthflows.authorization_server.outbox import workers
from django_oauthflows.models import OutboxMessage
from tests.authorization_server.conftest import notice
from tests.factories import ClientFactory, UserFactory
from tests.mail_server import MailServer, mail_server
from tests.oauth_client import OAuthClient, UserAgent, pkce_pair
from tests.server import database_url
from tests.site_process import ROOT, Site

# How databases differ for who works off an outbox is tried in ``test_outbox.py``.
pytestmark = pytest.mark.one_database

AGREE = """
from django.contrib.auth import get_user_model
from django.test import RequestFactory
from django_oauthflows.models import Client, Consent
user, client = get_user_model().objects.get(pk=%d), Client.objects.get(pk=%d)
request = RequestFactory().get("/", HTTP_HOST="127.0.0.1")
Consent.objects.give(user=user, client=client, scopes=["profile"], request=request)
"""
#: How long a person would wait before thinking that something is wrong.
AT_ONCE = 3.0


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    """What it says, once it says anything."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


@pytest.fixture
def silent() -> Iterator[MailServer]:
    with mail_server(silent=True) as server:
        yield server


@pytest.fixture
def taking() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def site(transactional_db: None) -> Site:
    """A site on the test's database, in processes of its own; it wants to be told its mail server (``MAIL_PORT``)."""
    UserFactory(username="alice")
    return Site("tests.settings.posting", database_url())


def app_at(origin: str) -> OAuthClient:
    client, secret = ClientFactory(name="Calendar")
    return OAuthClient(origin, client.client_id, secret)


def states() -> list[tuple[str, int, str]]:
    return list(OutboxMessage.objects.order_by("pk").values_list("outcome", "attempts", "last_error"))


def agree(user_agent: UserAgent, app: OAuthClient, scope: str = "profile") -> float:
    """Alice says yes; the seconds that she waits for the answer."""
    page = user_agent.authorize(**app.authorization_request(scope, pkce_pair()[1]))
    begun = time.monotonic()
    response = user_agent.decide(page)
    waited = time.monotonic() - begun
    assert response.status_code == 302
    return waited


@pytest.mark.one_environment
@pytest.mark.parametrize("server", ["runserver", "gunicorn"])
def test_a_silent_mail_server_keeps_nobody_waiting(
    site: Site, silent: MailServer, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setenv("MAIL_PORT", str(silent.port))
    command = ("gunicorn", "example_project.wsgi") if server == "gunicorn" else ()
    with site.serving(*command) as origin:
        user_agent, apps = UserAgent(origin), [app_at(origin) for _ in range(3)]
        user_agent.log_in("alice")
        for app in apps:
            assert agree(user_agent, app) < AT_ONCE
            assert {error for _outcome, _attempts, error in states()} == {""}, (
                "the answer waited for the mail"
            )
        assert silent.visited.wait(10), "nobody tried to send"
        # The thread waits for the mail server now; everybody else goes on.
        begun = time.monotonic()
        assert requests.get(f"{origin}/oauth/jwks/", timeout=10).status_code == 200
        assert user_agent.get("/oauth/apps/").status_code == 200
        assert time.monotonic() - begun < AT_ONCE
        # It gives up after the limit, puts that on record, and leaves the other mails alone for now.
        until(lambda: any(error for _outcome, _attempts, error in states()))
        assert ("", 1, "The server did not answer in time.") in states()
        assert {outcome for outcome, _attempts, _error in states()} == {""}
        assert silent.visits < 5


def test_a_thread_sends_after_the_answer(
    site: Site, taking: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PORT", str(taking.port))
    with site.serving() as origin:
        user_agent, app = UserAgent(origin), app_at(origin)
        user_agent.log_in("alice")
        agree(user_agent, app)
        until(lambda: taking.mails)
        until(lambda: states() == [("sent", 1, "")])
        # It ends when there is nothing more to do, and comes again when there is.
        agree(user_agent, app_at(origin))
        until(lambda: len(taking.mails) == 2)
    assert "To: alice@example.org" in taking.mails[0]


def test_a_command_line_delivers_what_it_caused_before_it_ends(
    site: Site, taking: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PORT", str(taking.port))
    client, user = ClientFactory()[0], get_user_model().objects.get()
    site.manage("shell", "-c", AGREE % (user.pk, client.pk))
    assert len(taking.mails) == 1
    assert states() == [("sent", 1, "")]


class Watching:
    """``manage.py oauth deliver --watch`` in a process of its own."""

    def __init__(self, site: Site) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "oauth", "deliver", "--watch", "--interval", "0.2"],
            env=site.environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self, number: signal.Signals) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_watching_command_sends_and_ends_cleanly(
    site: Site, taking: MailServer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("MAIL_PORT", str(taking.port))
    monkeypatch.setenv("OUTBOX", "command")
    watching = Watching(site)
    notice()
    until(lambda: taking.mails)
    code, out, err = watching.told(number)
    assert (code, err) == (0, "")
    assert out.startswith("sent: 1, ")
    assert states() == [("sent", 1, "")]


@pytest.mark.one_environment
def test_a_watching_command_ends_also_while_a_mail_server_is_silent(
    site: Site, silent: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PORT", str(silent.port))
    monkeypatch.setenv("OUTBOX", "command")
    notice()
    watching = Watching(site)
    assert silent.visited.wait(20)
    begun = time.monotonic()
    code, _out, _err = watching.told(signal.SIGTERM)
    assert code == 0
    assert time.monotonic() - begun < 10
    # It finished what it was at: the failure is on record, and nobody has to wait for a lease.
    assert states() == [("", 1, "The server did not answer in time.")]


# Django's tasks. -------------------------------------------------------------------------------------


@pytest.fixture
def queue(settings: Any, transactional_db: None) -> list[Any]:
    """A backend of the host's that runs tasks later, elsewhere: what it was given so far."""
    tasks = pytest.importorskip("django.tasks", reason="Django has tasks since 6.0")
    settings.TASKS = {"default": {"BACKEND": "tests.hosts.queueing.Queue", "QUEUES": ["mails"]}}
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"OUTBOX": "auto"}
    given: list[Any] = tasks.task_backends["default"].given
    given.clear()
    return given


def test_a_task_sends_where_the_site_has_workers_for_it(queue: list[Any]) -> None:
    message = notice()
    assert mail.outbox == []
    (task,) = queue
    assert (task.queue_name, task.run_after) == ("mails", None)
    # What a worker does: it finds the task by its path.
    assert import_string(task.module_path).call() == {"sent": 1}
    message.refresh_from_db()
    assert message.outcome == "sent"
    assert len(queue) == 1
    assert workers.worker._thread is None


def test_a_task_that_failed_comes_back_when_it_is_time(queue: list[Any], mails_go_to: Any) -> None:
    mails_go_to(answer_to_recipient="451 later")
    message = notice()
    queue.pop().call()
    (again,) = queue
    message.refresh_from_db()
    assert again.run_after == message.next_attempt_at
    assert message.attempts == 1


@pytest.mark.parametrize("backend", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
def test_a_backend_that_runs_tasks_within_the_request_is_none(
    queue: list[Any], settings: Any, backend: str
) -> None:
    settings.TASKS = {"default": {"BACKEND": f"django.tasks.backends.{backend}"}}
    assert workers.task_backend() is None


def test_a_site_without_tasks_has_a_thread(settings: Any) -> None:
    settings.TASKS = {}
    assert workers.task_backend() is None
