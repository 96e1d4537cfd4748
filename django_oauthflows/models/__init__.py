"""The nouns: client, secret, consent, authorization, signing key, usage, event, message to be sent, and their verbs.

Imports among them go one way: event, client_secret, client, consent, authorization, device_request; upwards they
reach by Django's relations.
"""

from django_oauthflows import installed  # noqa: F401 - first: what follows needs it
from django_oauthflows.models.adopted_token import AdoptedToken
from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_index import ClientOrigin, ClientResource, ClientSkeleton
from django_oauthflows.models.client_secret import ClientSecret
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.device_request import DeviceRequest
from django_oauthflows.models.event import Event
from django_oauthflows.models.outbox import OutboxMessage
from django_oauthflows.models.revoked_token import RevokedToken
from django_oauthflows.models.signing_key import SigningKey
from django_oauthflows.models.usage import ClientUsage

__all__ = [
    "AdoptedToken",
    "Authorization",
    "Client",
    "ClientOrigin",
    "ClientResource",
    "ClientSecret",
    "ClientSkeleton",
    "ClientUsage",
    "Consent",
    "DeviceRequest",
    "Event",
    "OutboxMessage",
    "RevokedToken",
    "SigningKey",
]
