"""The consent: what a user allowed a client to do, in which words, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import IntegrityError, models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.database import WriterQuerySet, in_transaction
from django_oauthflows.models import consent_terms
from django_oauthflows.models.consent_terms import ANY, UNTIL_ENDED, Duration, Outdated, Standing, wording_of
from django_oauthflows.models.event import Event
from django_oauthflows.models.statement import Given, Insert, Write
from django_oauthflows.scopes import declared_scopes, scope_string
from django_oauthflows.tokens.cache import ended

if TYPE_CHECKING:
    from django_oauthflows.models.authorization import AuthorizationQuerySet
    from django_oauthflows.models.client import Client

_SECOND_CLICK = timedelta(seconds=10)


def _authorization_model() -> Any:
    """By the relation: ``authorization.py`` imports this module."""
    return Consent._meta.get_field("authorizations").related_model


class ConsentQuerySet(WriterQuerySet["Consent"]):
    def live(self, now: datetime | None = None) -> ConsentQuerySet:
        """Consents that hold: neither withdrawn nor at their end."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()), withdrawn_at=None)

    def allowing(self, name: str) -> ConsentQuerySet:
        """Consents that allow the scope ``name``, by itself or by one that includes it."""
        declared = declared_scopes()
        enough = {name, *(other for other in declared if name in declared.expand([other]))}
        # Scopes stand between single spaces, in one column.
        words = self.annotate(words=Concat(Value(" "), "scope", Value(" "), output_field=models.TextField()))
        return words.filter(reduce(or_, (Q(words__contains=f" {scope} ") for scope in enough)))

    def take_turns(self) -> int:
        """Begin a transaction on these rows with a write that changes nothing; how many there are.

        SQLite has no row locks: there, only who begins with a write waits for others instead of failing.
        """
        return self.update(scope=F("scope"))

    def authorizations(self) -> AuthorizationQuerySet:
        """What stands on these consents."""
        found: AuthorizationQuerySet = _authorization_model()._default_manager.filter(consent__in=self)
        return found

    def uses_since(self, moment: datetime) -> Any:
        """Consent, time and scopes of each authorization on these that gave tokens since, newest first."""
        given = self.authorizations().filter(rotated_at__gte=moment).order_by("-rotated_at")
        return given.values_list("consent_id", "rotated_at", "scope")

    def with_last_use(self) -> ConsentQuerySet:
        """Adds ``last_used_at``: when tokens were last given on each, ``None`` if none are known of.

        An API call writes nothing, so no later trace of use exists.
        """
        given = _authorization_model()._default_manager.filter(
            consent=OuterRef("pk"), rotated_at__isnull=False
        )
        return self.annotate(last_used_at=Subquery(given.order_by("-rotated_at").values("rotated_at")[:1]))

    def delete_all(self) -> int:
        """Delete by one statement, when nothing refers to them any more."""
        return int(self._raw_delete(self.db))


