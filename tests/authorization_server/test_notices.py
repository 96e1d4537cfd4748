"""Mails about connected apps, and the link in them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client as Visitor
from django.urls import clear_script_prefix, set_script_prefix
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import override

from django_oauthflows.models import Client, Consent
from tests.consent.conftest import Walk
from tests.mailbox import delivered, let_pass
from tests.oauth_client import hidden_fields

pytestmark = pytest.mark.django_db(transaction=True)


def link_in(message: Any) -> str:
    found = re.search(r"http://testserver(/oauth/disconnect/\S+)", str(message.body))
    assert found is not None
    return found.group(1)


def test_the_first_connection_and_new_sensitive_permissions_are_told(walk: Walk) -> None:
    walk.allow("profile")
    delivered()
    walk.allow("profile notes:read")
    let_pass(timedelta(hours=1))
    delivered()
    walk.allow("profile notes:write")
    walk.ask("profile")
    mails = delivered()
    assert [message.subject for message in mails] == [
        "Calendar was connected to your account at Example Notes",
        "Calendar can do more with your account at Example Notes",
    ]
    assert mails[0].to == ["alice@example.org"]
    assert "- See your name" in str(mails[0].body)
    assert "- Write and change your notes" in str(mails[1].body)
    assert "See your name" not in str(mails[1].body)


def test_a_site_can_turn_notices_off(walk: Walk, settings: Any) -> None:
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"NOTICES": False}
    walk.allow("profile")
    assert delivered() == []


def test_no_mail_for_a_no_or_for_a_user_without_an_address(walk: Walk, user: Any) -> None:
    walk.answer(walk.ask("profile"), "deny")
    user.email = ""
    user.save()
    walk.allow("profile")
    assert delivered() == []


def test_the_link_asks_first_works_once_and_needs_no_login(walk: Walk) -> None:
    walk.allow("profile")
    link = link_in(delivered()[0])
    stranger = Visitor()
    for _scan in range(2):
        page = stranger.get(link)
        assert page.status_code == 200
        assert stranger.head(link).status_code == 200
    assert Consent.objects.live().exists()
    assert "Disconnect <bdi>Calendar</bdi>?" in page.content.decode()
    assert "alice" not in page.content.decode()
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    done = stranger.post(link)
    assert "is disconnected from your account" in done.content.decode()
    assert not Consent.objects.live().exists()
    for again in (stranger.get(link), stranger.post(link)):
        assert again.status_code == 410
        assert "no longer works" in again.content.decode()


def test_the_link_does_not_end_a_later_connection_of_the_same_app(walk: Walk, user: Any) -> None:
    walk.allow("profile")
    link = link_in(delivered()[0])
    Consent.objects.get().withdraw(by=user)
    walk.allow("profile")
    assert Visitor().post(link).status_code == 410
    assert Consent.objects.live().exists()


def test_the_link_expires_and_cannot_be_forged(walk: Walk, later: Any) -> None:
    walk.allow("profile")
    link = link_in(delivered()[0])
    for forged in (link[:-3] + "xx/", "/oauth/disconnect/1/", "/oauth/disconnect/a:b:c/"):
        assert Visitor().post(forged).status_code == 410
    later(30 * 86400 + 1)
    assert Visitor().post(link).status_code == 410
    assert Consent.objects.live().exists()


def test_posting_the_link_from_another_site_is_refused(walk: Walk) -> None:
    walk.allow("profile")
    assert Visitor(enforce_csrf_checks=True).post(link_in(delivered()[0])).status_code == 403
    assert Consent.objects.live().exists()


def test_an_apps_name_cannot_write_the_mail(walk: Walk, app: Client) -> None:
    name = "Calendar\r\nBcc: all@example.org\r\n\r\nYour account is locked\u202e"
    Client.objects.filter(pk=app.pk).update(name=name)
    walk.allow("profile")
    (sent,) = delivered()
    assert sent.message()["Bcc"] is None
    assert "\n" not in sent.subject
    assert "\nYour account is locked" not in str(sent.body)


@pytest.mark.parametrize(
    "name", ["https://evil.example/login", "evil.example", "www.evil.example/a", "a@evil.example"]
)
def test_an_address_for_a_name_is_no_link_in_the_mail(walk: Walk, app: Client, name: str) -> None:
    Client.objects.filter(pk=app.pk).update(name=name)
    walk.allow("profile")
    (sent,) = delivered()
    text = f"{sent.subject} {sent.body}"
    assert "evil.example" not in text
    # It reads the same, and the links that are ours still work.
    assert name in text.replace("\u2060", "")
    assert set(re.findall(r"https?://[^\s/]+", text)) == {"http://testserver"}


def test_a_consent_that_has_ended_needs_no_link(walk: Walk) -> None:
    walk.allow("profile")
    link = link_in(delivered()[0])
    Consent.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Visitor().get(link).status_code == 410


def test_the_mail_says_when_and_where_all_apps_are(walk: Walk, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kathmandu"
    walk.allow("profile")
    moment = timezone.localtime(Consent.objects.get().given_at)
    body = str(delivered()[0].body)
    assert f"When: {date_format(moment, 'DATETIME_FORMAT')} (+0545)" in body
    assert "http://testserver/oauth/apps/" in body


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/1 Safari/604.1"


def mail_from(walk: Walk, **headers: str) -> str:
    """The body of the mail about a decision that was made with these headers."""
    url = walk.url("profile")
    form = hidden_fields(walk.visitor.get(url).content.decode()) | {"decision": "allow", "scope": ["profile"]}
    assert walk.visitor.post(url, form, **headers).status_code == 302  # type: ignore[arg-type]
    return str(delivered()[0].body)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        (f"{FIREFOX} Edg/140.0", "Edge on Windows"),
        ("curl/8.0", "not known"),
        ("https://evil.example/Firefox/1", "Firefox"),
        ("", "not known"),
    ],
)
def test_the_mail_says_from_which_device(walk: Walk, agent: str, said: str) -> None:
    body = mail_from(walk, HTTP_USER_AGENT=agent)
    assert f"\nDevice: {said}\n" in body
    assert "evil" not in body


def test_the_mail_says_from_which_network_but_not_which_line(walk: Walk) -> None:
    body = mail_from(walk, REMOTE_ADDR="203.0.113.77")
    place = re.search("Place: (.*)", body)
    assert place is not None
    assert place[1].replace("\u2060", "") == "203.0.113.0/24"
    assert "77" not in place[1]


def test_a_proxy_that_the_site_does_not_name_vouches_for_no_place(walk: Walk) -> None:
    assert "Place: not known" in mail_from(walk, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7")


def country_of(request: Any) -> str:
    return f"Leipzig,\nGermany https://evil.example {'x' * 200}"


def breaks(request: Any) -> str:
    raise RuntimeError


def test_a_site_can_name_the_place_itself(walk: Walk, settings: Any) -> None:
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"PLACE_OF": f"{__name__}.country_of"}
    body = mail_from(walk)
    assert "Place: Leipzig, Germany" in body
    assert "https://evil" not in body
    assert "x" * 100 not in body


def test_a_place_that_cannot_be_told_stops_nothing(walk: Walk, settings: Any) -> None:
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"PLACE_OF": f"{__name__}.breaks"}
    assert "Place: 127." in mail_from(walk, REMOTE_ADDR="127.0.0.1").replace("\u2060", "")


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("", "http://testserver/"),
        ("/start/", "http://testserver/start/"),
        ("https://www.example.org/", "https://www.example.org/"),
    ],
)
def test_the_mail_leads_to_the_site(walk: Walk, settings: Any, url: str, home: str) -> None:
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SITE_URL": url}
    assert f"\nExample Notes\n{home}\n" in mail_from(walk)


def test_a_mail_that_comes_after_the_end_says_so_and_offers_no_link(walk: Walk, user: Any) -> None:
    """Who connects an app behind a user's back does not hide it by disconnecting before the mail goes out."""
    walk.allow("profile")
    Consent.objects.get().withdraw(by=user)
    body = str(delivered()[0].body)
    assert "It was allowed:\n- See your name" in body
    assert "It has been disconnected meanwhile" in body
    assert "/oauth/disconnect/" not in body


