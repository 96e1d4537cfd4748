"""The filters of the lists: each a choice of conditions with a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauthflows.admin.advice import Finding, Topic, findings
from django_oauthflows.authorization_server.outbox.registry import KINDS
from django_oauthflows.flows import registry
from django_oauthflows.models import Client, OutboxMessage

Narrow = Callable[[QuerySet[Any]], QuerySet[Any]]


class ChoiceFilter(admin.SimpleListFilter):
    """Filters by one of ``options``: value → label and what it does to the list."""

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, label) for value, (label, _narrow) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _label, narrow = self.options.get(self.value() or "", ("", None))
        return queryset if narrow is None else narrow(queryset)


def _where(**conditions: Any) -> Narrow:
    return lambda rows: rows.filter(**conditions)


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

    _LABELS = (
        (Topic.DEPRECATED_FLOW_OVER, _("Implicit flow past its date")),
        (Topic.DEPRECATED_FLOW, _("Implicit flow")),
        (Topic.SECRET_EXPIRES, _("Secret expires within 30 days")),
        (Topic.SECRET_OLD, _("Secret never rotated")),
        (Topic.SECRET_SLOW, _("Secret kept as a slow hash")),
        (Topic.UNUSED, _("Not used for 90 days")),
        (Topic.SCOPES_UNUSED, _("Scopes never used")),
        (Topic.REDIRECT, _("Redirect URIs to check")),
        (Topic.NO_PKCE, _("Without PKCE")),
    )

    @property
    def options(self) -> Mapping[str, tuple[Any, Narrow]]:
        return {topic: (label, self._with_finding(topic)) for topic, label in self._LABELS}

    def _with_finding(self, topic: Topic) -> Narrow:
        return lambda clients: clients.filter(
            pk__in={found.client.pk for found in self._findings if found.topic == topic}
        )

    @cached_property
    def _findings(self) -> list[Finding]:
        """Once a request, also when Django counts what each choice would show."""
        return findings(Client.objects.all())
