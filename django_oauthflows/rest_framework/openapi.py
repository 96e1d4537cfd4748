"""The OAuth part of an OpenAPI schema made by drf-spectacular: the site's flows, URLs and scopes, and
which scopes each operation needs. Loaded when drf-spectacular is installed.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import permissions

from django_oauthflows.conf import known_origin, named_origin, options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.rest_framework.permissions import ScopesPermission
from django_oauthflows.scopes import declared_scopes

Alternatives = list[frozenset[str]]


class OAuthScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes ``OAuthAuthentication``."""

    target_class = "django_oauthflows.rest_framework.authentication.OAuthAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        request = getattr(auto_schema.view, "request", None)
        return _definition(request._request if request is not None else None)

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """One entry for each set of scopes that opens the operation; any of them does."""
        ways: Alternatives = [frozenset()]
        for permission in auto_schema.view.get_permissions():
            ways = _joined(ways, _alternatives(permission, auto_schema.method))
        order = declared_scopes().ordered
        return [{self.name: list(order(scopes))} for scopes in dict.fromkeys(ways)]


def _definition(request: HttpRequest | None) -> dict[str, Any]:
    """The site's flows, and where they are. A schema that is made on the command line needs
    ``OAUTHFLOWS["ISSUER"]``.
    """
    origin = known_origin(request) if request is not None else named_origin()
    if settings.SECURE_SSL_REDIRECT and origin.startswith("http:"):
        # drf-spectacular shows its extensions a request of its own making, which knows of no TLS.
        origin = origin.replace("http:", "https:", 1)
    flows = registry.offered_flows(options().FLOWS)
    return {
        "type": "oauth2",
        "flows": {flow.openapi_name: _flow(flow, origin) for flow in flows if flow.openapi_name},
    }


def _flow(flow: Flow, origin: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "scopes": {name: declared_scopes()[name].label for name in declared_scopes().grantable}
    }
    if flow.visits_authorization_endpoint:
        described["authorizationUrl"] = origin + reverse("oauth2_provider:authorize")
    if flow.visits_token_endpoint:
        described["tokenUrl"] = origin + reverse("oauth2_provider:token")
        if flow.may_refresh:
            described["refreshUrl"] = described["tokenUrl"]
    return described


def _alternatives(permission: Any, method: str) -> Alternatives:
    """The sets of scopes that satisfy a permission, however it is composed."""
    if isinstance(permission, ScopesPermission):
        return [frozenset(permission.needs.of(method))]
    if isinstance(permission, permissions.AND | permissions.OR):
        parts: Any = permission
        one, other = _alternatives(parts.op1, method), _alternatives(parts.op2, method)
        return _joined(one, other) if isinstance(permission, permissions.AND) else one + other
    return [frozenset()]


def _joined(some: Alternatives, others: Alternatives) -> Alternatives:
    return [one | other for one, other in product(some, others)]


_REFUSAL = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("detail", "error", "scope")},
    "required": ["detail"],
}
_REFUSALS = {
    "401": "No access token, or one that is not accepted (RFC 6750).",
    "403": "The access token does not cover this, or its user may not do it.",
    "429": "Too many calls; see Retry-After.",
}


def describe_refusals(result: dict[str, Any], request: Any = None, **_: Any) -> dict[str, Any]:
    """For drf-spectacular's ``POSTPROCESSING_HOOKS``: what each protected operation answers to refuse, and where
    the flows are by the very request for the schema, which knows the port, and of TLS.
    """
    schemes = result.get("components", {}).get("securitySchemes", {})
    if request is not None and OAuthScheme.name in schemes:
        schemes[OAuthScheme.name] = _definition(getattr(request, "_request", request))
    for operations in result["paths"].values():
        for operation in operations.values():
            if any(OAuthScheme.name in way for way in operation.get("security", ())):
                for status, text in _REFUSALS.items():
                    content = {"application/json": {"schema": _REFUSAL}}
                    operation["responses"].setdefault(status, {"description": text, "content": content})
    return result
