"""The filters of the lists: each a choice of conditions with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauthflows.accounts import named
from django_oauthflows.admin.advice import MOST_ADVISED, TOPIC_LABELS, Finding, Topic, findings
from django_oauthflows.authorization_server.outbox.registry import KINDS
from django_oauthflows.database import has_more_rows
from django_oauthflows.flows import registry
from django_oauthflows.models import Client, ClientSkeleton, Consent, Event, OutboxMessage
from django_oauthflows.models.consent import ConsentQuerySet
from django_oauthflows.scopes import declared_scopes

#: A client is new for so long.
NEW_FOR = timedelta(days=30)
#: So many clients or users of one beginning are looked at; who types so little types more.
_MOST_NAMED = 50
#: So many rows of theirs are found by a search; no list is leafed through further.
MOST_ROWS = 1000
Narrow = Callable[[QuerySet[Any]], QuerySet[Any]]


#: Folded away, with what is chosen in its head: the list itself needs the space.
_FOLDED = "admin/django_oauthflows/filter.html"


class WordFilter(admin.ChoicesFieldListFilter):
    template = _FOLDED


class FlagFilter(admin.BooleanFieldListFilter):
    template = _FOLDED


class DateFilter(admin.DateFieldListFilter):
    template = _FOLDED


class ChoiceFilter(admin.SimpleListFilter):
    """Filters by one of ``options``: value → label and what it does to the list."""

    template = _FOLDED

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, label) for value, (label, _narrow) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _label, narrow = self.options.get(self.value() or "", ("", None))
        return queryset if narrow is None else narrow(queryset)


def _allowing(scope: str, consents: Any) -> QuerySet[Any]:
    return cast(ConsentQuerySet, consents).allowing(scope)


def _where(**conditions: Any) -> Narrow:
    return lambda rows: rows.filter(**conditions)


class TextFilter(admin.ListFilter):
    """Filters by what staff type: for what there are too many of to list. The whole value or its beginning."""

    template = "admin/django_oauthflows/text_filter.html"
    parameter_name = ""
    placeholder: Any = ""
    #: Whether its condition names the keys of all rows that are meant, which are few.
    enumerates = False
    #: Whether an index leads to the rows that it lets through, in the order of the list.
    has_index = True

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.model = model
        self.text: str = params.pop(self.parameter_name, [""])[-1].strip()

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """What the template shows: the value, and the other parameters of the list, to be sent with it."""
        kept = QueryDict(
            changelist.get_query_string(remove=[self.parameter_name, PAGE_VAR]).removeprefix("?")
        )
        yield {
            "name": self.parameter_name,
            "value": self.text,
            "kept": [(name, value) for name, values in kept.lists() for value in values],
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.condition(self.text)) if self.text else queryset

    def condition(self, text: str) -> Q:
        raise NotImplementedError


def clients_named(text: str, *, or_host: bool = False) -> list[int]:
    """Keys of the clients whose name begins so, or whose client id it is; of some, where that is many.

    With ``or_host`` also of those with such a host of a redirect URI. Two statements, which indexes answer.
    """
    known = Client.objects.with_client_id(text)
    kinds = (ClientSkeleton.Kind.NAME, *((ClientSkeleton.Kind.HOST,) if or_host else ()))
    beginning = ClientSkeleton.objects.beginning(text, kinds)[:_MOST_NAMED]
    return [*beginning, *([known.pk] if known is not None else [])]


def users_named(text: str) -> list[Any]:
    """Keys of the users whose name begins so, spelled as it is or in small letters; of some, where that is many."""
    return list(named(text).values_list("pk", flat=True)[:_MOST_NAMED])


def rows_of_users(text: str, model: Any) -> list[Any]:
    """Keys of the newest rows of ``model`` that belong to users whose name begins so.

    By their keys: a database that is asked for the newest rows of some users may go through all rows there are,
    from the newest on, until it has met enough of theirs.
    """
    theirs = model._default_manager.filter(user__in=users_named(text))
    return list(theirs.order_by((F("pk") + 0).desc()).values_list("pk", flat=True)[:MOST_ROWS])


def rows_of_clients(text: str, model: Any, by: str = "pk") -> list[Any]:
    """Keys of the rows of ``model`` that belong to clients whose name begins so, or whose client id it is: of the
    newest, ordered ``by`` that column.
    """
    theirs = model._default_manager.filter(client__in=clients_named(text))
    return list(theirs.order_by(f"-{by}").values_list("pk", flat=True)[:MOST_ROWS])


def events_of_name(text: str) -> list[int]:
    """Keys of some events that name a client so which has another name now, or is gone."""
    begins = Event.objects.filter(client_name__startswith=text).order_by()
    named, known = begins.values_list("pk", "client")[:MOST_ROWS], set(clients_named(text))
    return [pk for pk, client in named if client not in known]


class ClientTextFilter(TextFilter):
    title = _("client")
    parameter_name = "of"
    placeholder = _("Beginning of its name, or client id")

    def condition(self, text: str) -> Q:
        # By key, so that the rows need no join and their own indexes serve.
        return Q(client__in=clients_named(text))


class UserTextFilter(TextFilter):
    title = pgettext_lazy("who uses a client", "user")
    parameter_name = "who"
    placeholder = _("Beginning of the user name")
    enumerates = True

    def condition(self, text: str) -> Q:
        return Q(pk__in=rows_of_users(text, self.model))


class ClientOfConsentFilter(ClientTextFilter):
    """For what hangs on a consent: by the consents' keys, if they are few."""

    has_index = False

    def condition(self, text: str) -> Q:
        clients = clients_named(text)
        consents = Consent.objects.filter(client__in=clients).order_by().values_list("pk", flat=True)
        keys = list(consents[: MOST_ROWS + 1])
        self.enumerates = len(keys) <= MOST_ROWS
        return Q(consent__in=keys) if self.enumerates else Q(consent__client__in=clients)


