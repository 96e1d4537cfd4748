"""Reporting an app to the site's staff: from the consent page, and from among the connected apps."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse

from django_oauthflows.forms.report import ReportForm
from django_oauthflows.models import Client, Event
from django_oauthflows.models.event import harmless
from django_oauthflows.views.apps import PersonalView
from django_oauthflows.views.cards import app_context
from django_oauthflows.views.pages import page


class ReportView(PersonalView):
    """A form, and thanks. The report is an event of the client; the client is not told."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._form(request, self._client(request), ReportForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        client, form = self._client(request), ReportForm(request.POST)
        if not form.is_valid():
            return self._form(request, client, form, status=400)
        Event.objects.record(
            Event.Kind.CLIENT_REPORTED,
            client=client,
            user=request.user,
            by=request.user,
            about=form.cleaned_data["about"],
            # Staff read it: no code or token may lie there, whatever somebody pastes.
            words=harmless("words", form.cleaned_data["words"]),
        )
        return page(request, "reported.html", {"app": app_context(request, client), "logged_in": True})

    @staticmethod
    def _client(request: HttpRequest) -> Client:
        """In the query: an id may be an address itself, with slashes that a path would lose."""
        client = Client.objects.with_client_id(request.GET.get("client_id", ""))
        if client is None:
            raise Http404
        return client

    @staticmethod
    def _form(request: HttpRequest, client: Client, form: ReportForm, status: int = 200) -> HttpResponse:
        return page(
            request, "report.html", {"app": app_context(request, client), "form": form}, status=status
        )
