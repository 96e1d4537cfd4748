"""Whether the site still accepts an account, as Django's own sessions find out (``ModelBackend.get_user``)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.contrib.auth import get_backends, get_user_model
from django.core.signals import setting_changed
from django.db import models

from django_oauthflows.database import rows_of


@lru_cache(maxsize=1)
def _judges() -> tuple[Any, ...]:
    """The authentication backends that decide about accounts."""
    return tuple(backend for backend in get_backends() if hasattr(backend, "user_can_authenticate"))


def is_accepted(user: Any) -> bool:
    """Whether ``user`` could still be logged in.

    An account that the model's default manager leaves out counts as deleted, one that every
    authentication backend turns down (``user_can_authenticate``) as closed. Asks the database only where
    the site's manager or backends do.
    """
    judges = _judges()
    if not judges:
        return bool(getattr(user, "is_active", True))
    return any(judge.user_can_authenticate(user) for judge in judges) and not _is_hidden(user)


def _is_hidden(user: Any) -> bool:
    manager = get_user_model()._default_manager
    if type(manager).get_queryset is models.Manager.get_queryset:
        return False
    return not rows_of(get_user_model()).filter(pk=user.pk).exists()


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("AUTHENTICATION_BACKENDS", "AUTH_USER_MODEL"):
        _judges.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_oauthflows.accounts")
