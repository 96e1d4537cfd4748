"""What *Next step* does: each action performs one or more of a flow's declared steps, by their names."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Any

import requests
from django.utils.translation import gettext, gettext_noop

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.management.tour.messages import Message, RoundTrip, answer_of, shown_url
from example_project.clients.pages import told_of
from example_project.clients.provider import ProviderError
from example_project.explorer.clients import API
from example_project.explorer.run import Outcome, PendingRequest, Redirect, Run, Runner

WALK = "walk"
_WAY_OUT = gettext_noop(
    "A code lives one minute and works once, a token lives a little longer: start again for fresh ones."
)


@dataclass(frozen=True, slots=True)
class Action:
    """One press of *Next step*: it performs the steps of these names."""

    title: str
    steps: tuple[str, ...]
    act: Callable[[Runner], Outcome | Redirect]


def said(response: requests.Response) -> str:
    """Status and error of a response, for a verdict."""
    error = content_of(response).get("error", "")
    return f"{response.status_code}{f' {error}' if error else ''}"


def content_of(response: requests.Response) -> dict[str, Any]:
    """The JSON object in a response; empty when there is none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def prepare(runner: Runner) -> Outcome:
    """Make up state and verifier, and the redirect with which the browser will be sent."""
    pending = PendingRequest(WALK)
    runner.run.values |= {
        "state": pending.state,
        "code_verifier": pending.code_verifier,
        "nonce": pending.nonce,
    }
    url = runner.origin + runner.authorization_request(pending, **_asked_for(runner))
    redirect = Message.made("302 Found", [("Location", shown_url(url))], answer_of(url).items())
    runner.round_trips.append(RoundTrip(response=redirect))
    return Outcome(
        True, gettext("The client answers the browser with this redirect when you press Next step.")
    )


def go(runner: Runner) -> Redirect:
    """Send the browser; the user logs in and decides on the provider's own pages."""
    values = runner.run.values
    pending = PendingRequest(WALK, values["state"], values["code_verifier"], values["nonce"])
    runner.run.begin(pending)
    return Redirect(runner.authorization_request(pending, **_asked_for(runner)))


def _asked_for(runner: Runner) -> dict[str, str]:
    """What the visitor wants on top: to be asked although they have agreed before."""
    return {name: value for name, value in runner.run.values.items() if name == "prompt"}


def come_back(runner: Runner, answer: dict[str, str], pending: PendingRequest | None) -> Outcome:
    """The browser is back with an authorization response; the client looks at it closely."""
    objection = runner.objection(answer, pending)
    if objection:
        return Outcome(False, objection)
    runner.run.values |= {name: answer[name] for name in ("code", "access_token") if name in answer}
    return Outcome(
        True, gettext("State and issuer are the ones that the client expects, so it accepts the answer.")
    )


def request_tokens(flow: Flow, runner: Runner) -> Outcome:
    """Ask with what the client knows; it may go on for the scope that it was given (RFC 6749 §5.1)."""
    known = {"scope": runner.client.asks} | runner.run.values
    return _keep_tokens(runner, runner.request_tokens(flow, known))


def show_codes(runner: Runner) -> Outcome:
    """Get a code to keep and a code to show; nothing tells the device when the user has answered."""
    codes = content_of(runner.ask_for_codes())
    if "device_code" not in codes:
        return Outcome(False, gettext("The authorization server gave no codes."))
    runner.run.values |= {name: codes[name] for name in ("device_code", "user_code")}
    return Outcome(
        True,
        gettext(
            "The device shows %(user_code)s, and a QR code of the complete address. Open it, log in, compare the "
            "code and decide; then come back here and load this page again."
        )
        % {"user_code": codes["user_code"]},
        link=codes["verification_uri_complete"],
    )


def ask_for_the_answer(runner: Runner) -> Outcome:
    response = runner.poll(runner.run.values["device_code"])
    error = content_of(response).get("error")
    if error in ("authorization_pending", "slow_down"):
        told = gettext("Nobody has answered yet (%(error)s), so the device asks again later.") % {
            "error": error
        }
        if error == "slow_down":
            told += " " + gettext("The device came too soon and has to wait five seconds more.")
        return Outcome(False, told)
    return _keep_tokens(runner, response)


def refresh(runner: Runner) -> Outcome:
    return _keep_tokens(runner, runner.refresh(runner.run.values["refresh_token"]))


def _keep_tokens(runner: Runner, response: requests.Response) -> Outcome:
    tokens = content_of(response)
    if "access_token" not in tokens:
        refused = gettext("The authorization server refused: %(said)s.") % {"said": said(response)}
        return Outcome(False, f"{refused} {gettext(_WAY_OUT)}")
    names = ("access_token", "refresh_token", "scope")
    runner.run.values |= {name: tokens[name] for name in names if name in tokens}
    got = gettext("The client has a token for %(scope)s, which lives %(expires_in)s seconds.") % tokens
    return _believe(runner, tokens["id_token"], got) if "id_token" in tokens else Outcome(True, got)


