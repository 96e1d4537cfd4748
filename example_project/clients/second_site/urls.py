"""Its one page, and django-allauth's."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import include, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from example_project.clients.second_site import settings

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Second Site</title><h1>Second Site</h1>
<p id="who">{}</p>
<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">
<button>{}</button></form></html>"""


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Who is logged in here."""
    if request.user.is_authenticated:
        who, action, button = f"Hello {request.user}!", reverse("leave"), "Log out"
    else:
        who = "You are not logged in."
        action = reverse("openid_connect_login", args=["example-notes"])
        button = "Log in with Example Notes"
    return HttpResponse(format_html(_PAGE, who, action, get_token(request), button))


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Out of this site, and on to the first one, which asks whether to log out there, too."""
    logout(request)
    asked = {"client_id": settings.CLIENT_ID, "post_logout_redirect_uri": request.build_absolute_uri("/")}
    return HttpResponseRedirect(f"{settings.PROVIDER}/oauth/logout/?{urlencode(asked)}")


urlpatterns = [
    path("", home),
    path("leave/", leave, name="leave"),
    path("accounts/", include("allauth.urls")),
]
