"""Ending the sessions of a user, where a site wants that from ``OAUTHFLOWS["END_SESSIONS"]``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.utils import timezone

from django_oauthflows.database import rows_of, streamed


def end_in_database(user: Any) -> int:
    """End every session of ``user`` that is kept in the database; how many there were.

    For Django's ``db`` and ``cached_db`` sessions. They cannot be searched by user, so each live one is
    opened in turn: some ten thousand in a second.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore
    key, ended = str(user.pk), 0
    live = rows_of(store.get_model_class()).filter(expire_date__gt=timezone.now())
    for session in streamed(live):
        if session.get_decoded().get(SESSION_KEY) == key:
            store(session.session_key).delete()  # from the cache, too
            ended += 1
    return ended
