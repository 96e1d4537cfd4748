"""For host sites: test a protected view in two lines.

In ``conftest.py``: ``pytest_plugins = ["django_oauthflows.testing"]``. In a test::

    def test_reading_notes(client, bearer, django_user_model):
        alice = django_user_model.objects.create_user("alice")
        assert client.get("/api/notes/", headers=bearer(alice, "notes:read")).status_code == 200

The tokens are real ones: made by the package's own verbs and checked by its own API side. Without
pytest, call ``make_client``, ``user_token``, ``machine_token`` and ``headers_for``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType, Flow
from django_oauthflows.models import Authorization, Client, Consent
from django_oauthflows.scopes import declared_scopes

#: Read by pytest when this module is named as a plugin; nothing here needs pytest.
pytest_plugins = ["django_oauthflows.testing.fixtures"]

Scopes = str | Iterable[str]
Headers = dict[str, str]


def make_client(**values: Any) -> Client:
    """A registered client that may have every scope of the site. ``values`` as for ``Client.objects.register``."""
    client, _secret = Client.objects.register(
        **{
            "name": "Test client",
            "use_case": "web",
            "flows": " ".join(flow.name for flow in _possible_flows()),
            "redirect_uris": ["https://client.example/callback"],
            "scopes": declared_scopes().grantable,
            **values,
        }
    )
    return client


def user_token(user: Any, scopes: Scopes = "", *, client: Client | None = None, **values: Any) -> str:
    """An access token with which a client acts for ``user``.

    ``values``: ``lifetime`` in seconds (below zero: expired already), ``resource`` (RFC 8707).
    """
    names = _names(scopes)
    lifetime, resource = values.get("lifetime", 3600), values.get("resource", "")
    client = client or make_client()
    consent = Consent.objects.give(user=user, client=client, scopes=names)
    authorization = Authorization.objects.begin(
        consent=consent,
        flow=registry.code_flow(),
        scopes=names,
        lifetime=3600,
        resource=resource,
        generation=1,
    )
    return authorization.access_token(
        generation=1, scopes=names, issued=timezone.now(), lifetime=lifetime, resources=resource.split()
    )


def machine_token(client: Client, scopes: Scopes = "", *, lifetime: int = 3600, resource: str = "") -> str:
    """An access token with which ``client`` acts for itself."""
    return client.access_token(_names(scopes), lifetime=lifetime, resources=resource.split())


def headers_for(token: str) -> Headers:
    """For ``headers=`` of Django's and the REST framework's test clients."""
    return {"Authorization": f"Bearer {token}"}


def _possible_flows() -> Iterable[Flow]:
    """All that a client with a secret can have."""
    return (flow for flow in registry.offered_flows() if ClientType.CONFIDENTIAL in flow.client_types)


def _names(scopes: Scopes) -> list[str]:
    return scopes.split() if isinstance(scopes, str) else list(scopes)
