"""A parameter without a value counts as left out, at every endpoint (RFC 6749 §3.1, §3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Visitor

from django_oauthflows import limits
from django_oauthflows.models import Consent, DeviceRequest
from tests.authorization_server.test_client_authentication import FORM, basic
from tests.devices import GRANT_TYPE
from tests.factories import ClientFactory
from tests.held import Held
from tests.oauth_client import answer_of

pytestmark = pytest.mark.django_db

#: What OAuth 2.0, OpenID Connect and their extensions give a name to, and what our own forms send.
NAMES = """
    access_token account acr_values actor_token approval_prompt assertion audience authorization_details claims
    claims_locales client_assertion client_assertion_type client_id client_secret code code_challenge
    code_challenge_method code_verifier decision device_code display dpop_jkt duration error grant_type
    id_token_hint id_token_signed_response_alg iss login_hint logout_hint max_age nonce password
    post_logout_redirect_uri prompt redirect_uri refresh_token registration remember request request_uri
    requested_token_type resource response_mode response_type scope shown sid state subject_token token
    token_type_hint ui_locales user_code username whatever
""".split()  # noqa: SIM905 - one word after the other is easier to read
Pairs = list[tuple[str, str]]


class Site:
    """One user and clients of theirs; each way to ask takes the pairs that are sent."""

    def __init__(self) -> None:
        flows = "authorization_code refresh_token client_credentials device_code"
        self.held = Held(registered=ClientFactory(flows=flows, scopes=("openid", "profile", "notes:read")))
        self.client = self.held.client
        scopes = ("openid", "profile", "notes:read")
        Consent.objects.give(user=self.held.user, client=self.client, scopes=scopes)
        self.proof = basic(self.client.client_id, self.held.secret or "")
        self.browser = Visitor()
        self.browser.force_login(self.held.user)

    def form(self, path: str, pairs: Pairs, **more: Any) -> Any:
        return Visitor().post(path, urlencode(pairs), FORM, headers=self.proof, **more)

    def authorize(self, pairs: Pairs) -> Any:
        return self.browser.get(f"/oauth/authorize/?{urlencode(pairs)}")

    def token(self, pairs: Pairs) -> Any:
        return self.form("/oauth/token/", pairs)

    def introspect(self, pairs: Pairs) -> Any:
        return self.form("/oauth/introspect/", pairs)

    def revoke(self, pairs: Pairs) -> Any:
        return self.form("/oauth/revoke/", pairs)

    def device(self, pairs: Pairs) -> Any:
        return self.form("/oauth/device_authorization/", pairs)

    def device_page(self, pairs: Pairs) -> Any:
        return self.browser.get(f"/oauth/device/?{urlencode(pairs)}")

    def logout(self, pairs: Pairs) -> Any:
        return Visitor().get(f"/oauth/logout/?{urlencode(pairs)}")

    def logout_form(self, pairs: Pairs) -> Any:
        return Visitor(enforce_csrf_checks=True).post("/oauth/logout/", urlencode(pairs), FORM)

    def userinfo(self, pairs: Pairs) -> Any:
        begun = self.held.authorization()
        token = begun.access_token(generation=1, scopes=("openid",), issued=begun.created_at, lifetime=600)
        headers = {"Authorization": f"Bearer {token}"}
        return Visitor().get(f"/oauth/userinfo/?{urlencode(pairs)}", headers=headers)

    def api(self, pairs: Pairs) -> Any:
        token = self.held.access_token()
        return Visitor().get(f"/api/me/?{urlencode(pairs)}", headers={"Authorization": f"Bearer {token}"})


def _authorize(site: Site) -> Pairs:
    return [
        ("response_type", "code"),
        ("client_id", site.client.client_id),
        ("redirect_uri", site.held.redirect_uri),
        ("scope", "profile notes:read"),
        ("code_challenge", site.held.challenge),
        ("code_challenge_method", "S256"),
    ]


def _polling(site: Site) -> Pairs:
    asked = DeviceRequest.objects.begin(
        client=site.client, scopes=("profile",), resources=(), lifetime=600, network="here"
    )
    return [("grant_type", GRANT_TYPE), ("device_code", asked.device_code)]


#: Name → how it is asked, and what suffices: made anew each time, for codes and tokens are used up.
REQUESTS: dict[str, tuple[str, Callable[[Site], Pairs]]] = {
    "authorize": ("authorize", _authorize),
    "code": ("token", lambda site: list(site.held.exchange_form(site.held.code()).items())),
    "refresh": (
        "token",
        lambda site: [("grant_type", "refresh_token"), ("refresh_token", site.held.refresh_token())],
    ),
    "client credentials": ("token", lambda _: [("grant_type", "client_credentials")]),
    "device code": ("token", _polling),
    "introspect": ("introspect", lambda site: [("token", site.held.access_token())]),
    "revoke": ("revoke", lambda site: [("token", site.held.access_token())]),
    "device": ("device", lambda _: [("scope", "profile")]),
    "device page": ("device_page", lambda _: []),
    "logout": ("logout", lambda site: [("client_id", site.client.client_id)]),
    "logout by a form": ("logout_form", lambda site: [("client_id", site.client.client_id)]),
    "userinfo": ("userinfo", lambda _: []),
    "api": ("api", lambda _: []),
}
EACH = pytest.mark.parametrize("kind", REQUESTS)


def outcome(answer: Any) -> Any:
    """What an answer says, but for what is new in each."""
    limits.forget()
    if answer.headers.get("Content-Type") == "application/json" and answer.content:
        told = answer.json()
        shown = ("error", "error_description", "scope", "active", "sub")
        return answer.status_code, sorted(told), [_steady(str(told.get(name, ""))) for name in shown]
    members = answer_of(answer.headers.get("Location", ""))
    known = ("error", "error_description", "iss", "state")
    return (
        answer.status_code,
        sorted(members),
        [_steady(members.get(name, "")) for name in known],
        re.findall(r"<title>.*?</title>|name=\"(?:scope|user_code|decision)\" value=\"[^\"]*\"", answer.text),
    )


def _steady(text: str) -> str:
    """An error's description without its reference, which each has of its own."""
    return text.partition(" Reference: ")[0]


