"""The form of a client: what is needed first, the rest folded, and a word on addresses that look alike."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages

from django_oauthflows.models import Client, Event
from django_oauthflows.models.redirect_uri import twins
from tests.admin.conftest import CONFIRM, form_data, page_of
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ADD = "/admin/django_oauthflows/client/add/"


def sections(page: str) -> dict[str, str]:
    """Title of each folded section → its HTML; what stands unfolded under an empty title."""
    folded = re.findall(r"<details>\s*<summary>\s*<h2[^>]*>\s*(.*?)\s*</h2>(.*?)</details>", page, re.DOTALL)
    rest = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    return {"": rest, **dict(folded)}


@pytest.mark.parametrize("case", ["web", "native", "service", "legacy-spa", "change"])
def test_what_every_client_needs_stands_first_and_the_rest_is_folded_with_a_line_of_help(
    boss: Any, case: str
) -> None:
    client, _ = ClientFactory()
    html = boss.get(page_of(client) if case == "change" else f"{ADD}?use_case={case}").content.decode()
    found = sections(html)
    for name in ("name", "allowed_scopes", *(() if case == "service" else ("redirect_uris",))):
        assert f'name="{name}"' in found[""], name
    assert len(found) >= (7 if case == "change" else 2)
    for title in found:
        assert not title or re.search(r'class="oaf-about-section">\s*\w', title), title
    assert 'name="access_token_lifetime"' not in found[""]
    assert 'name="accepted_risk"' not in found[""]


def test_a_mistake_in_a_folded_section_unfolds_it(boss: Any) -> None:
    client, _ = ClientFactory()
    data = form_data(boss.get(page_of(client))) | {"access_token_lifetime": "-1"}
    page = boss.post(page_of(client), data).content.decode()
    assert 'name="access_token_lifetime"' in sections(page)[""]


def test_examples_are_such_as_the_use_case_has(boss: Any) -> None:
    native = boss.get(f"{ADD}?use_case=native").content.decode()
    assert "http://127.0.0.1/callback, com.example.app:/callback" in native
    assert "https://app.example.com/callback" not in native
    assert "https://app.example.com/callback" in boss.get(f"{ADD}?use_case=web").content.decode()
    data = form_data(boss.get(f"{ADD}?use_case=native")) | {"name": "N", "allowed_scopes": ["profile"]}
    for wrong in ("", "callback"):
        answer = boss.post(f"{ADD}?use_case=native", data | {"redirect_uris": wrong})
        (error,) = answer.context["adminform"].form.errors["redirect_uris"]
        assert "as in http://127.0.0.1/callback" in error
    client, _ = ClientFactory(use_case="native", redirect_uris=["com.example.app:/cb"])
    assert "com.example.app:/callback" in boss.get(page_of(client)).content.decode()


@pytest.mark.parametrize(
    ("uris", "pairs"),
    [
        (["https://a.example/cb", "https://a.example/cb/"], 1),
        (["https://a.example", "https://a.example/"], 1),
        (["https://a.example/cb?x=1", "https://a.example/cb/?x=1"], 1),
        (["https://a.example/cb", "https://a.example/CB"], 1),
        (["https://a.example/cb", "https://a.example:443/cb"], 1),
        (["http://127.0.0.1:80/cb", "http://127.0.0.1/cb"], 1),
        (["https://a.example/cb", "https://a.example/cb/", "https://a.example/Cb"], 2),
        (["https://a.example/cb", "https://a.example/cb2"], 0),
        (["https://a.example/cb", "https://b.example/cb"], 0),
        (["https://a.example/cb", "http://a.example/cb"], 0),
        (["https://a.example:8443/cb", "https://a.example/cb"], 0),
        (["https://a.example/?to=/A", "https://a.example/?to=/B"], 0),
        (["com.example.app:/cb", "com.example.app:/cb/"], 1),
        ([], 0),
    ],
)
def test_addresses_that_look_alike(uris: list[str], pairs: int) -> None:
    assert len(twins(uris)) == pairs


def test_two_addresses_that_look_alike_get_a_word_and_are_kept(boss: Any) -> None:
    both = "https://web.example/cb\nhttps://web.example/cb/"
    data = form_data(boss.get(f"{ADD}?use_case=spa"))
    data |= {"name": "An app", "allowed_scopes": ["profile"], "redirect_uris": both}
    told = [str(each) for each in get_messages(boss.post(f"{ADD}?use_case=spa", data).wsgi_request)]
    assert sum("last slash" in each for each in told) == 1
    client = Client.objects.get()
    assert client.redirect_uris.split() == both.split()
    data = form_data(boss.get(page_of(client)))
    answer = boss.post(page_of(client), data | {"name": "Another name"})
    assert not any("last slash" in str(each) for each in get_messages(answer.wsgi_request))
    more = {"redirect_uris": f"{both}\nhttps://WEB.example/cb"}
    answer = boss.post(page_of(client), data | more)
    assert any("capital letters" in str(each) for each in get_messages(answer.wsgi_request))


def test_what_ends_something_stands_apart(boss: Any, staff: Any) -> None:
    client, _ = ClientFactory()
    for tab in ("change", "people", "events"):
        page = boss.get(page_of(client, tab)).content.decode()
        head, _mark, danger = page.partition('id="oaf-danger"')
        for action in ("suspend", "revoke-tokens", "delete"):
            assert page_of(client, action) not in head, action
            assert page_of(client, action) in danger, action
        assert page_of(client, "rotate-secret") in head
    page = staff("view_client", "suspend_client").get(page_of(client)).content.decode()
    assert [page_of(client, name) in page for name in ("suspend", "revoke-tokens", "delete")] == [
        True,
        False,
        False,
    ]
    assert 'id="oaf-danger"' not in staff("view_client").get(page_of(client)).content.decode()
    for action, red in (("suspend", True), ("revoke-tokens", True), ("delete", True)):
        assert ('class="deletelink"' in boss.get(page_of(client, action)).content.decode()) is red
    client.suspend(reason="A test")
    resume = boss.get(page_of(client, "resume")).content.decode()
    assert 'class="deletelink"' not in resume


@pytest.mark.parametrize(
    "page", ["suspend", "revoke-tokens", "delete", "rotate-secret", "secrets/{secret}/revoke"]
)
def test_every_reason_is_asked_for_in_one_way_and_needed(boss: Any, page: str) -> None:
    client, _ = ClientFactory()
    secret = client.secrets.get().pk
    url = page_of(client, page.format(secret=secret))
    html = boss.get(url).content.decode()
    assert "must be filled in" in html
    field = re.search(r'<label [^>]*class="required"[^>]*>Reason.*?</div>', html, re.DOTALL)
    assert field is not None
    assert "who reads it later should understand why" in field.group()
    before = Client.objects.values().get(), list(client.secrets.values())
    for reason in ("", "   ", "x" * 201):
        answer = boss.post(url, CONFIRM | {"reason": reason, "overlap": 3600, "newest": secret})
        assert "reason" in answer.context["form"].errors
    assert (Client.objects.values().get(), list(client.secrets.values())) == before


def test_from_a_reference_straight_to_its_event(boss: Any, staff: Any) -> None:
    client, _ = ClientFactory()
    reference = Event.objects.refused(client=client, cause="code expired")
    event = Event.objects.get(reference=reference)
    there = f"/admin/django_oauthflows/event/{event.pk}/change/"
    for typed in (reference, reference.lower(), f" {reference[:4]}-{reference[4:]} "):
        answer = boss.get("/admin/django_oauthflows/event/reference/", {"reference": typed})
        assert (answer.status_code, answer.headers["Location"]) == (302, there)
    for nobody in ("", "22222222", "x\0y", "é" * 300, "<b>"):
        answer = boss.get("/admin/django_oauthflows/event/reference/", {"reference": nobody})
        assert answer.headers["Location"] == "/admin/django_oauthflows/event/"
    assert staff("view_client").get("/admin/django_oauthflows/event/reference/").status_code == 403
    assert there in boss.get("/admin/django_oauthflows/event/").content.decode()
    assert there in boss.get(page_of(client, "events")).content.decode()
    assert there not in staff("view_client").get(page_of(client, "events")).content.decode()


def test_no_sentence_ends_in_two_stops(boss: Any, settings: Any) -> None:
    settings.LANGUAGE_CODE = "en-us"  # where a time ends in "p.m."
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SCOPES": {"profile": "See your name."}}
    client, _ = ClientFactory(scopes=["profile"])
    client.suspend(reason="Broke the rules.")
    for tab in ("change", "people", "events", "secrets"):
        page = re.sub(r"<[^>]+>|https?://\S+", " ", boss.get(page_of(client, tab)).content.decode())
        assert not re.search(r"(?<!\.)\.\s?\.(?!\.)", page), tab