class UserOfConsentFilter(UserTextFilter):
    """For what hangs on a consent."""

    def condition(self, text: str) -> Q:
        return Q(consent__in=rows_of_users(text, Consent))


class PermissionFilter(ChoiceFilter):
    """Consents that allow a scope, by itself or by one that includes it."""

    title = pgettext_lazy("consent", "permission")
    parameter_name = "scope"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        declared = declared_scopes().values()
        return {scope.name: (scope.label, partial(_allowing, scope.name)) for scope in declared}


class TrustFilter(ChoiceFilter):
    """Clients by how far the site vouches for them."""

    title = _("trust")
    parameter_name = "trust"
    column = "trust"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        return {value: (label, _where(**{self.column: value})) for value, label in Client.Trust.choices}


class ClientTrustFilter(TrustFilter):
    """What belongs to clients, by how far the site vouches for them."""

    column = "client__trust"


class NewFilter(ChoiceFilter):
    """Clients that were registered lately."""

    title = _("registered")
    parameter_name = "new"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        since = timezone.now() - NEW_FOR
        return {"yes": (_("In the last 30 days"), _where(created__gte=since))}


class UseCaseFilter(ChoiceFilter):
    title = _("use case")
    parameter_name = "use_case"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        offered = (case for case in registry.USE_CASES if case.offered)
        return {case.name: (_(case.title), _where(use_case=case.name)) for case in offered}


class ClientFlowFilter(ChoiceFilter):
    """Clients by a flow that they may use: one of several words. No flow's name is a part of another's."""

    title = _("flow")
    parameter_name = "flow"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        flows = registry.offered_flows()
        return {flow.name: (_(flow.label), _where(flows__contains=flow.name)) for flow in flows}


class AuthorizationFlowFilter(ChoiceFilter):
    """Authorizations by the one flow that each came by."""

    title = _("flow")
    parameter_name = "flow"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        flows = (flow for flow in registry.offered_flows() if flow.visits_authorization_endpoint)
        return {flow.name: (_(flow.label), _where(flow=flow.name)) for flow in flows}


class StatusFilter(ChoiceFilter):
    title = _("status")
    parameter_name = "status"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        return {
            "live": (_("Live"), _where(suspended_at=None)),
            "suspended": (_("Suspended"), _where(suspended_at__isnull=False)),
        }


class ConsentStateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "state"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        over = Q(withdrawn_at=None, expires_at__lte=timezone.now())
        return {
            "live": (_("In force"), lambda consents: consents.live()),
            "withdrawn": (_("Withdrawn"), _where(withdrawn_at__isnull=False)),
            "ended": (_("Past its end"), lambda consents: consents.filter(over)),
        }


class AuthorizationStateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "state"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        over = Q(revoked_at=None, expires_at__lte=timezone.now())
        return {
            "live": (pgettext_lazy("authorization", "Live"), lambda authorizations: authorizations.live()),
            "revoked": (pgettext_lazy("authorization", "Revoked"), _where(revoked_at__isnull=False)),
            "expired": (
                pgettext_lazy("authorization", "Expired"),
                lambda authorizations: authorizations.filter(over),
            ),
        }


class OutboxStateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "state"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        return {
            outcome.value or "waiting": (outcome.label, _where(outcome=outcome.value))
            for outcome in OutboxMessage.Outcome
        }


class OutboxKindFilter(ChoiceFilter):
    title = _("what it is")
    parameter_name = "kind"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        return {kind.name: (kind.label, _where(kind=kind.name)) for kind in KINDS.values()}


class RiskFilter(ChoiceFilter):
    """By the advice that there is on a client: the list and the advice cannot disagree."""

    title = _("needs a look")
    parameter_name = "risk"

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        return {topic: (label, self._with_finding(topic)) for topic, label in TOPIC_LABELS.items()}

    def has_output(self) -> bool:
        """Not where there are so many clients that all of them cannot be looked at for one page: see the advice."""
        return not has_more_rows(Client, MOST_ADVISED) and super().has_output()

    def _with_finding(self, topic: Topic) -> Narrow:
        return lambda clients: clients.filter(
            pk__in={found.client.pk for found in self._findings if found.topic == topic}
        )

    @cached_property
    def _findings(self) -> list[Finding]:
        """Once a request, also when Django counts what each choice would show."""
        return findings(Client.objects.all())
