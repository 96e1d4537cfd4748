"""What staff see first in our section of the admin: what needs a look, each with its number and where it leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Min, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from django_oauthflows.admin.advice import EXPIRES_SOON, MOST_ADVISED, Topic
from django_oauthflows.admin.filters import NEW_FOR
from django_oauthflows.admin.impact import MOST_COUNTED, counted, shown
from django_oauthflows.admin.permissions import may
from django_oauthflows.database import has_more_rows
from django_oauthflows.flows import registry
from django_oauthflows.models import Client, ClientSecret, Event, OutboxMessage

#: Misuse is shown for so long.
_MISUSE_FOR = timedelta(days=7)
#: A day's refusals have grown when there are so many more than on a usual day of the week before, and so many at least.
_GROWN, _GROWN_FROM = 2, 20
#: Messages wait a while; longer means that nobody sends them.
_WAITING_TOO_LONG = timedelta(hours=1)
_PURGE_DUE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a number, what it counts, where to look, and whether somebody should."""

    number: str
    what: str
    url: str
    is_alarming: bool


def rows_for(user: Any) -> list[Row]:
    """The lines that ``user`` may see. At most one statement a line, none of which counts a whole table."""
    return [row for permission, rule in _RULES if may(user, permission) for row in rule()]


def _list(model: str, **query: str) -> str:
    if "risk" in query and has_more_rows(Client, MOST_ADVISED):
        # Where the list does not offer it, there is the advice itself.
        return f"{reverse('admin:django_oauthflows_client_advice')}?{urlencode({'topic': query['risk']})}"
    url = reverse(f"admin:django_oauthflows_{model}_changelist")
    return f"{url}?{urlencode(query)}" if query else url


def _new_clients() -> Iterator[Row]:
    since = timezone.now() - NEW_FOR
    # The toolkit's column has no index: looked at are those that came last.
    newest = list(Client.objects.order_by("-pk").values_list("created", "trust")[: MOST_COUNTED + 1])
    number = sum(at >= since and trust == Client.Trust.NOT_REVIEWED for at, trust in newest)
    is_whole = len(newest) <= MOST_COUNTED or newest[-1][0] < since
    what = ngettext("new client that nobody has reviewed", "new clients that nobody has reviewed", number)
    yield Row(
        shown(number, is_whole=is_whole),
        what,
        _list("client", new="yes", trust=Client.Trust.NOT_REVIEWED),
        number > 0,
    )


def _refusals() -> Iterator[Row]:
    now = timezone.now()
    refused = Event.objects.filter(kind=Event.Kind.REQUEST_REFUSED).order_by()
    today = refused.filter(at__gt=now - timedelta(days=1)).aggregate(n=Sum("count"))["n"] or 0
    week = refused.filter(at__gt=now - timedelta(days=8), at__lte=now - timedelta(days=1))
    usual = (week.aggregate(n=Sum("count"))["n"] or 0) / 7
    has_grown = today >= _GROWN_FROM and today > _GROWN * usual
    what = ngettext(
        "request refused in the last day (%(usual)d on a usual day)",
        "requests refused in the last day (%(usual)d on a usual day)",
        today,
    ) % {"usual": round(usual)}
    url = _list("event", kind__exact=Event.Kind.REQUEST_REFUSED, at__gte=_date(now - timedelta(days=1)))
    yield Row(str(today), what, url, has_grown)


def _misuse() -> Iterator[Row]:
    since = timezone.now() - _MISUSE_FOR
    for kind, what in (
        (
            Event.Kind.CLIENT_REPORTED,
            ngettext_lazy(
                "report by users about an app in the last week",
                "reports by users about apps in the last week",
                "number",
            ),
        ),
        (
            Event.Kind.CODE_REPLAYED,
            ngettext_lazy(
                "code used twice in the last week: somebody may have copied it",
                "codes used twice in the last week: somebody may have copied them",
                "number",
            ),
        ),
        (
            Event.Kind.REFRESH_REUSED,
            ngettext_lazy(
                "old refresh token used again in the last week: somebody may have copied it",
                "old refresh tokens used again in the last week: somebody may have copied them",
                "number",
            ),
        ),
    ):
        number = counted(Event.objects.filter(kind=kind, at__gt=since))
        yield Row(
            shown(number),
            what % {"number": number},
            _list("event", kind__exact=kind, at__gte=_date(since)),
            number > 0,
        )


def _secrets() -> Iterator[Row]:
    ending = counted(ClientSecret.objects.ending_within(EXPIRES_SOON))
    what = ngettext("secret ends within 30 days", "secrets end within 30 days", ending)
    yield Row(shown(ending), what, _list("client", risk=Topic.SECRET_EXPIRES), ending > 0)
    slow = counted(ClientSecret.objects.live().filter(slow_hash__gt=""))
    what = ngettext(
        "secret is kept as a slow hash: each login of its client costs time",
        "secrets are kept as slow hashes: each login of their clients costs time",
        slow,
    )
    yield Row(shown(slow), what, _list("client", risk=Topic.SECRET_SLOW), slow > 0)


def _flows_past_their_date() -> Iterator[Row]:
    over = Client.objects.filter(implicit_until__lte=timezone.now())
    names = [flow.name for flow in registry.offered_flows() if flow.needs_end_date]
    number = sum(any(name in client.flow_names for name in names) for client in over[: MOST_COUNTED + 1])
    what = ngettext(
        "client still has the implicit flow past its end date",
        "clients still have the implicit flow past its end date",
        number,
    )
    yield Row(shown(number), what, _list("client", risk=Topic.DEPRECATED_FLOW_OVER), number > 0)


def _outbox() -> Iterator[Row]:
    now = timezone.now()
    due = OutboxMessage.objects.waiting().filter(next_attempt_at__lte=now)
    number = counted(due)
    oldest = due.aggregate(at=Min("next_attempt_at"))["at"] if number else None
    what = ngettext("message is due to be sent", "messages are due to be sent", number)
    late = oldest is not None and oldest < now - _WAITING_TOO_LONG
    if late and oldest is not None:
        what = _("%(what)s, the oldest for %(time)s: does anything run “manage.py oauth deliver”?") % {
            "what": what,
            "time": timesince(oldest),
        }
    yield Row(shown(number), what, _list("outboxmessage", state="waiting"), late)


def _purge() -> Iterator[Row]:
    last = Event.objects.filter(kind=Event.Kind.PURGED).order_by("-at").first()
    url = _list("event", kind__exact=Event.Kind.PURGED)
    if last is None:
        yield Row(
            "-", _("Old records were never deleted: run “manage.py oauth purge” each night."), url, True
        )
    else:
        what = _("since old records were last deleted by “manage.py oauth purge”")
        yield Row(timesince(last.at), what, url, last.at < timezone.now() - _PURGE_DUE)


def _date(at: Any) -> str:
    return str(at.isoformat(timespec="seconds"))


_RULES: tuple[tuple[str, Callable[[], Iterator[Row]]], ...] = (
    ("view_client", _new_clients),
    ("view_event", _refusals),
    ("view_event", _misuse),
    ("view_client", _secrets),
    ("view_client", _flows_past_their_date),
    ("view_outboxmessage", _outbox),
    ("view_event", _purge),
)
