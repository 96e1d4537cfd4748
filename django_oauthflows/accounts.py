"""What is asked about accounts: whether the site still accepts one, as Django's own sessions find out, and its name."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_backends, get_user_model
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from django_oauthflows.conf import options
from django_oauthflows.database import rows_of, writer_of
from django_oauthflows.setting_changes import depends_on

logger = logging.getLogger("django_oauthflows")


#: The toolkit's backend finds any account there is: it knows who calls by their token.
_TOOLKIT = "oauth2_provider"


@depends_on("AUTHENTICATION_BACKENDS", "AUTH_USER_MODEL")
@lru_cache(maxsize=1)
def _judges() -> tuple[Any, ...]:
    """The authentication backends that decide about accounts: those with Django's ``user_can_authenticate``; where
    there are none, those that keep sessions by a ``get_user`` of their own.
    """
    backends = get_backends()
    usual = tuple(backend for backend in backends if hasattr(backend, "user_can_authenticate"))
    return usual or tuple(backend for backend in backends if _finds_users(backend))


def _finds_users(backend: Any) -> bool:
    """Whether it has a ``get_user`` of its own, which ends sessions by finding nobody."""
    method = getattr(type(backend), "get_user", None)
    known = (BaseBackend.get_user, ModelBackend.get_user)
    return method is not None and method not in known and not method.__module__.startswith(_TOOLKIT)


def _keeps(backend: Any, user: Any) -> bool:
    """Whether a session of ``user`` that ``backend`` began would go on."""
    closed = not getattr(backend, "user_can_authenticate", _is_active)(user)
    return not closed and (not _finds_users(backend) or backend.get_user(user.pk) is not None)


def _is_active(user: Any) -> bool:
    return bool(getattr(user, "is_active", True))


def is_accepted(user: Any) -> bool:
    """Whether ``user`` could still be logged in.

    An account that the model's default manager leaves out counts as deleted, one that every
    authentication backend turns down (``user_can_authenticate``, ``get_user``) as closed. Asks the database
    only where the site's manager or backends do.
    """
    judges = _judges()
    if not judges:
        return _is_active(user) and not _is_hidden(user)
    return any(_keeps(judge, user) for judge in judges) and not _is_hidden(user)


def name_of(user: Any) -> str:
    """What ``user`` logs in with. Django lets a name be a relation (``USERNAME_FIELD``); this is its text."""
    return str(user.get_username())


def found_by_name(name: str) -> Any:
    """The user whom Django's own login finds by ``name``, or ``None``: a manager may forgive capitals."""
    model = get_user_model()
    manager: Any = model._default_manager.db_manager(writer_of(model))
    try:
        if hasattr(manager, "get_by_natural_key"):
            return manager.get_by_natural_key(name)
        return manager.get(**{model.USERNAME_FIELD: name})
    except (ObjectDoesNotExist, ValueError, ValidationError):
        return None


def named(beginning: str) -> Any:
    """The accounts whose name begins so, spelled as it is or in small letters: then the index of names serves."""
    model = get_user_model()
    field: Any = model._meta.get_field(model.USERNAME_FIELD)
    path = f"{field.name}__{field.target_field.name}" if field.is_relation else field.name
    spelled = Q(**{f"{path}__startswith": beginning}) | Q(**{f"{path}__startswith": beginning.lower()})
    return model._base_manager.filter(spelled)


def objection_to_use(user: Any, client: Any) -> str:
    """Why ``user`` may not use ``client``, in a sentence for them; empty when they may.

    As ``sure_objection_to_use``, but a rule that fails is a reason, too: it is there to keep people out.
    """
    try:
        return sure_objection_to_use(user, client)
    except RuleFailed:
        return gettext("It cannot be found out now whether you may use this app. Please try again later.")


def objection_to_answer(request: HttpRequest, client: Any) -> str:
    """Why whoever sits at ``request`` may not let ``client`` use the account that is logged in there, in a sentence for
    them; empty when they may.

    As ``objection_to_use``, but only the users themselves may: what staff allow who act as them would outlast
    the visit.
    """
    if has_actor(request):
        return gettext(
            "You are acting as somebody else. Only they themselves can let an app use their account: go back to your "
            "own account first."
        )
    return objection_to_use(request.user, client)


#: Where the session says who acts as its user: of django-hijack and of django-su.
_ACTORS = ("hijack_history", "exit_users_pk")


def has_actor(request: HttpRequest) -> bool:
    """Whether somebody else acts as the user of ``request`` (an actor, RFC 8693 §4.1), by a package for that:
    django-hijack, django-impersonate, django-loginas, django-su.
    """
    if getattr(request.user, "is_impersonate", False):  # by the middleware of django-impersonate
        return True
    session = getattr(request, "session", {})
    of_loginas = getattr(settings, "LOGINAS_FROM_USER_SESSION_FLAG", "loginas_from_user")
    return any(session.get(key) for key in (*_ACTORS, of_loginas))


class RuleFailed(Exception):  # noqa: N818 - what happened, not what is wrong with the request
    """The site's own rule (``MAY_USE``) could not say whether somebody may use a client."""


def sure_objection_to_use(user: Any, client: Any) -> str:
    """Why ``user`` may not use ``client``, in a sentence for them; empty when they may.

    By the groups that staff gave the client, then by the site's own rule. Asks the database only where the client has
    groups, or the rule does. Raises ``RuleFailed``.
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
        said = (import_string(rule) if isinstance(rule, str) else rule)(user, client)
        if not (said is None or isinstance(said, str | Promise)):
            # True or False would be taken for its opposite by half of those who write one.
            raise TypeError(f"MAY_USE must return a sentence or None, not {type(said).__name__}.")
    except Exception as error:
        logger.exception("OAUTHFLOWS['MAY_USE'] failed, so nobody may use %s.", client.client_id)
        raise RuleFailed from error
    return str(said or "")


def _is_hidden(user: Any) -> bool:
    manager = get_user_model()._default_manager
    if type(manager).get_queryset is models.Manager.get_queryset:
        return False
    return not rows_of(get_user_model()).filter(pk=user.pk).exists()
