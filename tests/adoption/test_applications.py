"""Applications that other code saves by the toolkit's own model become clients at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.checks import run_checks
from django.core.management import call_command
from oauth2_provider.models import get_application_model

from django_oauthflows.adoption.applications import secret_values
from django_oauthflows.models import Client, ClientSecret
from django_oauthflows.models.client_index import ClientOrigin
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient, pkce_pair

Application: Any = get_application_model()


def saved(client_type: str = "confidential", **values: Any) -> Any:
    return Application.objects.create(
        client_type=client_type, authorization_grant_type="client-credentials", name="Job", **values
    )


def test_an_application_that_is_saved_later_works_with_its_own_secret(live_server: Any) -> None:
    application = saved(client_secret="a secret of somebody's own making")
    client = OAuthClient(live_server.url, application.client_id, "a secret of somebody's own making")
    assert client.token(grant_type="client_credentials").status_code == 200
    client.client_secret = "another"
    assert client.token(grant_type="client_credentials").status_code == 401


def test_a_machine_that_the_toolkit_calls_public_goes_on_by_its_secret_and_by_nothing_less(
    live_server: Any, tmp_path: Any
) -> None:
    """The toolkit asks it for its secret as well, so sites have such ones."""
    application = saved(client_secret="a secret of somebody's own making", client_type="public")
    loaded(tmp_path, client_type="public")
    for client_id in (application.client_id, "loaded"):
        client = OAuthClient(live_server.url, client_id, "a secret of somebody's own making")
        assert client.token(grant_type="client_credentials").status_code == 200
        for other in (None, "another"):
            client.client_secret = other
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


# Those that come past the receiver --------------------------------------------------------------------------

FIXTURE = {
    "name": "Loaded", "client_type": "confidential", "authorization_grant_type": "client-credentials",
    "client_id": "loaded", "client_secret": "a secret of somebody's own making", "hash_client_secret": False,
    "redirect_uris": "https://loaded.example/callback", "created": "2024-01-01T00:00:00Z",
    "updated": "2024-01-01T00:00:00Z",
}  # fmt: skip


def loaded(folder: Any, **values: Any) -> str:
    """An application that comes by ``loaddata``, as on a site that keeps its clients in a fixture."""
    entry = {"model": "oauth2_provider.application", "pk": 4711, "fields": FIXTURE | values}
    path = folder / "clients.json"
    path.write_text(json.dumps([entry]))
    call_command("loaddata", str(path), verbosity=0)
    return "loaded"


def test_one_that_is_loaded_is_a_client_at_its_first_request(live_server: Any, tmp_path: Any) -> None:
    client = OAuthClient(live_server.url, loaded(tmp_path), "wrong")
    assert client.token(grant_type="client_credentials").status_code == 401
    client.client_secret = FIXTURE["client_secret"]
    assert client.token(grant_type="client_credentials").status_code == 200
    assert Client.objects.get(client_id="loaded").name == "Loaded"


def test_so_is_a_public_one_and_one_that_begins_at_the_authorization_endpoint(
    live_server: Any, tmp_path: Any, client: Any
) -> None:
    loaded(tmp_path, client_type="public", authorization_grant_type="authorization-code")
    user = UserFactory()
    client.force_login(user)
    request = {
        "response_type": "code", "client_id": "loaded", "redirect_uri": FIXTURE["redirect_uris"],
        "scope": "profile", "code_challenge": pkce_pair()[1], "code_challenge_method": "S256",
    }  # fmt: skip
    assert client.get("/oauth/authorize/", request).status_code == 200
    Client.objects.all().delete()
    loaded(tmp_path, client_type="public", authorization_grant_type="authorization-code")
    public = OAuthClient(live_server.url, "loaded")
    answer = public.token(grant_type="refresh_token", refresh_token="x", client_id="loaded")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_the_check_names_those_that_wait_and_migrate_makes_clients_of_them(
    transactional_db: None, tmp_path: Any
) -> None:
    assert run_checks(databases=["default"]) == []
    loaded(tmp_path, allowed_origins="https://loaded.example")
    (found,) = run_checks(databases=["default"])
    assert found.id == "oauthflows.W081"
    assert "loaded" in found.msg
    call_command(found.hint.split()[-1], verbosity=0)
    client = Client.objects.get(client_id="loaded")
    assert client.secrets.count() == 1
    # What is looked up by its value, too: the search by name, and origins that may read our answers.
    assert {row.shown for row in client.skeletons.all()} == {"Loaded", "loaded.example"}
    assert ClientOrigin.objects.allows("https://loaded.example")
    assert run_checks(databases=["default"]) == []


@pytest.mark.postgresql
def test_two_first_requests_at_a_time_make_one_client(
    parallel_writers: None, live_server: Any, tmp_path: Any
) -> None:
    loaded(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        clients = [OAuthClient(live_server.url, "loaded", FIXTURE["client_secret"]) for _ in range(8)]
        answers = list(pool.map(lambda each: each.token(grant_type="client_credentials"), clients))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert Client.objects.get().secrets.count() == 1
