"""E-mail to users: an app was connected, or may do something sensitive from now on.

A notice is put on the outbox in the transaction of the user's decision and sent later: one an hour at
most for each user and client, and what was decided meanwhile is told in the next. Each mail has a signed
link that ends the connection: it needs no login, holds for a month, and only for the consent that it was
written about. It is made when the mail is sent, so it is stored nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.dateformat import format as format_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from django_oauthflows import signals
from django_oauthflows.accounts import name_of
from django_oauthflows.authorization_server.outbox.kind import Kind, Later, NotNeeded, Result, Sent
from django_oauthflows.authorization_server.outbox.mail import hand_over, headers
from django_oauthflows.authorization_server.whereabouts import device_in_words, device_of, place_of
from django_oauthflows.conf import options, origin, site_name, site_url
from django_oauthflows.confusables import unlinked
from django_oauthflows.local_time import local
from django_oauthflows.models import Consent, OutboxMessage
from django_oauthflows.scopes import declared_scopes

_SALT = "django_oauthflows.disconnect"
#: Seconds that the link in a mail works.
LINK_LIFETIME = 30 * 24 * 60 * 60
#: One mail in so long for each user and client.
AT_MOST_EVERY = timedelta(hours=1)
#: Stands in the stored address of the link for the key, which is made when the mail is sent.
_KEY_TO_COME = "key-to-come"
#: When another notice to the same user about the same client is being sent: see then what became of it.
_LOOK_AGAIN = timedelta(minutes=1)


# The link. -------------------------------------------------------------------------------------------


def _content(consent: Consent) -> list[Any]:
    # The moment of the first agreement makes the link useless for a later one with the same app.
    return [consent.pk, int(consent.given_at.timestamp() * 1000)]


def disconnect_key(consent: Consent) -> str:
    """What the link in a mail carries: which consent, and of when."""
    return signing.dumps(_content(consent), salt=_SALT)


def consent_for_key(key: str) -> Consent | None:
    """The consent that a link can still end; ``None`` when it is forged, too old or used."""
    try:
        content = signing.loads(key, salt=_SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature:
        return None
    consent: Consent | None = (
        Consent.objects.live().select_related("client", "user").filter(pk=content[0]).first()
    )
    return consent if consent is not None and _content(consent) == content else None


# When the user decides. ------------------------------------------------------------------------------


def _on_consent(
    *,
    consent: Consent,
    request: HttpRequest | None,
    first: bool,
    new: bool,
    added: tuple[str, ...],
    implied: bool,
    **_: Any,
) -> None:
    """Within the transaction of the decision, which holds the consent: no other of the same two is at it."""
    declared = declared_scopes()
    sensitive = any(name in declared and declared[name].sensitive for name in added)
    # Nobody agreed to an implied consent, and the site needs no warning about its own apps.
    if not options().NOTICES or request is None or implied or not (first or sensitive):
        return
    if not _address_of(consent.user):
        return
    payload = _payload(consent, request, first, added)
    # A consent that never was before has no notice that waits.
    if new or not _told_with_another(consent, payload):
        NOTICE.put(payload, client=consent.client, user=consent.user)


def _payload(consent: Consent, request: HttpRequest, first: bool, added: tuple[str, ...]) -> dict[str, Any]:
    """What only the request knows, for a mail that is written without it."""
    base = origin(request)
    return {
        "consent": consent.pk,
        "first": first,
        "added": list(added),
        "at": timezone.now().isoformat(),
        "language": translation.get_language() or "",
        "site": site_name(request),
        "host": consent.redirect_host,
        "device": device_of(request),
        "place": place_of(request),
        "home": urljoin(base, site_url()),
        "apps": base + reverse("oauth2_provider:apps"),
        "link": base + reverse("oauth2_provider:disconnect", kwargs={"key": _KEY_TO_COME}),
    }


def _told_with_another(consent: Consent, payload: dict[str, Any]) -> bool:
    """Whether a notice that waits already could take this up."""
    for waiting in NOTICE.waiting(user=consent.user, client=consent.client):
        before = waiting.payload
        added = list(dict.fromkeys([*before["added"], *payload["added"]]))
        if waiting.amend(payload | {"first": before["first"] or payload["first"], "added": added}):
            return True
    return False


# When the mail is sent. ------------------------------------------------------------------------------


def _send(message: OutboxMessage, seconds: float) -> Result:
    payload = message.payload
    # From where rows are written: a copy of the database may not have it yet.
    consents = Consent.objects.select_related("client", "user")
    consent = consents.filter(pk=payload["consent"]).first()
    address = _address_of(consent.user) if consent is not None else ""
    if consent is None or not address:
        return NotNeeded(gettext_noop("The user or the address is gone."))
    turn = _turn_of(message)
    if turn is not None:
        return Later(turn)
    with translation.override(payload["language"] or settings.LANGUAGE_CODE):
        subject, body = _written(consent, payload)
    hand_over(EmailMessage(subject, body, to=[address], headers=headers(message, payload["link"])), seconds)
    return Sent()


def _address_of(user: Any) -> str:
    return str(getattr(user, user.get_email_field_name(), "") or "")


def _turn_of(message: OutboxMessage) -> datetime | None:
    """When it may be sent, if not now: an hour after the last one to this user about this client."""
    now, alike = timezone.now(), Q(kind=message.kind, user=message.user_id, client=message.client_id)
    sent = Q(outcome=OutboxMessage.Outcome.SENT, ended_at__gt=now - AT_MOST_EVERY)
    being_sent = Q(ended_at=None, leased_until__gt=now)
    others = OutboxMessage.objects.filter(alike, sent | being_sent).exclude(pk=message.pk)
    turns = [
        # Two that wait for each other wait differently long.
        other.ended_at + AT_MOST_EVERY
        if other.ended_at
        else now + _LOOK_AGAIN * (1 + (other.pk < message.pk))
        for other in others
    ]
    return max(turns, default=None)


def _written(consent: Consent, payload: dict[str, Any]) -> tuple[str, str]:
    """Subject and text, in the language that is active."""
    app, site = unlinked(consent.client.display_name), payload["site"]
    declared, connected = declared_scopes(), consent.is_live()
    added = [name for name in payload["added"] if name in declared]
    context = {
        "app": app,
        "site": site,
        "user": name_of(consent.user),
        "first": payload["first"],
        "when": _moment(payload["at"]),
        "permissions": [declared[name].label for name in added],
        "connected": connected,
        "still": connected and set(added) <= set(consent.scope.split()),
        "device": device_in_words(*payload.get("device", ("", ""))),
        "place": unlinked(payload.get("place", "")),
        "home": payload.get("home", ""),
        "host": unlinked(payload["host"]),
        "link": payload["link"].replace(_KEY_TO_COME, disconnect_key(consent)),
        "apps": payload["apps"],
    }
    subject = (
        _("%(app)s was connected to your account at %(site)s")
        if payload["first"]
        else _("%(app)s can do more with your account at %(site)s")
    )
    body = render_to_string("django_oauthflows/mail/connected.txt", context)
    return " ".join((subject % {"app": app, "site": site}).split()), body


def _moment(at: str) -> str:
    """Date and time in the site's time zone, and its name: users are elsewhere."""
    moment = local(datetime.fromisoformat(at))
    return f"{date_format(moment, 'DATETIME_FORMAT')} ({format_date(moment, 'T')})"


NOTICE = Kind(
    name="notice",
    label=gettext_lazy("E-mail to a user about a connected app"),
    send=_send,
    time_limit=10,
    lifetime=timedelta(days=3),
)


def watch() -> None:
    """Called when the app is ready."""
    signals.consent_given.inside.connect(_on_consent, dispatch_uid="oauthflows.notice")
