"""The command itself: its arguments, what it prints, and its verdicts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.management.base import CommandError
from django.urls import get_script_prefix, reverse, set_script_prefix

from django_oauthflows.conf import options as site_options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.management.tour.answers import Unexpected
from django_oauthflows.management.tour.interruption import Interruption, interruptible
from django_oauthflows.management.tour.messages import TIMEOUT, Conversation, Message, RoundTrip
from django_oauthflows.management.tour.server import own_server
from django_oauthflows.management.tour.temporary import logged_in, temporary_client, tour_user
from django_oauthflows.management.tour.walk import Walk, can_walk, walk_through
from django_oauthflows.scopes import OPENID, declared_scopes, scope_string

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


def _flows() -> list[Flow]:
    """Those that the tour can walk through."""
    return [flow for flow in registry.offered_flows() if can_walk(flow)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Walk through each flow with a temporary client and user, print every request and answer, and say "
        "whether the flow works here. What was made is removed; the record of events keeps its lines."
    )
    parser.add_argument("flow", nargs="?", choices=[flow.name for flow in _flows()], help="Only this flow.")
    parser.add_argument(
        "--url",
        default="",
        help="A running server of this site, on this database, with the path that the site lives under; "
        "else one is started here.",
    )
    parser.add_argument(
        "--api", default="", metavar="PATH", help="A path of your API to call with each token."
    )
    parser.add_argument("--user", default="", metavar="USERNAME", help="Log in as this account.")
    parser.add_argument(
        "--scope", default="", metavar='"a b"', help="What to ask for; else your first scope."
    )


def handle(command: Command, options: dict[str, Any]) -> None:
    enabled = site_options().FLOWS
    flows = [
        flow
        for flow in _flows()
        if options["flow"] in (None, flow.name) and (enabled is None or flow.name in enabled)
    ]
    if not flows:
        raise CommandError(f"OAUTHFLOWS['FLOWS'] switches {options['flow']!r} off.")
    scope = _scope(options["scope"])
    own = own_server() if not options["url"] else _running(options["url"])
    try:
        with interruptible() as interruption, own as origin:
            site = _Site(command, options, scope, origin, _issuer(origin), interruption)
            verdicts = [_verdict(site, flow) for flow in flows]
    except KeyboardInterrupt:
        raise CommandError("Stopped. What the tour had made is removed.") from None
    command.say("\n" + "\n".join(verdicts))
    failed = sum(verdict.startswith("FAIL") for verdict in verdicts)
    if failed:
        raise CommandError(f"{failed} of {len(verdicts)} flows failed.")


@contextmanager
def _running(url: str) -> Iterator[str]:
    """A server that runs already; gives its origin. A path in ``url`` is where the site lives on it."""
    parts, before = urlsplit(url), get_script_prefix()
    if parts.path.strip("/"):
        set_script_prefix(parts.path)
    try:
        yield f"{parts.scheme}://{parts.netloc}"
    finally:
        set_script_prefix(before)


def _scope(asked: str) -> str:
    """What to ask for: as told, else all that is always needed, and the first scope that says something of an API."""
    declared = declared_scopes()
    needed = [name for name in declared.grantable if declared[name].required or name == OPENID]
    names = (
        asked.split()
        or [*needed, *(name for name in declared.grantable if name not in needed)][: len(needed) + 1]
    )
    if not names:
        raise CommandError("OAUTHFLOWS declares no scopes, so nothing can be asked for.")
    return scope_string(names)


def _issuer(origin: str) -> str:
    """The issuer by its metadata (RFC 8414). Raises ``CommandError`` when nobody answers there."""
    try:
        response = requests.get(
            origin + reverse("oauthflows:oauth-server-metadata"), timeout=TIMEOUT, allow_redirects=False
        )
        return str(response.json()["issuer"])
    except (requests.RequestException, ValueError, KeyError) as error:
        raise CommandError(f"No authorization server answers at {origin} ({type(error).__name__}).") from None


@dataclass(frozen=True, slots=True)
class _Site:
    """The site that is toured, and how the command was called."""

    command: Command
    options: dict[str, Any]
    scope: str
    origin: str
    issuer: str
    interruption: Interruption

    def show(self, round_trip: RoundTrip) -> None:
        """Print what was sent and what came back."""
        for sign, message in (("→", round_trip.request), ("←", round_trip.response)):
            if message is not None:
                self.command.say("\n".join(_lines(sign, message)))
        self.interruption.heed()

    def say(self, title: str) -> None:
        """Print what is done next."""
        self.interruption.heed()
        self.command.say(f"  {title}")


def _verdict(site: _Site, flow: Flow) -> str:
    """Walk through ``flow``; one line that says whether it works here."""
    site.command.say(f"\n{flow.label} ({flow.source})")
    try:
        with _walk(site, flow) as walk:
            return f"PASS {flow.name}: {walk_through(walk)}."
    except (Unexpected, requests.RequestException) as problem:
        site.command.say(f"  Not as it must be: {problem}")
        return f"FAIL {flow.name}: {problem}"


@contextmanager
def _walk(site: _Site, flow: Flow) -> Iterator[Walk]:
    """Everybody who takes part in one walk; they are gone afterwards."""
    use_case = registry.use_cases_of(flow)[0].name
    scopes = site.scope.split()
    with (
        temporary_client(use_case, scopes) as (client, secret),
        temporary_client("service", scopes, is_resource_server=True) as (api, api_secret),
        tour_user(site.options["user"]) if flow.has_user else nullcontext() as user,
        logged_in(user) if flow.has_user else nullcontext("") as cookie,
        requests.Session() as line,
        requests.Session() as browser,
        site.interruption.at_once(),
    ):
        host = urlsplit(site.origin).hostname or ""
        # As the cookie jar would name it itself, so that a new value from the site takes the place of this one.
        domain = host if "." in host else f"{host}.local"
        browser.cookies.set(settings.SESSION_COOKIE_NAME, cookie, domain=domain)
        yield Walk(
            flow=flow,
            client=client,
            secret=secret,
            api=api,
            api_secret=str(api_secret),
            client_line=Conversation(site.origin, line, site.show),
            browser=Conversation(site.origin, browser, site.show),
            scope=site.scope,
            issuer=site.issuer,
            api_path=site.options["api"],
            say=site.say,
        )


def _lines(sign: str, message: Message) -> Iterator[str]:
    # What stands behind the ? is listed below it, one parameter to a line.
    yield f"    {sign} {message.start.partition('?')[0]}"
    for name, value in message.headers:
        if name.lower() in ("authorization", "www-authenticate"):
            yield f"        {name}: {value}"
        elif name.lower() == "location":
            yield f"        {name}: {value.partition('?')[0].partition('#')[0]}"
    for name, value in message.parameters:
        yield f"        {name} = {value}"
