"""A user's authorization and what its client would hold, made by the verbs that the endpoints use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from django_oauthflows.flows.registry import flow_named
from django_oauthflows.models import Authorization, Client, Consent
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import pkce_pair

SCOPES = ("profile", "notes:read")


@dataclass
class Held:
    """One client, one user, one consent; makes as many authorizations as a test wants."""

    user: Any = field(default_factory=UserFactory)
    registered: tuple[Client, str | None] = field(default_factory=ClientFactory)

    def __post_init__(self) -> None:
        self.client, self.secret = self.registered
        self.consent: Consent = Consent.objects.give(user=self.user, client=self.client, scopes=SCOPES)
        self.verifier, self.challenge = pkce_pair()

    @property
    def redirect_uri(self) -> str:
        return str(self.client.redirect_uris.split()[0])

    def authorization(self, *, generation: int = 1) -> Authorization:
        made: Authorization = Authorization.objects.begin(
            consent=self.consent,
            flow=flow_named("authorization_code"),
            scopes=SCOPES,
            lifetime=3600,
            redirect_uri=self.redirect_uri,
            code_challenge=self.challenge,
            generation=generation,
        )
        return made

    def code(self) -> str:
        return self.authorization(generation=0).code()

    def access_token(self, authorization: Authorization | None = None, lifetime: int = 3600) -> str:
        authorization = authorization or self.authorization()
        return authorization.access_token(
            generation=authorization.generation, scopes=SCOPES, issued=timezone.now(), lifetime=lifetime
        )

    def refresh_token(self, authorization: Authorization | None = None) -> str:
        authorization = authorization or self.authorization()
        return authorization.refresh_token(generation=authorization.generation, issued=timezone.now())

    def exchange_form(self, code: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
