"""What the consent page shows, and the page before it where somebody has to log in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import number_format

from django_oauthflows.accounts import name_of, objection_to_answer
from django_oauthflows.authorization_server.client_lookup import MANY_USERS, users_of
from django_oauthflows.authorization_server.impersonation import impersonated_by
from django_oauthflows.conf import site_host, site_name
from django_oauthflows.confusables import in_letters, readable
from django_oauthflows.forms.consent import ConsentForm, Question
from django_oauthflows.limits import rough_network_of
from django_oauthflows.models import Client, Consent, DeviceRequest
from django_oauthflows.models.device_request import shown_user_code, typed_user_code
from django_oauthflows.models.redirect_uri import host_of, is_loopback, is_private_use
from django_oauthflows.openid.claims import in_words
from django_oauthflows.scopes import OPENID, Scope, declared_scopes
from django_oauthflows.views.cards import app_context, day_of
from django_oauthflows.views.pages import page

#: An app is told to be new for so long.
NEW_FOR = timedelta(days=30)
#: Who uses an app is told by these numbers: more than so many.
_BOUNDS = (MANY_USERS - 1, 100, 10)


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the page: a scope, and how it stands."""

    scope: Scope
    ticked: bool
    mark: str = ""
    includes: tuple[str, ...] = ()
    #: When the user said no to it, in words; empty if they did not.
    refused_on: str = ""
    #: What the app will be told: what it is, and the value.
    told: tuple[tuple[Any, str], ...] = ()


def consent_page(request: HttpRequest, form: ConsentForm, status: int = 200) -> HttpResponse:
    """Who asks, for what, for how long, and where the answer goes."""
    return page(request, *consent_shown(request, form), status=status)


def consent_shown(request: HttpRequest, form: ConsentForm) -> tuple[str, dict[str, Any]]:
    """The template of the consent page, and what it shows."""
    question = form.question
    client, redirect_uri = question.client, question.redirect_uri
    ticked = set(request.POST.getlist("scope")) if form.is_bound else question.ticked_at_first()
    durations = form.fields["duration"].choices  # type: ignore[attr-defined]
    lines = permissions(question, ticked)
    context = {
        "app": app_context(request, client),
        "known": _known_here(client),
        "can_report": True,
        "form": form,
        "user_name": readable(name_of(request.user)),
        "groups": _grouped(lines),
        "stays_connected": question.offline,
        "has_new": any(line.mark for line in lines),
        "has_unticked": not all(line.ticked for line in lines),
        "durations": durations if len(durations) > 1 else (),
        "chosen_duration": request.POST.get("duration") or durations[0][0],
        "only_duration": durations[0] if len(durations) == 1 else None,
        "host": host_of(redirect_uri),
        "host_in_letters": in_letters(host_of(redirect_uri)),
        "former_host": _former_host(question),
        "on_device": is_loopback(redirect_uri) or is_private_use(redirect_uri),
        "anybody": not client.can_be_told_apart(redirect_uri),
        "imitates": impersonated_by(
            client,
            user=request.user,
            redirect_uri=redirect_uri,
            site_name=site_name(request),
            site_host=site_host(request),
        ),
    }
    if question.device is None:
        return "consent.html", context
    return "device_consent.html", context | {"device": _device_context(request, question.device)}


def _device_context(request: HttpRequest, device: DeviceRequest) -> dict[str, Any]:
    """What is known of a device that asks: its code, which only the user has, since when and roughly where it waits."""
    return {
        "user_code": shown_user_code(typed_user_code(request.POST.get("user_code", ""))),
        "asked_at": device.created_at,
        "minutes": (timezone.now() - device.created_at) // timedelta(minutes=1),
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
        mark, refused_on = _mark(question.standing, name), _refused_on(question.standing, name)
        told = _told(question, name)
        lines.append(Permission(scope, name in ticked, mark, includes, refused_on, told))
    return sorted(lines, key=lambda line: not line.mark)


def _told(question: Question, scope: str) -> tuple[tuple[Any, str], ...]:
    """The claims of a scope with their values, where the app can ask for them (OpenID Connect Core §5.4)."""
    if OPENID not in question.scopes:
        return ()
    return tuple(in_words(scope, question.request.user, question.request))


def _mark(standing: Consent | None, name: str) -> str:
    """Why a scope is asked for although the app is allowed something already; empty when it is all new."""
    if standing is None or not standing.is_live():
        return ""
    if name not in standing.scope.split():
        return "" if standing.refused_at(name) else "new"
    # Without a wording, nobody knows in which words it was allowed: not "other" ones, then.
    return "changed" if name in standing.wordings and standing.unanswered([name]) else ""


def _refused_on(standing: Consent | None, name: str) -> str:
    """The day on which the user said no; with its year when that is not this one."""
    at = standing.refused_at(name) if standing is not None else None
    return day_of(at) if at is not None else ""


def _known_here(client: Client) -> dict[str, Any]:
    """How long the site has known the app, and roughly how many people use it. One statement."""
    people = users_of(client)
    bound = next((bound for bound in _BOUNDS if people > bound), 0)
    return {
        "since": day_of(client.created),
        "is_new": client.created > timezone.now() - NEW_FOR,
        "people": people,
        "bound": bound,
        "more_than": number_format(bound) if bound else "",
    }


def _former_host(question: Question) -> str:
    """Where answers went so far, when they are to go elsewhere now."""
    standing = question.standing
    if standing is None or not standing.is_live() or standing.redirect_host == host_of(question.redirect_uri):
        return ""
    return standing.redirect_host


def _grouped(lines: list[Permission]) -> list[tuple[str, list[Permission]]]:
    """Lines under the headings that the site declared, in the order of their first line; the rest last."""
    groups: dict[str, list[Permission]] = {}
    for line in lines:
        groups.setdefault(str(line.scope.group), []).append(line)
    return sorted(groups.items(), key=lambda group: not group[0])


def login_again_page(request: HttpRequest, client: Client) -> HttpResponse:
    """For a site whose login page sends logged-in visitors straight back: log out first, by POST."""
    context = {"app": app_context(request, client)}
    return page(request, "login_again.html", context)


def turned_away_page(
    request: HttpRequest, client: Client, reference: str = "", *, way_back: bool = True
) -> HttpResponse:
    """For a user whom the site does not let use the client: why not, and whom to ask."""
    context = {
        "app": app_context(request, client),
        "why": objection_to_answer(request, client),
        "reference": reference,
        "way_back": way_back,
        "logged_in": True,
    }
    return page(request, "turned_away.html", context, status=403)
