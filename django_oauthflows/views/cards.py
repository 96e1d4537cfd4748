"""An app and what it is allowed, as people see it: on the consent page, among connected apps, in the admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from django_oauthflows import logos
from django_oauthflows.adoption.consents import with_last_use
from django_oauthflows.conf import site_host
from django_oauthflows.confusables import readable
from django_oauthflows.local_time import local
from django_oauthflows.models import Client, Consent
from django_oauthflows.models.consent import ConsentQuerySet
from django_oauthflows.scopes import Scope, declared_scopes


def app_context(request: HttpRequest, client: Client) -> dict[str, Any]:
    """An app as users see it. Every string of it may come from strangers."""
    name = client.display_name
    return {
        "name": name,
        "client_id": client.client_id,
        "initial": next((letter for letter in name if letter.isalnum()), "?").upper(),
        "logo": logo_of(request, client),
        "description": readable(client.description, limit=600),
        "publisher": readable(client.publisher),
        "trust": client.trust,
        "links": [
            (label, uri)
            for label, uri in (
                (_("Website"), client.client_uri),
                (_("Privacy policy"), client.policy_uri),
                (_("Terms of service"), client.tos_uri),
            )
            if is_web_address(uri)
        ],
    }


def day_of(moment: datetime) -> str:
    """A day in words: without its year where that is this one."""
    day, today = local(moment), local(timezone.now())
    return date_format(day, "MONTH_DAY_FORMAT" if day.year == today.year else "DATE_FORMAT")


def is_web_address(uri: str) -> bool:
    """Never ``javascript:`` and the like: a client's links are links to websites."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def logo_of(request: HttpRequest, client: Client) -> str:
    """The address of its logo among this site's uploaded files, the path alone; empty: pages show an initial.

    A logo elsewhere is never shown: its host would learn who looks at the page, could change the
    picture after a review, and fetching it from here would let clients make our server call any
    address.
    """
    if client.logo:
        return logos.address_of(client)
    try:
        parts = urlsplit(client.logo_uri)
    except ValueError:
        return ""
    ours = parts.netloc == site_host(request) and parts.scheme in ("https", "http") and not parts.query
    return parts.path if ours and logos.is_of_site(parts.path) else ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A permission that an app has, and what goes with it when it is removed."""

    scope: Scope
    with_it: tuple[str, ...]
    #: Whether nothing would be left.
    is_all: bool
    #: What comes along within it.
    includes: tuple[str, ...] = ()


def cards_for(request: HttpRequest, consents: ConsentQuerySet) -> list[dict[str, Any]]:
    """One card for each consent, newest first. One statement."""
    shown = with_last_use(consents.select_related("client")).order_by("-updated_at")
    return [card_of(request, consent) for consent in shown]


def card_of(request: HttpRequest, consent: Consent) -> dict[str, Any]:
    """A connected app, and what it is allowed."""
    return {
        "consent": consent,
        "app": app_context(request, consent.client),
        "permissions": permissions_of(consent),
        "suspended": consent.client.is_suspended,
    }


def permissions_of(consent: Consent) -> list[Allowed]:
    """Each allowed scope in words, and what else would go with it."""
    declared = declared_scopes()
    names = declared.ordered(consent.scope.split())
    lines = []
    for name in names:
        gone = consent.removed_with(name)
        with_it = labels_of(other for other in gone if other != name)
        scope = declared.get(name, Scope(name=name, label=name))
        includes = tuple(labels_of(declared.ordered(declared.expand([name]).difference([name]))))
        lines.append(Allowed(scope, tuple(with_it), is_all=set(gone) == set(names), includes=includes))
    return lines


def listed(words: Iterable[str]) -> str:
    """Words in a row within a sentence, as the language of the page separates them."""
    return pgettext("between the parts of a list", ", ").join(words)


def labels_of(names: Iterable[str]) -> list[str]:
    """Scopes in words, without a last stop: sentences have their own. One that is gone has only its name."""
    declared = declared_scopes()
    return [str(declared[name].label).rstrip(".") if name in declared else name for name in names]
