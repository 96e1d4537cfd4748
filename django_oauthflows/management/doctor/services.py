"""What the site leans on: cache, mail, the outbox and those who work it off."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import mail
from django.core.cache import caches
from django.utils import timezone

from django_oauthflows.conf import options
from django_oauthflows.management.doctor.finding import Finding, error, ok, unseen, warning
from django_oauthflows.models import Event, OutboxMessage

_TIMEOUT = 5
#: What waits for longer has nobody who sends it.
MAX_WAIT = timedelta(hours=1)
MAX_AGE_OF_PURGE = timedelta(days=8)
_WITHOUT_RECIPIENT = ("console", "dummy", "locmem", "filebased")


def cache() -> Iterator[Finding]:
    """Each cache that is used keeps what is put into it."""
    for alias in sorted({"default", options().RATES_CACHE, options().TOKEN_CACHE} - {""}):
        key, value = "oauthflows.doctor", secrets.token_hex(8)
        try:
            caches[alias].set(key, value, 30)
            kept = caches[alias].get(key) == value
            caches[alias].delete(key)
        except Exception as failure:  # noqa: BLE001 - each backend has errors of its own
            yield error(
                "cache",
                f"The cache {alias!r} is away ({type(failure).__name__}): limits are not counted.",
                "Is it running?",
            )
            continue
        if kept:
            yield ok("cache", f"The cache {alias!r} answers.")
        else:
            yield warning(
                "cache", f"The cache {alias!r} keeps nothing: no limit holds.", f'CACHES["{alias}"] = …'
            )


def mails() -> Iterator[Finding]:
    """Users are told by mail when an app is connected."""
    if not options().NOTICES:
        yield ok("mail", "No notices are sent (NOTICES is off).")
        return
    mailer = _mailer()
    kind = type(mailer).__module__.rpartition(".")[2]
    if kind not in _WITHOUT_RECIPIENT:
        yield from _mail_server(mailer)
    elif not settings.DEBUG:
        yield error(
            "mail",
            f"Mail goes to nobody (the {kind} backend): users do not learn that an app was connected.",
            'EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" and EMAIL_HOST; or MAILERS (Django 6.1)',
        )
    else:
        yield unseen("mail", f"Whether mail can be sent: the {kind} backend sends none.")


def _mailer() -> Any:
    """What the site's mail goes by; Django 6.1 has a new name for it."""
    mailers = getattr(mail, "mailers", None)
    return mail.get_connection() if mailers is None else mailers.default


def _mail_server(connection: Any) -> Iterator[Finding]:
    if not hasattr(connection, "timeout"):
        yield unseen("mail", "Whether mail can be sent: this backend cannot be asked without sending.")
        return
    connection.timeout = _TIMEOUT
    try:
        connection.open()
        connection.close()
    except Exception as failure:  # noqa: BLE001 - of the socket, of TLS, of SMTP
        where = f"{getattr(connection, 'host', '')}:{getattr(connection, 'port', '')}"
        yield error(
            "mail", f"The mail server {where} cannot be used: {type(failure).__name__}.", "EMAIL_HOST = …"
        )
    else:
        yield ok("mail", "The mail server answers.")


def outbox() -> Iterator[Finding]:
    now = timezone.now()
    waiting = OutboxMessage.objects.waiting()
    oldest = waiting.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    if oldest is not None and now - oldest > MAX_WAIT:
        hours = int((now - oldest).total_seconds() // 3600)
        yield error(
            "outbox",
            f"{waiting.count()} messages wait, one for {hours} h: nobody sends them.",
            "python manage.py oauth deliver --watch",
        )
    else:
        yield ok("outbox", "Nothing waits for long.")
    given_up = OutboxMessage.objects.filter(
        outcome__in=(OutboxMessage.Outcome.FAILED, OutboxMessage.Outcome.EXPIRED),
        ended_at__gt=now - timedelta(days=1),
    ).count()
    if given_up:
        yield warning(
            "given-up", f"{given_up} messages were given up within a day.", "See Outbox in the admin for why."
        )


def purge() -> Iterator[Finding]:
    last = Event.objects.filter(kind=Event.Kind.PURGED).order_by("-at").values_list("at", flat=True).first()
    first = Event.objects.order_by("at").values_list("at", flat=True).first()
    since = last or first
    if since is not None and timezone.now() - since > MAX_AGE_OF_PURGE:
        yield warning(
            "purge",
            f"Old records were last deleted {(timezone.now() - since).days} days ago."
            if last
            else "Old records were never deleted: tables grow, and data on people is kept for longer than said.",
            "17 3 * * *  python manage.py oauth purge",
        )
    else:
        yield ok("purge", "Old records are deleted, or there are none yet.")


LOOKS = (cache, mails, outbox, purge)
