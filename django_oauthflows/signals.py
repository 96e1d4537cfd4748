"""Signals that a host site can listen to. Each is sent after the change is in the database.

``sender`` is the model class that changed. Listeners run inside the request: keep them short.
"""

from django.dispatch import Signal

#: A user agreed, once per decision: ``consent``, ``scopes`` (tuple of names), ``request`` (or ``None``),
#: ``first`` (no live consent stood before), ``added`` (those of ``scopes`` that were not allowed before),
#: ``implied`` (the site vouched for the client and nobody was asked).
consent_given = Signal()
#: A user or member of staff ended an agreement: ``consent``, ``by`` (user or ``None``).
consent_withdrawn = Signal()
#: A token was given out: ``client``, ``user_id`` (or ``None`` for a machine), ``flow`` (its name), ``scopes`` (tuple).
token_issued = Signal()
#: An authorization or token request was refused: ``client`` (or ``None``), ``error``, ``reference``.
request_refused = Signal()
#: An authorization ended before its time: ``authorization_ids``, ``cause``.
authorization_revoked = Signal()
#: Staff stopped or resumed a client: ``client``, ``by``.
client_suspended = Signal()
client_resumed = Signal()
#: A machine's token was ended by its client (RFC 7009): ``client``. A user's ends its authorization, above.
token_revoked = Signal()
