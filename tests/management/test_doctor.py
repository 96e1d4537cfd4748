"""The doctor names what is broken, with the line to change, and the exit status tells a monitor."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django import VERSION
from django.conf import settings as site
from django.core.management import call_command
from django.core.signing import TimestampSigner
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from django_oauthflows.management.doctor.settings import SOUND
from django_oauthflows.models import Client, ClientSecret, Event, OutboxMessage, SigningKey
from django_oauthflows.views.health import DOCTOR_SALT
from tests.factories import ClientFactory
from tests.http_server import Handler, listening
from tests.mail_server import smtp_settings

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ISSUER = "https://id.example.org"


def doctor(*arguments: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Exit status, and findings by name."""
    out, status = io.StringIO(), 0
    try:
        call_command("oauth", "doctor", "--json", *arguments, stdout=out)
    except SystemExit as stop:
        status = int(str(stop.code))
    told = json.loads(out.getvalue())
    assert told["status"] == status
    by_name: dict[str, list[dict[str, str]]] = {}
    for each in told["findings"]:
        by_name.setdefault(each["name"], []).append(each)
    return status, by_name


def named(name: str, level: str, *words: str, url: str = "") -> dict[str, str]:
    """The finding of that name, which must say ``words``, have a line, and show in the exit status."""
    status, found = doctor(*(["--url", url] if url else []))
    (one,) = [each for each in found[name] if each["level"] == level]
    for word in words:
        assert word in one["said"] + one["line"], one
    assert one["line"]
    assert status >= {"warning": 1, "error": 2}[level]
    return one


@contextmanager
def serving(answer: bytes, *, status: int = 200, **headers: str) -> Iterator[str]:
    """A server that gives the same answer to everybody."""

    class Answering(Handler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in ({"Date": self.date_time_string()} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with listening(Answering) as port:
        yield f"http://127.0.0.1:{port}"


def options(**more: Any) -> Any:
    return override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, **more})


def test_a_running_site_is_told_well(live_server: Any) -> None:
    _status, found = doctor("--url", live_server.url)
    assert found["metadata"][0]["level"] == "ok"
    assert found["migrations"][0]["level"] == found["indexes"][0]["level"] == "ok"


def test_what_cannot_be_seen_is_said_and_is_no_fault() -> None:
    _status, found = doctor()
    for name in ("metadata", "proxies", "holes"):
        assert [each["level"] for each in found[name]] == ["unseen"]


def test_1_a_proxy_that_does_not_say_https() -> None:
    document = json.dumps({"issuer": "http://id.example.org"}).encode()
    with serving(document) as url, override_settings(DEBUG=False):
        one = named("issuer", "error", "http://id.example.org", url=url)
    assert "ISSUER" in one["line"] or "SECURE_PROXY_SSL_HEADER" in one["line"]


def test_1b_a_proxy_that_redirects_to_https_for_ever() -> None:
    with serving(b"", status=301, Location="https://id.example.org/") as url:
        named("metadata", "error", "redirects", "SECURE_PROXY_SSL_HEADER", url=url)


@contextmanager
def behind_proxies(url: str, number: int, *, keeps: bool = True) -> Iterator[str]:
    """``number`` proxies before the server at ``url``; the first one ``keeps`` what the caller says, or does not."""
    with ExitStack() as stack:
        for place in range(number):
            first = place == number - 1
            url = stack.enter_context(proxy(url, keeps=keeps or not first))
        yield url


@contextmanager
def proxy(url: str, *, keeps: bool) -> Iterator[str]:
    class Answering(Handler):
        def do_GET(self) -> None:
            said = [self.headers["X-Forwarded-For"]] if keeps and "X-Forwarded-For" in self.headers else []
            told = {"X-Forwarded-For": ", ".join([*said, "203.0.113.7"])}
            answer = requests.get(url + self.path, headers=told, timeout=10)
            self.send_response_only(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

    with listening(Answering) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("number", "keeps", "said", "wrong"),
    [
        (0, True, 0, ""),
        (1, True, 1, ""),
        (2, False, 2, ""),
        (1, True, 0, "all callers have the address of a proxy"),
        (2, True, 1, "all callers have the address of a proxy"),
        (1, False, 2, "callers can make up the address"),
        (0, True, 1, "callers can make up the address"),
    ],
)
def test_1c_proxies_that_are_counted_wrong(
    live_server: Any, number: int, keeps: bool, said: int, wrong: str
) -> None:
    with behind_proxies(live_server.url, number, keeps=keeps) as url, options(NUM_PROXIES=said):
        _status, found = doctor("--url", url)
    (one,) = found["proxies"]
    assert one["level"] == ("warning" if wrong else "ok")
    assert wrong in one["said"]
    assert f"{number} proxies" in one["said"]
    assert one["line"] == (f'OAUTHFLOWS["NUM_PROXIES"] = {number}' if wrong else "")


def test_how_many_proxies_there_are_is_told_to_the_sites_own_doctor_alone(client: Any) -> None:
    def told(**query: str) -> Any:
        return client.get(
            "/oauth/health/", query, headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.7"}
        ).json()

    right = TimestampSigner(salt=DOCTOR_SALT).sign("proxies")
    assert told(doctor=right)["proxies"] == 1
    for wrong in ("", "proxies", right[:-1], TimestampSigner(salt=DOCTOR_SALT).sign("other"), "\0"):
        assert "proxies" not in told(doctor=wrong)
    with override_settings(SECRET_KEY="another-" * 8):
        assert "proxies" not in told(doctor=right)


def test_2_limits_that_each_process_counts_for_itself() -> None:
    with override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}):
        named("shared-cache", "warning", "process", "CACHES")


