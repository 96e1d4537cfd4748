"""What *Next step* does, flow by flow: each deed performs one or more of the flow's declared steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from django_oauthflows.flows.base import Flow
from django_oauthflows.management.tour.exchange import Exchange, Message, answer_of, shown_url
from example_project.explorer.clients import API
from example_project.explorer.run import Detour, Outcome, Stage, Trip

WALK = "walk"
_WAY_OUT = (
    "A code lives one minute and works once, a token lives a little longer: start again for fresh ones."
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One press of *Next step*. ``steps`` are positions in the flow's declared steps, from 0."""

    title: str
    steps: tuple[int, ...]
    act: Callable[[Stage], Outcome | Detour]


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


def prepare(stage: Stage) -> Outcome:
    """Make up state and verifier, and the redirect with which the browser will be sent."""
    trip = Trip(WALK)
    stage.run.values |= {"state": trip.state, "verifier": trip.verifier}
    url = stage.origin + stage.authorization_request(trip)
    redirect = Message.made("302 Found", [("Location", shown_url(url))], answer_of(url).items())
    stage.exchanges.append(Exchange(response=redirect))
    return Outcome(True, "The client answers the browser with this redirect when you press Next step.")


def go(stage: Stage) -> Detour:
    """Send the browser; the user logs in and decides on the provider's own pages."""
    trip = Trip(WALK, stage.run.values["state"], stage.run.values["verifier"])
    stage.run.begin_trip(trip)
    return Detour(stage.authorization_request(trip))


def come_back(stage: Stage, answer: dict[str, str], trip: Trip | None) -> Outcome:
    """The browser is back with an authorization response; the client looks at it closely."""
    objection = stage.objection(answer, trip)
    if objection:
        return Outcome(False, objection)
    stage.run.values |= {name: answer[name] for name in ("code", "access_token") if name in answer}
    return Outcome(True, "State and issuer are the ones that the client expects, so it accepts the answer.")


def redeem(stage: Stage) -> Outcome:
    values = stage.run.values
    trip = Trip(WALK, values["state"], values["verifier"])
    return _keep_tokens(stage, stage.redeem(values["code"], trip))


def ask_as_machine(stage: Stage) -> Outcome:
    return _keep_tokens(stage, stage.ask_as_machine())


def refresh(stage: Stage) -> Outcome:
    return _keep_tokens(stage, stage.refresh(stage.run.values["refresh_token"]))


def _keep_tokens(stage: Stage, response: requests.Response) -> Outcome:
    tokens = content_of(response)
    if "access_token" not in tokens:
        return Outcome(False, f"The authorization server refused: {said(response)}. {_WAY_OUT}")
    names = ("access_token", "refresh_token")
    stage.run.values |= {name: tokens[name] for name in names if name in tokens}
    return Outcome(
        True, f"The client has a token for {tokens['scope']}, which lives {tokens['expires_in']} seconds."
    )


def call_api(stage: Stage) -> Outcome:
    response = stage.call_api(stage.run.values["access_token"])
    if response.ok:
        return Outcome(True, "The API accepted the token.")
    reason = content_of(response).get("detail", response.reason)
    return Outcome(False, f"The API refused the token: {response.status_code}. {reason} {_WAY_OUT}")


def introspect(stage: Stage) -> Outcome:
    response = stage.post("introspect", {"token": stage.run.values["access_token"]}, API)
    active = content_of(response).get("active")
    return Outcome(response.ok, f"An API that asks is told: active = {str(active).lower()}.")


def revoke(stage: Stage) -> Outcome:
    response = stage.post("revoke-token", {"token": stage.run.values["access_token"]})
    return Outcome(
        response.ok, "The client gave the token back. Call the API or introspect to see that it is over."
    )


def let_expire(stage: Stage) -> Outcome:
    """Nothing makes a token expire but time: say how much is left, or show that it is over."""
    token = stage.run.values["access_token"]
    known = content_of(stage.post("introspect", {"token": token}, API))
    if known.get("active"):
        left = max(1, round(known["exp"] - time.time()))
        return Outcome(True, f"It lives {left} seconds more. Look again then.", look_again=known["exp"])
    response = stage.call_api(token)
    told = response.headers.get("WWW-Authenticate", "")
    return Outcome(
        response.status_code == 401,
        "It has expired: the API says so." if "expired" in told else "It is over: the API refuses it.",
    )


_ASK_THE_USER = (
    Deed("Prepare the authorization request", (0,), prepare),
    Deed("Go to the provider: log in and decide as the user", (1, 2, 3, 4, 5), go),
)

#: Flow name → its deeds, in order. Together they cover the flow's declared steps.
WALKS: dict[str, tuple[Deed, ...]] = {
    "authorization_code": (
        *_ASK_THE_USER,
        Deed("Swap the code for tokens", (6, 7), redeem),
        Deed("Call the API", (8, 9), call_api),
    ),
    "implicit": (*_ASK_THE_USER, Deed("Call the API", (6, 7), call_api)),
    "client_credentials": (
        Deed("Ask for a token with the client's secret", (0, 1), ask_as_machine),
        Deed("Call the API", (2, 3), call_api),
    ),
    "refresh_token": (
        # A refresh token comes from a code flow, whose steps are told on its own page.
        Deed("First, get a refresh token: prepare the request", (), prepare),
        Deed("Go to the provider: log in and decide as the user", (), go),
        Deed("Swap the code for the first pair of tokens", (), redeem),
        Deed("Refresh", (0, 1), refresh),
        Deed("Call the API with the new token", (2, 3), call_api),
    ),
}

#: What can be done with a token afterwards: name → title and deed.
AFTERWARDS: dict[str, tuple[str, Callable[[Stage], Outcome]]] = {
    "call-api": ("Call the API", call_api),
    "introspect": ("Introspect it", introspect),
    "refresh": ("Refresh it", refresh),
    "revoke": ("Revoke it", revoke),
    "let-expire": ("Let it expire", let_expire),
}


def afterwards(flow: Flow, values: dict[str, str]) -> list[tuple[str, str]]:
    """Name and title of what can be done with the tokens that the client has."""
    if "access_token" not in values:
        return []
    return [
        (name, title)
        for name, (title, _) in AFTERWARDS.items()
        if name != "refresh" or "refresh_token" in values
    ]
