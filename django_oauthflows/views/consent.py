"""The consent page and the page that says why a request cannot go on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from django_oauthflows.forms.consent import ConsentForm
from django_oauthflows.models import Client
from django_oauthflows.scopes import Scope, declared_scopes
from django_oauthflows.views.pages import page


def consent_page(
    request: HttpRequest, client: Client, form: ConsentForm, host: str, *, form_target: str, status: int = 200
) -> HttpResponse:
    """Who asks, for what, and where the answer goes."""
    declared = declared_scopes()
    ticked = set(request.POST.getlist("scope")) if form.is_bound else set(form.scopes)
    context = {
        "client": client,
        "form": form,
        "host": host,
        "scopes": [
            (declared.get(name, Scope(name=name, label=name)), name in ticked) for name in form.scopes
        ],
    }
    return page(request, "consent.html", context, status=status, form_targets=(form_target,))


def refusal_page(request: HttpRequest, error: Any, reference: str) -> HttpResponse:
    """A page in plain words, with a reference for the site's staff. Echoes nothing of the request."""
    context = {"explanation": explain(str(error.error)), "reference": reference, "error": error.error}
    return page(request, "error.html", context, status=error.status_code)


def explain(error: str) -> str:
    """What happened, for somebody who has never heard of OAuth."""
    if error in ("invalid_client_id", "invalid_client", "invalid_request", "mismatching_redirect_uri"):
        return _(
            "The app that sent you here made a mistake in its request, so we stopped to protect you. "
            "Nothing was shared with it."
        )
    return _("Something about this request is not right, so we stopped. Nothing was shared.")