class ConsentManager(models.Manager.from_queryset(ConsentQuerySet)):  # type: ignore[misc]
    @in_transaction
    def give(
        self,
        *,
        user: Any,
        client: Client,
        scopes: Iterable[str],
        shown: Iterable[str] = (),
        redirect_host: str = "",
        duration: Duration = UNTIL_ENDED,
        implied: bool = False,
        answers: Consent | Literal[Standing.ANY] | None = ANY,
        request: HttpRequest | None = None,
    ) -> Consent:
        """Record that ``user`` allows ``client`` these scopes; they join what is allowed already.

        A scope that was ``shown`` and not chosen is no longer allowed. A consent that was withdrawn or
        has ended starts anew. ``implied`` says that nobody was asked: the site vouches for the client.
        ``answers`` is what the user's answer is about: the consent as the page showed it, ``None`` where
        there was none yet. Raises ``Outdated`` when another answer came first.
        """
        names = tuple(scopes)
        consent = self._claimed(user, client) if answers is ANY else self._as_shown(user, client, answers)
        version = consent.version if consent.pk else ""
        first = not consent.is_live()
        shown_as = consent.state
        before = () if first else tuple(consent.scope.split())
        consent.take(names, asked={*names, *shown}, before=before)
        consent.hold(duration, anew=first, implied=implied)
        consent.redirect_host = redirect_host or consent.redirect_host
        try:
            consent.save_unless_outdated(shown_as)
        except IntegrityError as error:
            if answers is ANY:
                raise  # in a new transaction, the other's row is there to be seen
            raise Outdated from error
        if first and version:
            # Agreeing again revives nothing of what was given before.
            consent.end_tokens(cause="consent ended")
        consent.record_given(names, asked=tuple(shown) or names, implied=implied)
        signals.consent_given.announce(
            self.model,
            consent=consent,
            scopes=names,
            request=request,
            first=first,
            new=not version,
            added=tuple(name for name in names if name not in before),
            implied=implied,
        )
        return consent

    def _claimed(self, user: Any, client: Client) -> Consent:
        """The row, locked: two answers at once come one after the other.

        Where there is none, one that is not saved yet, nor live: who saves theirs second begins anew.
        """
        rows = self.filter(user=user, client=client)
        if not rows.take_turns():
            return self._as_shown(user, client, None)
        consent: Consent = rows.select_for_update().get()
        consent.user, consent.client = user, client
        return consent

    def _as_shown(self, user: Any, client: Client, standing: Consent | None) -> Consent:
        """The consent that a page showed, which is saved only if it is still so; it takes no statement."""
        # A copy: when others get in the way of the transaction, it is tried again from what was shown.
        consent = copy(standing) or self.model(withdrawn_at=timezone.now())
        consent.user, consent.client = user, client
        return consent


