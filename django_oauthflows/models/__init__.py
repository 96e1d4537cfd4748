"""The nouns: client, secret, consent, authorization, token, usage, event, outbox. Their verbs are methods here."""

from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.event import Event
from django_oauthflows.models.machine import RevokedToken
from django_oauthflows.models.outbox import OutboxMessage
from django_oauthflows.models.secret import ClientSecret
from django_oauthflows.models.signing_key import SigningKey
from django_oauthflows.models.usage import ClientUsage

__all__ = [
    "Authorization",
    "Client",
    "ClientSecret",
    "ClientUsage",
    "Consent",
    "Event",
    "OutboxMessage",
    "RevokedToken",
    "SigningKey",
]
