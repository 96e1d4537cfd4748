"""What becomes of a user's tokens when their account changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save
from django.utils.module_loading import import_string

from django_oauthflows import signals
from django_oauthflows.conf import options
from django_oauthflows.database import atomic
from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.consent import Consent
from django_oauthflows.tokens.cache import ended


def end_all_for(user: Any, *, cause: str) -> None:
    """End everything that anybody may do in the name of ``user``, by a constant number of statements."""
    with atomic(Authorization):
        Authorization.objects.filter(consent__user=user).revoke(cause=cause)
        signals.access_ended.send(Authorization, client_id=None, user_id=user.pk, deleted=False)
        ended(user=user.pk)
        signals.user_tokens_revoked.announce(Authorization, user=user, cause=cause)


@dataclass(frozen=True, slots=True)
class Ended:
    """How much of a user's was ended. ``sessions`` is ``None`` where the site does not want them ended."""

    apps: int
    sessions: int | None


def end_everything(user: Any, *, by: Any = None, reason: str = "") -> Ended:
    """End every permission that ``user`` gave, every token that acts for them, and their sessions if the site
    wants that (``END_SESSIONS``). Each permission is on record for itself; one that ends later than others
    leaves no half: what was ended stays so if this is interrupted, and it can be done again.
    """
    live = Consent.objects.live().filter(user=user).select_related("client", "user")
    apps = sum(consent.withdraw(by=by, reason=reason) for consent in live)
    end_all_for(user, cause="everything ended")
    path = options().END_SESSIONS
    return Ended(apps=apps, sessions=import_string(path)(user) if path else None)


def _end_on_password_change(*, instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """A password was set anew: end what its user allowed before, if the site wants that.

    Django keeps the new password on the instance until it is saved (``AbstractBaseUser.save``); a
    mere upgrade of the hash at login does not.
    """
    changed = getattr(instance, "_password", None) is not None
    if changed and not created and not raw and options().END_ON_PASSWORD_CHANGE:
        end_all_for(instance, cause="password changed")


def _note_change(*, instance: Any, **_: Any) -> None:
    ended(user=instance.pk)


def watch() -> None:
    """Called when the app is ready."""
    user = get_user_model()
    post_save.connect(_note_change, sender=user, dispatch_uid="oauthflows.user")
    post_delete.connect(_note_change, sender=user, dispatch_uid="oauthflows.user")
    post_save.connect(_end_on_password_change, sender=user, dispatch_uid="oauthflows.password")