class Consent(models.Model):
    """One user's agreement with one client. Outlives every token."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("who uses a client", "user"),
        on_delete=models.CASCADE,
        related_name="oauthflows_consents",
    )
    client = models.ForeignKey(
        "Client", verbose_name=_("client"), on_delete=models.CASCADE, related_name="consents"
    )
    scope = models.TextField(_("allowed scopes"), blank=True)
    #: Scope → fingerprint of the words it was last answered in, allowed or not.
    wordings = models.JSONField(default=dict, blank=True, editable=False)
    #: Scope → when it was allowed anew after a no, in Unix seconds: older tokens stay without it.
    allowed_again = models.JSONField(default=dict, blank=True, editable=False)
    #: Scope → the user's last no to it: ``at``, in Unix seconds, and whether it ``stays`` without being asked.
    refusals = models.JSONField(default=dict, blank=True, editable=False)
    redirect_host = models.CharField(_("answers went to"), max_length=255, blank=True, editable=False)
    implied = models.BooleanField(_("without asking"), default=False, editable=False)
    given_at = models.DateTimeField(_("first allowed"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last changed"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    remembered = models.BooleanField(_("holds for the next time"), default=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)

    objects = ConsentManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["user", "client"], name="oauthflows_one_consent")]
        indexes = consent_terms.INDEXES

    def __str__(self) -> str:
        # Not the user's name: logs keep this text after the account is gone.
        return gettext("consent #%(number)d") % {"number": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        ended(consent=self.pk)

    def is_live(self, now: datetime | None = None) -> bool:
        """Whether it holds now."""
        return self.withdrawn_at is None and (
            self.expires_at is None or self.expires_at > (now or timezone.now())
        )

    def allows(self, since: datetime) -> frozenset[str]:
        """The scopes that are allowed, and have been without a break since then."""
        names = frozenset(self.scope.split())
        if not self.allowed_again:
            return names
        return names.difference(name for name, at in self.allowed_again.items() if at > since.timestamp())

    def covers(self, scopes: Iterable[str], redirect_host: str) -> bool:
        """Whether ``scopes`` need not be asked for again: each is allowed, in today's words and for this
        destination, or was refused. Some are left to give.
        """
        names = set(scopes)
        return (
            self.is_live()
            and self.remembered
            and self.redirect_host == redirect_host
            and not set(self.unanswered(names)).difference(self.refused_for_good)
            and bool(names.difference(self.refused_for_good))
        )

    @property
    def refused_for_good(self) -> frozenset[str]:
        """Scopes to which the user said no, and that are not asked for again."""
        return frozenset(name for name, no in self.refusals.items() if no["stays"])

    def refuses(self, scopes: Iterable[str]) -> bool:
        """Whether the user has said no to every one of ``scopes``."""
        return self.is_live() and self.refused_for_good.issuperset(scopes)

    def refused_at(self, name: str) -> datetime | None:
        """When the user last said no to a scope that is not allowed now."""
        no = self.refusals.get(name)
        return datetime.fromtimestamp(no["at"], tz=UTC) if no is not None else None

    def granted_of(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Those of ``scopes`` that are allowed."""
        return tuple(name for name in scopes if name in self.scope.split())

    def was_just_given(self, scopes: Iterable[str], redirect_host: str) -> bool:
        """Whether just this was allowed a moment ago, so that the same answer is a second click."""
        return (
            self.updated_at > timezone.now() - _SECOND_CLICK
            and self.redirect_host == redirect_host
            and not self.unanswered(scopes)
        )

    def unanswered(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Those of ``scopes`` that are not allowed, or were in other words."""
        allowed = self.scope.split() if self.is_live() else ()
        return tuple(
            name for name in scopes if name not in allowed or self.wordings.get(name) != wording_of(name)
        )

    def was_taken_back(self, scopes: Iterable[str]) -> bool:
        """Whether the user ended it, or said no to one of ``scopes``."""
        allowed = self.scope.split()
        return self.withdrawn_at is not None or any(
            name in self.wordings and name not in allowed for name in scopes
        )

    @property
    def state(self) -> dict[str, datetime | None]:
        """What is another after every decision."""
        return {"updated_at": self.updated_at, "withdrawn_at": self.withdrawn_at}

    @property
    def version(self) -> str:
        """Changes with every decision: an answer to an older page can be told by it."""
        return f"{self.updated_at.timestamp()} {self.withdrawn_at.timestamp() if self.withdrawn_at else ''}"

    # What is done to it. -----------------------------------------------------------------------------

    def save_unless_outdated(self, shown: dict[str, datetime | None]) -> None:
        """Save by one statement. Raises ``Outdated`` if the row is not any more as in ``shown``."""
        if not self.pk:
            _INSERT.save(self)
        else:
            values = {name: getattr(self, name) for name in _changed_by_answers()}
            change = _CHANGE if shown["withdrawn_at"] is None else _CHANGE_WITHDRAWN
            shown_as = {f"shown_{name}": value for name, value in shown.items()}
            if not change.run(pk=self.pk, **shown_as, **values):
                raise Outdated
        ended(consent=self.pk)

    def take(
        self, names: Iterable[str], *, asked: Iterable[str], before: Iterable[str], stays: bool = True
    ) -> None:
        """Allow ``names`` instead of what of ``asked`` was allowed ``before``. Saves nothing.

        What was asked for and is not among ``names`` is refused; if it ``stays`` so, until the user says
        otherwise.
        """
        names, asked = tuple(names), tuple(asked)
        self.scope = scope_string({*set(before).difference(asked), *names})
        kept = self.wordings if before else {}
        self.updated_at = timezone.now()
        again = {name: self.updated_at.timestamp() for name in names if name in kept and name not in before}
        self.allowed_again = (self.allowed_again if before else {}) | again
        self.wordings = kept | {name: wording_of(name) for name in asked}
        no = {"at": int(self.updated_at.timestamp()), "stays": stays}
        refusals = self.refusals | {name: no for name in asked if name not in names}
        given = declared_scopes().expand(names)
        self.refusals = {name: said for name, said in refusals.items() if name not in given}

    def reconsider(self, name: str) -> None:
        """Let ``name``, which was refused, be asked for again."""
        self.refusals = self.refusals | {name: self.refusals[name] | {"stays": False}}
        self.save(update_fields=["refusals"])

    def hold(self, duration: Duration, *, anew: bool, implied: bool) -> None:
        """Let it hold for ``duration``, from now if ``anew``. Saves nothing.

        What users chose themselves is not changed over their head.
        """
        if anew:
            self.given_at, self.withdrawn_at = timezone.now(), None
        if anew or self.implied or not implied:
            self.expires_at, self.remembered = duration.expires_at, duration.remembered
            self.implied = implied

    def record_given(self, names: Iterable[str], *, asked: Iterable[str], implied: bool) -> None:
        """What was shown stands beside what was allowed, so that a later dispute can be settled."""
        Event.objects.record(
            Event.Kind.CONSENT_GIVEN,
            client=self.client,
            user=self.user,
            by=None if implied else self.user,
            scope=scope_string(names),
            shown=scope_string(asked),
            wordings={name: self.wordings[name] for name in asked},
            redirect_host=self.redirect_host,
            until=self.expires_at.isoformat() if self.expires_at else "",
            implied=implied,
        )

    @in_transaction
    def withdraw(self, *, by: Any = None, reason: str = "") -> bool:
        """End it: every token that stands on it is refused from now on. False when it had ended already."""
        self.withdrawn_at = timezone.now()
        mine = Consent.objects.filter(pk=self.pk, withdrawn_at=None)
        if not mine.update(withdrawn_at=self.withdrawn_at):
            return False
        self.end_tokens(cause="consent withdrawn")
        Event.objects.record(
            Event.Kind.CONSENT_WITHDRAWN, client=self.client, user=self.user, by=by, reason=reason
        )
        signals.consent_withdrawn.announce(Consent, consent=self, by=by)
        return True

    def end_tokens(self, *, cause: str) -> None:
        """End every token that stands on it, those from the toolkit's time too."""
        ended(consent=self.pk)
        self.authorizations.revoke(cause=cause)
        signals.access_ended.send(Consent, client_id=self.client_id, user_id=self.user_id, deleted=False)

    def removed_with(self, name: str) -> tuple[str, ...]:
        """What goes when ``name`` goes: itself, and every allowed scope that includes it."""
        declared = declared_scopes()
        return tuple(scope for scope in self.scope.split() if name in declared.expand([scope]))

    @in_transaction
    def remove_scope(self, name: str, *, by: Any = None, reason: str = "") -> tuple[str, ...]:
        """Take a permission back, with those that include it; tokens go on with the others.

        Ends the consent when nothing would be left. Returns what was taken back; nothing when ``name``
        is not allowed.
        """
        mine = Consent.objects.filter(pk=self.pk)
        mine.take_turns()
        fresh: Consent = mine.select_for_update().get()
        for field in ("scope", "wordings", "allowed_again", "refusals", "withdrawn_at"):
            setattr(self, field, getattr(fresh, field))
        removed = self.removed_with(name) if self.is_live() else ()
        if not removed:
            return ()
        if set(removed) == set(self.scope.split()):
            self.withdraw(by=by, reason=reason)
            return removed
        # An answer like any other, so the site's word for the app does not bring it back.
        self.take((), asked=removed, before=self.scope.split(), stays=False)
        self.save(update_fields=["scope", "wordings", "allowed_again", "refusals", "updated_at"])
        Event.objects.record(
            Event.Kind.CONSENT_NARROWED,
            client=self.client,
            user=self.user,
            by=by,
            scope=scope_string(removed),
            reason=reason,
        )
        return removed


# The statements of an answer: a first one, and one to what was shown before (`statement.py`). ----------


def _changed_by_answers() -> list[str]:
    names = {field.attname for field in Consent._meta.concrete_fields} - {"id", "user_id", "client_id"}
    return sorted(names)


def _change(**shown: Any) -> tuple[models.QuerySet[Consent], dict[str, Any]]:
    shown["updated_at"] = Given("shown_updated_at", Consent, "updated_at")
    same = Consent.objects.filter(pk=Given("pk", Consent, "id"), **shown)
    return same, {name: Given(name, Consent, name) for name in _changed_by_answers()}


_INSERT = Insert(lambda: Consent)
_CHANGE = Write(lambda: Consent, lambda: _change(withdrawn_at=None))
_CHANGE_WITHDRAWN = Write(
    lambda: Consent, lambda: _change(withdrawn_at=Given("shown_withdrawn_at", Consent, "withdrawn_at"))
)
