"""Giving a mail to the site's mail backend, with a time limit."""

from __future__ import annotations

import smtplib

import django
from django.core import mail
from django.core.mail import EmailMessage
from django.utils.translation import gettext_noop

from django_oauthflows.authorization_server.outbox.kind import UndeliverableError

#: No step of a talk with a mail server may take longer, whatever the site's settings say: the lease of the
#: message (``models/outbox.py``) must outlast all steps.
LONGEST_STEP = 30.0


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
