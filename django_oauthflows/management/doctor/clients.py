"""Clients that deserve a look: the risks that somebody once accepted, and what ends soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone

from django_oauthflows.database import streamed
from django_oauthflows.flows import registry
from django_oauthflows.management.doctor.finding import Finding, ok, warning
from django_oauthflows.models import Client, ClientSecret
from django_oauthflows.models.redirect_uri import is_loopback

_SOON = timedelta(days=14)
_NAMED = 5


def risks() -> Iterator[Finding]:
    """Redirects that can be listened to, PKCE left out, and the implicit flow without an end."""
    live = Client.objects.filter(suspended_at=None)
    http = live.filter(redirect_uris__contains="http://").only("client_id", "redirect_uris")
    open_ones = [each for each in streamed(http) if _is_open(each)]
    found = list(
        _about(
            "http-redirects",
            open_ones,
            "are answered by http, where others can listen",
            "Register https addresses for them.",
        )
    )
    found += _about(
        "pkce-exemptions",
        live.exclude(pkce_exemption="").only("client_id"),
        "need not do PKCE",
        "Empty “reason for not asking for PKCE” once their library is new.",
    )
    deprecated = [flow.name for flow in registry.FLOWS if flow.deprecated]
    endless = live.filter(implicit_until=None).only("client_id", "flows")
    endless = endless.filter(flows__contains=deprecated[0]) if deprecated else endless.none()
    found += _about(
        "endless-flows", endless, "have the implicit flow without an end", "Set “implicit flow until”."
    )
    yield from found or [ok("clients", "None has a risk that the settings allow.")]


def _is_open(client: Client) -> bool:
    return any(uri.startswith("http://") and not is_loopback(uri) for uri in client.redirect_uris.split())


def secrets() -> Iterator[Finding]:
    """Secrets with slow hashes, which a flood makes expensive, and secrets that end soon."""
    live = ClientSecret.objects.live().select_related("client")
    slow = live.exclude(slow_hash="").only("client__client_id")
    yield from _about(
        "slow-hashes",
        [each.client for each in slow[: _NAMED + 1]],
        "have a secret that is checked by a slow hash until it is first used",
        "python manage.py oauth client rotate-secret CLIENT_ID",
    )
    ending = live.filter(expires_at__lte=timezone.now() + _SOON).only("client__client_id", "expires_at")
    yield from _about(
        "secrets-ending",
        [each.client for each in ending[: _NAMED + 1]],
        f"have a secret that ends within {_SOON.days} days",
        "python manage.py oauth client rotate-secret CLIENT_ID --overlap 86400",
    )


def _about(name: str, clients: Iterable[Any], said: str, line: str) -> Iterator[Finding]:
    """One finding for all of ``clients``, by their ids, of which the first few are told."""
    ids = [str(each.client_id) for each in list(clients)[: _NAMED + 1]]
    if ids:
        shown = ", ".join(ids[:_NAMED]) + (" and others" if len(ids) > _NAMED else "")
        yield warning(name, f"Clients that {said}: {shown}.", line)


LOOKS = (risks, secrets)
