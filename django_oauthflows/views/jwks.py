"""The JWKS endpoint (RFC 7517 §5): the public keys of what this site signs, the next one ahead of its time."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models.signing_key import jwks_max_age
from django_oauthflows.views.endpoint import postpones
from django_oauthflows.views.metadata import PublicDocument


@method_decorator(postpones, name="dispatch")
class JwksView(PublicDocument):
    """Read from the database each time: a key that another process just made must not be missing."""

    def document(self, request: HttpRequest, **kwargs: str) -> dict[str, Any]:
        return {"keys": ring.published()}

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = super().get(request, **kwargs)
        response.headers["Cache-Control"] = f"public, max-age={jwks_max_age()}"
        response.headers["Content-Type"] = "application/jwk-set+json"
        return response
