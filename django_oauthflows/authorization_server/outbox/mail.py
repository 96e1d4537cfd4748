"""Giving a mail to the site's mail backend, with a time limit."""

from __future__ import annotations

import smtplib
from urllib.parse import urlsplit

import django
from django.core import mail
from django.core.mail import EmailMessage
from django.utils.translation import gettext_noop

from django_oauthflows.authorization_server.outbox.kind import UndeliverableError
from django_oauthflows.conf import named_origin
from django_oauthflows.models import OutboxMessage

#: No step of a talk with a mail server may take longer, whatever the site's settings say: the lease of the
#: message (``models/outbox.py``) must outlast all steps.
LONGEST_STEP = 30.0


def headers(message: OutboxMessage, address: str) -> dict[str, str]:
    """For the mail that is ``message``: the same id at each try, so that one which arrives twice can be known as
    one (RFC 5322 §3.6.4). ``address`` is one of this site, if any is known.
    """
    host = urlsplit(address or named_origin()).hostname or "localhost"
    made = int(message.created_at.timestamp() * 1000)
    return {
        "Message-ID": f"<oauthflows.{message.pk}.{made}@{host}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834 §5: no out-of-office replies
    }


def hand_over(letter: EmailMessage, seconds: float) -> None:
    """Send ``letter``. No step waits longer than ``seconds``, or than the site's own ``EMAIL_TIMEOUT``.

    Raises ``UndeliverableError`` when the mail server will never take it, else what the backend raises.
    """
    backend = mail.mailers.default if django.VERSION >= (6, 1) else mail.get_connection()
    if hasattr(backend, "timeout"):
        backend.timeout = min(backend.timeout or seconds, LONGEST_STEP)
    try:
        taken = backend.send_messages([letter])
    except smtplib.SMTPRecipientsRefused as error:
        if all(code >= 500 for code, _said in error.recipients.values()):
            raise UndeliverableError(gettext_noop("The mail server refused the user's address.")) from None
        raise
    if taken == 0:  # a backend that is told to keep silent about failures
        raise smtplib.SMTPException
