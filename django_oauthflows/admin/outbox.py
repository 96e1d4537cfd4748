"""The outbox: what waits to be sent, what came of the rest. Can be sent again, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import Action
from django_oauthflows.admin.filters import (
    ClientTextFilter,
    OutboxKindFilter,
    OutboxStateFilter,
    UserTextFilter,
    rows_of_clients,
    rows_of_users,
)
from django_oauthflows.admin.readonly import ReadOnlyAdmin, cut_to_fit, in_words, moment_of
from django_oauthflows.authorization_server.outbox.registry import label_of
from django_oauthflows.models import OutboxMessage


def _described(message: OutboxMessage) -> str:
    about = " → ".join(str(one) for one in (message.client, message.user) if one is not None)
    return f"{label_of(message.kind)} #{message.pk}: {about}"


SEND_AGAIN = Action(
    name="send-again",
    permission="send_again",
    title=_("Send again"),
    many=_("Send selected messages again"),
    warning=_(
        "Each is tried again from the beginning, as if it had not been tried before. What has arrived "
        "already arrives twice."
    ),
    done=pgettext_lazy("message", "Sent again"),
    run=OutboxMessage.send_again,
    impact=None,
    applies=lambda message: not message.is_leased(),
    describe=_described,
)


@admin.register(OutboxMessage)
class OutboxAdmin(ReadOnlyAdmin):
    about = _("Mails to users and developers, and calls to apps, which this site sends or has sent.")
    list_display = (
        "number",
        "what",
        "client",
        "user",
        "state",
        "attempts",
        "next_short",
        "error",
    )
    list_filter = (OutboxStateFilter, OutboxKindFilter, ClientTextFilter, UserTextFilter)
    list_select_related = ("user", "client")
    search_fields = ("pk",)  # shows the search; what it finds is `found_by`
    search_help_text = _(
        "Client id, or the beginning of a client's or user's name (user names as they are spelled)"
    )
    show_full_result_count = False
    ordering = ("-pk",)
    fields = (
        "what",
        "client",
        "user",
        "state",
        "attempts",
        "next_try",
        "error",
        "created_at",
        "expires_at",
        "ended_at",
    )
    readonly_fields = ("what", "state", "next_try", "error")
    row_actions = (SEND_AGAIN,)

    def found_by(self, text: str) -> Q:
        return Q(pk__in={*rows_of_clients(text, OutboxMessage), *rows_of_users(text, OutboxMessage)})

    @admin.display(description=_("number"), ordering="pk")
    def number(self, message: OutboxMessage) -> str:
        return f"#{message.pk}"

    @admin.display(description=_("what it is"), ordering="kind")
    def what(self, message: OutboxMessage) -> str:
        return label_of(message.kind)

    @admin.display(description=_("state"))
    def state(self, message: OutboxMessage) -> str:
        return gettext("Being sent") if message.is_leased() else message.get_outcome_display()

    @admin.display(description=_("next try"), ordering="next_attempt_at")
    def next_try(self, message: OutboxMessage) -> str:
        return in_words(message.next_attempt_at) if message.ended_at is None else ""

    @admin.display(description=_("next try"), ordering="next_attempt_at")
    def next_short(self, message: OutboxMessage) -> str:
        return moment_of(message.next_attempt_at) if message.ended_at is None else ""

    @admin.display(description=_("last error"))
    def error(self, message: OutboxMessage) -> Any:
        return cut_to_fit(gettext(message.last_error)) if message.last_error else ""
