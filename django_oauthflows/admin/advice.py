"""What could be safer or tidier about the clients, with what to do about it. Read by the admin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauthflows.admin.impact import MOST_COUNTED, known, with_last_use, with_users
from django_oauthflows.database import has_more_rows
from django_oauthflows.flows import registry
from django_oauthflows.local_time import local
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_secret import ClientSecret, longest_life
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.redirect_uri import (
    host_of,
    is_at_risk,
    is_loopback,
    is_private_use,
    problem_with,
)
from django_oauthflows.models.usage import ClientUsage
from django_oauthflows.scopes import declared_scopes

#: Clients for which advice is worked out for one page.
MOST_ADVISED = 200
#: Of a client with very many users, so many of the latest answers are looked at.
_LATEST_ANSWERS = 200
_DIGITS_OF_KEYS = 19
UNUSED_AFTER = timedelta(days=90)
EXPIRES_SOON = timedelta(days=30)
ROTATE_AFTER = timedelta(days=365)


class Topic(StrEnum):
    """What a finding is about; also the values of the admin's filter."""

    DEPRECATED_FLOW_OVER = "deprecated-flow-over"
    DEPRECATED_FLOW = "deprecated-flow"
    SECRET_EXPIRES = "secret-expires"  # noqa: S105 - a topic, not a secret
    SECRET_OLD = "secret-old"  # noqa: S105 - a topic, not a secret
    SECRET_SLOW = "secret-slow"  # noqa: S105 - a topic, not a secret
    UNUSED = "unused"
    SCOPES_UNUSED = "scopes-unused"
    REDIRECT = "redirect"
    NO_PKCE = "no-pkce"

    @property
    def severity(self) -> Severity:
        """How soon somebody should look."""
        return _SEVERITY[self]


class Severity(StrEnum):
    """How much depends on it, the worst first."""

    URGENT = "urgent"
    WORTH_A_LOOK = "worth-a-look"
    TIDINESS = "tidiness"


