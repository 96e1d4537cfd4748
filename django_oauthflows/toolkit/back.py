"""For a site that goes back to django-oauth-toolkit alone: what our tokens stand for goes on, until they have ended.

``OAUTH2_PROVIDER = {…as before…, "OAUTH2_VALIDATOR_CLASS": "django_oauthflows.toolkit.back.Validator"}``, the
toolkit's own ``include`` in its old place, and ``django_oauthflows.adoption.back.urls`` above it. Our app stays in
``INSTALLED_APPS`` meanwhile. A refresh turns an authorization into the toolkit's own rows.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model, set_token_value
from oauth2_provider.oauth2_validators import OAuth2Validator

from django_oauthflows.authorization_server.token_lookup import RevocableToken
from django_oauthflows.database import atomic
from django_oauthflows.models import Authorization, Client, ClientSecret
from django_oauthflows.models.client_secret import digest_of
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like

_HASH = re.compile(r"[a-z0-9_]+\$")
_CAUSE = "handed over to the toolkit"


class Validator(OAuth2Validator):
    """The toolkit's own, which knows besides what we gave out. (Access tokens: see ``validator.watch``.)"""

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if looks_like(Kind.REFRESH, refresh_token):
            _hand_over(refresh_token, client)
        return bool(super().validate_refresh_token(refresh_token, client, request, *args, **kwargs))

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any) -> None:
        client = Client.objects.filter(pk=getattr(request.client, "pk", None)).first()
        if client is not None:
            RevocableToken(token).revoke(client)
        super().revoke_token(token, token_type_hint, request, *args, **kwargs)

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        """Clients that were registered meanwhile, or whose secret was rotated, have theirs in our table.

        What is stored as a hash is no secret, even where the site has lost the hasher: the toolkit takes it for
        one in the clear then.
        """
        if provided_secret == stored_secret and _HASH.match(stored_secret):
            return False
        ours = ClientSecret.objects.live().filter(
            digest=digest_of(provided_secret), client__client_secret=stored_secret
        )
        return bool(super()._check_secret(provided_secret, stored_secret)) or ours.exists()


def _hand_over(text: str, client: Any) -> None:
    """Make of a refresh token of ours that counts the toolkit's rows for the same; it is no token of ours then."""
    now = timezone.now()
    mine = Client.objects.filter(pk=client.pk).first()
    if mine is None:
        return
    try:
        reference, found = Authorization.objects.find(
            Authorization.objects.named_by(Kind.REFRESH, text), mine
        )
    except TokenRefused:
        return
    too_old = reference.expires <= now.timestamp() or not found.accepts_generation(reference.serial, now)
    if too_old or found.refusal(now):
        return
    scope = " ".join(found.granted_scopes(found.scope.split()))
    with atomic(Authorization):
        if not found.revoke(cause=_CAUSE):
            return  # somebody was faster
        named = {"user_id": found.consent.user_id, "application_id": mine.pk}
        access = get_access_token_model()(**named, scope=scope, expires=now)
        set_token_value(access, secrets.token_urlsafe(32))  # nobody has it, and its time is over
        access.save()
        refresh = get_refresh_token_model()(**named, access_token=access)
        set_token_value(refresh, text)
        refresh.save()
