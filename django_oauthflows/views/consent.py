"""What the consent page shows, and the pages around it: logging in again, and why a request cannot go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.impersonation import impersonated_by
from django_oauthflows.conf import site_host, site_name
from django_oauthflows.confusables import readable
from django_oauthflows.forms.consent import ConsentForm, Question, duration_choices
from django_oauthflows.limits import rough_network_of
from django_oauthflows.models import Client, Consent, DeviceRequest
from django_oauthflows.models.redirect_uri import host_of, is_loopback, is_private_use, policy_source
from django_oauthflows.scopes import Scope, declared_scopes
from django_oauthflows.views.cards import app_context, is_web_address
from django_oauthflows.views.pages import page


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the page: a scope, and how it stands."""

    scope: Scope
    ticked: bool
    mark: str = ""
    includes: tuple[str, ...] = ()


def consent_page(request: HttpRequest, form: ConsentForm, status: int = 200) -> HttpResponse:
    """Who asks, for what, for how long, and where the answer goes."""
    question = form.question
    client, redirect_uri = question.client, question.redirect_uri
    ticked = set(request.POST.getlist("scope")) if form.is_bound else set(form.scopes)
    durations = duration_choices()
    lines = permissions(question, ticked)
    context = {
        "app": app_context(request, client),
        "form": form,
        "user_name": readable(request.user.get_username()),
        "groups": _grouped(lines),
        "has_new": any(line.mark for line in lines),
        "durations": durations if len(durations) > 1 else (),
        "chosen_duration": request.POST.get("duration") or durations[0][0],
        "only_duration": durations[0] if len(durations) == 1 and durations[0][0] != "always" else None,
        "host": host_of(redirect_uri),
        "former_host": _former_host(question),
        "on_device": is_loopback(redirect_uri) or is_private_use(redirect_uri),
        "imitates": impersonated_by(
            client,
            user=request.user,
            redirect_uri=redirect_uri,
            site_name=site_name(request),
            site_host=site_host(request),
        ),
    }
    # Browsers hold a form to its policy through every redirect: the app may send people on to its website.
    website = client.client_uri if is_web_address(client.client_uri) else ""
    targets = _sources(redirect_uri, website, _login_url())
    template = "consent.html"
    if question.device is not None:
        template, context["device"] = "device_consent.html", _device_context(request, question.device)
    return page(request, template, context, status=status, form_targets=targets)


def _device_context(request: HttpRequest, device: DeviceRequest) -> dict[str, Any]:
    """What is known of a device that asks: its code as the user gave it, since when and roughly where it waits."""
    return {
        "user_code": request.POST.get("user_code", ""),
        "asked_at": device.created_at,
        "network": device.network,
        "is_near": bool(device.network) and device.network == rough_network_of(request),
    }


def permissions(question: Question, ticked: set[str]) -> list[Permission]:
    """The lines of the page. What is new since last time comes first and says so."""
    declared = declared_scopes()
    lines = []
    for name in question.scopes:
        implied = declared.ordered(declared.expand([name]).difference([name]))
        includes = tuple(declared[each].label for each in implied if each in declared)
        scope = declared.get(name, Scope(name=name, label=name))
        lines.append(Permission(scope, name in ticked, _mark(question.standing, name), includes))
    return sorted(lines, key=lambda line: not line.mark)


def _mark(standing: Consent | None, name: str) -> str:
    """Why a scope is asked for although the app is allowed something already; empty when it is all new."""
    if standing is None or not standing.is_live():
        return ""
    if name not in standing.scope.split():
        return "new"
    # Without a wording, nobody knows in which words it was allowed: not "other" ones, then.
    return "changed" if name in standing.wordings and standing.unanswered([name]) else ""


def _former_host(question: Question) -> str:
    """Where answers went so far, when they are to go elsewhere now."""
    standing = question.standing
    if standing is None or not standing.is_live() or standing.redirect_host == host_of(question.redirect_uri):
        return ""
    return standing.redirect_host


def _grouped(lines: list[Permission]) -> list[tuple[str, list[Permission]]]:
    """Lines under the headings that the site declared, in the order of their first line."""
    groups: dict[str, list[Permission]] = {}
    for line in lines:
        groups.setdefault(str(line.scope.group), []).append(line)
    return list(groups.items())


def login_again_page(request: HttpRequest, client: Client) -> HttpResponse:
    """For a site whose login page sends logged-in visitors straight back: log out first, by POST."""
    context = {"app": app_context(request, client)}
    return page(request, "login_again.html", context, form_targets=_sources(_login_url()))


def login_sources() -> tuple[str, ...]:
    """Where a form ends whose sender has to log in first, as a policy names it."""
    return _sources(_login_url())


def _login_url() -> str:
    """Where the site logs people in: mostly a page of its own, sometimes another host's."""
    return resolve_url(settings.LOGIN_URL)


def _sources(*uris: str) -> tuple[str, ...]:
    """Each place once, as a policy names it. Paths of this site need no mention."""
    return tuple(dict.fromkeys(policy_source(uri) for uri in uris if uri and not uri.startswith("/")))


def refusal_page(
    request: HttpRequest, error: errors.OAuth2Error, reference: str, explanation: str = ""
) -> HttpResponse:
    """A page in plain words, with a reference for the site's staff. Echoes nothing of the request."""
    context = {
        "explanation": explanation or explain(str(error.error)),
        "reference": reference,
        "error": error.error,
    }
    return page(request, "error.html", context, status=error.status_code)


def explain(error: str) -> str:
    """What happened, for somebody who has never heard of OAuth."""
    if error in ("invalid_client_id", "invalid_client", "invalid_request", "mismatching_redirect_uri"):
        return _(
            "The app that sent you here made a mistake in its request, so we stopped to protect you. "
            "Nothing was shared with it."
        )
    return _("Something about this request is not right, so we stopped. Nothing was shared.")
