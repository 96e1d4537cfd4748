"""Strings that a client controls, through every page, file and mail: nothing breaks out, hides or passes itself off."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Visitor
from oauth2_provider.models import get_application_model

from django_oauthflows.authorization_server.notices import disconnect_key
from django_oauthflows.models import Client, Consent, Event
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db

BREAKOUTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "{{ request.user.password }}{% now 'Y' %}",
    "</title><script>alert(1)</script>",
)


def html_of(response: Any) -> str:
    return str(response.getvalue().decode())


def every_page(walk: Walk, app: Client, **more: str) -> dict[str, Any]:
    """Each page and file on which a client's strings stand, by its name."""
    pages = {"consent": walk.ask("profile", **more)}
    away = walk.ask("profile", prompt="login", **more)["Location"]
    pages["login again"] = walk.visitor.get(Visitor().get(away).context["next"])
    assert "Please log in again" in html_of(pages["login again"])
    walk.answer(pages["consent"])
    for name in ("", "history.csv", "history.json"):
        pages[f"apps {name}"] = walk.visitor.get(f"/oauth/apps/{name}")
    link = f"/oauth/disconnect/{disconnect_key(Consent.objects.get(client=app))}/"
    pages["disconnect"], pages["disconnected"] = Visitor().get(link), Visitor().post(link)
    pages["told"] = walk.visitor.get("/oauth/apps/")
    assert {page.status_code for page in pages.values()} == {200}
    return pages


@pytest.mark.parametrize("text", BREAKOUTS)
def test_no_string_of_a_client_breaks_out_of_any_page(walk: Walk, app: Client, text: str) -> None:
    Client.objects.filter(pk=app.pk).update(
        name=text,
        description=text,
        publisher=text,
        client_uri=text,
        policy_uri=text,
        tos_uri=text,
        logo_uri=text,
    )
    for name, page in every_page(walk, app, state=text).items():
        if "text/html" not in page["Content-Type"]:
            continue
        for sign in ("<script", "<img", "<svg", "onerror=alert(1)>", "md5$"):
            assert sign not in html_of(page), name
        assert "script-src" not in page["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202eradnelaC\u202c", "radnelaC"),
        ("\u2066Cal\u200be\u200dn\ufeffdar\u2069", "Calendar"),
        ("Cal\u001ben\u0007d\ue000ar\n\n\r\u2028inc", "Calendar inc"),
        ("Cal\u3164\u2800\u115f\ufe0fendar", "Calendar"),
        ("Ca\u0301le" + "\u0301" * 50 + "ndar", "Ca\u0301le\u0301\u0301\u0301ndar"),
        ("x" * 255, "x" * 119 + "…"),
    ],
)
def test_no_name_hides_or_reorders_what_stands_around_it(
    walk: Walk, app: Client, name: str, shown: str
) -> None:
    Client.objects.filter(pk=app.pk).update(name=name, description=name, publisher=name[:200])
    for page_name, page in every_page(walk, app).items():
        text = json.loads(page.getvalue()) if "json" in page["Content-Type"] else html_of(page)
        for letter in "\u202e\u2066\u200b\u200d\ufeff\ue000\u2028\u3164\u2800\u115f\ufe0f":
            assert letter not in str(text), page_name
        if page_name != "told":
            assert shown in str(text), page_name


@pytest.mark.parametrize("name", ["", " \u200b", "\u3164\u2800"])
def test_an_app_without_a_name_goes_by_its_id(walk: Walk, app: Client, name: str) -> None:
    Client.objects.filter(pk=app.pk).update(name=name)
    for page_name, page in every_page(walk, app).items():
        if "history" not in page_name and page_name != "told":
            assert f"<bdi>{app.client_id}</bdi>" in html_of(page), page_name


@pytest.mark.parametrize("state", ["a\r\nSet-Cookie: x=1", "'><script>", "\u202e", "a&code=stolen#b"])
def test_a_state_comes_back_as_it_was_and_adds_nothing(walk: Walk, state: str) -> None:
    for decision in ("deny", "allow"):
        response = walk.answer(walk.ask("profile", state=state), decision)
        answer = told(response)
        assert answer["state"] == state
        assert answer.get("code", "").startswith("oafc_") is (decision == "allow")
        assert not response.cookies
        assert response["Location"].isascii()


