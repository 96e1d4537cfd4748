"""The temporary client, user and login of a tour. Each is removed when its block ends, however it ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.backends import BaseBackend, RemoteUserBackend
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import CommandError
from django.db import models

from django_oauthflows.accounts import found_by_name
from django_oauthflows.authorization_server import auth_time
from django_oauthflows.database import rows_of
from django_oauthflows.flows import registry
from django_oauthflows.models import Client

#: Nothing answers there (RFC 2606 §2), and nobody is ever sent there: the tour follows no redirect.
REDIRECT_URI = "https://oauth-tour.invalid/callback"


def _name() -> str:
    return f"oauth-tour-{secrets.token_hex(6)}"


@contextmanager
def temporary_client(
    use_case: str, scopes: Iterable[str], **values: Any
) -> Iterator[tuple[Client, str | None]]:
    """A client of ``use_case`` and its secret."""
    case = registry.use_case_named(use_case)
    uris = (REDIRECT_URI,) if registry.needs_redirect_uri(case.flows) else ()
    client, secret = Client.objects.register(
        name=_name(), use_case=use_case, redirect_uris=uris, scopes=scopes, **values
    )
    try:
        yield client, secret
    finally:
        client.remove(reason="end of the tour")


@contextmanager
def tour_user(username: str = "") -> Iterator[Any]:
    """The account named ``username``; without a name a temporary one that nobody can log in to."""
    model = get_user_model()
    if username:
        user = found_by_name(username)
        if user is None:
            raise CommandError(f"There is no user “{username}”.")
        yield user
        return
    needed = [name for name in model.REQUIRED_FIELDS if not getattr(_field(model, name), "blank", False)]
    user = model(**{name: _value(model, name) for name in (model.USERNAME_FIELD, *needed)})
    user.set_unusable_password()
    user.save()
    try:
        yield user
    finally:
        user.delete()


def _field(model: type[models.Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _value(model: type[models.Model], name: str) -> str:
    """Something to put into a field of the site's own user model."""
    field = _field(model, name)
    if isinstance(field, models.EmailField):
        return f"{_name()}@oauth-tour.invalid"
    if isinstance(field, models.CharField | models.TextField):
        return _name()[: getattr(field, "max_length", None) or None]
    raise CommandError(f"The tour cannot fill in {name!r} of your user model: name an account with --user.")


class TemporaryLogins(BaseBackend):
    """Knows whom a session is of, and lets nobody log in. Only the tour's own server has it among its backends."""

    def get_user(self, user_id: Any) -> Any:
        """The account of that key."""
        return rows_of(get_user_model()).filter(pk=user_id).first()


OWN_BACKEND = f"{__name__}.{TemporaryLogins.__name__}"


def _backend_for(user: Any) -> str:
    """One that finds ``user`` by the session. A ``RemoteUserBackend`` wants to be told of them with each request."""
    for path in (*settings.AUTHENTICATION_BACKENDS, OWN_BACKEND):
        backend = load_backend(path)
        get_user = getattr(backend, "get_user", None)
        if get_user and not isinstance(backend, RemoteUserBackend) and get_user(user.pk) == user:
            return str(path)
    return str(settings.AUTHENTICATION_BACKENDS[0])


@contextmanager
def logged_in(user: Any) -> Iterator[str]:
    """A login of ``user`` on this site; gives the value of the session cookie.

    Made in the session store, because a site's login page may ask for things that only people have.
    """
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[BACKEND_SESSION_KEY] = _backend_for(user)
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    auth_time.stamp(session)
    session.save()
    try:
        yield session.session_key
    finally:
        session.delete()
