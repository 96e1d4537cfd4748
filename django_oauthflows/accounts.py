"""Whether the site still accepts an account, as Django's own sessions find out (``ModelBackend.get_user``)."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_backends, get_user_model
from django.core.signals import setting_changed
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from django_oauthflows.conf import options
from django_oauthflows.database import rows_of

logger = logging.getLogger("django_oauthflows")


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


def objection_to_use(user: Any, client: Any) -> str:
    """Why ``user`` may not use ``client``, in a sentence for them; empty when they may.

    By the groups that staff gave the client, then by the site's own rule (``MAY_USE``). A rule that fails lets nobody
    through: it is there to keep people out. Asks the database only where the client has groups, or the rule does.
    """
    wanted = client.group_names()
    groups = getattr(user, "groups", None)
    if wanted and not (groups is not None and groups.filter(name__in=wanted).exists()):
        return gettext(
            "Only some members of this site may use this app, and your account is not one of them. If you need it, ask "
            "the people who run this site."
        )
    rule = options().MAY_USE
    if not rule:
        return ""
    try:
        return str((import_string(rule) if isinstance(rule, str) else rule)(user, client) or "")
    except Exception:
        logger.exception("OAUTHFLOWS['MAY_USE'] failed, so nobody may use %s.", client.client_id)
        return gettext("It cannot be found out now whether you may use this app. Please try again later.")


def _is_hidden(user: Any) -> bool:
    manager = get_user_model()._default_manager
    if type(manager).get_queryset is models.Manager.get_queryset:
        return False
    return not rows_of(get_user_model()).filter(pk=user.pk).exists()


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("AUTHENTICATION_BACKENDS", "AUTH_USER_MODEL"):
        _judges.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_oauthflows.accounts")
