"""Whatever statement of a request fails, Django's error report holds no live token, code or secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.signals import got_request_exception
from django.db import DatabaseError, OperationalError, connection
from django.test import Client as Visitor
from django.views.debug import DEBUG_ENGINE, ExceptionReporter
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.admin.conftest import form_data
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory
from tests.held import Held
from tests.oauth_client import hidden_fields

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]

FORM = "application/x-www-form-urlencoded"
#: What our codes, tokens and secrets look like, and JWT.
CREDENTIAL = re.compile(r"oaf[acjrs]_[\w-]{20,}|eyJ[\w-]{20,}\.")


class ToolkitView(APIView):
    """A view of the host's that goes on with the toolkit's own class."""

    authentication_classes = [OAuth2Authentication]
    permission_classes = [AllowAny]

    def get(self, request: Any) -> Response:
        return Response({"user": request.user.get_username()})


@dataclass
class Failing:
    """Lets the n-th statement of a request fail, and keeps the reports."""

    at: int
    error: type[Exception]
    seen: int = 0
    reports: list[str] = field(default_factory=list)
    #: What was reported, and of which request: what the site never answered, Django writes into its log, too.
    reported: list[tuple[Any, Any]] = field(default_factory=list)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen += 1
        if self.seen == self.at:
            raise self.error("away")
        return execute(sql, params, many, context)

    def note(self, *, request: Any = None, **_: Any) -> None:
        self._report(request, *sys.exc_info())

    def emit(self, record: logging.LogRecord) -> None:
        """As Django's handler that sends a mail to the admins."""
        if record.exc_info:
            self._report(getattr(record, "request", None), *record.exc_info)

    def _report(self, request: Any, *exc_info: Any) -> None:
        if any(error is exc_info[1] and seen is request for error, seen in self.reported):
            return
        self.reported.append((exc_info[1], request))
        reporter = ExceptionReporter(request, *exc_info)
        self.reports += [reporter.get_traceback_html(), reporter.get_traceback_text()]


@contextmanager
def watched(failing: Failing) -> Iterator[None]:
    """Reports of what the site never answered, and of what it wrote into its log."""
    handler = logging.Handler(logging.ERROR)
    handler.emit = failing.emit  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    got_request_exception.connect(failing.note)
    try:
        yield
    finally:
        got_request_exception.disconnect(failing.note)
        logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _reports_are_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django reads its template anew for each report, which takes longer than what is looked at here."""
    monkeypatch.setattr(DEBUG_ENGINE, "from_string", cache(DEBUG_ENGINE.from_string))


def reports_of(work: Callable[[], Any], error: type[Exception]) -> Iterator[str]:
    """The reports of ``work``, done anew for each statement of it that fails."""
    at = 1
    while True:
        failing = Failing(at, error)
        attempt = work()
        with watched(failing), connection.execute_wrapper(failing):
            answer = attempt()
        yield from failing.reports
        if failing.seen < at:  # nothing failed this time: so it is done in earnest
            assert answer.status_code in (200, 302), answer.content
            assert answer.status_code == 200 or "error" not in answer.headers["Location"]
            return
        at += 1


def visitor(user: Any = None) -> Visitor:
    made = Visitor(raise_request_exception=False)
    if user is not None:
        made.force_login(user)
    return made


def call(path: str, **more: Any) -> Callable[[], Any]:
    """An API call with a user's token."""

    def prepared() -> Callable[[], Any]:
        text = Held().access_token()
        return lambda: visitor().get(path, headers={"Authorization": f"Bearer {text}"}, **more)

    return prepared


def posted(path: str, form: Callable[[Held], dict[str, str]], **client: Any) -> Callable[[], Any]:
    def prepared() -> Callable[[], Any]:
        held = Held(registered=ClientFactory(**client))
        secret = {"client_id": held.client.client_id, "client_secret": held.secret or ""}
        body = urlencode({name: value for name, value in (secret | form(held)).items() if value})
        return lambda: visitor().post(path, body, content_type=FORM)

    return prepared


