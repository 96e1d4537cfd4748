"""The page for devices' codes: whose answer counts, how often one may guess, what strangers learn (RFC 8628 §5)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Visitor

from django_oauthflows.authorization_server import device_authorization
from django_oauthflows.limits import DEFAULT_RATES, Limit
from django_oauthflows.models import Authorization, Client, Consent, DeviceRequest
from django_oauthflows.models.device_request import (
    USER_CODE_LENGTH,
    USER_CODE_LETTERS,
    Asked,
    typed_user_code,
)
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import hidden_fields

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

PAGE = "/oauth/device/"


@pytest.fixture
def tv() -> Client:
    made: Client = ClientFactory(name="Note Television", use_case="device", redirect_uris=())[0]
    return made


@pytest.fixture
def visitor() -> Visitor:
    return logged_in("alice")


def logged_in(name: str) -> Visitor:
    visitor = Visitor(enforce_csrf_checks=False)
    visitor.force_login(UserFactory(username=name))
    return visitor


def asked(tv: Client, network: str = "127.0.0.0/24") -> Asked:
    return DeviceRequest.objects.begin(
        client=tv, scopes=["profile", "notes:read"], resources=[], lifetime=600, network=network
    )


def enter(visitor: Visitor, code: str, **more: Any) -> Any:
    return visitor.post(PAGE, {"user_code": code} | more)


def form_of(page: Any, decision: str = "allow") -> dict[str, Any]:
    fields = hidden_fields(page.content.decode())
    return fields | {"decision": decision, "scope": ["profile", "notes:read"]}


def said(page: Any) -> str:
    return str(page.content.decode())


# Whose answer counts. -----------------------------------------------------------------------------------------


def test_an_answer_without_the_page_does_not_count(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    for more in ({}, {"shown": "made-up"}):
        page = enter(visitor, codes.user_code, decision="allow", scope=["profile"], **more)
        assert page.status_code == 400
    assert not Consent.objects.exists()
    assert DeviceRequest.objects.get().answered_at is None


def test_the_answer_to_one_device_is_none_to_another(visitor: Visitor, tv: Client) -> None:
    mine, theirs = asked(tv), asked(tv)
    form = form_of(enter(visitor, mine.user_code))
    page = visitor.post(PAGE, form | {"user_code": theirs.user_code})
    assert page.status_code == 400
    assert not DeviceRequest.objects.exclude(answered_at=None).exists()


def test_whoever_logs_in_between_page_and_answer_is_asked_themselves(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    form = form_of(enter(visitor, codes.user_code))
    other = logged_in("bob")
    visitor.cookies = other.cookies
    page = visitor.post(PAGE, form)
    assert page.status_code == 400
    assert "out of date" in said(page)
    assert not Consent.objects.exists()


def test_a_form_of_another_site_is_refused(tv: Client) -> None:
    strict = Visitor(enforce_csrf_checks=True)
    strict.force_login(UserFactory(username="alice"))
    for decision in ("allow", "deny"):
        page = enter(strict, asked(tv).user_code, decision=decision)
        assert page.status_code == 403
    assert not DeviceRequest.objects.exclude(answered_at=None).exists()


def test_not_you_logs_out_and_comes_back_with_the_code(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    answer = enter(visitor, codes.user_code, account="switch")
    assert answer.status_code == 302
    assert codes.user_code in answer["Location"]
    assert "_auth_user_id" not in visitor.session


def test_the_first_answer_counts_whoever_gives_it(visitor: Visitor, tv: Client) -> None:
    codes, other = asked(tv), logged_in("bob")
    mine = form_of(enter(visitor, codes.user_code))
    theirs = form_of(enter(other, codes.user_code))
    assert "You have allowed it" in said(visitor.post(PAGE, mine))
    page = other.post(PAGE, theirs)
    assert page.status_code == 400
    assert "This code has been used" in said(page)
    assert Consent.objects.get().user.username == "alice"
    assert "This code has been used" in said(other.post(PAGE, theirs | {"decision": "deny"}))
    assert not DeviceRequest.objects.get().denied


def test_a_code_whose_time_ends_while_the_page_is_open_gives_nothing(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    form = form_of(enter(visitor, codes.user_code))
    request = DeviceRequest.objects.get()
    DeviceRequest.objects.update(expires_at=request.created_at)
    assert visitor.post(PAGE, form).status_code == 400
    assert not request.allow(lambda: pytest.fail("nothing is given"), flow=None, scopes=[], login={})  # type: ignore[arg-type]
    assert not Authorization.objects.exists()


def test_a_client_that_was_suspended_meanwhile_is_not_asked_for(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    tv.suspend()
    assert enter(visitor, codes.user_code).status_code == 400


def test_a_page_that_fails_halfway_leaves_nothing(
    visitor: Visitor, tv: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = asked(tv)
    form = form_of(enter(visitor, codes.user_code))
    monkeypatch.setattr(Authorization.objects, "begin", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        visitor.post(PAGE, form)
    assert not Consent.objects.exists()
    assert DeviceRequest.objects.get().answered_at is None


# Guessing (RFC 8628 §5.1). --------------------------------------------------------------------------------------


def test_an_account_has_twenty_wrong_codes_a_day(visitor: Visitor, tv: Client) -> None:
    for _ in range(20):
        assert enter(visitor, "BBBB-BBBB").status_code == 400
    codes = asked(tv)
    for code in ("BBBB-BBBB", codes.user_code):  # a right one after that is refused as well
        page = enter(visitor, code)
        assert page.status_code == 429
        assert int(page["Retry-After"]) > 0
        assert "Too many wrong codes" in said(page)
    assert enter(logged_in("bob"), codes.user_code).status_code == 200


def test_right_codes_are_not_counted_and_make_no_wrong_one_undone(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    for _ in range(19):
        enter(visitor, "BBBB-BBBB")
    for _ in range(30):
        assert enter(visitor, codes.user_code).status_code == 200
    assert enter(visitor, "BBBB-BBBB").status_code == 400
    assert enter(visitor, codes.user_code).status_code == 429


def test_many_accounts_of_one_network_guess_no_more_than_one(tv: Client) -> None:
    left = Limit.parsed(DEFAULT_RATES["user_code_network"])
    assert left is not None
    for number in range(left.count // 20):
        visitor = logged_in(f"robot{number}")
        for _ in range(20):
            assert enter(visitor, "BBBB-BBBB").status_code == 400
    assert enter(logged_in("one-more"), "BBBB-BBBB").status_code == 429


def test_a_code_that_the_address_brings_is_not_looked_up(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    right, wrong = (visitor.get(PAGE, {"user_code": code}) for code in (codes.user_code, "BBBB-BBBB"))
    texts = [said(page).replace(code, "") for page, code in ((right, codes.user_code), (wrong, "BBBB-BBBB"))]
    assert len(texts[0]) == len(texts[1])
    for name in ("Note Television", 'name="decision"'):
        assert name not in texts[0]


def test_the_sum_of_guesses_is_what_the_comment_says() -> None:
    codes = len(USER_CODE_LETTERS) ** USER_CODE_LENGTH
    account, network = (Limit.parsed(DEFAULT_RATES[name]) for name in ("user_code", "user_code_network"))
    assert account is not None
    assert network is not None
    of_account, of_network = (limit.count * (86400 // limit.period) for limit in (account, network))
    assert of_account / codes < 1e-6
    assert of_network / codes < 1e-6
    assert of_account * 100_000 / codes < 1e-4


@pytest.mark.parametrize(
    "wrong",
    ["", " ", "BCDF", "AAAA-AAAA", "BCDF-GHJKL", "1234-5678", "\x00", "' or 1=1 --", "é" * 8, "B" * 5000],
)
def test_what_is_no_code_is_told_so(visitor: Visitor, wrong: str) -> None:
    page = enter(visitor, wrong)
    assert page.status_code == 400
    assert "This is not a code" in said(page)
    assert "<script" not in said(enter(visitor, "<script>alert(1)</script>"))


def test_wide_letters_of_a_japanese_keyboard_are_letters() -> None:
    assert typed_user_code("ｂｃｄｆ－ｇｈｊｋ") == "BCDFGHJK"


def test_codes_outlive_a_new_key_of_the_site(visitor: Visitor, tv: Client, settings: Any) -> None:
    codes = asked(tv)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-the-site-" * 3
    visitor.force_login(UserFactory(username="carol"))
    assert enter(visitor, codes.user_code).status_code == 200


def test_two_devices_never_share_a_code(tv: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that somebody else was given is drawn once more."""
    from django_oauthflows.models import device_request

    drawn = iter(["BBBBBBBB", "BBBBBBBB", "CCCCCCCC"])
    monkeypatch.setattr(device_request, "_new_user_code", lambda: next(drawn))
    assert [asked(tv).user_code, asked(tv).user_code] == ["BBBB-BBBB", "CCCC-CCCC"]


