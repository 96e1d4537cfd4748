"""E-mail to users: an app was connected, or may do something sensitive from now on.

Each mail has a signed link that ends the connection: it needs no login, holds for a month, and only
for the consent that it was written about.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core import signing
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from django_oauthflows import signals
from django_oauthflows.conf import issuer, options, site_name
from django_oauthflows.lookalikes import unlinked
from django_oauthflows.models import Consent
from django_oauthflows.scopes import declared_scopes

logger = logging.getLogger("django_oauthflows")

_SALT = "django_oauthflows.disconnect"
#: Seconds that the link in a mail works.
LINK_LIFETIME = 30 * 24 * 60 * 60


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


def _on_consent(
    *,
    consent: Consent,
    request: HttpRequest | None,
    first: bool,
    added: tuple[str, ...],
    implied: bool,
    **_: Any,
) -> None:
    declared = declared_scopes()
    sensitive = any(name in declared and declared[name].sensitive for name in added)
    # Nobody agreed to an implied consent, and the site needs no warning about its own apps.
    if options().NOTICES and request is not None and not implied and (first or sensitive):
        _send(consent, request, first, added)


def _send(consent: Consent, request: HttpRequest, first: bool, added: tuple[str, ...]) -> None:
    """A mail that cannot be sent is logged; it never stops what the user was doing."""
    user = consent.user
    address = getattr(user, user.get_email_field_name(), "")
    if not address:
        return
    app, site = unlinked(consent.client.display_name), site_name(request)
    link = reverse("oauth2_provider:disconnect", kwargs={"key": disconnect_key(consent)})
    declared = declared_scopes()
    context = {
        "app": app,
        "site": site,
        "user": user.get_username(),
        "first": first,
        "permissions": [declared[name].label for name in added if name in declared],
        "host": unlinked(consent.redirect_host),
        "link": issuer(request) + link,
        "apps": issuer(request) + reverse("oauth2_provider:apps"),
    }
    subject = (
        _("%(app)s was connected to your account at %(site)s")
        if first
        else _("%(app)s can do more with your account at %(site)s")
    )
    body = render_to_string("django_oauthflows/mail/connected.txt", context)
    message = EmailMessage(" ".join((subject % {"app": app, "site": site}).split()), body, to=[address])
    try:
        message.send()
    except OSError as error:  # smtplib's errors are among them
        logger.warning("A notice about a connected app could not be sent: %s", type(error).__name__)


def watch() -> None:
    """Called when the app is ready."""
    signals.consent_given.connect(_on_consent, dispatch_uid="oauthflows.notice")