_SEVERITY = {
    Topic.DEPRECATED_FLOW_OVER: Severity.URGENT,
    Topic.SECRET_EXPIRES: Severity.URGENT,
    Topic.REDIRECT: Severity.URGENT,
    Topic.NO_PKCE: Severity.WORTH_A_LOOK,
    Topic.DEPRECATED_FLOW: Severity.WORTH_A_LOOK,
    Topic.SECRET_SLOW: Severity.WORTH_A_LOOK,
    Topic.SECRET_OLD: Severity.WORTH_A_LOOK,
    Topic.UNUSED: Severity.TIDINESS,
    Topic.SCOPES_UNUSED: Severity.TIDINESS,
}
SEVERITY_LABELS = {
    Severity.URGENT: gettext_lazy("Urgent: something stops working, or is unsafe"),
    Severity.WORTH_A_LOOK: gettext_lazy("Worth a look: it could be safer"),
    Severity.TIDINESS: gettext_lazy("Tidiness: nobody seems to need it"),
}
#: Topic → what it is called as a filter, the worst first.
TOPIC_LABELS = {
    Topic.DEPRECATED_FLOW_OVER: gettext_lazy("Implicit flow past its date"),
    Topic.SECRET_EXPIRES: gettext_lazy("Secret expires within 30 days"),
    Topic.REDIRECT: gettext_lazy("Redirect URIs to check"),
    Topic.DEPRECATED_FLOW: gettext_lazy("Implicit flow"),
    Topic.NO_PKCE: gettext_lazy("Without PKCE"),
    Topic.SECRET_SLOW: gettext_lazy("Secret kept as a slow hash"),
    Topic.SECRET_OLD: gettext_lazy("Secret never rotated"),
    Topic.UNUSED: gettext_lazy("Not used for 90 days"),
    Topic.SCOPES_UNUSED: gettext_lazy("Scopes never used"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should look at: what it is and what to do."""

    topic: Topic
    client: Client
    what: str
    remedy: str
    #: What of the client it is about, in no language: another of the same topic has not been seen yet.
    about: str = ""

    @property
    def key(self) -> str:
        """By which it is known as seen, in ``Client.advice_seen``."""
        return hashlib.sha256(f"{self.topic}\t{self.about}".encode()).hexdigest()[:16]

    @property
    def is_seen(self) -> bool:
        """Whether staff have looked at it and left it as it is."""
        return self.key in self.client.advice_seen


@dataclass(slots=True)
class _Facts:
    """What the rules look at besides the client itself."""

    now: datetime
    last_used_at: datetime | None = None
    secrets: list[ClientSecret] = field(default_factory=list)
    issued_scopes: set[str] = field(default_factory=set)
    answered_hosts: set[str] = field(default_factory=set)


def findings(clients: QuerySet[Client]) -> list[Finding]:
    """Everything worth a look, client by client, by four statements however many clients there are, and one more
    for each that very many people use.
    """
    found: list[Finding] = []
    everyone = list(with_users(with_last_use(clients)))
    facts = _facts(everyone)
    for client in everyone:
        for rule in _RULES:
            found += rule(client, facts[client.pk])
    return found


def some_to_advise(before: str) -> tuple[QuerySet[Client], int | None]:
    """The clients for one page of advice: all, by their names, where those are few. Else some of them, the newest
    first, registered ``before`` the one of this key; and the key with which it goes on, ``None`` at the end.
    """
    if not has_more_rows(Client, MOST_ADVISED):
        return Client.objects.order_by("name", "client_id"), None
    older = Client.objects.order_by("-pk")
    if before.isascii() and before.isdigit() and len(before) < _DIGITS_OF_KEYS:
        older = older.filter(pk__lt=int(before))
    last = older.values_list("pk", flat=True)[MOST_ADVISED - 1 : MOST_ADVISED].first()
    return (older, None) if last is None else (older.filter(pk__gte=last), last)


def _facts(clients: list[Any]) -> dict[int, _Facts]:
    now = timezone.now()
    keys = [client.pk for client in clients]
    facts = {client.pk: _Facts(now, known(client.last_used)) for client in clients}
    for secret in ClientSecret.objects.filter(client__in=keys):
        facts[secret.client_id].secrets.append(secret)
    live = Consent.objects.live(now)
    few = live.filter(client__in=[client.pk for client in clients if client.users <= MOST_COUNTED]).order_by()
    for client_id, host in few.values_list("client_id", "redirect_host").distinct():
        facts[client_id].answered_hosts.add(host)
    for client in clients:
        if client.users > MOST_COUNTED:
            newest = live.filter(client=client).order_by("-updated_at", "-pk")[:_LATEST_ANSWERS]
            facts[client.pk].answered_hosts.update(newest.values_list("redirect_host", flat=True))
    usage = ClientUsage.objects.filter(client__in=keys).order_by()
    for client_id, scope in usage.values_list("client_id", "scope").distinct():
        facts[client_id].issued_scopes.update(scope.split())
    return facts


def _implicit(client: Client, facts: _Facts) -> Iterator[Finding]:
    deprecated = [flow for flow in registry.offered_flows(client.flow_names) if flow.deprecated]
    for flow in deprecated:
        if client.implicit_until is not None and client.implicit_until <= facts.now:
            yield Finding(
                Topic.DEPRECATED_FLOW_OVER,
                client,
                _("The implicit flow ended on %(date)s.") % {"date": _day(client.implicit_until)},
                _("Take the flow away, or set a later end date if the app still needs it."),
            )
            continue
        yield Finding(
            Topic.DEPRECATED_FLOW,
            client,
            _("It still uses the flow “%(flow)s”: its tokens are visible in the browser.")
            % {"flow": _(flow.label)},
            _("Have it moved to the authorization code flow with PKCE: current browser libraries do it."),
        )


def _secrets(client: Client, facts: _Facts) -> Iterator[Finding]:
    if not client.has_secret:
        return
    live = [secret for secret in facts.secrets if secret.is_live(facts.now)]
    soon = facts.now + EXPIRES_SOON
    if not live:
        yield Finding(
            Topic.SECRET_EXPIRES,
            client,
            _("It has no secret that is still valid."),
            _("Rotate its secret and hand the new one over, or delete the client."),
            about="none",
        )
    elif all(secret.expires_at is not None and secret.expires_at <= soon for secret in live):
        last = max(secret.expires_at for secret in live if secret.expires_at is not None)
        yield Finding(
            Topic.SECRET_EXPIRES,
            client,
            _("Its last secret expires on %(date)s.") % {"date": _day(last)},
            _("Rotate its secret with an overlap, so that the client can change over."),
            about=last.isoformat(),
        )
    elif max(secret.created_at for secret in live) <= facts.now - (longest_life() or ROTATE_AFTER):
        days = (longest_life() or ROTATE_AFTER).days
        what = ngettext(
            "Its secret is older than %(days)d day and was never rotated since.",
            "Its secret is older than %(days)d days and was never rotated since.",
            days,
        )
        yield Finding(
            Topic.SECRET_OLD,
            client,
            what % {"days": days},
            _("Rotate its secret with an overlap of a few days."),
        )


def _slow_secrets(client: Client, facts: _Facts) -> Iterator[Finding]:
    if any(secret.slow_hash and secret.is_live(facts.now) for secret in facts.secrets):
        yield Finding(
            Topic.SECRET_SLOW,
            client,
            _(
                "It has a secret from before that is kept as a slow hash, as passwords are: each try costs time."
            ),
            _(
                "Rotate its secret with an overlap of a few days: new secrets are random, and checked at once."
            ),
        )


def _unused(client: Client, facts: _Facts) -> Iterator[Finding]:
    long_ago = facts.now - UNUSED_AFTER
    if client.created <= long_ago and (facts.last_used_at is None or facts.last_used_at <= long_ago):
        yield Finding(
            Topic.UNUSED,
            client,
            _("It has not been used for 90 days."),
            _("Ask its owner; suspend it if nobody objects, and delete it later."),
        )


def _scopes(client: Client, facts: _Facts) -> Iterator[Finding]:
    used = declared_scopes().expand(facts.issued_scopes)
    unused = [scope for scope in client.allowed_scope_names() if scope not in used]
    if unused and facts.issued_scopes:  # a client that never got a token is a matter of its own
        yield Finding(
            Topic.SCOPES_UNUSED,
            client,
            _("It has never got a token for: %(scopes)s.") % {"scopes": ", ".join(unused)},
            _("Take these off its allowed scopes if it does not need them."),
            about=" ".join(unused),
        )


def _redirect_uri(client: Client, uri: str, site: str) -> Iterator[Finding]:
    """``site`` is the host of the client's website; empty when it is not known."""
    problem = problem_with(uri, client.declared_use_case)
    elsewhere = site and not (is_loopback(uri) or is_private_use(uri)) and not _related(host_of(uri), site)
    if problem and client.accepted_risk and is_at_risk(uri, client.declared_use_case):
        what = _("Redirect URI %(uri)s is a risk that was accepted: %(reason)s.") % {
            "uri": uri,
            "reason": client.accepted_risk.rstrip("."),
        }
        yield Finding(Topic.REDIRECT, client, what, problem, about=uri)
    elif problem:
        what = _("Redirect URI %(uri)s is not safe.") % {"uri": uri}
        yield Finding(Topic.REDIRECT, client, what, problem, about=uri)
    elif elsewhere:
        yield Finding(
            Topic.REDIRECT,
            client,
            _("Redirect URI %(uri)s is not on its website's host, %(site)s.") % {"uri": uri, "site": site},
            _("Ask its owner whether the host still belongs to them; correct the address or the website."),
            about=uri,
        )


def _redirects(client: Client, facts: _Facts) -> Iterator[Finding]:
    registered = client.redirect_uris.split()
    hosts = {host_of(uri) for uri in registered}
    site = host_of(client.client_uri) if client.client_uri else ""
    for uri in registered:
        yield from _redirect_uri(client, uri, site)
    gone = sorted(host for host in facts.answered_hosts - hosts if host)
    if gone:
        yield Finding(
            Topic.REDIRECT,
            client,
            _("Users agreed to answers to a host that is no longer registered: %(hosts)s.")
            % {"hosts": ", ".join(gone[:5])},
            _("Nothing is sent there any more; those users are asked again when they come back."),
            about=" ".join(gone),
        )


def _pkce(client: Client, facts: _Facts) -> Iterator[Finding]:
    if not client.requires_pkce():
        yield Finding(
            Topic.NO_PKCE,
            client,
            _("It need not use PKCE: %(reason)s.") % {"reason": client.pkce_exemption.rstrip(".")},
            _("Have PKCE switched on in its library, then remove the exemption."),
        )


_RULES: tuple[Callable[[Client, _Facts], Iterable[Finding]], ...] = (
    _implicit,
    _secrets,
    _slow_secrets,
    _unused,
    _scopes,
    _redirects,
    _pkce,
)


def _related(host: str, site: str) -> bool:
    """Whether one of the two is the other, or a subdomain of it."""
    site = site.removeprefix("www.")
    return host == site or host.endswith(f".{site}") or site.endswith(f".{host}")


def _day(at: datetime) -> str:
    return date_format(local(at), "DATE_FORMAT").rstrip(".")  # the sentence has its own stop
