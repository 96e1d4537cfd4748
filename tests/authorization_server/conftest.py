"""Decisions of users that are to be told by mail, and mail servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import RequestFactory

from django_oauthflows.models import Client, Consent, OutboxMessage
from tests.consent.conftest import app, later, user, visitor, walk
from tests.factories import ClientFactory, UserFactory
from tests.mail_server import MailServer, mail_server, smtp_settings

__all__ = ["app", "later", "mails_go_to", "notice", "user", "visitor", "walk"]


def notice(client: Client | None = None, user: Any = None, scopes: str = "profile") -> OutboxMessage:
    """Somebody agrees to something, which puts a notice on the outbox."""
    Consent.objects.give(
        user=user or UserFactory(),
        client=client or ClientFactory()[0],
        scopes=scopes.split(),
        redirect_host="client.example",
        request=RequestFactory().get("/"),
    )
    return OutboxMessage.objects.latest("pk")


@pytest.fixture
def mails_go_to(settings: Any) -> Iterator[Callable[..., MailServer]]:
    """Start a mail server, and let this site send its mail there."""
    with ExitStack() as stack:

        def start(*, timeout: float | None = None, **how: Any) -> MailServer:
            server = stack.enter_context(mail_server(**how))
            for name, value in smtp_settings(server.port, timeout).items():
                setattr(settings, name, value)
            return server

        yield start