@pytest.mark.parametrize("text", BREAKOUTS)
@pytest.mark.parametrize("parameter", ["client_id", "redirect_uri", "scope", "response_type"])
def test_a_broken_request_is_not_echoed(walk: Walk, parameter: str, text: str) -> None:
    scope = text if parameter == "scope" else "profile"
    more = {} if parameter == "scope" else {parameter: text}
    response = walk.ask(scope, **more)
    if response.status_code == 302:
        assert response["Location"].startswith("https://client.example/callback?")
        assert "<" not in response["Location"]
    else:
        assert response.status_code == 400
        assert text not in html_of(response)
        assert Event.objects.get(kind="request_refused").reference in html_of(response)
        assert "stopped to protect you" in html_of(response)


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "data:text/html,x", "ftp://x.example/", "//x", "https://", "x"]
)
def test_only_web_addresses_become_links(walk: Walk, app: Client, uri: str) -> None:
    Client.objects.filter(pk=app.pk).update(client_uri=uri, policy_uri=uri, tos_uri=uri)
    assert re.findall(r'<a href="([^"]*)"', html_of(walk.ask("profile"))) == [
        "/",  # the site itself
        f"/oauth/apps/report/?client_id={app.client_id}",
    ]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://testserver/media/logos/calendar.png", True),
        ("https://testserver/media/logos/calendar.png", True),
        ("https://client.example/media/logo.png", False),
        ("http://testserver/accounts/logout/", False),
        ("http://testserver/media/../accounts/logout/", False),
        ("http://testserver/media/%2e%2e/accounts/logout/", False),
        ("http://testserver/media/x?next=/", False),
        ("http://testserver:80@client.example/media/x.png", False),
        ("http://[/media/", False),
    ],
)
def test_a_logo_is_shown_only_from_our_own_uploads(
    walk: Walk, app: Client, settings: Any, uri: str, shown: bool
) -> None:
    settings.MEDIA_URL = "/media/"
    Client.objects.filter(pk=app.pk).update(logo_uri=uri)
    html = html_of(walk.ask("profile"))
    assert ("<img" in html) is shown
    assert "client.example/media" not in html
    settings.MEDIA_URL = ""
    assert "<img" not in html_of(walk.ask("profile"))


@pytest.mark.parametrize(
    "name",
    [
        "Example Notes",
        "Ехаmple Notes",
        "Example\u200b Notes",
        "ExampIe N0tes",
        "exarnple-notes",
        "\u202eExample Notes",
    ],
)
def test_a_name_that_looks_like_the_sites_is_pointed_out(walk: Walk, app: Client, name: str) -> None:
    Client.objects.filter(pk=app.pk).update(name=name)
    html = html_of(walk.ask("profile"))
    assert "this app looks like <strong><bdi>Example Notes</bdi>" in html
    assert "\u202e" not in html
    assert "\u200b" not in html


def test_a_name_or_host_that_looks_like_a_trusted_apps_is_pointed_out(visitor: Visitor) -> None:
    ClientFactory(name="PayPal", trust="reviewed", redirect_uris=("https://paypal.example/cb",))
    for values in (
        {"name": "РаyРаl", "redirect_uris": ("https://other.example/cb",)},
        {"name": "Payments", "redirect_uris": ("https://paypa1.example/cb",)},
        {"name": "Payments", "redirect_uris": ("https://xn--pypal-4ve.example/cb",)},
    ):
        app, _ = ClientFactory(**values)
        assert "Be careful" in html_of(Walk(visitor, app).ask("profile"))
    honest, _ = ClientFactory(name="Paper", redirect_uris=("https://paper.example/cb",))
    assert "Be careful" not in html_of(Walk(visitor, honest).ask("profile"))


def test_what_is_compared_follows_the_known_app_however_it_is_saved(visitor: Visitor) -> None:
    known, _ = ClientFactory(name="Ledger", redirect_uris=("https://ledger.example/cb",))
    copy, _ = ClientFactory(name="1edger", redirect_uris=("https://1edger.example/cb",))

    def pointed_out() -> bool:
        return "Be careful" in html_of(Walk(visitor, copy).ask("profile"))

    assert not pointed_out()
    known.trust = Client.Trust.REVIEWED
    known.change(["trust"])
    assert pointed_out()
    application = get_application_model().objects.get(pk=known.pk)
    application.name, application.redirect_uris = "Accounts", "https://accounts.example/cb"
    application.save()
    assert not pointed_out()
    application.redirect_uris += " https://ledger.example/other"
    application.save()
    assert pointed_out()
    known.refresh_from_db()
    known.trust = Client.Trust.NOT_REVIEWED
    known.change(["trust"])
    assert not pointed_out()


