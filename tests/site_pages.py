"""Every page of staff and users, found by the site's own routes: one that is not known here yet is an error.

For a site that ``large_site`` has filled. Its first client and first user are much larger than all others; the second
client is large and asks its users.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.urls import URLPattern

from django_oauthflows.authorization_server.notices import disconnect_key
from django_oauthflows.models import (
    Authorization,
    Client,
    ClientSecret,
    Consent,
    DeviceRequest,
    Event,
    OutboxMessage,
    SigningKey,
)
from django_oauthflows.urls import endpoints

APP = "django_oauthflows"
ROOT = f"/admin/{APP}"
#: What staff type to search by: of a large, an ordinary and no client or user, and a beginning that many share.
TEXTS = ("Cedar app 1", "Harbor app 8", "Cedar", "person1", "person77", "nobody", "app10.", "ABCD2345EFGH")
#: What they type into the filter by a client, or by a user.
NAMED = {"of": ("Cedar app 1", "Harbor app 8", "Cedar", "nothing"), "who": ("person1", "person77", "p")}
#: Endpoints for programs; and buttons, whose page is the one that they stand on.
NO_PAGES = frozenset(
    {
        *(
            "token",
            "device-authorization",
            "revoke-token",
            "introspect",
            "jwks",
            "user-info",
            "health",
            "metrics",
        ),
        *("apps-remove", "apps-reconsider", "apps-disconnect-all", "apps-disconnect"),
    }
)
#: Nothing can be added to what the site records by itself, and no row of it is deleted.
REFUSED = re.compile(rf"{ROOT}/(?!client/)\w+/(add/|.+/delete/)$")


@dataclass(frozen=True)
class Page:
    """One page, as ``who`` of ``Visitors`` opens it; with ``sent`` by a form."""

    who: str
    address: str
    sent: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return f"{self.address} {self.sent['action']}" if "action" in self.sent else self.address


class Visitors:
    """Browsers in which those are logged in who look at the pages."""

    def __init__(self) -> None:
        users = get_user_model()._default_manager
        self.users: dict[str, Any] = {
            "staff": users.filter(username="boss").first() or users.create_superuser("boss", password="!"),
            # Who has more apps and more of a past than all others.
            "user": users.get(username="person1"),
            "asked": users.get_or_create(username="newcomer")[0],
        }
        self.browsers = {who: Browser(raise_request_exception=True) for who in self.users}
        for who, browser in self.browsers.items():
            browser.force_login(self.users[who])

    def open(self, page: Page) -> Any:
        """The answer, which is the page itself. Raises ``AssertionError`` when it is not."""
        browser = self.browsers[page.who]
        answer: Any = browser.post(page.address, page.sent) if page.sent else browser.get(page.address)
        expected = 302 if "/event/reference/" in page.address else 200
        assert answer.status_code == expected, (answer.status_code, page.address)
        return answer


def every_page(visitors: Visitors) -> Iterator[Page]:
    """All of them: each route, each filter of each list, each action before it is confirmed."""
    keys = _keys(visitors)
    routes = list(_staff_routes())
    yield from (Page("staff", path) for path in ("/admin/", f"{ROOT}/"))
    for model, route in routes:
        address = f"{ROOT}/{model._meta.model_name}/{route}"
        for filled in _filled(address, keys | {"object_id": [keys[model]], "pk": [keys[model]]}):
            if not REFUSED.match(filled):
                yield from _with_parameters(filled)
    for model, model_admin in _registered():
        yield from _of_list(visitors, model, model_admin)
    yield from own_pages(visitors, keys)


def own_pages(visitors: Visitors, keys: dict[Any, Any]) -> Iterator[Page]:
    """The pages of those who are no staff. Raises ``KeyError`` for a route that nobody has told how to open."""
    asks = Client.objects.order_by("pk")[1]
    question = {
        "response_type": "code",
        "client_id": asks.client_id,
        "redirect_uri": asks.redirect_uris.split()[0],
        "scope": "profile",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    screen = Client.objects.filter(use_case="device").first()
    screen = screen or Client.objects.register(name="Screen", use_case="device", scopes=["profile"])[0]
    device = DeviceRequest.objects.begin(
        client=screen, scopes=["profile"], resources=(), lifetime=86_400, network=""
    )
    past = Event.objects.filter(user=visitors.users["user"]).order_by("-pk")[0].pk
    known: dict[str, list[Page]] = {
        "authorize": [Page("asked", f"/oauth/authorize/?{urlencode(question)}")],
        "device": [
            Page("asked", "/oauth/device/"),
            Page("asked", "/oauth/device/", {"user_code": device.user_code}),
        ],
        "apps": [
            Page("user", f"/oauth/apps/?{query}")
            for query in ("", "q=Harbor", "order=given", "order=name", "order=used&page=100", "q=nothing")
        ],
        "apps-history-page": [
            Page("user", f"/oauth/apps/history/{query}") for query in ("", f"?before={past}")
        ],
        "apps-history": [Page("user", f"/oauth/apps/history.{form}") for form in ("json", "csv")],
        "apps-report": [Page("user", f"/oauth/apps/report/?client_id={asks.client_id}")],
        "disconnect": [
            Page("user", f"/oauth/disconnect/{quote(disconnect_key(Consent.objects.get(pk=keys[Consent])))}/")
        ],
        "errors": [Page("user", "/oauth/errors/")],
        "error": [Page("user", "/oauth/errors/invalid_grant/")],
        "rp-initiated-logout": [Page("user", "/oauth/logout/")],
    }
    names = {str(route.name) for route in endpoints if isinstance(route, URLPattern)} - NO_PAGES
    yield from chain.from_iterable(known[name] for name in sorted(names))


def _registered() -> Iterator[tuple[Any, Any]]:
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == APP:
            yield model, model_admin


def _staff_routes() -> Iterator[tuple[Any, str]]:
    """Model and route of each page in our part of the admin."""
    for model, model_admin in _registered():
        for url in model_admin.get_urls():
            if url.name is not None:  # else Django's own way from an address of old
                yield model, url.pattern._route


def _keys(visitors: Visitors) -> dict[Any, Any]:
    """What stands in the addresses: the largest of each. Model → key, and name of a part of an address → texts."""
    if not SigningKey.objects.exists():
        SigningKey.objects.rotate()
    first: dict[Any, Any] = {
        model: model._default_manager.earliest("pk").pk
        for model in (Client, Event, OutboxMessage, SigningKey)
    }
    consent = Consent.objects.live().filter(client=first[Client]).earliest("pk")
    first[Consent] = consent.pk
    first[Authorization] = consent.authorizations.earliest("pk").pk
    secret = ClientSecret.objects.live().filter(client=first[Client]).earliest("pk")
    return first | {
        "secret_pk": [secret.pk],
        "key": [visitors.users["user"].pk],
        "form": ["jsonl", "csv"],
    }


def _filled(address: str, texts: dict[Any, Any]) -> list[str]:
    """The address with each text in each of its places. Raises ``KeyError`` for a place that is not known."""
    place = re.search(r"<\w+:(\w+)>", address)
    if place is None:
        return [address]
    return [
        filled for text in texts[place[1]] for filled in _filled(address.replace(place[0], str(text)), texts)
    ]


#: What the pages that are no lists read besides, by the end of their address.
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "people/": ("p=20", "who=person", "who=person77", "scope=notes:write", "scope=profile", "who=nobody"),
    "people/export/": ("who=person", "scope=notes:write"),
    "advice/": ("before=900", "topic=unused", "seen="),
    "integration/": ("uri=https://elsewhere.example/",),
    "client/add/": ("use_case=web",),
    "client/export/": ("q=Harbor", "status=suspended", "trust=reviewed"),
}


def _with_parameters(address: str) -> Iterator[Page]:
    yield Page("staff", f"{address}?reference=ABCD2345EFGH" if address.endswith("/reference/") else address)
    for end, queries in _PARAMETERS.items():
        if address.endswith(f"/{end}"):
            yield from (Page("staff", f"{address}?{query}") for query in queries)


def _of_list(visitors: Visitors, model: Any, model_admin: Any) -> Iterator[Page]:
    """Each filter and search of a list, alone and on the rows of the largest client; the next page; each action."""
    address = f"{ROOT}/{model._meta.model_name}/"
    answer = visitors.open(Page("staff", address))
    changelist = answer.context_data["cl"]
    choices = [query for spec in changelist.filter_specs for query in _choices(spec, changelist)]
    queries = [*choices, *(urlencode({"q": text}) for text in TEXTS if changelist.search_fields)]
    links = [changelist.older.removeprefix("?")] if changelist.older else ["p=2"]
    largest = Client.objects.earliest("pk")
    columns = {one.name for one in model._meta.get_fields()} & {"client", "consent"}
    narrow = f"client={largest.pk}" if "client" in columns else "of=Cedar+app+1" if columns else ""
    if narrow:
        links += [
            narrow,
            *(f"{narrow}&{query}" for query in choices if query.partition("=")[0] not in narrow),
        ]
    yield from (Page("staff", f"{address}?{query}") for query in (*queries, *links))
    rows = [row.pk for row in changelist.result_list]
    for action in model_admin.get_actions(answer.wsgi_request):
        yield Page("staff", address, {"action": action, "_selected_action": rows})


def _choices(spec: Any, changelist: Any) -> Iterator[str]:
    """The query of each choice of a filter."""
    name = getattr(spec, "parameter_name", "")
    if name in NAMED:
        yield from (urlencode({name: text}) for text in NAMED[name])
        return
    for choice in spec.choices(changelist):
        query = choice["query_string"].removeprefix("?")
        if query:
            yield query
