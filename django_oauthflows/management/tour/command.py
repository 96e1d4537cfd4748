"""The command itself: its arguments, what it prints, and its verdicts."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.management.base import CommandError
from django.urls import reverse

from django_oauthflows.conf import options as site_options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.management.tour.exchange import TIMEOUT, Conversation, Exchange, Message
from django_oauthflows.management.tour.server import own_server
from django_oauthflows.management.tour.visitors import logged_in, temporary_client, visiting_user
from django_oauthflows.management.tour.walks import WALKS, Unexpected, Visit
from django_oauthflows.scopes import declared_scopes, scope_string

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

_FLOWS = [flow.name for flow in registry.offered_flows() if flow.name in WALKS]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Walk through each flow with a temporary client and user, print every request and answer, and say "
        "whether the flow works here. What was made is removed; the record of events keeps its lines."
    )
    parser.add_argument("flow", nargs="?", choices=_FLOWS, help="Only this flow.")
    parser.add_argument(
        "--url", default="", help="A running server of this site, on this database; else one is started here."
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
    flows = [flow for flow in registry.offered_flows(enabled) if options["flow"] in (None, flow.name)]
    if not flows:
        raise CommandError(f"OAUTHFLOWS['FLOWS'] switches {options['flow']!r} off.")
    scope = _scope(options["scope"])
    own = own_server() if not options["url"] else nullcontext(options["url"].rstrip("/"))
    with _stoppable(), own as origin:
        issuer = _issuer(origin)
        verdicts = [_verdict(command, options, flow, scope, origin, issuer) for flow in flows]
    command.say("\n" + "\n".join(verdicts))
    failed = sum(verdict.startswith("FAIL") for verdict in verdicts)
    if failed:
        raise CommandError(f"{failed} of {len(verdicts)} flows failed.")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and a plain ``kill`` end the tour in good order: what it made is removed on the way out."""
    in_main_thread = threading.current_thread() is threading.main_thread()  # the only one that may listen
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if in_main_thread else None
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError("Stopped. What the tour had made is removed.") from None
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _scope(asked: str) -> str:
    """What to ask for: as told, else the first scope that can be given; needed ones always."""
    declared = declared_scopes()
    names = asked.split() or [
        *(name for name in declared.grantable if declared[name].required),
        *declared.grantable[:1],
    ]
    if not names:
        raise CommandError("OAUTHFLOWS declares no scopes, so nothing can be asked for.")
    return scope_string(names)


def _issuer(origin: str) -> str:
    """The issuer by its metadata (RFC 8414). Raises ``CommandError`` when nobody answers there."""
    try:
        response = requests.get(
            origin + reverse("oauth2_provider:oauth-server-metadata"), timeout=TIMEOUT, allow_redirects=False
        )
        return str(response.json()["issuer"])
    except (requests.RequestException, ValueError, KeyError) as error:
        raise CommandError(f"No authorization server answers at {origin} ({type(error).__name__}).") from None


def _verdict(
    command: Command, options: dict[str, Any], flow: Flow, scope: str, origin: str, issuer: str
) -> str:
    """Walk through ``flow``; one line that says whether it works here."""
    command.say(f"\n{flow.label} ({flow.source})")
    try:
        with _visit(command.say, options, flow, scope, origin, issuer) as visit:
            return f"PASS {flow.name}: {WALKS[flow.name](visit)}."
    except (Unexpected, requests.RequestException) as problem:
        command.say(f"  Not as it must be: {problem}")
        return f"FAIL {flow.name}: {problem}"


@contextmanager
def _visit(
    say: Callable[[str], None], options: dict[str, Any], flow: Flow, scope: str, origin: str, issuer: str
) -> Iterator[Visit]:
    """Everybody who takes part in one walk; they are gone afterwards."""

    def watch(exchange: Exchange) -> None:
        for sign, message in (("→", exchange.request), ("←", exchange.response)):
            if message is not None:
                say("\n".join(_lines(sign, message)))

    with (
        temporary_client(flow.use_cases[0], scope.split()) as (client, secret),
        temporary_client("service", scope.split(), is_resource_server=True) as (api, api_secret),
        visiting_user(options["user"]) if flow.has_user else nullcontext() as user,
        logged_in(user) if flow.has_user else nullcontext("") as cookie,
        requests.Session() as line,
        requests.Session() as browser,
    ):
        host = urlsplit(origin).hostname or ""
        # As the cookie jar would name it itself, so that a new value from the site takes the place of this one.
        domain = host if "." in host else f"{host}.local"
        browser.cookies.set(settings.SESSION_COOKIE_NAME, cookie, domain=domain)
        yield Visit(
            flow=flow,
            client=client,
            secret=secret,
            api=api,
            api_secret=str(api_secret),
            client_line=Conversation(origin, line, watch),
            browser=Conversation(origin, browser, watch),
            scope=scope,
            issuer=issuer,
            api_path=options["api"],
            say=lambda title: say(f"  {title}"),
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