def test_the_link_is_for_the_connection_that_stands_when_the_mail_goes_out(walk: Walk, user: Any) -> None:
    walk.allow("profile")
    Consent.objects.get().withdraw(by=user)
    walk.allow("profile notes:write")
    (sent,) = delivered()
    assert "- Write and change your notes" in str(sent.body)
    assert Visitor().post(link_in(sent)).status_code == 200
    assert not Consent.objects.live().exists()


def test_the_mail_goes_to_where_the_user_was_whoever_sends_it(walk: Walk, settings: Any) -> None:
    """Host, path of the site and language are those of the request: the sender knows none of them."""
    settings.ALLOWED_HOSTS = ["notes.example.org"]
    where = {"HTTP_HOST": "notes.example.org", "SCRIPT_NAME": "/club", "secure": True}
    url = walk.url("profile")
    page = walk.visitor.get(url, HTTP_ACCEPT_LANGUAGE="de", **where)
    form = hidden_fields(page.content.decode()) | {"decision": "allow", "scope": ["profile"]}
    origin = {"HTTP_REFERER": "https://notes.example.org/club/"}
    set_script_prefix("/club/")  # what Django does where it serves, and its test client does not
    answer = walk.visitor.post(url, form, HTTP_ACCEPT_LANGUAGE="de", **where, **origin)
    clear_script_prefix()
    assert answer.status_code == 302
    with override("en"):
        body = str(delivered()[0].body)
    assert "https://notes.example.org/club/oauth/apps/" in body
    assert "https://notes.example.org/club/oauth/disconnect/" in body
    assert body.startswith("Hallo alice")
