"""E-mail to the people of a client before a secret of it ends, so that the client does not stop one night.

``remind`` is called by ``manage.py oauth deliver`` and ``oauth purge``: nothing else passes by each day.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from django_oauthflows.authorization_server.outbox.kind import Kind, NotNeeded, Result, Sent
from django_oauthflows.authorization_server.outbox.mail import hand_over, headers
from django_oauthflows.conf import site_name
from django_oauthflows.confusables import unlinked
from django_oauthflows.database import atomic, streamed
from django_oauthflows.local_time import local
from django_oauthflows.models import Client, ClientSecret, OutboxMessage

#: On so many days before its end, the longest first.
DAYS_BEFORE = (30, 7, 1)


def remind() -> int:
    """Put a reminder on the outbox for each secret whose turn has come; how many. Safe to run many times at once."""
    soon = ClientSecret.objects.ending_within(timedelta(days=DAYS_BEFORE[0])).select_related("client")
    return sum(_remind_of(secret) for secret in streamed(soon.order_by("expires_at")))


def _remind_of(secret: ClientSecret) -> bool:
    assert secret.expires_at is not None
    left = secret.expires_at - timezone.now()
    days = min(day for day in DAYS_BEFORE if left <= timedelta(days=day))
    if secret.reminded is not None and secret.reminded <= days:
        return False
    with atomic(ClientSecret):
        if not secret.begin_reminder(days):
            return False  # somebody else was faster
        payload = {"secret": secret.pk, "ends": secret.expires_at.isoformat()}
        SECRET_ENDS.put(payload, client=secret.client)
    return True


def _send(message: OutboxMessage, seconds: float) -> Result:
    # From where rows are written: a copy of the database may not have it yet.
    secrets = ClientSecret.objects.using(OutboxMessage.objects.all().db)
    missed = secrets.ending_within(timedelta(days=DAYS_BEFORE[0] + 1))
    secret = missed.select_related("client__owner").filter(pk=message.payload["secret"]).first()
    ends = secret.expires_at if secret is not None else None
    if secret is None or ends is None or ends.isoformat() != message.payload["ends"]:
        return NotNeeded(gettext_noop("The secret was replaced or is gone."))
    addresses = people_of(secret.client)
    if not addresses:
        return NotNeeded(gettext_noop("The client has neither contacts nor an owner with an e-mail address."))
    with translation.override(None):
        subject, body = _written(secret, ends)
    hand_over(EmailMessage(subject, body, to=addresses, headers=headers(message, "")), seconds)
    return Sent()


def people_of(client: Client) -> list[str]:
    """The addresses of the client's contacts and of its owner, each once."""
    owner = client.owner
    of_owner = getattr(owner, owner.get_email_field_name(), "") if owner is not None else ""
    return list(dict.fromkeys(address for address in (*client.contacts.split(), of_owner) if address))


def _written(secret: ClientSecret, ends: datetime) -> tuple[str, str]:
    app, ends = unlinked(secret.client.display_name), local(ends)
    context = {
        "app": app,
        "client_id": secret.client.client_id,
        "secret": str(secret),
        "site": site_name(),
        "ends": date_format(ends, "DATETIME_FORMAT").rstrip("."),  # the sentence has its own stop
        "last_used": secret.last_used_at,
    }
    subject = _("A secret of %(app)s ends on %(date)s") % {
        "app": app,
        "date": date_format(ends, "DATE_FORMAT"),
    }
    return " ".join(subject.split()), render_to_string("django_oauthflows/mail/secret_ends.txt", context)


SECRET_ENDS = Kind(
    name="secret_ends",
    label=gettext_lazy("E-mail to a client's people before its secret ends"),
    send=_send,
    time_limit=10,
    lifetime=timedelta(days=1),
)
