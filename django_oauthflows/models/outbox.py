"""The outbox: what is to be sent to others, kept until it is sent.

A row is added in the transaction of the change that it tells of, so it is there exactly when the change is.
It is sent later, outside the request (see ``authorization_server/outbox``). A row holds no secret: a link
that is good for something is made at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import F, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauthflows import signals
from django_oauthflows.database import (
    TRIES_OF_TRANSACTION,
    WriterManager,
    atomic,
    in_transaction,
    once_more,
    skips_locked,
    writer_of,
)
from django_oauthflows.models.event import Event
from django_oauthflows.models.statement import Insert

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

#: For so long a claimed message belongs to who claimed it. A process that is killed loses nothing:
#: the next one takes the message when the time is over. Longer than any delivery may take.
LEASE = timedelta(minutes=5)
#: Staff who send a message again give it so much more time.
SECOND_LIFE = timedelta(days=1)
#: So often somebody else may take the message under our eyes before we leave it to them.
_CLAIMS = 5
MAX_ERROR_LENGTH = 200

#: The client that an unreachable server belongs to, or ``None`` where the whole kind goes to one server.
Destination = tuple[str, int | None]


Result = TypeVar("Result")


def _patiently(work: Callable[[], Result]) -> Result:
    """For workers, whom nobody waits for: tried again for about a second when others are in the way."""
    return once_more(work, using=writer_of(OutboxMessage), tries=TRIES_OF_TRANSACTION)


class OutboxManager(WriterManager["OutboxMessage"]):
    def put(
        self,
        *,
        kind: str,
        lifetime: timedelta,
        payload: dict[str, Any],
        client: Client | None = None,
        user: Any = None,
        not_before: datetime | None = None,
    ) -> OutboxMessage:
        """Add a message, in the transaction that is open. ``payload`` must hold no secret.

        It is given up ``lifetime`` after it could first be sent.
        """
        first_try = max(not_before or timezone.now(), timezone.now())
        message: OutboxMessage = self.model(
            kind=kind,
            client=client,
            user=user,
            payload=payload,
            next_attempt_at=first_try,
            expires_at=first_try + lifetime,
        )
        _INSERT.save(message)
        signals.message_waiting.announce(self.model, message=message)
        return message

    def waiting(self) -> models.QuerySet[OutboxMessage]:
        """What has not come to an end: to be sent, or being sent."""
        return self.filter(ended_at=None)

    def claim(self, kinds: Collection[str], *, without: Collection[Destination] = ()) -> OutboxMessage | None:
        """The message that is due first, for the caller alone until ``leased_until``; ``None`` if none is due.

        ``without`` names destinations to leave out. Raises ``RuntimeError`` within a transaction: what is
        claimed there could be sent by others as well.
        """
        for _attempt in range(_CLAIMS):
            candidate, claimed = _patiently(lambda: self._try_claim(kinds, without))
            if claimed or candidate is None:
                return candidate
        return None  # others are faster: they do the work

    def _try_claim(
        self, kinds: Collection[str], without: Collection[Destination]
    ) -> tuple[OutboxMessage | None, bool]:
        now = timezone.now()
        due = self.waiting().filter(_not_leased(now), next_attempt_at__lte=now, kind__in=kinds)
        for kind, client_id in without:
            due = due.exclude(Q(kind=kind) if client_id is None else Q(kind=kind, client=client_id))
        due = due.order_by("next_attempt_at", "pk")
        skips = skips_locked(OutboxMessage)
        # Where rows cannot be skipped, the conditional UPDATE alone decides. There the look comes before the
        # transaction: SQLite lets no transaction write that has read what somebody else has changed since.
        candidate = None if skips else due.first()
        if not skips and candidate is None:
            return None, False
        with atomic(OutboxMessage, durable=True):
            if skips:
                candidate = due.select_for_update(skip_locked=True).first()
            return candidate, candidate is not None and candidate._lease(now)

    def overdue(self) -> models.QuerySet[OutboxMessage]:
        """What was not sent in its time, and nobody is sending now."""
        now = timezone.now()
        return self.waiting().filter(_not_leased(now), expires_at__lte=now)

    def end_overdue(self, *, but: Collection[str] = ()) -> int:
        """Give up what was not sent in its time, except for some kinds; how many messages."""
        overdue, now = self.overdue().exclude(kind__in=but), timezone.now()
        expired: dict[str, Any] = {"ended_at": now, "outcome": OutboxMessage.Outcome.EXPIRED}
        return _patiently(lambda: overdue.update(leased_until=None, **expired))

    def next_due(self, kinds: Collection[str]) -> datetime | None:
        """When the next message wants to be sent, which may be past; ``None`` when nothing waits."""
        found: datetime | None = (
            self.waiting().filter(kind__in=kinds).aggregate(at=Min("next_attempt_at"))["at"]
        )
        return found


def _not_leased(now: datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lte=now)


class OutboxMessage(models.Model):
    """One thing that is to be sent to somebody, and how that stands."""

    class Outcome(models.TextChoices):
        WAITING = "", _("Waiting")
        SENT = "sent", pgettext_lazy("message", "Sent")
        FAILED = "failed", pgettext_lazy("message", "Given up")
        EXPIRED = "expired", _("Not sent in time")
        NOT_NEEDED = "not_needed", _("Not needed any more")

    kind = models.CharField(_("what it is"), max_length=30, editable=False)
    client = models.ForeignKey(
        "Client",
        verbose_name=_("client"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="outbox",
        editable=False,
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("who uses a client", "user"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="oauthflows_outbox",
        editable=False,
    )
    #: What the sender needs to know. Never a secret, a token or a link that is good for something.
    payload = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0, editable=False)
    next_attempt_at = models.DateTimeField(_("next try"), default=timezone.now, editable=False)
    #: Until then it belongs to the process that is sending it.
    leased_until = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(_("given up after"), editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    outcome = models.CharField(
        _("state"), max_length=12, choices=Outcome.choices, default="", blank=True, editable=False
    )
    last_error = models.CharField(_("last error"), max_length=MAX_ERROR_LENGTH, blank=True, editable=False)

    objects = OutboxManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        permissions = [("send_again", "Can send a message of the outbox again")]
        indexes = [models.Index(fields=["ended_at", "next_attempt_at"], name="oauthflows_outbox_due")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def is_leased(self, now: datetime | None = None) -> bool:
        """Whether somebody is sending it now."""
        return self.leased_until is not None and self.leased_until > (now or timezone.now())

    # Verbs of who adds messages. ---------------------------------------------------------------------

    def amend(self, payload: dict[str, Any]) -> bool:
        """Say something else, while nobody is sending it. False when somebody is, or it has ended."""
        self.payload = payload
        mine = OutboxMessage.objects.waiting().filter(pk=self.pk, attempts=self.attempts)
        return bool(mine.filter(_not_leased(timezone.now())).update(payload=payload))

    # Verbs of who sends it. --------------------------------------------------------------------------

    def _lease(self, now: datetime) -> bool:
        """Take it, unless somebody else has done so since it was read. Counts as a try."""
        unchanged = OutboxMessage.objects.waiting().filter(
            pk=self.pk, attempts=self.attempts, leased_until=self.leased_until
        )
        self.leased_until, self.attempts = now + LEASE, self.attempts + 1
        return bool(unchanged.update(leased_until=self.leased_until, attempts=F("attempts") + 1))

    def end(self, outcome: OutboxMessage.Outcome, error: str = "") -> bool:
        """It is over. False when the lease was, and somebody else has the message now."""
        return self._settle(ended_at=timezone.now(), outcome=outcome, last_error=error[:MAX_ERROR_LENGTH])

    def retry_at(self, at: datetime, error: str) -> bool:
        """It went wrong: try again then. False when the lease was over."""
        return self._settle(next_attempt_at=at, last_error=error[:MAX_ERROR_LENGTH])

    def postpone(self, until: datetime) -> bool:
        """Nothing was wrong, only it is not its time: no try is counted. False when the lease was over."""
        longer = max(self.expires_at, until + LEASE)
        return self._settle(next_attempt_at=until, attempts=self.attempts - 1, expires_at=longer)

    def _settle(self, **values: Any) -> bool:
        mine = OutboxMessage.objects.waiting().filter(pk=self.pk, leased_until=self.leased_until)
        return bool(_patiently(lambda: mine.update(leased_until=None, **values)))

    # What staff do. ----------------------------------------------------------------------------------

    @in_transaction
    def send_again(self, *, by: Any = None, reason: str = "") -> bool:
        """Try once more from the beginning, now. False while somebody is sending it."""
        now = timezone.now()
        free = OutboxMessage.objects.filter(_not_leased(now), pk=self.pk)
        if not free.update(
            attempts=0,
            next_attempt_at=now,
            leased_until=None,
            expires_at=now + SECOND_LIFE,
            ended_at=None,
            outcome=self.Outcome.WAITING,
        ):
            return False
        Event.objects.record(
            Event.Kind.MESSAGE_SENT_AGAIN,
            client=self.client,
            user=self.user,
            by=by,
            message=str(self),
            reason=reason,
        )
        signals.message_waiting.announce(OutboxMessage, message=self)
        return True


_INSERT = Insert(lambda: OutboxMessage)
