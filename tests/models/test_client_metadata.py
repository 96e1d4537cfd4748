"""The one map of client metadata: whole, true to RFC 7591, safe, and the same for whoever reads it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import models

from django_oauthflows.models import Client
from django_oauthflows.models.client_metadata import (
    FLAG,
    INTERNAL,
    MEMBERS,
    NUMBER,
    TEXT,
    TIME,
    USER,
    WORDS,
    Setter,
    inherited,
    members,
    metadata,
    settable,
)
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.one_database

#: RFC 7591 §2 and §3.2.1, and the OpenID Connect names that IANA lists beside them.
STANDARD = {
    *("redirect_uris", "token_endpoint_auth_method", "grant_types", "response_types", "client_name"),
    *("client_uri", "logo_uri", "scope", "contacts", "tos_uri", "policy_uri", "jwks_uri", "jwks"),
    *("software_id", "software_version", "client_id", "client_secret", "client_id_issued_at"),
    *("client_secret_expires_at", "registration_access_token", "registration_client_uri"),
    *("application_type", "sector_identifier_uri", "subject_type", "default_max_age", "initiate_login_uri"),
    *("post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required"),
    *("id_token_signed_response_alg", "userinfo_signed_response_alg", "subject_type"),
}


def told(*arguments: str) -> Any:
    """What ``oauth client`` answers."""
    out = io.StringIO()
    call_command("oauth", "client", *arguments, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def full(db: None) -> Client:
    """A client of which everything is set."""
    Group.objects.create(name="Editors")
    client, _secret = ClientFactory(
        name="Full",
        flows="authorization_code refresh_token client_credentials",
        default_scopes=("profile",),
        allowed_origins="https://client.example",
        post_logout_redirect_uris="https://client.example/bye",
        logout_notice_uri="https://client.example/logout-notice",
        logout_notice_needs_session=True,
        id_token_algorithm="ES256",
        userinfo_algorithm="RS256",
        description="It does everything.",
        publisher="Example Ltd",
        narrows_scopes=True,
        accepted_risk="Our own network",
        user_groups="Editors",
        logo_uri="https://client.example/logo.png",
        client_uri="https://client.example/",
        policy_uri="https://client.example/privacy",
        tos_uri="https://client.example/terms",
        contacts="a@client.example b@client.example",
        owner=UserFactory(username="owner"),
        service_user=UserFactory(username="robot"),
        trust="reviewed",
        access_token_lifetime=600,
        refresh_token_idle_lifetime=7200,
        refresh_token_absolute_lifetime=86400,
        access_token_format="jwt",
        pkce_exemption="An old library",
        implicit_until=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
        implicit_reason="None of its own",
        is_resource_server=True,
        resources="https://api.example/ https://api.example/v2",
        throttle_rate="5/hour",
    )
    assert isinstance(client, Client)
    return client


def test_every_column_of_a_client_is_in_the_map_or_known_to_be_internal() -> None:
    columns = {field.name for field in Client._meta.concrete_fields}
    mapped = {member.attribute for member in members()}
    assert columns - mapped - set(INTERNAL) == set()
    assert mapped & set(INTERNAL) == set()
    assert mapped <= columns
    # What is our own is written down; only the toolkit's own columns may come by themselves.
    own = {field.name for field in Client._meta.local_concrete_fields}
    assert own <= {member.attribute for member in MEMBERS} | set(INTERNAL)


def test_the_names_are_the_standards_own_where_it_has_one() -> None:
    for member in MEMBERS:
        assert bool(member.source) == (member.name in STANDARD), member.name
    names = [member.name for member in MEMBERS]
    assert len(names) == len(set(names))
    for setter in Setter:
        fields = [member.attribute for member in settable(setter).values()]
        assert len(fields) == len(set(fields))


def test_who_registers_a_client_for_itself_gains_no_right_by_it() -> None:
    assert set(settable(Setter.REGISTRATION)) == {
        *("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"),
        *("redirect_uris", "post_logout_redirect_uris", "scope"),
        *("backchannel_logout_uri", "backchannel_logout_session_required"),
        *("id_token_signed_response_alg", "userinfo_signed_response_alg", "subject_type"),
    }


@pytest.mark.django_db
def test_a_value_that_is_told_can_be_set_again(full: Client) -> None:
    for name, member in settable(Setter.STAFF).items():
        value = member.told(full)
        # The fixture sets each of ours, or this test would show nothing.
        assert value not in (None, "", [], False) or member not in MEMBERS, name
        assert member.kept(json.loads(json.dumps(value))) == getattr(full, member.attribute), name


@pytest.mark.django_db
def test_export_and_show_tell_the_same_of_a_client_and_no_secret(full: Client) -> None:
    shown = told("show", full.client_id, "--json")
    (exported,) = told("export")["clients"]
    assert shown == metadata(full)
    ours = {member.name for member in MEMBERS if member.set_by}
    assert {name: exported[name] for name in ours} == {name: shown[name] for name in ours}
    assert set(exported) == set(settable(Setter.STAFF)) >= ours
    assert told("list", "--json") == {"clients": [shown]}
    text = json.dumps(shown)
    for secret in (str(full.token_epoch), full.client_secret, full.secrets.get().digest):
        assert str(secret) not in text


@pytest.mark.django_db
def test_all_that_staff_may_set_can_be_said_when_a_client_is_registered(full: Client) -> None:
    (wanted,) = told("export")["clients"]
    answer = told(
        "create",
        *("--name", "Full", "--use-case", "web", "--flow", "client_credentials"),
        *("--redirect-uri", "https://client.example/callback"),
        *("--scope", "profile notes:read notes:write stats:read", "--default-scope", "profile"),
        *("--allowed-origin", "https://client.example"),
        *("--post-logout-redirect-uri", "https://client.example/bye"),
        *("--backchannel-logout-uri", "https://client.example/logout-notice"),
        "--backchannel-logout-session-required",
        *("--id-token-signed-response-alg", "ES256", "--userinfo-signed-response-alg", "RS256"),
        *("--description", "It does everything.", "--publisher", "Example Ltd"),
        *("--accept-risk", "Our own network", "--user-groups", "Editors", "--narrows-scopes"),
        *("--logo-uri", "https://client.example/logo.png", "--client-uri", "https://client.example/"),
        *("--policy-uri", "https://client.example/privacy", "--tos-uri", "https://client.example/terms"),
        *("--contact", "a@client.example", "--contact", "b@client.example"),
        *("--owner", "owner", "--service-user", "robot", "--first-party"),
        *("--access-token-lifetime", "600", "--refresh-token-idle-lifetime", "7200"),
        *("--refresh-token-absolute-lifetime", "86400", "--access-token-format", "jwt"),
        *("--pkce-exemption", "An old library", "--implicit-reason", "None of its own"),
        *("--implicit-until", "2030-01-02T03:04:05Z", "--resource-server"),
        *("--resource", "https://api.example/", "--resource", "https://api.example/v2"),
        *("--api-rate", "5/hour", "--json"),
    )
    same = {member.name for member in MEMBERS if member.set_by} - {"client_id", "trust"}
    assert {name: answer[name] for name in same} == {name: wanted[name] for name in same}
    assert (answer["trust"], answer["first_party"]) == ("first_party", True)
    assert answer["client_secret"]
    assert answer["client_secret_expires_at"] == 0
    assert answer["token_endpoint_auth_method"] == "client_secret_basic"
    assert answer["grant_types"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert answer["response_types"] == ["code"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--access-token-lifetime", "0"], "seconds above zero"),
        (["--implicit-until", "soon"], "Give a time"),
        (["--owner", "nobody"], "no user “nobody”"),
        (["--redirect-uri", "https://a.example/ https://b.example/"], "list of texts without blanks"),
        (["--redirect-uri", "https://a.example/#x"], "redirect uris: .*Leave out the part from #"),
        (["--post-logout-redirect-uri", "javascript:alert(1)"], "post logout redirect uris: .*never safe"),
        (["--scope", "no:such"], "There is no scope named “no:such”"),
        (["--logo-uri", "no address"], "logo uri: "),
    ],
)
def test_a_wrong_option_registers_nothing(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        told("create", "--name", "N", "--use-case", "web", *arguments)
    assert not Client.objects.exists()


def test_the_help_names_each_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("oauth", "client", "create", "--help")
    text = capsys.readouterr().out
    for option in ("--redirect-uri URI", "--scope SCOPE", "--allowed-origin ORIGIN", "--first-party"):
        assert option in text


def named(field: models.Field[Any, Any], name: str) -> models.Field[Any, Any]:
    field.set_attributes_from_name(name)
    return field


def test_columns_of_another_release_of_the_toolkit_travel_under_their_own_names() -> None:
    found = inherited(
        [
            named(models.TextField(), "public_key_set"),
            named(models.BooleanField(null=True), "pushed_only"),
            named(models.PositiveIntegerField(), "limit"),
            named(models.DateTimeField(), "until"),
            named(models.DateTimeField(editable=False), "seen_at"),
            named(models.TextField(), "another_secret"),
            named(models.ForeignKey(get_user_model(), models.CASCADE), "somebody"),
            *(member.column for member in MEMBERS),
        ]
    )
    kinds = {member.name: member.kind for member in found}
    assert kinds == {"public_key_set": TEXT, "pushed_only": FLAG, "limit": NUMBER, "until": TIME}


def test_the_kinds_fit_the_columns() -> None:
    for member in MEMBERS:
        if member.read is None:
            column = member.column
            assert (member.kind is FLAG) == isinstance(column, models.BooleanField), member.name
            assert (member.kind is TIME) == isinstance(column, models.DateTimeField), member.name
            assert (member.kind is USER) == column.is_relation, member.name
            assert member.kind is not WORDS or isinstance(column, models.CharField | models.TextField)
