"""OpenID Connect Discovery 1.0 §3: the same document as RFC 8414's, and what OpenID Connect adds."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from django_oauthflows.conf import options, origin
from django_oauthflows.openid import claims
from django_oauthflows.openid.authentication_context import supported_acr_values
from django_oauthflows.scopes import offers_openid
from django_oauthflows.tokens.jwt import ALGORITHMS
from django_oauthflows.views.language import spoken_languages
from django_oauthflows.views.metadata import ServerMetadataView


def openid_metadata(request: HttpRequest) -> dict[str, Any]:
    """What OpenID Connect adds (§3)."""
    # RS256 first: there is always a key for it (Core §15.1).
    algorithms = sorted(ALGORITHMS, key=lambda name: name != "RS256")
    found: dict[str, Any] = {
        "userinfo_endpoint": origin(request) + reverse("oauth2_provider:user-info"),
        "subject_types_supported": ["public", *(["pairwise"] if options().PAIRWISE_KEY else [])],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "claim_types_supported": ["normal"],
        "claims_supported": claims.supported(),
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        # Left out, it would mean that it is (§3).
        "request_uri_parameter_supported": False,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page"],
        "ui_locales_supported": list(spoken_languages()),
    }
    acr_values = supported_acr_values()
    return found | ({"acr_values_supported": list(acr_values)} if acr_values else {})


class OpenIDConfigurationView(ServerMetadataView):
    """§4, by every address that clients make of the issuer."""

    def document(self, request: HttpRequest, **kwargs: str) -> dict[str, Any]:
        if not offers_openid():
            raise Http404
        return super().document(request, **kwargs) | openid_metadata(request)
