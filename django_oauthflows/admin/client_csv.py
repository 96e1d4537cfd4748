"""The list of clients, and of the people of one, as files for a spreadsheet; never a secret."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from django_oauthflows.accounts import name_of
from django_oauthflows.admin.impact import known
from django_oauthflows.database import in_pages
from django_oauthflows.models import Client
from django_oauthflows.models.consent import ConsentQuerySet
from django_oauthflows.spreadsheet import csv_file

_COLUMNS = (
    "client_id",
    "name",
    "use_case",
    "flows",
    "status",
    "allowed_scopes",
    "redirect_uris",
    "owner",
    "users",
    "last_used",
    "registered",
)


def as_csv(clients: QuerySet[Client]) -> StreamingHttpResponse:
    """The list as a file for a spreadsheet; never a secret."""
    return csv_file("clients.csv", _COLUMNS, map(_cells, in_pages(clients.select_related("owner"))))


_PEOPLE = ("user", "permissions", "since", "last_changed", "until", "answers_go_to")


def people_as_csv(consents: ConsentQuerySet) -> StreamingHttpResponse:
    """Who allows a client what, as a file for a spreadsheet."""
    rows = (
        (
            name_of(consent.user),
            consent.scope,
            consent.given_at.isoformat(timespec="seconds"),
            consent.updated_at.isoformat(timespec="seconds"),
            consent.expires_at.isoformat(timespec="seconds") if consent.expires_at else "",
            consent.redirect_host,
        )
        for consent in in_pages(consents)
    )
    return csv_file("people.csv", _PEOPLE, rows)


def _cells(client: Any) -> tuple[object, ...]:
    used = known(client.last_used)
    return (
        client.client_id,
        client.name,
        client.use_case,
        client.flows,
        "suspended" if client.is_suspended else "live",
        client.allowed_scopes,
        client.redirect_uris,
        name_of(client.owner) if client.owner else "",
        client.users,
        used.isoformat(timespec="seconds") if used else "",
        client.created.isoformat(timespec="seconds"),
    )