def test_an_app_that_looks_like_one_that_the_user_has_connected_is_pointed_out(
    visitor: Visitor, user: Any
) -> None:
    known, _ = ClientFactory(name="Ledger", redirect_uris=("https://ledger.example/cb",))
    Consent.objects.give(user=user, client=known, scopes=["profile"])
    copy, _ = ClientFactory(name="1edger")
    assert "Be careful" in html_of(Walk(visitor, copy).ask("profile"))
    stranger = Visitor()
    stranger.force_login(UserFactory())
    assert "Be careful" not in html_of(Walk(stranger, copy).ask("profile"))


def test_an_apps_own_host_is_not_an_imitation_of_another_of_its_publisher(visitor: Visitor) -> None:
    ClientFactory(name="Ledger", trust="reviewed", redirect_uris=("https://ledger.example/cb",))
    ClientFactory(name="Else", trust="reviewed", redirect_uris=("https://1edger.example/cb",))
    app, _ = ClientFactory(name="Payroll", redirect_uris=("https://ledger.example/payroll",))
    assert "Be careful" not in html_of(Walk(visitor, app).ask("profile"))


def test_a_redirect_uri_that_a_site_brings_along_spoils_no_answer(walk: Walk, app: Client) -> None:
    """Stock sites register what is refused here: a host that no column has room for, the names of our answers."""
    host = ".".join(["a" * 60] * 5) + ".example"
    uri = f"https://{host}/cb?iss=https://evil.example&ISS=x&tenant=7"
    with pytest.raises(ValidationError):
        ClientFactory(redirect_uris=(uri,))
    Client.objects.filter(pk=app.pk).update(redirect_uris=uri)
    app.refresh_from_db()
    location = walk.answer(walk.ask("profile"))["Location"]
    given = parse_qsl(urlsplit(location).query)
    assert sorted(name.lower() for name, _ in given) == ["code", "iss", "state", "tenant"]
    assert ("iss", "http://testserver") in given
    assert Consent.objects.get(client=app).redirect_host.endswith(".example")


@pytest.mark.parametrize(
    "name",
    [
        "Example Notes Support",
        "Official Example Notes",
        "My Example-Notes backup",
        "ExampleN0tes",
        "The Ехаmple Notes Login",
    ],
)
def test_a_name_that_has_the_sites_own_in_it_is_pointed_out(walk: Walk, app: Client, name: str) -> None:
    Client.objects.filter(pk=app.pk).update(name=name)
    assert "this app looks like <strong><bdi>Example Notes</bdi>" in html_of(walk.ask("profile"))


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("PayPal Security", True),
        ("Official PayPal Login", True),
        ("PayPalSupport", True),
        ("РауРаl — Sicherheit", True),
        ("Seguridad PayPal", True),
        ("PayPal セキュリティ", True),
        ("the PayPal Security Team login", True),
        ("Support", False),
        ("Paypalette", False),
        ("Pay by mail support", False),
        ("Security", False),
    ],
)
def test_a_reviewed_apps_name_with_words_of_authority_is_pointed_out(
    visitor: Visitor, name: str, warned: bool
) -> None:
    ClientFactory(name="PayPal", trust="reviewed", redirect_uris=("https://paypal.example/cb",))
    app, _ = ClientFactory(name=name)
    html = html_of(Walk(visitor, app).ask("profile"))
    assert ("this app looks like <strong><bdi>PayPal</bdi>" in html) is warned
    Client.objects.filter(pk=app.pk).update(trust="reviewed")
    assert "Be careful" not in html_of(Walk(visitor, app).ask("profile"))


def test_a_site_with_a_short_name_does_not_see_it_in_other_words(
    walk: Walk, app: Client, settings: Any
) -> None:
    for site, name, warned in (
        ("Ink", "Thinker", False),
        ("Ink", "Ink security", True),
        ("メモ", "公式メモ", True),
    ):
        settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SITE_NAME": site}
        Client.objects.filter(pk=app.pk).update(name=name)
        assert ("Be careful" in html_of(walk.ask("profile"))) is warned, name


def test_a_name_made_to_cost_much_costs_little(walk: Walk, app: Client) -> None:
    Client.objects.filter(pk=app.pk).update(name=("login id app " * 30)[:255])
    begun = time.process_time()
    assert walk.ask("profile").status_code == 200
    assert time.process_time() - begun < 2, "what others do on the machine does not count"
