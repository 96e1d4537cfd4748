"""What is right for a client to be: the rules that every way of registering and changing one goes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from django_oauthflows.conf import options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import UseCase
from django_oauthflows.models import redirect_uri as redirect_uris
from django_oauthflows.scopes import declared_scopes

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client


#: Dates at the ends of the calendar do not exist in every time zone.
_YEARS = range(2000, 2200)


def problems_with(client: Client) -> dict[str, list[str]]:
    """What is wrong, by field, in sentences with a value that would be right; empty when nothing is."""
    found = {
        "client_id": _client_id_problems(client),
        "name": _name_problems(client),
        "use_case": _use_case_problems(client),
        "flows": _flow_problems(client),
        "redirect_uris": _redirect_uri_problems(client),
        "post_logout_redirect_uris": _uri_problems(client, client.post_logout_redirect_uris),
        "subject_kind": _subject_problems(client),
        "logout_notice_uri": _server_problems(client.logout_notice_uri),
        "allowed_origins": _origin_problems(client),
        "allowed_scopes": [
            *_missing_scopes(client),
            *_scope_problems(client.allowed_scopes),
            *_length_problems(client),
        ],
        "user_groups": _group_problems(client),
        "default_scopes": _scope_problems(client.default_scopes, within=client.allowed_scopes),
        "implicit_until": _date_problems(client.implicit_until),
    }
    return {field: problems for field, problems in found.items() if problems}


#: Fields of several values, each of which is judged by itself.
_LISTS = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins", "flows")


def new_problems_with(client: Client) -> dict[str, list[str]]:
    """As ``problems_with``, without what was wrong with the row that is stored: old values that nobody has
    touched, from the time of the toolkit or of other rules.
    """
    found = problems_with(client)
    before = None if client._state.adding or not found else _stored(client)
    if before is None:
        return found
    old = problems_with(before)
    new = {
        field: [problem for problem in problems if problem not in old.get(field, ())]
        if field in _LISTS or getattr(client, field) == getattr(before, field)
        else problems
        for field, problems in found.items()
    }
    return {field: problems for field, problems in new.items() if problems}


@contextmanager
def new_problems_only(client: Client) -> Iterator[None]:
    """What its fields themselves refuse (``clean_fields``), but for values that the stored row has already."""
    try:
        yield
    except ValidationError as refused:
        before = None if client._state.adding else _stored(client)
        found = {
            field: problems
            for field, problems in refused.error_dict.items()
            if before is None or getattr(client, field) != getattr(before, field)
        }
        if found:
            raise ValidationError(found) from None


def _stored(client: Client) -> Client | None:
    return type(client)._default_manager.filter(pk=client.pk).first()


def _client_id_problems(client: Client) -> list[str]:
    # RFC 9068 §5: an API that reads only the subject of a token must not take a client for the user with that
    # key. One that is there already keeps its name.
    if client._state.adding and _is_number(client.client_id):
        return [gettext("Choose a client ID that is not a number: it could be taken for a user's key.")]
    return []


def _subject_problems(client: Client) -> list[str]:
    """OpenID Connect Core §8.1."""
    if not client.has_pairwise_subjects:
        return []
    if not options().PAIRWISE_KEY:
        return [gettext('For this, the site needs a key of its own: OAUTHFLOWS["PAIRWISE_KEY"].')]
    if not client.sector():
        return [gettext("For this, all its redirect URIs must be of one host: users are named apart by it.")]
    before = None if client._state.adding else _stored(client)
    if before is not None and before.has_pairwise_subjects and before.sector() not in ("", client.sector()):
        return [
            gettext(
                "Its users are named apart by the host %(host)s: with another one, each of them would be a stranger "
                "to it. If that is meant, first let their name be the same at every app."
            )
            % {"host": before.sector()}
        ]
    return []


def _is_number(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return text.isnumeric()
    return True


def _missing_scopes(client: Client) -> list[str]:
    """A new client that acts for itself gets what it is allowed and nothing else: without a scope, nothing."""
    flows = registry.offered_flows(client.flow_names)
    machine = bool(flows) and not any(flow.has_user for flow in flows)
    if client._state.adding and machine and declared_scopes().grantable and not client.allowed_scopes.strip():
        return [gettext("Give it at least one scope: without one it can do nothing.")]
    return []


def _length_problems(client: Client) -> list[str]:
    if client.fits_into_token(client.allowed_scopes.split()):
        return []
    if client.access_token_format == client.TokenFormat.JWT:
        return [
            gettext(
                "A JWT for all of these would be too long to be sent. Allow fewer scopes, or choose the opaque "
                "format, which does not name them."
            )
        ]
    return [gettext("A token for all of these would be too long to be sent. Allow fewer scopes.")]


def _date_problems(at: datetime | None) -> list[str]:
    return [] if at is None or at.year in _YEARS else [gettext("Give a date in this century or the next.")]


def _name_problems(client: Client) -> list[str]:
    return [] if client.name.strip() else [gettext("Give it a name: users see it when they are asked.")]


def _use_case_problems(client: Client) -> list[str]:
    case = client.declared_use_case
    return [gettext("This use case is not offered yet.")] if case and not case.offered else []


def _flow_problems(client: Client) -> list[str]:
    problems = []
    for name in client.flow_names:
        flow = next((flow for flow in registry.offered_flows() if flow.name == name), None)
        if flow is None:
            problems.append(gettext("There is no flow named “%(name)s”.") % {"name": name})
        elif client.client_type not in flow.client_types:
            problem = (
                gettext("The flow “%(flow)s” is not for clients with a secret.")
                if client.has_secret
                else gettext("The flow “%(flow)s” is only for clients with a secret.")
            )
            problems.append(problem % {"flow": gettext(flow.label)})
    return problems


def missing_redirect_uri(use_case: UseCase | None) -> str:
    """What to say where a client of that use case has no redirect URI."""
    sentence = gettext("Give the address to send the user back to, as in %(example)s.")
    return sentence % {"example": redirect_uris.examples_for(use_case)[0]}


def _redirect_uri_problems(client: Client) -> list[str]:
    if not client.redirect_uris.strip() and registry.needs_redirect_uri(client.flow_names):
        return [missing_redirect_uri(client.declared_use_case)]
    return _uri_problems(client, client.redirect_uris)


def _uri_problems(client: Client, uris: str) -> list[str]:
    accepted = bool(client.accepted_risk.strip())
    found = (
        (uri, redirect_uris.problem_with(uri, client.declared_use_case, risk_accepted=accepted))
        for uri in uris.split()
    )
    return [f"{uri}: {problem}" for uri, problem in found if problem]


def _server_problems(uri: str) -> list[str]:
    problem = redirect_uris.problem_with_server(uri) if uri else None
    return [problem] if problem else []


def _group_problems(client: Client) -> list[str]:
    wanted = client.group_names()
    if not wanted:
        return []
    there = set(Group.objects.filter(name__in=wanted).values_list("name", flat=True))
    return [
        gettext("There is no group named “%(name)s”.") % {"name": name}
        for name in wanted
        if name not in there
    ]


def _origin_problems(client: Client) -> list[str]:
    problems, risk_accepted = [], bool(client.accepted_risk.strip())
    for origin in client.allowed_origins.split():
        try:
            parts = urlsplit(origin)
            whole = f"{parts.scheme}://{parts.netloc}" == origin and bool(parts.hostname)
        except ValueError:
            whole = False
        if not whole or "*" in origin or "@" in origin:
            problems.append(
                gettext("%(origin)s: give scheme, host and port only, as in https://app.example.com.")
                % {"origin": origin}
            )
        elif not redirect_uris.is_safe_origin(origin, risk_accepted=risk_accepted):
            problems.append(gettext("%(origin)s: use https.") % {"origin": origin})
    return problems


def _scope_problems(value: str, within: str | None = None) -> list[str]:
    declared = declared_scopes()
    problems = [
        gettext("There is no scope named “%(name)s”.") % {"name": name}
        for name in value.split()
        if name not in declared
    ]
    if within is not None:
        problems += [
            gettext("“%(name)s” is not among the allowed scopes.") % {"name": name}
            for name in value.split()
            if name in declared and name not in within.split()
        ]
    return problems
