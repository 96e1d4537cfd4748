"""By which name a client knows a user: ``sub`` (OpenID Connect Core §8). The same everywhere it is told."""

from __future__ import annotations

import hmac
import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from jwcrypto.common import base64url_encode
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.conf import options
from django_oauthflows.models import Client
from django_oauthflows.tokens.keys import pairwise_key_id

logger = logging.getLogger("django_oauthflows")


def subject_of(client: Client, user_id: Any) -> str:
    """The user's key, or a name that only this client's sector has for them (§8.1).

    The key that makes these names is the site's own for this purpose: one that is rotated would make every user a
    stranger to the app. Raises ``ImproperlyConfigured`` where ``objection_to_names`` has one.
    """
    if not client.has_pairwise_subjects:
        return str(user_id)
    objection = objection_to_names(client)
    if objection:
        raise ImproperlyConfigured(f"The client {client.client_id} has pairwise subjects. {objection}")
    key, sector = options().PAIRWISE_KEY, client.sector()
    # The length keeps host and user apart.
    text = f"{len(sector)}:{sector}:{user_id}"
    digest = hmac.digest(key.encode(), text.encode(), "sha256")
    return base64url_encode(digest)


def objection_to_names(client: Client) -> str:
    """Why users cannot be named to ``client``: any other name than before would be wrong. Empty when they can."""
    if not client.has_pairwise_subjects:
        return ""
    if not options().PAIRWISE_KEY:
        return 'OAUTHFLOWS["PAIRWISE_KEY"], with which it knows its users, is gone.'
    if client.subject_key not in ("", pairwise_key_id()):
        return 'OAUTHFLOWS["PAIRWISE_KEY"] is another than the one with which it knows its users.'
    return "" if client.sector() else "Its redirect URIs are not of one host."


def check_subjects(client: Client) -> None:
    """Refuse what ``client`` asks for while users cannot be named to it, before anything is given out or used up.

    Raises ``RequestRefused`` with the error for a server that cannot do what it should (RFC 6749 §4.1.2.1).
    """
    objection = objection_to_names(client)
    if objection:
        logger.error("The client %s is refused. %s", client.client_id, objection)
        error = errors.ServerError(description="This site cannot name its users to this client at present.")
        raise RequestRefused(error, "no names for users")
