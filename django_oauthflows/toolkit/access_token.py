"""Our access tokens as rows of the toolkit's model, for the host's code that wants one."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, set_token_value
from oauth2_provider.views import TokenView

from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.tokens.format import Kind, looks_like

#: The toolkit's signal: a client got an access token (``request``, ``token``). Its module moves.
app_authorized: Any = sys.modules[TokenView.__module__].app_authorized


def announce(request: Any, text: str) -> None:
    """Send the toolkit's signal for the access token ``text``, with an instance of the toolkit's model that is
    not saved. Asks the database once. A listener that fails stops nobody.
    """
    app_authorized.send_robust(sender=TokenView, request=request, token=as_row(text))


def keep(text: str) -> None:
    """Save a row for the access token ``text``: the toolkit's own token view wants to find one."""
    row = as_row(text)
    if not looks_like(Kind.ACCESS, text):
        # A signed token whose key is gone may be one from before us, and is looked for among the rows. This row
        # must not speak for it.
        row.expires = timezone.now()
    row.save()


def as_row(text: str) -> Any:
    """An instance of the toolkit's model. It holds the token's checksum, never the token
    (``provider_settings`` sets ``COMPLIANT_BCP_RFC9700_TOKEN_STORAGE``).
    """
    access = lookup(text)
    row = get_access_token_model()(
        # A machine's service user has allowed nothing: a row with a user stands for a user's consent.
        user=None if access.is_machine else access.user,
        application=access.application,
        scope=access.scope,
        expires=access.expires if settings.USE_TZ else timezone.make_naive(access.expires),
        resource=list(access.audience),
    )
    set_token_value(row, text)
    return row
