"""What the authorization server says of itself (RFC 8414): what it lists works, the rest is refused."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.generic import View

from django_oauthflows.conf import issuer, options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType
from django_oauthflows.scopes import declared_scopes
from django_oauthflows.toolkit.authorization_codes import PKCE_METHOD
from django_oauthflows.views.endpoint import add_cors, preflight

_WITH_SECRET = ["client_secret_basic", "client_secret_post"]


def server_metadata(request: HttpRequest) -> dict[str, Any]:
    """The document, from the flow registry and what the site has enabled."""
    origin = issuer(request)
    flows = registry.offered_flows(options().enabled_flows)
    public = any(ClientType.PUBLIC in flow.client_types for flow in flows)
    token_methods = [*_WITH_SECRET, "none"] if public else _WITH_SECRET
    at_front = [flow for flow in flows if flow.visits_authorization_endpoint]
    document: dict[str, Any] = {
        "issuer": origin,
        "token_endpoint": origin + reverse("oauth2_provider:token"),
        "revocation_endpoint": origin + reverse("oauth2_provider:revoke-token"),
        "introspection_endpoint": origin + reverse("oauth2_provider:introspect"),
        "scopes_supported": list(declared_scopes().grantable),
        "response_types_supported": [response for flow in at_front for response in flow.response_types],
        "response_modes_supported": [flow.response_mode for flow in at_front],
        "grant_types_supported": [grant for flow in flows for grant in flow.grant_types],
        "token_endpoint_auth_methods_supported": token_methods,
        "revocation_endpoint_auth_methods_supported": token_methods,
        "introspection_endpoint_auth_methods_supported": _WITH_SECRET,
        "code_challenge_methods_supported": [PKCE_METHOD],
        "authorization_response_iss_parameter_supported": True,
    }
    if at_front:
        document["authorization_endpoint"] = origin + reverse("oauth2_provider:authorize")
    return document


@method_decorator(login_not_required, name="dispatch")
class ServerMetadataView(View):
    """RFC 8414 §3: at the root of the origin."""

    def get(self, request: HttpRequest) -> HttpResponse:
        response = JsonResponse(server_metadata(request))
        add_cors(request, response)
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return preflight(request, "GET, OPTIONS")
