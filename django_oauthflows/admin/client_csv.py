"""The list of clients as a file for a spreadsheet; never a secret."""

from __future__ import annotations

import csv
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse

from django_oauthflows.models import Client
from django_oauthflows.models.impact import known

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


def as_csv(clients: QuerySet[Client]) -> HttpResponse:
    """The list as a file for a spreadsheet; never a secret."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="clients.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(_COLUMNS)
    rows: QuerySet[Any] = clients.select_related("owner")
    for client in rows.iterator():
        used = known(client.last_used)
        cells = (
            client.client_id,
            client.name,
            client.use_case,
            client.flows,
            "suspended" if client.is_suspended else "live",
            client.allowed_scopes,
            client.redirect_uris,
            client.owner.get_username() if client.owner else "",
            client.users,
            used.isoformat(timespec="seconds") if used else "",
            client.created.isoformat(timespec="seconds"),
        )
        writer.writerow([_inert(str(cell)) for cell in cells])
    return response


def _inert(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
