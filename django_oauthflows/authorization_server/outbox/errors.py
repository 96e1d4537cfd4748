"""Why something could not be sent, for staff: never what the other side or an exception said in its own words.

Those may quote an address, a password or a token.
"""

from __future__ import annotations

import smtplib
import ssl

from django.utils.translation import gettext_noop


class NotNowError(Exception):
    """The other side answered that it cannot take it now. Its text is for staff, marked for translation."""


#: The first class that fits counts. The texts are kept in the database and translated when they are shown.
_IN_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, gettext_noop("The server did not answer in time.")),
    (ConnectionRefusedError, gettext_noop("The server refused the connection.")),
    (smtplib.SMTPAuthenticationError, gettext_noop("The mail server refused this site's login.")),
    (smtplib.SMTPRecipientsRefused, gettext_noop("The mail server refused the user's address.")),
    (smtplib.SMTPSenderRefused, gettext_noop("The mail server refused this site as the sender.")),
    (smtplib.SMTPServerDisconnected, gettext_noop("The server broke the connection off.")),
    (ConnectionError, gettext_noop("The server broke the connection off.")),
    (ssl.SSLError, gettext_noop("No secure connection could be made.")),
    (smtplib.SMTPException, gettext_noop("The mail server refused the mail.")),
    (OSError, gettext_noop("The server could not be reached.")),
)


def in_words(error: Exception) -> str:
    """One sentence about ``error``. Of what is not known only the class is named."""
    if isinstance(error, NotNowError):
        return str(error)
    # Of a silent server, smtplib says that it hung up.
    silence = isinstance(error.__context__, TimeoutError)
    for known, words in _IN_WORDS:
        if isinstance(error.__context__ if silence else error, known):
            return words
    return f"It failed with {type(error).__name__}."


def is_unreachable(error: Exception) -> bool:
    """Whether the server itself is in trouble, so that other messages to it would fare no better now."""
    refused_one = smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError
    return isinstance(error, OSError) and not isinstance(error, refused_one)
