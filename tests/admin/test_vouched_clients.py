"""A client that the site vouches for is no ladder: each write, tried by staff with the permission for it alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from django_oauthflows.models import Client, ClientSecret, Event
from tests.admin.conftest import CONFIRM, form_data, page_of
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]
LIST = "/admin/django_oauthflows/client/"
ADD = f"{LIST}add/?use_case=service"


@pytest.fixture(autouse=True)
def users_can_have_pairwise_names(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"PAIRWISE_KEY": "k" * 40}


def _boss() -> Any:
    return UserFactory(is_superuser=True)


#: The kinds of client, with what makes each one so and the permission with which one could do that.
KINDS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "plain": (dict, ""),
    "first party": (lambda: {"trust": "first_party"}, "trust_client"),
    "reviewed": (lambda: {"trust": "reviewed"}, "trust_client"),
    "with a service user": (lambda: {"service_user": UserFactory()}, "set_service_user"),
    "with a superuser's rights": (lambda: {"service_user": _boss()}, "superuser"),
}
VOUCHED = [kind for kind in KINDS if kind != "plain"]


def made(kind: str) -> Client:
    """A client with a secret, suspended so that it can be resumed."""
    client: Client = ClientFactory(
        flows="authorization_code refresh_token client_credentials",
        scopes=["profile", "notes:read"],
        **KINDS[kind][0](),
    )[0]
    client.suspend()
    return client


@dataclass(frozen=True)
class Write:
    """Something that staff can do to a client: with which permission, and by which request."""

    name: str
    permission: str
    send: Callable[[Any, Client], Any]

    def __str__(self) -> str:
        return self.name


def _change(**fields: Any) -> Callable[[Any, Client], Any]:
    return lambda user_agent, client: user_agent.post(page_of(client), _form_of(client, user_agent) | fields)


def _form_of(client: Client, user_agent: Any) -> dict[str, Any]:
    """What its page shows them. To draw that takes longer than all else here, and no write that is tried stays."""
    forms = user_agent.__dict__.setdefault("forms", {})
    if client.pk not in forms:
        forms[client.pk] = form_data(user_agent.get(page_of(client)))
    return dict(forms[client.pk])


def _rotate(user_agent: Any, client: Client) -> Any:
    newest = client.secrets.get().pk
    return user_agent.post(
        page_of(client, "rotate-secret"), {"overlap": 3600, "newest": newest, "reason": "Each spring"}
    )


def _revoke_secret(user_agent: Any, client: Client) -> Any:
    return user_agent.post(page_of(client, f"secrets/{client.secrets.get().pk}/revoke"), CONFIRM)


def _page(name: str) -> Callable[[Any, Client], Any]:
    return lambda user_agent, client: user_agent.post(page_of(client, name), CONFIRM)


def _bulk(action: str) -> Callable[[Any, Client], Any]:
    return lambda user_agent, client: user_agent.post(
        LIST, {"action": action, "_selected_action": [client.pk]} | CONFIRM
    )


SEEN_BY_USERS = {
    "name",
    "description",
    "publisher",
    "client_uri",
    "logo",
    "logo_uri",
    "policy_uri",
    "tos_uri",
}
HARMLESS = SEEN_BY_USERS | {"owner", "contacts"}
#: Each setting that is not only shown to users, with another value for it.
SETTINGS: dict[str, dict[str, Any]] = {
    "redirect_uris": {"redirect_uris": "https://evil.example/"},
    "allowed_origins": {"allowed_origins": "https://evil.example"},
    "post_logout_redirect_uris": {"post_logout_redirect_uris": "https://evil.example/"},
    "accepted_risk": {"accepted_risk": "Because"},
    "user_groups": {"user_groups": ""},
    "id_token_algorithm": {"id_token_algorithm": "ES256"},
    "userinfo_algorithm": {"userinfo_algorithm": "ES256"},
    "subject_kind": {"subject_kind": "pairwise"},
    "logout_notice_uri": {"logout_notice_uri": "https://evil.example/"},
    "logout_notice_needs_session": {"logout_notice_needs_session": "on"},
    "allowed_scopes": {"allowed_scopes": ["profile", "notes:read", "email"]},
    "default_scopes": {"default_scopes": ["profile", "notes:read"]},
    "narrows_scopes": {"narrows_scopes": "on"},
    "flows": {"flows": ["authorization_code", "client_credentials"]},
    "pkce_exemption": {"pkce_exemption": "It is easier"},
    "access_token_format": {"access_token_format": "jwt"},
    "access_token_lifetime": {"access_token_lifetime": "86400"},
    "refresh_token_idle_lifetime": {"refresh_token_idle_lifetime": "864000"},
    "refresh_token_absolute_lifetime": {"refresh_token_absolute_lifetime": "8640000"},
    "throttle_rate": {"throttle_rate": "100000/second"},
    "is_resource_server": {"is_resource_server": "on"},
    "resources": {"resources": "https://api.example/"},
}
WRITES = [
    *(Write(f"set {field}", "change_client", _change(**value)) for field, value in SETTINGS.items()),
    Write("rotate the secret", "rotate_secret", _rotate),
    Write("revoke a secret", "rotate_secret", _revoke_secret),
    Write("resume", "suspend_client", _page("resume")),
    Write("resume many", "suspend_client", _bulk("resume")),
    Write("delete", "delete_client", _page("delete")),
]
STOPS = [
    Write("suspend", "suspend_client", _page("suspend")),
    Write("suspend many", "suspend_client", _bulk("suspend")),
    Write("revoke tokens", "revoke_tokens", _page("revoke-tokens")),
    Write("revoke the tokens of many", "revoke_tokens", _bulk("revoke_tokens")),
]


def state() -> list[Any]:
    """All that a write could have left behind."""
    models = (Client, ClientSecret, Event, LogEntry)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def answers(
    writes: list[Write], client: Client, member_with: Callable[[str], Any]
) -> Iterator[tuple[Write, Any, bool]]:
    """Each write, the answer to it, and whether it has left anything behind, which is undone before the next.

    ``member_with``: makes a member of staff with the permission of a write, once for all writes that need it.
    """
    members, before = cache(member_with), state()
    for write in writes:
        member = members(write.permission)
        with transaction.atomic():
            answer, after = write.send(member, client), state()
            transaction.set_rollback(True)
        yield write, answer, after != before


@pytest.mark.parametrize("kind", VOUCHED)
def test_who_could_not_have_vouched_cannot(staff: Any, kind: str) -> None:
    for write, answer, changed in answers(WRITES, made(kind), partial(staff, "view_client")):
        assert (answer.status_code, changed) == (403, False), write
        assert "oafs_" not in answer.content.decode(), write


@pytest.mark.parametrize("kind", VOUCHED)
def test_a_permission_to_vouch_in_another_way_does_not_help(staff: Any, kind: str) -> None:
    other = {"trust_client": "set_service_user"}.get(KINDS[kind][1], "trust_client")
    for write, answer, changed in answers(WRITES, made(kind), partial(staff, "view_client", other)):
        assert (answer.status_code, changed) == (403, False), write


@pytest.mark.parametrize("kind", KINDS)
def test_who_could_have_vouched_can(staff: Any, kind: str) -> None:
    needed = KINDS[kind][1]
    if needed == "superuser":
        member_with = cache(lambda _permission: staff(superuser=True))
    else:
        member_with = partial(staff, "view_client", *([needed] if needed else []))
    for write, answer, changed in answers(WRITES, made(kind), member_with):
        assert answer.status_code in (200, 302), write
        assert changed, write


@pytest.mark.parametrize("kind", VOUCHED)
def test_to_vouch_is_no_permission_for_the_write_itself(staff: Any, kind: str) -> None:
    client = made(kind)
    user_agent = staff("view_client", "trust_client", "set_service_user")
    before = state()
    for write in WRITES:
        # The page of settings has no form for them: what they send is forged.
        forged = SETTINGS.get(write.name.removeprefix("set "))
        answer = user_agent.post(page_of(client), forged) if forged else write.send(user_agent, client)
        assert answer.status_code == 403, write
        assert state() == before, write


@pytest.mark.parametrize("kind", KINDS)
def test_stopping_a_client_waits_for_nobody(staff: Any, kind: str) -> None:
    client = made(kind)
    client.resume()
    for write, answer, changed in answers(STOPS, client, partial(staff, "view_client")):
        assert (answer.status_code, changed) == (302, True), write


def test_no_setting_is_forgotten_here(boss: Any) -> None:
    """Whoever adds a setting says here whether it is harmless."""
    shown = boss.get(page_of(made("plain"))).context["adminform"].form.fields
    assert set(shown) == {*HARMLESS, *SETTINGS, "trust", "service_user"}


@pytest.mark.parametrize("kind", VOUCHED)
def test_what_users_see_owner_and_contacts_stay_with_support(staff: Any, kind: str) -> None:
    client, owner = made(kind), UserFactory()
    user_agent = staff("view_client", "change_client")
    page = user_agent.get(page_of(client))
    shown = form_data(page)
    assert set(shown) == HARMLESS
    assert "Only staff who may" in page.content.decode()
    changed = shown | {"name": "Renamed", "contacts": "help@client.example", "owner": str(owner.pk)}
    assert user_agent.post(page_of(client), changed).status_code == 302
    client.refresh_from_db()
    assert (client.name, client.contacts, client.owner) == ("Renamed", "help@client.example", owner)


def test_a_vouched_client_with_the_implicit_flow_can_be_renamed(staff: Any) -> None:
    client, _ = ClientFactory(fragment=True, implicit_reason="Until May", trust="reviewed")
    user_agent = staff("view_client", "change_client")
    data = form_data(user_agent.get(page_of(client)))
    for forged in ({"implicit_until_0": "2099-01-01", "implicit_until_1": "00:00"}, {"implicit_reason": "x"}):
        assert user_agent.post(page_of(client), data | forged).status_code == 403
    assert user_agent.post(page_of(client), data | {"name": "Renamed"}).status_code == 302
    assert (Client.objects.get().name, Client.objects.get().implicit_reason) == ("Renamed", "Until May")


@pytest.mark.parametrize("kind", VOUCHED)
def test_nobody_takes_the_sites_word_back_to_get_round_it(staff: Any, kind: str) -> None:
    client = made(kind)
    before = state()
    for field, value in (("trust", "not_reviewed"), ("service_user", "")):
        user_agent = staff("view_client", "change_client")
        data = form_data(user_agent.get(page_of(client)))
        assert user_agent.post(page_of(client), data | {field: value}).status_code == 403
    assert state() == before


def test_the_buttons_are_shown_to_those_who_may_press_them(staff: Any) -> None:
    client = made("first party")
    actions = ("view_client", "rotate_secret", "suspend_client", "delete_client")
    for names, shown in ((actions, False), ((*actions, "trust_client"), True)):
        user_agent = staff(*names)
        page = user_agent.get(page_of(client)).content.decode()
        for action in ("rotate-secret", "resume", "delete"):
            assert (page_of(client, action) in page) is shown
            assert user_agent.get(page_of(client, action)).status_code == (200 if shown else 403)
        assert ("/revoke/" in user_agent.get(page_of(client, "secrets")).content.decode()) is shown


def test_one_vouched_client_among_many_stops_the_whole_action(staff: Any) -> None:
    plain, vouched = made("plain"), made("first party")
    user_agent = staff("view_client", "suspend_client")
    chosen = {"action": "resume", "_selected_action": [plain.pk, vouched.pk]}
    asked = user_agent.post(LIST, chosen)
    assert [key for key, _name in asked.context["rows"]] == [plain.pk]
    assert f"{vouched.name} ({vouched.client_id}): This site vouches" in asked.content.decode()
    before = state()
    assert user_agent.post(LIST, chosen | CONFIRM).status_code == 403
    assert state() == before
    sent_by_page = {"action": "resume", "_selected_action": [plain.pk]} | CONFIRM
    assert user_agent.post(LIST, sent_by_page).status_code == 302
    assert not Client.objects.get(pk=plain.pk).is_suspended


# The service user. ---------------------------------------------------------------------------------------


def in_group(*codenames: str) -> Group:
    group = Group.objects.create(name=" ".join(codenames))
    group.permissions.set(Permission.objects.filter(codename__in=codenames))
    return group


def account(**what: Any) -> Any:
    """An account with a permission of its own, by a group, as a superuser, or switched off."""
    user = UserFactory(is_superuser=what.get("superuser", False), is_active=what.get("active", True))
    user.user_permissions.set(Permission.objects.filter(codename__in=what.get("direct", ())))
    if "group" in what:
        user.groups.add(in_group(*what["group"]))
    return user


MORE_THAN_STAFF = {
    "superuser": {"superuser": True},
    "inactive superuser": {"superuser": True, "active": False},
    "direct permission": {"direct": ["delete_user"]},
    "permission by a group": {"group": ["delete_user"]},
    "inactive": {"direct": ["delete_user"], "active": False},
}


@pytest.mark.parametrize("what", MORE_THAN_STAFF.values(), ids=str)
def test_nobody_gives_a_client_an_account_above_their_own(staff: Any, what: dict[str, Any]) -> None:
    above = account(**what)
    user_agent = staff("view_client", "add_client", "change_client", "trust_client", "set_service_user")
    client, _ = ClientFactory(machine=True)
    before = state()
    data = form_data(user_agent.get(page_of(client))) | {"service_user": str(above.pk)}
    answer = user_agent.post(page_of(client), data)
    assert "rights that you do not have" in answer.context["adminform"].form.errors["service_user"][0]
    data = form_data(user_agent.get(ADD)) | {"name": "A job", "allowed_scopes": ["stats:read"]}
    answer = user_agent.post(ADD, data | {"service_user": str(above.pk)})
    assert "rights that you do not have" in answer.context["adminform"].form.errors["service_user"][0]
    assert "oafs_" not in answer.content.decode()
    assert state() == before


def test_an_account_with_no_more_rights_can_be_chosen(staff: Any) -> None:
    below = account(direct=["view_client"], group=["change_client"])
    user_agent = staff("view_client", "add_client", "change_client", "set_service_user")
    data = form_data(user_agent.get(ADD)) | {"name": "A job", "allowed_scopes": ["stats:read"]}
    answer = user_agent.post(ADD, data | {"service_user": str(below.pk)})
    assert re.search(r"oafs_[\w-]+", answer.content.decode())
    assert Client.objects.get().service_user == below


def test_trust_alone_gives_a_client_no_account(staff: Any) -> None:
    user_agent = staff("view_client", "add_client", "change_client", "trust_client")
    for url in (ADD, page_of(ClientFactory(machine=True)[0])):
        before = state()
        data = form_data(user_agent.get(url)) | {"name": "A job", "allowed_scopes": ["stats:read"]}
        assert "service_user" not in data
        assert user_agent.post(url, data | {"service_user": str(UserFactory().pk)}).status_code == 403
        assert state() == before


def test_an_account_that_rose_since_is_out_of_reach(staff: Any) -> None:
    client = made("with a service user")
    client.service_user.groups.add(in_group("delete_user"))
    for write, answer, changed in answers(WRITES, client, partial(staff, "view_client", "set_service_user")):
        assert (answer.status_code, changed) == (403, False), write
