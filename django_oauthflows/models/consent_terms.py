"""What an answer on the consent page is about: in which words, for how long, and in which state of things."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from django.db import models
from django.utils import translation

from django_oauthflows.scopes import declared_scopes


class Outdated(Exception):  # noqa: N818 - somebody was faster; no error of ours
    """The consent is not any more what it was when the user was asked."""


def wording_of(name: str) -> str:
    """A fingerprint of the words that describe a scope, to notice when they change.

    Taken from the words as they are declared, so that another language is no other wording.
    """
    scope = declared_scopes().get(name)
    if scope is None:
        return ""
    with translation.override(None):
        return hashlib.sha256(f"{scope.label}\t{scope.detail}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a consent is to hold."""

    expires_at: datetime | None = None
    #: False for "this time only": the next authorization request asks again.
    remembered: bool = True


UNTIL_ENDED = Duration()


class Standing(Enum):
    """Stands for a consent that has not been looked at."""

    ANY = "any"


ANY: Literal[Standing.ANY] = Standing.ANY


#: By which rows are found: how many use a client is counted, up to a bound, whenever somebody is asked; and staff
#: leaf through all consents, and through those of one client, from the newest on.
INDEXES = [
    models.Index(fields=["client", "withdrawn_at", "expires_at"], name="oauthflows_consent_in_force"),
    models.Index(fields=["updated_at", "id"], name="oauthflows_consent_newest"),
    models.Index(fields=["client", "updated_at", "id"], name="oauthflows_consent_of_client"),
]
