"""The example project's API, tested as its author would: with the test kit for host sites."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from django.test.utils import override_settings

from example_project.notes.models import Note
from tests.factories import UserFactory

pytestmark = pytest.mark.one_database


def test_profile_and_email(client: Client, bearer: Any, user: Any) -> None:
    assert client.get("/api/me/", headers=bearer(user, "profile")).json() == {"username": "alice"}
    both = client.get("/api/me/", headers=bearer(user, "profile email")).json()
    assert both == {"username": "alice", "email": "alice@example.org"}


def test_notes_are_the_users_own(client: Client, bearer: Any, user: Any) -> None:
    Note.objects.create(author=UserFactory(), text="somebody else's")
    posted = client.post(
        "/api/notes/", {"text": "mine"}, "application/json", headers=bearer(user, "notes:write")
    )
    assert posted.status_code == 201
    listed = client.get("/api/notes/", headers=bearer(user, "notes:read")).json()
    assert [note["text"] for note in listed] == ["mine"]


def test_a_machine_counts_and_reads_no_notes(client: Client, oauth_client: Any, machine_bearer: Any) -> None:
    assert client.get("/api/stats/", headers=machine_bearer(oauth_client, "stats:read")).json() == {
        "notes": 0
    }
    refused = client.get("/api/notes/", headers=machine_bearer(oauth_client, "notes:read"))
    assert refused.status_code == 403


@pytest.mark.django_db
def test_the_api_says_where_its_tokens_come_from(client: Client) -> None:
    refused = client.get("/api/me/")
    at = refused.headers["WWW-Authenticate"].partition('resource_metadata="')[2].rstrip('"')
    told = client.get(at).json()
    assert told["resource"] == "http://testserver/api/me/", "the address that was called (RFC 9728 §3.3)"
    assert told["authorization_servers"] == ["http://testserver"]
    assert "notes:read" in told["scopes_supported"]
    assert told["bearer_methods_supported"] == ["header"]
    assert client.get(told["jwks_uri"]).status_code == 200
    assert client.get("/.well-known/oauth-protected-resource/elsewhere").status_code == 404


@pytest.mark.django_db
@override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "RESOURCE": "http://testserver/api"})
def test_an_api_with_a_path_has_its_metadata_after_the_well_known_part(client: Client) -> None:
    refused = client.get("/api/me/")
    at = 'resource_metadata="http://testserver/.well-known/oauth-protected-resource/api"'
    assert at in refused.headers["WWW-Authenticate"]
    told = client.get("/.well-known/oauth-protected-resource/api").json()
    assert told["resource"] == "http://testserver/api"
    assert client.get("/.well-known/oauth-protected-resource").status_code == 404
