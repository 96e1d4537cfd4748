"""What authorization server (RFC 8414) and API (RFC 9728) say of themselves: what is listed works."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.generic import View

from django_oauthflows.authorization_server import pkce
from django_oauthflows.authorization_server.authorization import FORM_POST
from django_oauthflows.authorization_server.client_authentication import method_names
from django_oauthflows.conf import api_resource, base_path, issuer, options, origin, site_name
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType, Flow
from django_oauthflows.resource_server.addresses import identifier_at
from django_oauthflows.scopes import declared_scopes, offers_openid
from django_oauthflows.views.known_host import at_known_hosts, unknown_host_json


def server_metadata(request: HttpRequest) -> dict[str, Any]:
    """The document, from the flow registry and what the site has enabled."""
    base = origin(request)
    flows = registry.offered_flows(options().FLOWS)
    public = any(ClientType.PUBLIC in flow.client_types for flow in flows)
    token_methods = method_names(with_proof=not public)
    at_front = [flow for flow in flows if flow.visits_authorization_endpoint]
    document: dict[str, Any] = {
        "issuer": issuer(request),
        "token_endpoint": base + reverse("oauth2_provider:token"),
        "jwks_uri": base + reverse("oauth2_provider:jwks"),
        "revocation_endpoint": base + reverse("oauth2_provider:revoke-token"),
        "introspection_endpoint": base + reverse("oauth2_provider:introspect"),
        "scopes_supported": list(declared_scopes().grantable),
        "response_types_supported": [response for flow in at_front for response in flow.response_types],
        "response_modes_supported": [mode for flow in at_front for mode in response_modes(flow)],
        "grant_types_supported": [grant for flow in flows for grant in flow.grant_types],
        "token_endpoint_auth_methods_supported": token_methods,
        "revocation_endpoint_auth_methods_supported": token_methods,
        "introspection_endpoint_auth_methods_supported": method_names(with_proof=True),
        "code_challenge_methods_supported": [pkce.METHOD],
        "authorization_response_iss_parameter_supported": True,
    }
    if at_front:
        document["authorization_endpoint"] = base + reverse("oauth2_provider:authorize")
    if offers_openid():
        document |= logout_metadata(base)
    if any(flow.asks_elsewhere for flow in flows):
        document["device_authorization_endpoint"] = base + reverse("oauth2_provider:device-authorization")
    return document


def response_modes(flow: Flow) -> tuple[str, ...]:
    """Where its answer can travel (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2)."""
    return (flow.response_mode, FORM_POST) if flow.gives_code else (flow.response_mode,)


def logout_metadata(base: str) -> dict[str, Any]:
    """OpenID Connect RP-Initiated Logout 1.0 §2.1, Back-Channel Logout 1.0 §2.1."""
    return {
        "end_session_endpoint": base + reverse("oauth2_provider:rp-initiated-logout"),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def resource_metadata(request: HttpRequest, resource: str) -> dict[str, Any]:
    """What this site's API says of itself, under one of its names (RFC 9728 §2)."""
    return {
        "resource": resource,
        "resource_name": site_name(request),
        "authorization_servers": [issuer(request)],
        "jwks_uri": origin(request) + reverse("oauth2_provider:jwks"),
        "scopes_supported": list(declared_scopes().grantable),
        "bearer_methods_supported": ["header"],
    }


#: For scripts of every origin (Fetch §3.3.3).
_READABLE = {"Access-Control-Allow-Origin": "*"}


@method_decorator(login_not_required, name="dispatch")
class PublicDocument(View):
    """JSON that anybody may read, the script of any page among them: it says the same to all, and no cookie counts."""

    def document(self, request: HttpRequest, **kwargs: str) -> dict[str, Any]:
        raise NotImplementedError

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return JsonResponse(self.document(request, **kwargs), headers=_READABLE)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        allowed = {"Access-Control-Allow-Methods": "GET, OPTIONS", "Access-Control-Allow-Headers": "*"}
        return HttpResponse(status=204, headers=_READABLE | allowed | {"Access-Control-Max-Age": "86400"})


def is_asked_about(identifier: str, path: str) -> bool:
    """Whether ``path``, which follows a well-known part in an address, is that of ``identifier``.

    All of it where the well-known part stands at the root of the origin (RFC 8414 §3.1, RFC 9728 §3.1), or
    what follows the path that our routes are under, where it stands there (OpenID Connect Discovery §4).
    """
    whole = urlsplit(identifier).path.strip("/")
    below = f"{whole}/".removeprefix(f"{base_path()}/".lstrip("/"))
    return path.strip("/") in (whole, below.strip("/"))


@method_decorator(at_known_hosts(unknown_host_json), name="dispatch")
class ServerMetadataView(PublicDocument):
    """RFC 8414 §3, by every address that clients make of the issuer: with its path behind the well-known part
    (§3.1), or before it (§5), as in OpenID Connect Discovery §4.
    """

    def document(self, request: HttpRequest, **kwargs: str) -> dict[str, Any]:
        if kwargs.get("path") and not is_asked_about(issuer(request), kwargs["path"]):
            raise Http404
        return server_metadata(request)


@method_decorator(at_known_hosts(unknown_host_json), name="dispatch")
class ResourceMetadataView(PublicDocument):
    """RFC 9728 §3.1: the well-known part, followed by the path of the API's identifier, if any. The API has one name as
    a whole, and each of its addresses is one (§3.3).
    """

    def document(self, request: HttpRequest, **kwargs: str) -> dict[str, Any]:
        path, whole = kwargs.get("path", ""), api_resource(request)
        resource = whole if is_asked_about(whole, path) else identifier_at(request, path)
        if resource is None:
            raise Http404
        return resource_metadata(request, resource)
