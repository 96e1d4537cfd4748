"""Lists that answer questions, advice, usage: and a constant number of statements for each page."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_oauthflows.admin.actions import MOST_AT_ONCE
from django_oauthflows.models import Authorization, Client, ClientSecret, ClientUsage, Consent, Event
from django_oauthflows.models.client_manager import unusable_toolkit_secret
from tests.admin.conftest import page_of
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db
ROOT = "/admin/django_oauthflows"
REASON = {"confirm": "yes", "reason": "A stolen telephone"}
LONG_AGO = timezone.now() - timedelta(days=400)


def names(response: Any) -> set[str]:
    assert response.status_code == 200
    return {client.name for client in response.context["cl"].result_list}


def test_search_finds_by_name_id_redirect_host_and_owner(boss: Any) -> None:
    owner = UserFactory(username="charlie")
    wanted, _ = ClientFactory(name="Calendar", redirect_uris=["https://cal.example/cb"], owner=owner)
    ClientFactory(name="Other")
    for text in ("calend", wanted.client_id, "cal.example", "charlie"):
        assert names(boss.get(f"{ROOT}/client/", {"q": text})) == {"Calendar"}


def test_filters_by_use_case_flow_and_status(boss: Any) -> None:
    ClientFactory(name="web")
    ClientFactory(name="job", machine=True)[0].suspend()
    assert names(boss.get(f"{ROOT}/client/?use_case=service")) == {"job"}
    assert names(boss.get(f"{ROOT}/client/?flow=authorization_code")) == {"web"}
    assert names(boss.get(f"{ROOT}/client/?status=suspended")) == {"job"}
    assert names(boss.get(f"{ROOT}/client/?status=nonsense&risk=nonsense")) == {"web", "job"}


def with_risks() -> None:
    """One client per risk, named after it."""
    now = timezone.now()
    ClientFactory(name="fine", scopes=["profile"])
    ClientFactory(name="deprecated-flow-over", fragment=True, implicit_until=now - timedelta(days=1))
    ClientFactory(name="deprecated-flow", fragment=True, implicit_reason="Old")
    soon, _ = ClientFactory(name="secret-expires")
    soon.secrets.update(expires_at=now + timedelta(days=10))
    old, _ = ClientFactory(name="secret-old")
    old.secrets.update(created_at=LONG_AGO)
    slow, _ = ClientFactory(name="secret-slow", client_secret="a-password")
    assert slow.secrets.get().slow_hash
    unused, _ = ClientFactory(name="unused", public=True)
    Client.objects.filter(pk=unused.pk).update(created=LONG_AGO)
    scoped, _ = ClientFactory(name="scopes-unused", scopes=["profile", "email"])
    ClientUsage.objects.create(client=scoped, day=now.date(), flow="authorization_code", scope="profile")
    ClientFactory(name="redirect", client_uri="https://elsewhere.example/")
    ClientFactory(name="no-pkce", pkce_exemption="Old library")


def test_each_risk_is_found_by_filter_and_told_as_advice(boss: Any) -> None:
    with_risks()
    advice = boss.get(f"{ROOT}/client/advice/")
    told = {str(finding.client): finding for finding in advice.context["findings"]}
    assert len(advice.context["findings"]) == len(told)
    for client in Client.objects.exclude(name="fine"):
        assert names(boss.get(f"{ROOT}/client/?risk={client.name}")) == {client.name}
        assert told[client.name].remedy in boss.get(page_of(client)).content.decode().replace("&#x27;", "'")
    assert "fine" not in told


def test_rotation_ends_the_advice_on_a_slow_hash_when_the_old_secret_has_ended(boss: Any) -> None:
    client, _ = ClientFactory(name="slow", client_secret="a-password")
    assert "Slow hash" in boss.get(page_of(client, "secrets")).content.decode()
    form = {"newest": client.secrets.get().pk, "overlap": 3600, "reason": "Too slow"}
    assert "oafs_" in boss.post(page_of(client, "rotate-secret"), form).content.decode()
    assert names(boss.get(f"{ROOT}/client/?risk=secret-slow")) == {
        "slow"
    }  # it works until the overlap is over
    ClientSecret.objects.exclude(slow_hash="").update(expires_at=timezone.now())
    assert names(boss.get(f"{ROOT}/client/?risk=secret-slow")) == set()
    assert "Slow hash" not in boss.get(page_of(client, "secrets")).content.decode()


def test_a_client_in_use_is_not_called_unused(boss: Any) -> None:
    client, _ = ClientFactory(name="busy")
    Client.objects.update(created=LONG_AGO)
    ClientUsage.objects.create(client=client, day=timezone.now().date(), flow="refresh_token")
    assert names(boss.get(f"{ROOT}/client/?risk=unused")) == set()


def test_the_list_as_csv_follows_the_filters_and_is_no_formula(boss: Any) -> None:
    _, secret = ClientFactory(name="=HYPERLINK(1)")
    ClientFactory(name="job", machine=True)
    answer = boss.get(f"{ROOT}/client/export/?use_case=web")
    text = answer.getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)"]
    assert secret not in text
    chosen = {"action": "export_csv", "_selected_action": [Client.objects.get(name="job").pk]}
    rows = list(csv.DictReader(io.StringIO(boss.post(f"{ROOT}/client/", chosen).getvalue().decode())))
    assert [row["name"] for row in rows] == ["job"]


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", " =1", "＝1+1", "App;=1+1", "App; @x", "App\n=1", "a;\n+1;b"],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_of_the_file_is_a_formula_wherever_a_spreadsheet_cuts_it(
    boss: Any, name: str, delimiter: str
) -> None:
    ClientFactory(name=name)
    text = boss.get(f"{ROOT}/client/export/").getvalue().decode()
    assert all(line.startswith('"') for line in text.splitlines()[:2])
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=delimiter) for cell in row]
    assert not [cell for cell in cells if cell.strip().startswith(tuple("=+-@＝＋－＠"))]
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["name"].replace("'", "") == name  # nothing else is lost


def test_usage_is_drawn_and_told_as_a_table(boss: Any) -> None:
    client, _ = ClientFactory()
    today = timezone.now().date()
    for issued in (3, 4):  # two processes have counted
        ClientUsage.objects.create(client=client, day=today, flow="refresh_token", tokens_issued=issued)
    ClientUsage.objects.create(client=client, day=today - timedelta(60), flow="implicit", tokens_issued=9)
    page = boss.get(page_of(client, "usage"))
    assert page.context["plot"].rows == [(today, [7], 7)]
    assert page.content.decode().count("<rect") == 1
    assert f"{today.isoformat()}: 7 (Refresh token)" in page.content.decode()


def grow(clients: int, each: int, sessions: int) -> None:
    """``clients`` with ``each`` consents of ``sessions`` authorizations, made by a few statements."""
    users = get_user_model().objects.bulk_create(
        [get_user_model()(username=f"u{n}") for n in range(each)], ignore_conflicts=True
    )
    users = list(get_user_model().objects.filter(username__startswith="u")[:each])
    made = [ClientFactory(machine=False, owner=users[0])[0] for _n in range(clients)]
    Consent.objects.bulk_create(
        Consent(client=client, user=user, scope="profile") for client in made for user in users
    )
    Authorization.objects.bulk_create(
        Authorization(
            consent_id=consent,
            flow="authorization_code",
            scope="profile",
            generation=1,
            rotated_at=timezone.now(),
            expires_at=timezone.now() + timedelta(days=1),
        )
        for consent in Consent.objects.values_list("pk", flat=True)
        for _n in range(sessions)
    )
    Event.objects.bulk_create(
        Event(kind="request_refused", cause="scope not allowed", client=client, client_name=client.name)
        for client in made
        for _n in range(each)
    )


def test_nothing_about_a_live_authorization_can_be_edited(boss: Any) -> None:
    grow(1, 1, 1)
    authorization = Authorization.objects.get()
    for model, row in (
        ("authorization", authorization),
        ("consent", authorization.consent),
        ("event", Event.objects.first()),
    ):
        url = f"{ROOT}/{model}/{row.pk}/"
        page = boss.get(f"{url}change/")
        assert page.status_code == 200
        assert 'name="_save"' not in page.content.decode()
        assert str(authorization.token_epoch) not in page.content.decode()
        assert boss.post(f"{url}change/", {"user": 1}).status_code == 403
        assert boss.post(f"{url}delete/", {"post": "yes"}).status_code == 403
        assert boss.get(f"{ROOT}/{model}/add/").status_code == 403


@pytest.mark.parametrize(
    ("model", "action", "kind"),
    [("consent", "withdraw", "consent_withdrawn"), ("authorization", "revoke", "authorization_revoked")],
)
def test_ending_shows_what_it_hits_asks_why_and_is_recorded(
    boss: Any, staff: Any, model: str, action: str, kind: str
) -> None:
    grow(1, 2, 2)
    row = (Consent if model == "consent" else Authorization).objects.order_by("pk").first()
    hit = 2 if model == "consent" else 1  # a consent carries all its authorizations
    chosen = {"action": action, "_selected_action": [row.pk]}
    looker = staff("view_client", "view_consent", "view_authorization")
    assert looker.post(f"{ROOT}/{model}/", chosen | REASON).status_code == 403
    assert f'value="{action}"' not in looker.get(f"{ROOT}/{model}/").content.decode()
    impact = boss.post(f"{ROOT}/{model}/", chosen).context["impact"]
    assert (impact.clients, impact.users, impact.authorizations) == (1, 1, hit)
    assert impact.last_used_at is not None
    assert "required" in boss.post(f"{ROOT}/{model}/", chosen | REASON | {"reason": ""}).content.decode()
    assert Authorization.objects.live().count() == 4
    assert boss.post(f"{ROOT}/{model}/", chosen | REASON).status_code == 302
    assert Authorization.objects.live().count() == 4 - hit
    event = Event.objects.get(kind=kind)
    assert (event.actor, event.data["reason"]) == (boss.user, "A stolen telephone")
    assert LogEntry.objects.filter(object_id=row.pk, change_message__contains="A stolen telephone").get()
    assert boss.post(f"{ROOT}/{model}/", chosen | REASON).status_code == 302
    assert Event.objects.filter(kind=kind).count() == 1


def test_more_than_a_request_can_bear_is_not_begun(boss: Any) -> None:
    grow(1, MOST_AT_ONCE + 1, 0)
    everything = {"action": "withdraw", "_selected_action": [1], "select_across": "1"} | REASON
    answer = boss.post(f"{ROOT}/consent/", everything, follow=True)
    assert f"Choose at most {MOST_AT_ONCE} at a time" in answer.content.decode()
    assert Consent.objects.live().count() == MOST_AT_ONCE + 1


def test_clients_that_the_toolkit_made_open_too(boss: Any) -> None:
    from oauth2_provider.models import get_application_model

    get_application_model().objects.create(
        name="Brought along",
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris="https://old.example/cb",
        client_secret=unusable_toolkit_secret(),
    )
    client = Client.objects.get()
    assert "no use case was chosen" in boss.get(page_of(client)).content.decode()
    assert names(boss.get(f"{ROOT}/client/")) == {"Brought along"}
    assert not ClientSecret.objects.exists()


def people() -> tuple[Client, dict[str, Any]]:
    """A client that two people allow different things, and an own app of the site."""
    notes, _ = ClientFactory(name="Notes app")
    own, _ = ClientFactory(name="Own app", trust="first_party")
    users = {name: UserFactory(username=name) for name in ("alice", "albert", "bob")}
    for name, scopes in (("alice", ["profile"]), ("albert", ["notes:write"]), ("bob", ["notes:read"])):
        Consent.objects.give(user=users[name], client=notes, scopes=scopes)
    Consent.objects.give(user=users["bob"], client=own, scopes=["profile"])
    return notes, users


def consents_of(response: Any) -> set[tuple[str, str]]:
    assert response.status_code == 200
    return {(consent.user.username, consent.client.name) for consent in response.context["cl"].result_list}


def test_who_gave_this_app_write_access(boss: Any) -> None:
    notes, _users = people()
    consents = f"{ROOT}/consent/"
    assert consents_of(boss.get(consents, {"scope": "notes:write"})) == {("albert", "Notes app")}
    # Who may write may read.
    reading = {("albert", "Notes app"), ("bob", "Notes app")}
    assert consents_of(boss.get(consents, {"scope": "notes:read", "of": "notes"})) == reading
    assert consents_of(boss.get(consents, {"of": notes.client_id, "who": "al"})) == {
        ("alice", "Notes app"),
        ("albert", "Notes app"),
    }
    assert consents_of(boss.get(consents, {"trust": "first_party"})) == {("bob", "Own app")}
    html = boss.get(consents, {"of": "notes", "scope": "profile"}).content.decode()
    assert '<input type="hidden" name="scope" value="profile">' in html
    assert 'name="of" id="oaf-by-of" value="notes"' in html


def test_events_by_client_and_user_with_the_time_first(boss: Any) -> None:
    people()
    html = boss.get(f"{ROOT}/event/", {"of": "own", "who": "bo"})
    assert {event.client_name for event in html.context["cl"].result_list} == {"Own app"}
    assert html.context["cl"].list_display[0] == "at"
    nobody = boss.get(f"{ROOT}/event/", {"who": "no-such-user"})
    assert not nobody.context["cl"].result_list


def test_the_people_of_a_client_come_in_pages_narrowed_and_as_a_file(boss: Any, staff: Any) -> None:
    notes, _users = people()
    page = page_of(notes, "people")
    for number in range(55):
        Consent.objects.create(user=UserFactory(username=f"u{number:02}"), client=notes, scope="profile")
    first = boss.get(page).content.decode()
    assert "Page 1 of 2" in first
    assert "?p=2" in first
    narrowed = boss.get(page, {"who": "AL", "scope": "notes:read"}).content.decode()
    assert "albert" in narrowed
    assert "alice" not in narrowed
    assert 'href="/admin/django_oauthflows/consent/user/' in narrowed
    assert boss.get(page, {"scope": "no:such", "p": "x"}).status_code == 200
    answer = boss.get(f"{page}export/", {"who": "al"})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert {row["user"]: row["permissions"] for row in rows} == {"alice": "profile", "albert": "notes:write"}
    assert staff("view_client").get(f"{page}export/").status_code == 403
    assert "?who=al&amp;p=2" in boss.get(page, {"who": "u"}).content.decode().replace("who=u", "who=al")


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("client", "A client is an app or a program"),
        ("consent", "A consent is what a user allows an app to do."),
        ("authorization", "A token is what the app shows to be let in."),
        ("event", "Nothing here can be changed."),
        ("outboxmessage", "Mails to users and developers"),
        ("signingkey", "so that they can check that it comes from here"),
    ],
)
def test_each_list_says_what_it_is_a_list_of(boss: Any, name: str, about: str) -> None:
    page = boss.get(f"/admin/django_oauthflows/{name}/").content.decode()
    assert about in page.partition('<p class="oaf-about">')[2].partition("</p>")[0]
