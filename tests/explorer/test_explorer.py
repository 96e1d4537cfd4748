"""The explorer's pages without a browser: their own safety, and what holds declarations together."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Visitor

from django_oauthflows.flows import chooser, registry
from django_oauthflows.flows.parameters import PARAMETERS, parameter_named
from django_oauthflows.models import Client, Event
from example_project.explorer import actions, clients
from example_project.explorer.attacks import ATTACKS, attacks_on
from example_project.explorer.diagram import WIDTH, diagram_of

pytestmark = pytest.mark.one_database

FLOWS = registry.FLOWS
OFFERED = [flow.name for flow in registry.offered_flows()]


# The declarations. ---------------------------------------------------------------------------------------


def test_every_parameter_of_every_step_is_explained_once() -> None:
    named = {name for flow in FLOWS for step in flow.steps for name in step.parameters}
    assert {name for name in named if parameter_named(name) is None} == set()
    assert len({parameter.name for parameter in PARAMETERS}) == len(PARAMETERS)


def test_the_questions_lead_to_every_use_case_and_nowhere_else() -> None:
    reached = {use_case.name for _, use_case in chooser.ways()}
    assert reached == {use_case.name for use_case in registry.USE_CASES}
    asked = {answer.question for question in chooser.QUESTIONS for answer in question.answers} - {""}
    assert asked == {question.name for question in chooser.QUESTIONS[1:]}
    assert all(
        bool(answer.question) != bool(answer.use_case)
        for question in chooser.QUESTIONS
        for answer in question.answers
    )


def test_the_explorer_walks_every_declared_step_in_order() -> None:
    assert [flow.name for flow in FLOWS if actions.walk_of(flow)] == OFFERED
    for flow in registry.offered_flows():
        walked = [name for action in actions.walk_of(flow) for name in action.steps]
        assert walked == [step.name for step in flow.steps], flow.name


def test_a_flow_that_continues_another_begins_with_the_other() -> None:
    for flow in registry.offered_flows():
        before = [action for action in actions.walk_of(flow) if not action.steps]
        assert bool(before) == flow.continues, flow.name
        assert [action.title for action in before] == [
            f"First: {action.title}"
            for action in actions.walk_of(registry.beginning_of(flow))
            if flow.continues and "resource_request" not in action.steps
        ]


def test_every_flow_is_attacked_and_names_are_unique_in_it() -> None:
    for flow in registry.offered_flows():
        names = [attack.name for attack in attacks_on(flow)]
        assert len(names) == len(set(names)) >= 4
    tried = {attack.name for flow in registry.offered_flows() for attack in attacks_on(flow)}
    assert tried == {attack.name for attack in ATTACKS}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_the_drawing_has_an_arrow_for_every_step_and_stays_inside(flow: Any) -> None:
    drawing = diagram_of(flow)
    at = dict(zip(flow.parties, (lane.x for lane in drawing.lanes), strict=True))
    for arrow, step in zip(drawing.arrows, flow.steps, strict=True):
        assert arrow.start == at[step.sender]
        assert (
            min(at.values()) <= min(arrow.x1, arrow.x2) < max(arrow.x1, arrow.x2) <= max(at.values()) < WIDTH
        )
        assert (arrow.x2 > arrow.x1) is (at[step.receiver] > at[step.sender])


# The pages. ----------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(transactional_db: None) -> Visitor:
    return Visitor(headers={"host": "127.0.0.1:8000"})


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_each_flow_has_a_page_whose_text_tells_all_steps(visitor: Visitor, flow: Any) -> None:
    page = visitor.get(f"/flows/{flow.name}/")
    assert page.status_code == 200
    text = re.sub(r"\s+", " ", page.content.decode())
    told = re.findall(r'<li id="step-(\w+)".*?From ([\w ]+) to ([\w ]+):', text)
    assert told == [(step.name, step.sender, step.receiver) for step in flow.steps]
    for step in flow.steps:
        assert text.count(_escaped(step.title)) - text.count(f"Next step: {_escaped(step.title)}") == 1
    first = actions.walk_of(flow)[:1]
    assert re.findall(r'id="step-(\w+)"[^>]*aria-current="step"', text) == [
        name for action in first for name in action.steps
    ]


def test_every_way_through_the_questions_ends_at_its_use_case(visitor: Visitor) -> None:
    for answers, use_case in chooser.ways():
        address = "/flows/choose/"
        for answer in answers:
            page = visitor.get(address).content.decode()
            links = re.findall(r'href="(\?[^"]+)">([^<]+)<', page)
            chosen = next(href for href, text in links if text == _escaped(answer.text))
            address = "/flows/choose/" + chosen.replace("&amp;", "&")
        page = visitor.get(address).content.decode()
        assert f"(<code>{use_case.name}</code>)" in page
        assert _escaped(use_case.avoid) in page


def _escaped(text: str) -> str:
    return text.replace("'", "&#x27;")


def test_the_home_page_leads_to_all_of_it(visitor: Visitor) -> None:
    home = visitor.get("/").content.decode()
    for path in ("/flows/choose/", "/flows/", "/oauth/apps/", "/api/docs/", "/admin/"):
        assert f'href="{path}"' in home
        assert visitor.get(path).status_code in (200, 302), path


def test_unknown_names_are_not_found_and_get_does_nothing(visitor: Visitor) -> None:
    for path in ("/flows/nothing/", "/flows/device_code/back/", "/flows/implicit/what-if/x/"):
        assert visitor.get(path).status_code in (404, 405)
    assert visitor.post("/flows/implicit/what-if/stolen-code/").status_code == 404
    assert visitor.post("/flows/nothing/next/").status_code == 404
    assert visitor.get("/flows/implicit/next/").status_code == 405
    assert visitor.get("/flows/choose/?user=%00&server=" + "x" * 5000).status_code == 200


def test_another_sites_form_cannot_make_it_act(transactional_db: None) -> None:
    strict = Visitor(enforce_csrf_checks=True, headers={"host": "127.0.0.1:8000"})
    assert strict.post("/flows/client_credentials/next/").status_code == 403


def test_a_forged_host_gets_neither_secret_nor_redirect_uri(visitor: Visitor, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for name in OFFERED:
        answer = visitor.post(f"/flows/{name}/next/", headers={"host": "evil.example"})
        assert answer.status_code == 403
    assert not Client.objects.exists()


def test_a_named_host_without_https_is_told_so(visitor: Visitor, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["notes.example"]
    answer = visitor.post("/flows/implicit/next/", headers={"host": "notes.example"})
    assert answer.status_code == 403
    assert not Client.objects.exists()


def test_a_server_that_cannot_call_itself_is_asked_directly(visitor: Visitor) -> None:
    # Django's test client says that it is a single process without threads, as a lone sync worker does.
    assert "cannot call itself" in visitor.get("/flows/client_credentials/").content.decode()
    page = visitor.post("/flows/client_credentials/next/", follow=True).content.decode()
    assert "The client has a token for stats:read" in page
    page = visitor.post("/flows/client_credentials/next/", follow=True).content.decode()
    assert "The flow is complete." in page


def test_a_run_leaves_no_usable_token_on_the_page(visitor: Visitor) -> None:
    page = visitor.post("/flows/client_credentials/next/", follow=True).content.decode()
    assert re.findall(r"oafa_\S{4}…\S{4}", page)
    assert re.findall(r"oaf[a-z]_[\w-]{10,}", page) == []
    secret = clients.client_secret(clients.SERVICE.client_id)
    assert secret not in page
    assert re.findall(r"Basic [\w+/=]{30,}", page) == []
    kept = str([session.get_decoded() for session in Session.objects.all()])
    assert "explorer" in kept
    assert not re.search(r"oaf[acrs]_", kept)


def test_a_token_of_its_own_expires_before_the_visitors_eyes(visitor: Visitor) -> None:
    clients.ensure_clients("http://127.0.0.1:8000")
    Client.objects.filter(client_id="explorer-service").update(access_token_lifetime=1)
    visitor.post("/flows/client_credentials/next/")
    time.sleep(1)
    page = visitor.post("/flows/client_credentials/after/let-expire/", follow=True).content.decode()
    assert "It has expired: the API says so." in page
    assert "401 Unauthorized" in page
    assert "The access token expired." in page


def test_an_answer_that_nobody_asked_for_is_refused(visitor: Visitor) -> None:
    page = visitor.get("/flows/authorization_code/back/?code=x&state=y&iss=z", follow=True)
    assert "knows of no question that this answers" in page.content.decode()
    assert re.findall(r"Next step: ([^<]+)<", page.content.decode()) == ["Prepare the authorization request"]


FLOW = "/flows/authorization_code/"


def answered(visitor: Visitor, trip: Any) -> str:
    """The page after the browser comes back, with a made-up code, from where ``trip`` has sent it."""
    state = parse_qs(urlsplit(trip["Location"]).query)["state"][0]
    answer = urlencode({"code": "made-up", "state": state, "iss": "http://127.0.0.1:8000"})
    return visitor.get(f"{FLOW}back/?{answer}", follow=True).content.decode()


def test_two_tabs_may_be_at_the_provider_at_once(visitor: Visitor) -> None:
    visitor.post(f"{FLOW}next/")
    walk, attack = visitor.post(f"{FLOW}next/"), visitor.post(f"{FLOW}what-if/replayed-code/")
    assert "so it accepts the answer" in answered(visitor, walk)
    assert "What if? A code is used twice" in answered(visitor, attack)
    assert "knows of no question" in answered(visitor, walk)  # reloaded


def test_a_code_that_is_over_leads_to_a_fresh_start(visitor: Visitor) -> None:
    visitor.post(f"{FLOW}next/")
    answered(visitor, visitor.post(f"{FLOW}next/"))
    page = visitor.post(f"{FLOW}next/", follow=True).content.decode()
    assert "400 invalid_grant. A code lives one minute and works once" in page
    page = visitor.post(f"{FLOW}restart/", follow=True).content.decode()
    assert "Next step: Prepare the authorization request" in page


def test_a_page_that_the_user_would_see_is_told_in_its_own_words(visitor: Visitor) -> None:
    page = visitor.post(f"{FLOW}what-if/wrong-redirect-uri/", follow=True).content.decode()
    assert "This request cannot go on The app that sent you here made a mistake" in page
    assert "400 Bad Request" in page
    assert Event.objects.get(cause="redirect URI not registered").reference in page


def test_a_page_that_is_out_of_date_sends_nothing(visitor: Visitor) -> None:
    visitor.post(f"{FLOW}next/", {"done": "0"})
    page = visitor.post(f"{FLOW}next/", {"done": "0"}, follow=True).content.decode()
    assert "the page was out of date" in page
    visitor.logout()
    page = visitor.post(f"{FLOW}next/", {"done": "2"}, follow=True).content.decode()
    assert "the page was out of date" in page
    assert "Next step: Prepare the authorization request" in page


def test_demo_clients_are_made_once_and_follow_a_new_key(transactional_db: None, settings: Any) -> None:
    origin = "http://127.0.0.1:8000"
    clients.ensure_clients(origin)
    before = sorted(Client.objects.values_list("client_id", "redirect_uris"))
    assert len(before) == len(clients.ALL)
    clients.ensure_clients(origin)
    assert sorted(Client.objects.values_list("client_id", "redirect_uris")) == before
    settings.SECRET_KEY = "another-key-" + "0123456789abcdef" * 3
    clients.ensure_clients(origin)
    page = Visitor(headers={"host": "127.0.0.1:8000"}).post("/flows/client_credentials/next/", follow=True)
    assert "The client has a token for stats:read" in page.content.decode()


def test_many_addresses_do_not_pile_up(transactional_db: None) -> None:
    for port in range(8000, 8012):
        clients.ensure_clients(f"http://127.0.0.1:{port}")
    uris = Client.objects.get(client_id="explorer-web").redirect_uris.split()
    assert len(uris) <= 8
    assert "http://127.0.0.1:8011/flows/authorization_code/back/" in uris