def _believe(runner: Runner, id_token: str, got: str) -> Outcome:
    """Who has logged in: believed when all of the ID token is as it must be (OpenID Connect Core §3.1.3.7)."""
    # A refreshed one has no nonce (§12.2).
    nonce = runner.run.values.pop("nonce", "")
    try:
        claims = runner.check_id_token(id_token, nonce=nonce, subject=runner.run.values.get("subject", ""))
    except ProviderError as objection:
        return Outcome(False, told_of(objection))
    runner.run.values["subject"] = claims["sub"]
    return Outcome(
        True,
        got
        + " "
        + gettext(
            "Its ID token says that user %(sub)s has logged in; signature, issuer, audience, time and nonce are as "
            "they must be."
        )
        % claims,
    )


def call_api(runner: Runner) -> Outcome:
    response = runner.call_api(runner.run.values["access_token"])
    if response.ok:
        return Outcome(True, gettext("The API accepted the token."))
    reason = content_of(response).get("detail", response.reason)
    refused = gettext("The API refused the token: %(status)s.") % {"status": response.status_code}
    return Outcome(False, f"{refused} {reason} {gettext(_WAY_OUT)}")


def introspect(runner: Runner) -> Outcome:
    response = runner.post("introspect", {"token": runner.run.values["access_token"]}, API)
    active = content_of(response).get("active")
    told = gettext("An API that asks is told: active = %(active)s.") % {"active": str(active).lower()}
    return Outcome(response.ok, told)


def revoke(runner: Runner) -> Outcome:
    response = runner.post("revoke-token", {"token": runner.run.values["access_token"]})
    return Outcome(
        response.ok,
        gettext("The client gave the token back. Call the API or introspect to see that it is over."),
    )


def let_expire(runner: Runner) -> Outcome:
    """Nothing makes a token expire but time: say how much is left, or show that it is over."""
    token = runner.run.values["access_token"]
    known = content_of(runner.post("introspect", {"token": token}, API))
    if known.get("active"):
        left = max(1, round(known["exp"] - time.time()))
        told_left = gettext("It lives %(left)s seconds more. Look again then.") % {"left": left}
        return Outcome(True, told_left, look_again=known["exp"])
    response = runner.call_api(token)
    told = response.headers.get("WWW-Authenticate", "")
    return Outcome(
        response.status_code == 401,
        gettext("It has expired: the API says so.")
        if "expired" in told
        else gettext("It is over: the API refuses it."),
    )


def walk_of(flow: Flow) -> tuple[Action, ...]:
    """The actions that take a visitor through ``flow``; none when it cannot be walked through here."""
    if not flow.offered or not registry.use_cases_of(flow):
        return ()
    actions = _actions_of(flow)
    beginning = registry.beginning_of(flow)
    if beginning is flow:
        return actions
    before_use = takewhile(lambda action: "resource_request" not in action.steps, _actions_of(beginning))
    # The steps of the other flow are told on its own page.
    return (
        *(
            replace(action, title=gettext("First: %(title)s") % {"title": gettext(action.title)}, steps=())
            for action in before_use
        ),
        *actions,
    )


def next_action(run: Run) -> Action | None:
    """What *Next step* does now; ``None`` when the walk is complete."""
    return next(iter(walk_of(run.flow)[run.done :]), None)


def _actions_of(flow: Flow) -> tuple[Action, ...]:
    """The actions that perform the steps of ``flow``, in their order; none when one of them is not known."""
    actions = {name: action for action in _known_actions(flow) for name in action.steps}
    if any(step.name not in actions for step in flow.steps):
        return ()
    each_once = dict.fromkeys(actions[step.name] for step in flow.steps)
    return tuple(
        replace(action, title=action.title or flow.step(action.steps[0]).title) for action in each_once
    )


_DEVICE = (
    Action("", ("device_authorization_request", "device_authorization_response"), show_codes),
    Action(
        gettext_noop("Ask for the user's answer"),
        (
            "verification_request",
            "verification_page",
            "verification_answer",
            "token_request",
            "token_response",
        ),
        ask_for_the_answer,
    ),
)


def _known_actions(flow: Flow) -> tuple[Action, ...]:
    """All there are; the title is that of the first step where there is none."""
    at_provider = ("authorization_request", "consent_page", "consent_answer", "authorization_response")
    tokens = Action("", ("token_request", "token_response"), partial(request_tokens, flow))
    return (
        Action(gettext_noop("Prepare the authorization request"), ("authorization_redirect",), prepare),
        Action(
            gettext_noop("Go to the provider: log in and decide as the user"),
            (*at_provider, "redirection"),
            go,
        ),
        *(_DEVICE if flow.asks_elsewhere else (tokens,)),
        Action(gettext_noop("Call the API"), ("resource_request", "resource_response"), call_api),
    )


#: What can be done with a token afterwards: name → title and action.
AFTERWARDS: dict[str, tuple[str, Callable[[Runner], Outcome]]] = {
    "call-api": (gettext_noop("Call the API"), call_api),
    "introspect": (gettext_noop("Introspect it"), introspect),
    "refresh": (gettext_noop("Refresh it"), refresh),
    "revoke": (gettext_noop("Revoke it"), revoke),
    "let-expire": (gettext_noop("Let it expire"), let_expire),
}


def afterwards(values: dict[str, str]) -> list[tuple[str, str]]:
    """Name and title of what can be done with the tokens that the client has."""
    if "access_token" not in values:
        return []
    return [
        (name, title)
        for name, (title, _act) in AFTERWARDS.items()
        if name != "refresh" or "refresh_token" in values
    ]
