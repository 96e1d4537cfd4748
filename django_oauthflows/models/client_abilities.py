"""What a client may do: the questions that validator, pages and admin ask of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from django_oauthflows.conf import options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType, Flow, UseCase
from django_oauthflows.models import redirect_uri as redirect_uris
from django_oauthflows.scopes import declared_scopes


class ClientAbilities:
    """The part of ``Client`` that only answers and changes nothing."""

    # The fields that the answers are read from; declared in ``Client`` and in the toolkit's model.
    allowed_origins: Any
    allowed_scopes: Any
    access_token_lifetime: Any
    client_id: Any
    client_type: Any
    created: Any
    default_scopes: Any
    flows: Any
    implicit_until: Any
    name: Any
    pkce_exemption: Any
    post_logout_redirect_uris: Any
    redirect_uris: Any
    service_user_id: Any
    refresh_token_absolute_lifetime: Any
    refresh_token_idle_lifetime: Any
    suspended_at: Any
    trust: Any
    use_case: Any
    Trust: Any

    @property
    def flow_names(self) -> tuple[str, ...]:
        return tuple(self.flows.split())

    @property
    def declared_use_case(self) -> UseCase | None:
        return registry.use_case_named(self.use_case) if self.use_case else None

    @property
    def has_secret(self) -> bool:
        """Whether it authenticates with a secret (RFC 6749 §2.1)."""
        return str(self.client_type) == ClientType.CONFIDENTIAL

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def is_first_party(self) -> bool:
        return self.trust == self.Trust.FIRST_PARTY

    @property
    def is_vouched_for(self) -> bool:
        """Whether the site lends it something of its own: its word, or the rights of an account."""
        return self.trust != self.Trust.NOT_REVIEWED or self.service_user_id is not None

    def may_use(self, flow: Flow, now: datetime | None = None) -> bool:
        """Whether staff gave it ``flow``, the site offers it, and its time is not over."""
        enabled = options().FLOWS
        if flow.name not in self.flow_names or not (enabled is None or flow.name in enabled):
            return False
        ends = self.implicit_until if flow.deprecated else None
        return ends is None or (now or timezone.now()) < ends

    def allows_grant_type(self, *grant_types: str) -> bool:
        """The toolkit's question; its own names for the grants have hyphens."""
        asked = {grant.replace("-", "_") for grant in grant_types}
        return any(asked.intersection(flow.grant_types) for flow in registry.offered_flows(self.flow_names))

    def is_usable(self, request: Any) -> bool:
        """The toolkit's question, asked wherever a client or its token is used."""
        return not self.is_suspended

    def requires_pkce(self) -> bool:
        """Whether an authorization request must bring a code challenge (RFC 7636, RFC 9700 §2.1.1)."""
        return not (self.has_secret and self.pkce_exemption)

    def may_refresh(self) -> bool:
        """Whether it gets refresh tokens."""
        return self.may_use(registry.flow_named("refresh_token"))

    def may_skip_consent(self, redirect_uri: str) -> bool:
        """Whether the site vouches for it, so that the user need not be asked.

        Never for a public client on a loopback or private-use redirect: any program on the user's
        device can be there (RFC 8252 §8.6, RFC 9700 §4.13).
        """
        unprovable = not self.has_secret and (
            redirect_uris.is_loopback(redirect_uri) or redirect_uris.is_private_use(redirect_uri)
        )
        return self.is_first_party and not unprovable

    def allowed_scope_names(self) -> tuple[str, ...]:
        """What it can be given: its list, less what the site no longer offers."""
        grantable = declared_scopes().grantable
        return tuple(name for name in self.allowed_scopes.split() if name in grantable)

    def default_scope_names(self) -> tuple[str, ...]:
        """What it gets when it asks for nothing in particular (RFC 6749 §3.3)."""
        allowed = self.allowed_scope_names()
        return tuple(name for name in self.default_scopes.split() if name in allowed)

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether an answer may be sent to ``uri`` (the toolkit's question; RFC 6749 §3.1.2.3)."""
        case = self.declared_use_case
        # An adopted client has no use case: it keeps what the toolkit gave it, any loopback port.
        any_port = case is None or case.loopback_any_port
        return any(
            redirect_uris.matches(registered, uri, any_loopback_port=any_port)
            for registered in self.redirect_uris.split()
        )

    def origin_allowed(self, origin: str) -> bool:
        """Whether a browser app on ``origin`` may read our answers (CORS); exact match."""
        return origin in self.allowed_origins.split()

    def access_token_lifetime_for(self, flow: Flow) -> int:
        """Seconds that an access token of ``flow`` lives for this client."""
        site = int(options().ACCESS_TOKEN_LIFETIMES.get(flow.name, flow.access_token_lifetime))
        if self.access_token_lifetime is None:
            return site
        return (
            min(self.access_token_lifetime, site) if flow.lifetime_is_ceiling else self.access_token_lifetime
        )

    def refresh_lifetimes(self) -> tuple[int, int]:
        """Seconds without use and seconds in all after which its authorizations end."""
        return (
            self.refresh_token_idle_lifetime or options().REFRESH_TOKEN_IDLE_LIFETIME,
            self.refresh_token_absolute_lifetime or options().REFRESH_TOKEN_ABSOLUTE_LIFETIME,
        )

    def metadata(self) -> dict[str, Any]:
        """What it is, in the member names of RFC 7591 §2, with ours for the rest. Never a secret."""
        flows = registry.offered_flows(self.flow_names)
        return {
            "client_id": self.client_id,
            "client_name": self.name,
            "use_case": self.use_case,
            "redirect_uris": self.redirect_uris.split(),
            "post_logout_redirect_uris": self.post_logout_redirect_uris.split(),
            "grant_types": [grant for flow in flows for grant in flow.grant_types],
            "response_types": [response for flow in flows for response in flow.response_types],
            "token_endpoint_auth_method": "client_secret_basic" if self.has_secret else "none",
            "scope": self.allowed_scopes,
            "default_scope": self.default_scopes,
            "allowed_origins": self.allowed_origins.split(),
            "first_party": self.is_first_party,
            "suspended": self.is_suspended,
            "client_id_issued_at": int(self.created.timestamp()),
        }
