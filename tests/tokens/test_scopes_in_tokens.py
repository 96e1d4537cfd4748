"""Scopes in tokens: a hundred fit, none stands for another, and what would not fit is refused beforehand."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client as Http
from django.test.utils import override_settings

from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.models import Client, Event
from django_oauthflows.scopes import declared_scopes, short_reference
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import MAX_LENGTH
from django_oauthflows.tokens.jwt import MAX_LENGTH as MAX_JWT_LENGTH
from tests.factories import ClientFactory

HUNDRED = [f"accounting:documents-{number:03}:read" for number in range(100)]
#: Found by trying: the first four bytes of their SHA-256 are the same.
TWINS = ("notes:36909", "notes:47638")
FORMATS = ["opaque", "jwt"]

pytestmark = pytest.mark.django_db


def scopes(*names: str) -> Any:
    return override_settings(OAUTHFLOWS={"SCOPES": {"stats:read": "x", **{name: name for name in names}}})


def basic(client: Client, secret: str | None) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()}


def posted(http: Http, path: str, registered: tuple[Client, str | None], **form: Any) -> Any:
    return http.post(
        path,
        urlencode(form, doseq=True),
        content_type="application/x-www-form-urlencoded",
        headers=basic(*registered),
    )


def machine_token(http: Http, registered: tuple[Client, str | None], **form: Any) -> Any:
    return posted(http, "/oauth/token/", registered, grant_type="client_credentials", **form)


def api(http: Http, token: str) -> int:
    return http.get("/api/stats/", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("form", FORMATS)
def test_a_token_for_a_hundred_scopes_works(client: Http, form: str) -> None:
    with scopes(*HUNDRED):
        registered = ClientFactory(machine=True, scopes=["stats:read", *HUNDRED], access_token_format=form)
        answer = machine_token(client, registered)
        token = answer.json()["access_token"]
        assert api(client, token) == 200
        assert lookup(token).scope.split() == ["stats:read", *HUNDRED] == answer.json()["scope"].split()
        assert len(token) < {"opaque": 700, "jwt": MAX_JWT_LENGTH}[form]
        told = posted(client, "/oauth/introspect/", registered, token=token).json()
        assert len(told["scope"].split()) == 101


def test_a_scope_that_is_declared_no_more_vanishes_and_comes_back(client: Http) -> None:
    with scopes(*HUNDRED):
        registered = ClientFactory(machine=True, scopes=["stats:read", *HUNDRED])
        token = machine_token(client, registered).json()["access_token"]
        only = machine_token(client, registered, scope=HUNDRED[0]).json()["access_token"]
    with scopes(*HUNDRED[1:]):
        assert lookup(token).scope.split() == ["stats:read", *HUNDRED[1:]]
        with pytest.raises(TokenRefused, match="no scope left"):
            lookup(only)
    with scopes(*HUNDRED):
        assert lookup(only).scope == HUNDRED[0]


def test_two_scopes_that_cannot_be_told_apart_are_an_error_and_give_nothing(client: Http) -> None:
    assert short_reference(TWINS[0]) == short_reference(TWINS[1])
    with scopes(TWINS[0]):
        registered = ClientFactory(machine=True, scopes=["stats:read", TWINS[0]])
        token = machine_token(client, registered).json()["access_token"]
        assert lookup(token).allow_scopes([TWINS[0]])
        assert not [found for found in run_checks() if found.id == "oauthflows.E020"]
    with scopes(*TWINS):
        (found,) = [found for found in run_checks() if found.id == "oauthflows.E020"]
        assert all(name in str(found.msg) for name in TWINS)
        assert found.hint
        for text in (token, machine_token(client, registered).json()["access_token"]):
            assert lookup(text).scope == "stats:read", "neither: not what was asked, and not its twin"
    with scopes(TWINS[1]):
        Client.objects.update(allowed_scopes=f"stats:read {TWINS[1]}")
        # What nobody can rule out: a new name with the hash of an old one. The client must be allowed it too.
        assert lookup(token).scope == f"stats:read {TWINS[1]}"


def test_every_name_has_one_reference_and_back() -> None:
    with scopes(*HUNDRED):
        registry = declared_scopes()
        joined = b"".join(map(registry.short_reference, HUNDRED))
        assert len(joined) == 400
        assert list(registry.of_short_references(joined)) == HUNDRED
        assert registry.of_short_references(b"\0" * 4 + joined[:4]) == (HUNDRED[0],)
        assert registry.of_short_references(b"") == ()
        assert registry.short_reference("not:declared") == short_reference("not:declared")


# What would not fit. -------------------------------------------------------------------------------------

MANY = {"opaque": [f"s{number}" for number in range(800)], "jwt": [f"{'x' * 60}{n}" for n in range(120)]}


@pytest.fixture(params=FORMATS)
def too_many(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """A token format, and more scopes than fit into a token of it."""
    names = MANY[request.param]
    with scopes(*names):
        yield request.param, names


def test_staff_cannot_save_what_no_token_holds(too_many: tuple[str, list[str]]) -> None:
    form, names = too_many
    with pytest.raises(ValidationError) as caught:
        ClientFactory(machine=True, scopes=names, access_token_format=form)
    assert "too long to be sent" in str(caught.value.message_dict["allowed_scopes"])
    assert ("opaque format" in str(caught.value)) is (form == "jwt")
    assert not Client.objects.exists()
    assert not Event.objects.exists()
    with pytest.raises(CommandError, match="too long"):
        call_command(
            "oauth", "client", "create", "--name", "N", "--use-case", "service",
            "--scope", " ".join(names), "--access-token-format", form,
        )  # fmt: skip
    half = ClientFactory(machine=True, scopes=names[: len(names) // 2], access_token_format=form)[0]
    half.allowed_scopes = " ".join(names)
    with pytest.raises(ValidationError, match="too long"):
        half.full_clean(exclude=["client_secret"])


def test_a_format_that_holds_less_is_refused_for_the_same_scopes() -> None:
    with scopes(*MANY["jwt"]):
        client, _ = ClientFactory(machine=True, scopes=MANY["jwt"])
        client.access_token_format = "jwt"
        with pytest.raises(ValidationError, match="choose the opaque format"):
            client.full_clean(exclude=["client_secret"])


def long_lists() -> list[str]:
    found = run_checks(databases=["default"])
    return [str(message.msg) for message in found if message.id == "oauthflows.E021"]


def test_a_client_that_came_by_another_way_is_found_and_answered(
    client: Http, too_many: tuple[str, list[str]], django_assert_num_queries: Any
) -> None:
    form, names = too_many
    good, _ = ClientFactory(machine=True, scopes=names[: len(names) // 2], access_token_format=form)
    registered = ClientFactory(machine=True, scopes=names[:2], access_token_format=form)
    assert long_lists() == []
    Client.objects.filter(pk=registered[0].pk).update(allowed_scopes=" ".join(names))
    assert [registered[0].client_id in told for told in long_lists()] == [True]
    assert good.client_id not in long_lists()[0]
    with django_assert_num_queries(0):
        run_checks()
    refused = machine_token(client, registered, scope=" ".join(names))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert "too long" in refused.json()["error_description"]
    some = machine_token(client, registered, scope=" ".join(names[:50]))
    assert some.status_code == 200
    assert lookup(some.json()["access_token"]).scope.split() == names[:50]


def test_long_resources_that_leave_no_room_are_answered_before_anything_is_claimed(client: Http) -> None:
    apis = tuple(f"https://{'a' * 60}.{'b' * 60}.{'c' * 60}.example/{n}/{'d' * 50}" for n in range(5))
    names = MANY["opaque"][:450]
    with scopes(*names), override_settings():
        from django.conf import settings

        settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "RESOURCES": list(apis)}
        registered = ClientFactory(machine=True, scopes=names)
        scope = " ".join(names)
        assert machine_token(client, registered, scope=scope).status_code == 200
        refused = machine_token(client, registered, scope=scope, resource=list(apis))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
        one = machine_token(client, registered, scope=scope, resource=apis[0])
        assert one.status_code == 200
        assert len(one.json()["access_token"]) <= MAX_LENGTH
        assert lookup(one.json()["access_token"]).audience == (apis[0],)


@pytest.mark.parametrize("form", FORMATS)
def test_whatever_may_be_saved_is_issued_and_accepted(client: Http, form: str) -> None:
    """The bound is no guess: the longest list that passes gives a token that works."""
    names = MANY[form]
    with scopes(*names):
        app, secret = ClientFactory(machine=True, scopes=["stats:read"], access_token_format=form)
        fits = max(n for n in range(len(names)) if app.fits_into_token(["stats:read", *names[:n]]))
        assert fits < len(names) - 1
        Client.objects.update(allowed_scopes=" ".join(["stats:read", *names[:fits]]))
        app.refresh_from_db()
        app.full_clean(exclude=["client_secret"])
        scope = " ".join(["stats:read", *names[:fits]])
        answer = machine_token(client, (app, secret), scope=scope)
        assert answer.status_code == 200
        assert api(client, answer.json()["access_token"]) == 200