@EACH
def test_what_is_empty_changes_nothing(kind: str) -> None:
    site = Site()
    way, sufficient = REQUESTS[kind]
    ask = getattr(site, way)
    expected = outcome(ask(sufficient(site)))
    assert expected[0] in (200, 302, 303) or "authorization_pending" in expected[2], expected

    def beside(names: Iterable[str]) -> Any:
        pairs = sufficient(site)
        return outcome(ask([*pairs, *((name, "") for name in names if name not in dict(pairs))]))

    if beside(NAMES) != expected:
        pytest.fail(f"not left out: {[name for name in NAMES if beside([name]) != expected]}")


@EACH
def test_what_must_be_there_is_missing_when_it_is_empty(kind: str) -> None:
    site = Site()
    way, sufficient = REQUESTS[kind]
    ask, more = getattr(site, way), [("whatever", "more")]
    for name in dict(sufficient(site)):
        without = outcome(ask([*more, *(pair for pair in sufficient(site) if pair[0] != name)]))
        emptied = [(each, "" if each == name else value) for each, value in sufficient(site)]
        assert outcome(ask([*more, *emptied])) == without, name


@EACH
def test_an_empty_one_beside_one_with_a_value_is_not_there_twice(kind: str) -> None:
    site = Site()
    way, sufficient = REQUESTS[kind]
    ask = getattr(site, way)
    expected = outcome(ask(sufficient(site)))
    for name in dict(sufficient(site)):
        assert outcome(ask([(name, ""), *sufficient(site)])) == expected, name
        assert outcome(ask([*sufficient(site), (name, ""), (name, "")])) == expected, name


@pytest.mark.parametrize("kind", ["authorize", "refresh", "client credentials", "device"])
def test_blanks_too_many_are_none(kind: str) -> None:
    site = Site()
    way, sufficient = REQUESTS[kind]
    lists = {
        "scope": "  profile   notes:read ",
        "ui_locales": " en  de ",
        "acr_values": "  a ",
        "prompt": " consent ",
    }

    def asked(more: dict[str, str]) -> Any:
        return outcome(getattr(site, way)(list((dict(sufficient(site)) | more).items())))

    tidy = asked({name: " ".join(value.split()) for name, value in lists.items()})
    assert tidy[0] in (200, 302), tidy
    assert asked(lists) == tidy


@pytest.mark.parametrize("kind", ["authorize", "refresh", "device"])
def test_a_scope_that_clients_write_everywhere_is_left_out(kind: str) -> None:
    """``offline_access`` means nothing here, and is in what libraries send by themselves (Core §11)."""
    site = Site()
    way, sufficient = REQUESTS[kind]

    def asked(scope: str) -> Any:
        return outcome(getattr(site, way)(list((dict(sufficient(site)) | {"scope": scope}).items())))

    plain = asked("profile")
    assert plain[0] in (200, 302), plain
    assert asked("profile offline_access") == plain