def test_3_a_clock_that_is_off() -> None:
    with serving(b"{}", Date="Thu, 01 Jan 2026 00:00:00 GMT") as url:
        named("server-clock", "error", "behind", "timedatectl", url=url)


def test_4_mail_that_goes_to_nobody() -> None:
    console = "django.core.mail.backends.console.EmailBackend"
    by_version = (
        {"MAILERS": {"default": {"BACKEND": console}}} if VERSION >= (6, 1) else {"EMAIL_BACKEND": console}
    )
    with override_settings(DEBUG=False, **by_version):
        named("mail", "error", "nobody", "EMAIL_BACKEND")


def test_5_a_mail_server_that_is_away() -> None:
    with override_settings(**smtp_settings(1)):
        named("mail", "error", "127.0.0.1:1")


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.objects.generate("ES256", 1, signs_from=timezone.now(), reason="test")


def test_6_a_signing_key_near_its_end(key: SigningKey) -> None:
    SigningKey.objects.update(signs_from=timezone.now() - timedelta(days=400))
    named("signing-key", "warning", "400 days", "oauth key rotate")


def test_7_a_signing_key_whose_secret_is_gone(key: SigningKey) -> None:
    with override_settings(SECRET_KEY="x" * 50 + "another", SECRET_KEY_FALLBACKS=[]):
        named("signing-key", "error", "cannot be opened", "SECRET_KEY_FALLBACKS")


def test_8_an_outbox_that_nobody_works_off() -> None:
    OutboxMessage.objects.put(kind="consent_notice", lifetime=timedelta(days=3), payload={})
    OutboxMessage.objects.update(next_attempt_at=timezone.now() - timedelta(hours=5))
    named("outbox", "error", "5 h", "oauth deliver")


def test_9_a_site_that_is_never_purged() -> None:
    Event.objects.record(Event.Kind.CLIENT_REGISTERED)
    Event.objects.update(at=timezone.now() - timedelta(days=30))
    named("purge", "warning", "never", "oauth purge")


def test_10_clients_with_risks() -> None:
    ClientFactory(redirect_uris=("http://grafana.lan/cb",), accepted_risk="VPN")
    ClientFactory(pkce_exemption="An old library")
    ClientFactory(fragment=True, implicit_reason="A widget")
    client, _secret = ClientFactory()
    ClientSecret.objects.filter(client=client).update(slow_hash="pbkdf2_sha256$1$a$b", digest=None)
    named("http-redirects", "warning", "http")
    named("pkce-exemptions", "warning", "PKCE")
    named("endless-flows", "warning", "without an end")
    named("slow-hashes", "warning", client.client_id, "rotate-secret")


def test_11_a_secret_that_ends_soon() -> None:
    client, _secret = ClientFactory()
    ClientSecret.objects.update(expires_at=timezone.now() + timedelta(days=3))
    named("secrets-ending", "warning", client.client_id, "rotate-secret")


@pytest.mark.django_db(transaction=True)
def test_12_an_index_that_is_gone() -> None:
    index = next(each for each in Event._meta.indexes if each.name == "oauthflows_event_kind")
    with connection.schema_editor() as editor:
        editor.remove_index(Event, index)
    try:
        named("indexes", "error", "oauthflows_event_kind")
    finally:
        with connection.schema_editor() as editor:
            editor.add_index(Event, index)


def test_13_a_secret_of_startproject() -> None:
    with override_settings(SECRET_KEY="django-insecure-" + "x" * 50):
        named("secret-key", "error", "startproject")


def test_14_debug_in_front_of_everybody() -> None:
    with override_settings(DEBUG=True):
        named("debug", "warning", "DEBUG")


def test_15_no_metadata_at_all() -> None:
    with serving(b"<h1>Hello</h1>") as url:
        named("metadata", "error", "include", url=url)
    named("metadata", "error", "cannot be fetched", url="http://127.0.0.1:1")


def test_16_an_option_that_is_wrong() -> None:
    with options(NO_SUCH_OPTION=1):
        named("check oauthflows.E002", "error", "NO_SUCH_OPTION")


def test_17_a_cache_that_keeps_nothing_and_one_that_is_away() -> None:
    with override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}):
        named("cache", "warning", "keeps nothing")
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": away}):
        named("cache", "error", "away")


def test_plain_http_and_any_host() -> None:
    with override_settings(ALLOWED_HOSTS=["*"]):
        named("hosts", "warning", "ISSUER")
    named("https", "error", "not https", url="http://id.example.invalid")


def test_no_secret_is_told(key: SigningKey) -> None:
    client, secret = ClientFactory()
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("oauth", "doctor", stdout=out)
    for hidden in (secret, site.SECRET_KEY, key.private_sealed, Client.objects.get().token_epoch):
        assert hidden
        assert hidden not in out.getvalue()
    assert client.client_id not in out.getvalue(), "it has no fault"


def test_versions_that_are_told_sound_are_those_that_are_asked_for() -> None:
    project = tomllib.loads(Path(site.BASE_DIR, "pyproject.toml").read_text())["project"]
    wanted = " ".join(project["dependencies"]).replace("[crypto]", "")
    for name, least in SOUND.items():
        assert f"{name}>={least}" in wanted


def test_quiet_prints_only_what_needs_somebody() -> None:
    out = io.StringIO()
    with override_settings(DEBUG=True), pytest.raises(SystemExit):
        call_command("oauth", "doctor", "--quiet", stdout=out)
    assert "debug" in out.getvalue()
    for level in ("ok  ", "not seen"):
        assert level not in out.getvalue()