def code_by_get() -> Callable[[], Any]:
    app, _ = ClientFactory(trust="first_party")
    walk = Walk(visitor(UserFactory()), app)
    return lambda: walk.ask("profile")


def token_by_get() -> Callable[[], Any]:
    app, _ = ClientFactory(fragment=True, trust="first_party", access_token_format="jwt")
    walk = Walk(visitor(UserFactory()), app)
    return lambda: walk.visitor.get(
        walk.url("profile", response_type="token").replace("code_challenge", "x"),
        headers={"Cookie": walk.visitor.cookies.output(header="", sep=";")},
    )


def code_by_answer() -> Callable[[], Any]:
    walk = Walk(visitor(UserFactory()), ClientFactory()[0])
    page = walk.ask("profile")
    return lambda: walk.answer(page)


def rotated() -> Callable[[], Any]:
    client, _ = ClientFactory(machine=True)
    staff = visitor(UserFactory(is_staff=True, is_superuser=True))
    url = f"/admin/django_oauthflows/client/{client.pk}/rotate-secret/"
    page = staff.get(url)
    fields, newest = hidden_fields(page.content.decode()), page.context["form"].initial["newest"]
    return lambda: staff.post(
        url, fields | {"overlap": "0", "reason": "leaked", "label": "", "newest": newest}
    )


def registered() -> Callable[[], Any]:
    staff = visitor(UserFactory(is_staff=True, is_superuser=True))
    url = "/admin/django_oauthflows/client/add/?use_case=service"
    form = form_data(staff.get(url)) | {"name": "Job", "allowed_scopes": ["stats:read"]}
    return lambda: staff.post(url, form)


DOORS: dict[str, Callable[[], Callable[[], Any]]] = {
    "rest framework": call("/framework/"),
    "function": call("/function/"),
    "class": call("/class/"),
    "async function": call("/async/"),
    "middleware": call("/api/plain/"),
    "the toolkit's own class": call("/toolkit/"),
    "machine": posted(
        "/oauth/token/", lambda _: {"grant_type": "client_credentials"}, flows="client_credentials"
    ),
    "machine with a JWT": posted(
        "/oauth/token/",
        lambda _: {"grant_type": "client_credentials"},
        flows="client_credentials",
        access_token_format="jwt",
    ),
    "code": posted("/oauth/token/", lambda held: held.exchange_form(held.code())),
    "refresh": posted(
        "/oauth/token/", lambda held: {"grant_type": "refresh_token", "refresh_token": held.refresh_token()}
    ),
    "introspection": posted("/oauth/introspect/", lambda held: {"token": held.access_token()}),
    "revocation": posted("/oauth/revoke/", lambda held: {"token": held.refresh_token()}),
    "revocation by the toolkit's own view": posted(
        "/own/revoke/", lambda held: {"token": held.refresh_token()}
    ),
    "client at the toolkit's own view": posted("/own/internal/", lambda _: {}),
    "authorization": code_by_get,
    "authorization in the fragment": token_by_get,
    "answer of the user": code_by_answer,
    "new secret": rotated,
    "new client": registered,
}
IN_ADMIN = ("new secret", "new client")


@pytest.mark.parametrize(
    ("door", "error"),
    [
        *((door, DatabaseError) for door in DOORS),
        # Those that the site answers itself, and logs.
        *((door, OperationalError) for door in ("function", "code", "introspection", "answer of the user")),
    ],
)
def test_no_report_holds_a_credential(door: str, error: type[Exception], settings: Any) -> None:
    settings.DEBUG = False
    if door not in IN_ADMIN:
        settings.ROOT_URLCONF = "tests.views.report_urls"
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django_oauthflows.resource_server.middleware.BearerTokenMiddleware",
    ]
    reports = list(reports_of(DOORS[door], error))
    assert len(reports) >= 2, "no statement failed, so nothing was tried"
    for report in reports:
        found = CREDENTIAL.search(report)
        assert found is None, report[max(found.start() - 600, 0) : found.end()]
