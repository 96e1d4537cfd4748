"""By which name a client knows a user: ``sub`` (OpenID Connect Core §8). The same everywhere it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from django_oauthflows.conf import options
from django_oauthflows.models import Client


def subject_of(client: Client, user_id: Any) -> str:
    """The user's key, or a name that only this client's sector has for them (§8.1).

    The key that makes these names is the site's own for this purpose: one that is rotated would make every user a
    stranger to the app. Raises ``ImproperlyConfigured`` where a client was promised such names and the key has gone:
    any other name would be wrong.
    """
    if not client.has_pairwise_subjects:
        return str(user_id)
    key, sector = options().PAIRWISE_KEY, client.sector()
    if not key or not sector:
        raise ImproperlyConfigured(
            f'The client {client.client_id} has pairwise subjects: these need OAUTHFLOWS["PAIRWISE_KEY"], and '
            "redirect URIs of one host."
        )
    # The length keeps host and user apart.
    text = f"{len(sector)}:{sector}:{user_id}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