# What the page is like. -----------------------------------------------------------------------------------------


def test_every_page_of_it_keeps_to_itself(visitor: Visitor, tv: Client) -> None:
    codes = asked(tv)
    consent = enter(visitor, codes.user_code)
    for page in (visitor.get(PAGE), enter(visitor, "no"), consent, visitor.post(PAGE, form_of(consent))):
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["Cache-Control"] == "no-store"
        assert "<script" not in said(page)
        assert page["Referrer-Policy"] == "no-referrer"


def test_where_the_device_is_is_told_roughly_and_only_if_somebody_vouches(tv: Client, settings: Any) -> None:
    def network_of(**headers: str) -> str:
        device = Visitor()
        form = f"client_id={tv.client_id}&scope=profile"
        kind = "application/x-www-form-urlencoded"
        assert device.post("/oauth/device_authorization/", form, kind, **headers).status_code == 200
        return str(DeviceRequest.objects.latest("pk").network)

    assert network_of(REMOTE_ADDR="203.0.113.77") == "203.0.113.0/24"
    assert network_of(REMOTE_ADDR="2001:db8:1:2:3::4") == "2001:db8:1::/48"
    assert network_of(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.7") == ""
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"NUM_PROXIES": 1}
    assert network_of(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.7") == "198.51.100.0/24"


def test_requests_of_devices_are_limited(tv: Client, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"RATES": {"device_authorization": "2/hour"}}
    device = Visitor()
    form = f"client_id={tv.client_id}&scope=profile"
    answers = [
        device.post("/oauth/device_authorization/", form, "application/x-www-form-urlencoded").status_code
        for _ in range(3)
    ]
    assert answers == [200, 200, 429]
    assert DeviceRequest.objects.count() == 2


def test_the_interval_that_is_told_is_the_one_that_is_asked_for() -> None:
    assert device_authorization.INTERVAL == 5
