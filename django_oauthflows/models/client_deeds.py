"""What is done to a client: changed, suspended, resumed, deprived of its tokens, deleted. All on record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from django_oauthflows import signals
from django_oauthflows.models.token_cache import ended

if TYPE_CHECKING:
    from django_oauthflows.models.secret import ClientSecret


def _brief(value: Any) -> str:
    """A value as the record of a change keeps it."""
    return "" if value is None else str(value)[:500]


class ClientDeeds:
    """The verbs of ``Client``. ``by`` is who does it (``None`` for the system), ``reason`` why.

    A deed and its record are one transaction: neither is there without the other.
    """

    # Declared in ``Client``, in the toolkit's model and in Django's.
    client_id: Any
    pk: Any
    secrets: Any
    suspended_at: Any
    suspended_reason: Any
    token_epoch: Any
    save: Any
    delete: Any
    serializable_value: Any
    _meta: Any

    @transaction.atomic
    def change(self, fields: Iterable[str], *, by: Any = None) -> None:
        """Save these fields, and put on record who changed them from what to what.

        Only these are written: a suspension or a new epoch that came in between stays.
        """
        names = [name for name in fields if name != "client_secret"]
        before = self._row().values(*names).get() if names else {}
        self.save(update_fields=[*names, "updated"])
        changed = {name: [_brief(before[name]), _brief(self.serializable_value(name))] for name in names}
        self._record("CLIENT_CHANGED", by=by, changed=changed)

    def suspend(self, *, by: Any = None, reason: str = "") -> None:
        """Stop it at once: no new tokens, and the ones it has are refused until it is resumed."""
        self._set_suspension("CLIENT_SUSPENDED", timezone.now(), reason, by=by)
        signals.client_suspended.announce(self._model, client=self, by=by)

    def resume(self, *, by: Any = None, reason: str = "") -> None:
        """Let it go on; tokens that have not expired meanwhile work again."""
        self._set_suspension("CLIENT_RESUMED", None, reason, by=by)
        signals.client_resumed.announce(self._model, client=self, by=by)

    @transaction.atomic
    def _set_suspension(self, kind: str, at: datetime | None, reason: str, *, by: Any) -> None:
        self.suspended_at, self.suspended_reason = at, reason[:200] if at else ""
        self._row().update(suspended_at=at, suspended_reason=self.suspended_reason)
        ended(client=self.pk)
        self._record(kind, by=by, reason=reason)

    @transaction.atomic
    def revoke_tokens(self, *, by: Any = None, reason: str = "") -> None:
        """End every token it has, for every user and for itself; users need not agree again."""
        from django_oauthflows.models import legacy
        from django_oauthflows.models.authorization import Authorization

        self.token_epoch = self._meta.get_field("token_epoch").get_default()
        self._row().update(token_epoch=self.token_epoch)
        Authorization.objects.filter(consent__client=self).revoke(cause="client tokens revoked")
        legacy.revoke_all(application_id=self.pk)
        ended(client=self.pk)
        self._record("CLIENT_TOKENS_REVOKED", by=by, reason=reason)
        signals.client_tokens_revoked.announce(self._model, client=self, by=by)

    @transaction.atomic
    def remove(self, *, by: Any = None, reason: str = "") -> None:
        """Delete it with its consents, authorizations and secrets; its events stay."""
        from django_oauthflows.models import legacy
        from django_oauthflows.models.authorization import Authorization
        from django_oauthflows.models.consent import Consent

        self._record("CLIENT_DELETED", by=by, reason=reason, client_id=self.client_id)
        # By table, not by row: a popular client has more of them than memory should hold.
        legacy.delete_all(application_id=self.pk)
        Authorization.objects.filter(consent__client=self).delete()
        Consent.objects.filter(client=self).delete_all()
        ended(client=self.pk)
        self.delete()

    def live_secrets(self) -> models.QuerySet[ClientSecret]:
        """Secrets that it can authenticate with now."""
        found: models.QuerySet[ClientSecret] = self.secrets.live()
        return found

    @property
    def _model(self) -> Any:
        return type(self)

    def _row(self) -> Any:
        return self._model._default_manager.filter(pk=self.pk)

    def _record(self, kind: str, *, by: Any, **data: Any) -> None:
        from django_oauthflows.models.event import Event

        me: Any = self
        Event.objects.record(Event.Kind[kind], client=me, by=by, **data)
