"""Signals that a host site can listen to: what happened, told once, when it is sure.

Each, but for the internal one at the end, is sent after the transaction around the change is
committed, and never if it is rolled back. A listener that raises is logged as ``django.dispatch`` and
stops neither the request nor another listener. Listeners run inside the request: keep them short.
``sender`` is the model class that changed. No signal carries a secret, a code or a token.

What has to be stored together with a change listens to ``inside`` of its signal, such as
``consent_given.inside``: sent with the same values, but at once, within the transaction. A listener that
raises undoes the change.
"""

from functools import partial
from typing import Any

from django.db.models import Model
from django.dispatch import Signal

from django_oauthflows.database import on_commit


class Announcement(Signal):
    """A signal that can be sent in the middle of a change."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = Signal()

    def announce(self, sender: type[Model], **values: Any) -> None:
        """Send it once the change is committed: at once, where no transaction is open."""
        self.inside.send(sender=sender, **values)
        send = partial(self.send_robust, sender=sender, **values)
        on_commit(sender, send)


#: A user agreed, once per decision: ``consent``, ``scopes`` (tuple of names), ``request`` (or ``None``),
#: ``first`` (no live consent stood before), ``new`` (none ever did), ``added`` (those of ``scopes`` that
#: were not allowed before), ``implied`` (the site vouched for the client and nobody was asked).
consent_given = Announcement()
#: A user or member of staff ended an agreement, and all that stood on it: ``consent``, ``by`` (user or ``None``).
consent_withdrawn = Announcement()
#: A token was given out: ``client``, ``user_id`` (or ``None`` for a machine), ``flow`` (its name), ``scopes`` (tuple).
token_issued = Announcement()
#: An authorization or token request was refused: ``client`` (or ``None``), ``error``, ``reference``.
request_refused = Announcement()
#: One authorization ended before its time, by its client (RFC 7009), by staff, or because a code or
#: refresh token was used twice: ``authorization_ids`` (a list), ``cause``.
authorization_revoked = Announcement()
#: A machine's token was ended by its client (RFC 7009): ``client``. A user's ends its authorization, above.
token_revoked = Announcement()
#: Every token of a client was ended, for all users and for itself: ``client``, ``by``.
client_tokens_revoked = Announcement()
#: Every token that acts for a user was ended: ``user``, ``cause``.
user_tokens_revoked = Announcement()
#: Staff stopped or resumed a client: ``client``, ``by``.
client_suspended = Announcement()
client_resumed = Announcement()
#: Something waits in the outbox to be sent: ``message``. For hosts that send by workers of their own:
#: let one call ``django_oauthflows.authorization_server.outbox.delivery.deliver``.
message_waiting = Announcement()

#: Internal, no part of what sites can rely on: everything ends that a client may do (``client_id``), that a
#: user has allowed (``user_id``), or both together (one consent); ``None`` stands for all of them. With
#: ``deleted`` the client itself goes. Sent by ``send``, in the transaction of the change: a receiver that
#: raises rolls the change back.
access_ended = Signal()
