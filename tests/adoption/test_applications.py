"""Applications that other code saves by the toolkit's own model become clients at once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from oauth2_provider.models import get_application_model

from django_oauthflows.adoption.applications import secret_values
from django_oauthflows.models import Client, ClientSecret
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient

Application: Any = get_application_model()


def saved(**values: Any) -> Any:
    return Application.objects.create(
        client_type="confidential", authorization_grant_type="client-credentials", name="Job", **values
    )


def test_an_application_that_is_saved_later_works_with_its_own_secret(live_server: Any) -> None:
    application = saved(client_secret="a secret of somebody's own making")
    client = OAuthClient(live_server.url, application.client_id, "a secret of somebody's own making")
    assert client.token(grant_type="client_credentials").status_code == 200
    client.client_secret = "another"
    assert client.token(grant_type="client_credentials").status_code == 401


def test_the_deletion_of_its_owner_spares_it(db: None) -> None:
    owner = UserFactory()
    client = Client.objects.get(pk=saved(user=owner).pk)
    assert client.owner == owner
    owner.delete()
    client = Client.objects.get(pk=client.pk)
    assert client.owner is None


def test_a_hash_whose_hasher_the_site_no_longer_has_is_not_taken_for_a_secret(live_server: Any) -> None:
    """Whoever read it in the database could otherwise log in with it."""
    stored = PBKDF2PasswordHasher().encode("the real secret", "salt", iterations=1)
    application = saved(client_secret="x")
    Application.objects.filter(pk=application.pk).update(client_secret=stored)
    values = secret_values(Application.objects.get(pk=application.pk))
    assert values is not None
    ClientSecret.objects.all().delete()
    ClientSecret.objects.create(**values)
    thief = OAuthClient(live_server.url, application.client_id, stored)
    assert thief.token(grant_type="client_credentials").status_code == 401
