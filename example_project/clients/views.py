"""Pages of the clients that live in the browser, on a computer or on another server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET, require_http_methods

from example_project.clients import job, service
from example_project.clients.credentials import client_secret
from example_project.clients.directory import (
    JOB,
    LEGACY_SPA,
    NATIVE,
    SECOND_SITE,
    SERVICE,
    SPA,
    TV,
    DemoClient,
)
from example_project.clients.pages import client_page, to_clients_origin
from example_project.origins import provider_origin

#: What the browser clients' scripts say.
_SAID = (
    _("You are logged out here."),
    _("This answer does not belong to a login that you began here."),
    _("This answer comes from another provider than the one that was asked."),
    _("You did not allow it, so nothing was shared."),
    _("The provider refused:"),
    _("Your login here has ended. Log in again to go on."),
    _("The API refused it."),
    _("The provider cannot be reached."),
    _("These are fresh tokens."),
    _("Added."),
)


def _in_browser(client: DemoClient, template: str) -> Callable[[HttpRequest], HttpResponse]:
    @require_GET
    def page(request: HttpRequest) -> HttpResponse:
        """The same page for everybody: all it does, its script does."""
        elsewhere = to_clients_origin(request)
        if elsewhere is not None:
            return elsewhere
        response = render(
            request, template, {"client": client, "texts": {text: gettext(text) for text in _SAID}}
        )
        # A script that got in could use the tokens: only our own runs, and it talks to the provider only.
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"form-action 'none'; frame-ancestors 'none'; connect-src {provider_origin(request)}"
        )
        return response

    return page


spa = _in_browser(SPA, "clients/spa.html")
legacy_spa = _in_browser(LEGACY_SPA, "clients/legacy_spa.html")


def _command(module: str, request: HttpRequest) -> str:
    python = Path(sys.executable)
    # As the README has it: the Python of a virtual environment beside manage.py.
    inside = python.is_relative_to(settings.BASE_DIR)
    python = python.relative_to(settings.BASE_DIR) if inside else Path(python.name)
    return f"{python} -m {module} --provider {provider_origin(request)}"


@require_GET
def native(request: HttpRequest) -> HttpResponse:
    context = {"client": NATIVE, "command": _command("example_project.clients.native", request)}
    return render(request, "clients/program.html", context)


@require_GET
def second_site(request: HttpRequest) -> HttpResponse:
    context = {"client": SECOND_SITE, "command": _command("example_project.clients.second_site", request)}
    return render(request, "clients/second_site.html", context)


@require_GET
def tv(request: HttpRequest) -> HttpResponse:
    context = {"client": TV, "command": _command("example_project.clients.tv", request)}
    return render(request, "clients/tv.html", context)


def _machine(
    client: DemoClient, run: Callable[[str, str], str], module: str
) -> Callable[[HttpRequest], HttpResponse]:
    @client_page(client)
    @require_http_methods(["GET", "HEAD", "POST"])
    def page(request: HttpRequest) -> HttpResponse:
        """What the program does, the command to run it, and a button that runs it now."""
        context = {"client": client, "command": _command(module, request), "can_run": True}
        if request.method == "POST":
            context["result"] = run(provider_origin(request), client_secret(client.client_id))
        return render(request, "clients/program.html", context)

    return page


run_service = _machine(SERVICE, service.run, "example_project.clients.service")
run_job = _machine(JOB, job.run, "example_project.clients.job")
