"""The pages of the notes site: a home page that explains the demo, and everybody's own notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.static import serve

from django_oauthflows.management.doctor.command import examine
from example_project.clients.directory import CLIENTS
from example_project.demo import PASSWORD, PEOPLE
from example_project.documentation.site import is_built
from example_project.notes.forms import NoteForm
from example_project.notes.models import Note


class LoginView(auth.LoginView):
    """Django's own, with the name of whom an app expects filled in: our authorization endpoint passes it on."""

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "username": self.request.GET.get("login_hint", "")}


@dataclass(frozen=True, slots=True)
class Place:
    """A page of this site that the home page leads to."""

    path: str
    title: str
    text: str
    #: Whether what it shows is there today.
    is_ready: Callable[[], bool] = lambda: True

    @property
    def exists(self) -> bool:
        """Whether the site has such a page: a host chooses what it includes."""
        try:
            resolve(self.path)
        except Resolver404:
            return False
        return self.is_ready()


#: What else there is to see, in this order. Add a line for a new page.
PLACES = (
    Place("/flows/choose/", _("Which flow do I need?"), _("A few questions that lead to the right one.")),
    Place("/docs/", _("Documentation"), _("Start, guides, how to run it, and all to look up."), is_built),
    Place("/oauth/apps/", _("Connected apps"), _("What you have allowed so far, and how to take it back.")),
    Place(
        "/api/docs/",
        _("API schema"),
        _("What the API offers, and which permission each call needs (OpenAPI)."),
    ),
    Place(
        "/watch/doctor/",
        _("Doctor"),
        _("What is wrong with this set-up, and which line to change (for staff)."),
    ),
    Place("/watch/metrics/", _("Metrics"), _("What Prometheus reads here (for staff).")),
    Place("/oauth/health/", _("Health"), _("Whether tokens can be issued and checked, for a load balancer.")),
    Place("/admin/", _("Staff admin"), _("Clients, consents and events, as the site's staff see them.")),
    Place(
        "/.well-known/oauth-authorization-server",
        _("Server metadata"),
        _("What this provider says of itself to programs (RFC 8414)."),
    ),
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, who can log in, and which clients there are to try."""
    context = {
        "clients": CLIENTS,
        "people": PEOPLE,
        "password": PASSWORD,
        "places": [place for place in PLACES if place.exists],
    }
    return render(request, "notes/home.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notes(request: HttpRequest) -> HttpResponse:
    """The user's own notes, and a form for one more."""
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.instance.author_id = request.user.pk
        form.save()
        return redirect("notes")
    return render(
        request, "notes/notes.html", {"form": form, "notes": Note.objects.filter(author_id=request.user.pk)}
    )


@login_required
@require_POST
def delete_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one of the user's own notes; to others it does not exist."""
    get_object_or_404(Note, pk=pk, author_id=request.user.pk).delete()
    return redirect("notes")


def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """An uploaded file."""
    return serve(request, path, document_root=str(settings.MEDIA_ROOT))


@require_safe
def doctor(request: HttpRequest) -> HttpResponse:
    """What ``manage.py oauth doctor`` says; without asking this server over the network, which may have one worker."""
    return render(request, "notes/doctor.html", {"findings": list(examine(""))})
