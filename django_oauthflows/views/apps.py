"""Connected apps: what the user has allowed, and how to end it; with or without a login."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import View

from django_oauthflows.authorization_server.notices import consent_for_key
from django_oauthflows.conf import site_name
from django_oauthflows.confusables import readable
from django_oauthflows.models import Consent, Event
from django_oauthflows.spreadsheet import csv_file
from django_oauthflows.views.cards import app_context, cards_for, labels_of, permissions_of
from django_oauthflows.views.csrf import only_own_forms
from django_oauthflows.views.pages import own_page, page, secured

#: What a user's history is made of.
HISTORY = (Event.Kind.CONSENT_GIVEN, Event.Kind.CONSENT_NARROWED, Event.Kind.CONSENT_WITHDRAWN)
COLUMNS = (
    "time",
    "app",
    "event",
    "by",
    "permissions",
    "shown",
    "sent_to",
    "until",
    "without_asking",
    "reference",
)


@method_decorator((own_page, only_own_forms), name="dispatch")
class PersonalView(LoginRequiredMixin, View):
    """For the logged-in user, about their own; never kept in a cache or shown in a frame."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Http404:  # pressed on an old page, most likely
            return page(request, "disconnect_stale.html", {}, status=404)
        return secured(request, response) if isinstance(response, HttpResponse) else response


class ConnectedAppsView(PersonalView):
    """One card per app."""

    def get(self, request: HttpRequest) -> HttpResponse:
        consents = Consent.objects.live().filter(user=request.user)
        cards = cards_for(request, consents)
        return page(request, "apps.html", {"cards": cards})


class TakingBackView(PersonalView):
    """A change of one of the user's own consents, made by POST."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A change is made by POST; who comes here from the login page has to press the button again."""
        return redirect("oauth2_provider:apps")

    @staticmethod
    def own(request: HttpRequest, pk: int) -> Consent:
        """A live consent of the user. Another's is not found, as if it did not exist."""
        return get_object_or_404(Consent.objects.live().select_related("client"), user=request.user, pk=pk)


class RemovePermissionView(TakingBackView):
    """Take one permission back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        consent = self.own(request, pk)
        removed = consent.remove_scope(request.POST.get("scope", ""), by=request.user)
        if not removed:
            raise Http404
        _tell(
            request,
            _("%(app)s can no longer do this: %(permissions)s.")
            % {"app": consent.client.display_name, "permissions": ", ".join(labels_of(removed))},
        )
        return redirect("oauth2_provider:apps")


class DisconnectAppView(TakingBackView):
    """End all that the user has allowed an app."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        consent = self.own(request, pk)
        consent.withdraw(by=request.user)
        _tell(request, _("%(app)s is disconnected from your account.") % {"app": consent.client.display_name})
        return redirect("oauth2_provider:apps")


def _tell(request: HttpRequest, text: str) -> None:
    """A message on the next page, where the host has messages."""
    messages.success(request, text, fail_silently=True)


class HistoryView(PersonalView):
    """The user's own consent history, to take away. ``form`` is ``json`` or ``csv``."""

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        rows = list(history_of(request.user))
        if form == "csv":
            return csv_file("connected-apps.csv", COLUMNS, map(_cells, rows))
        response = JsonResponse({"site": site_name(request), "history": rows})
        response.headers["Content-Disposition"] = 'attachment; filename="connected-apps.json"'
        return response


def history_of(user: Any) -> Iterator[dict[str, Any]]:
    """What ``user`` allowed and took back, newest first, one mapping of ``COLUMNS`` per event."""
    events = Event.objects.filter(user=user, kind__in=HISTORY).order_by("-at", "-pk")
    for event in events:
        yield {
            "time": event.at.isoformat(),
            "app": readable(event.client_name),
            "event": event.kind,
            "by": "user" if event.actor_id == user.pk else "site",
            "permissions": event.data.get("scope", "").split(),
            "shown": event.data.get("shown", "").split(),
            "sent_to": event.data.get("redirect_host", ""),
            "until": event.data.get("until", ""),
            "without_asking": bool(event.data.get("implied", False)),
            "reference": event.reference,
        }


def _cells(row: dict[str, Any]) -> list[object]:
    """A row of the history with lists as words."""
    values = (row[column] for column in COLUMNS)
    return [" ".join(value) if isinstance(value, list) else value for value in values]


@method_decorator((login_not_required, own_page, only_own_forms), name="dispatch")
class DisconnectLinkView(View):
    """The link in a notice. Looking at it changes nothing: mail scanners fetch links."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = consent_for_key(key)
        if consent is None:
            return page(request, "disconnect_stale.html", {}, status=410)
        context = {
            "app": app_context(request, consent.client),
            "permissions": permissions_of(consent),
        }
        return page(request, "disconnect.html", context)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = consent_for_key(key)
        if consent is None or not consent.withdraw(by=consent.user):
            return page(request, "disconnect_stale.html", {}, status=410)
        return page(request, "disconnected.html", {"app": app_context(request, consent.client)})
