"""*What if?* Each really tries an attack on the provider or on the client, and says whether it held."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django_oauthflows.flows.base import Flow
from example_project.explorer.clients import BRIEF, OTHER, back_path
from example_project.explorer.deeds import content_of, said
from example_project.explorer.run import Detour, Outcome, Stage, Trip

_ELSEWHERE = "https://attacker.example/steal"
_USER_FLOWS = ("authorization_code", "implicit")
_CODE_FLOWS = ("authorization_code", "refresh_token")
#: Tokens of the short-lived client are over after this many seconds, whatever the clock's fraction.
_BRIEF_SECONDS = 1.0

Answer = dict[str, str]


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. One that needs an authorization response of its own first sends the browser for it."""

    name: str
    title: str
    danger: str
    source: str
    flows: tuple[str, ...]
    alone: Callable[[Stage], Outcome | Detour] | None = None
    with_answer: Callable[[Stage, Answer, Trip], Outcome] | None = None

    def start(self, stage: Stage) -> Outcome | Detour:
        if self.alone is not None:
            return self.alone(stage)
        trip = Trip(self.name)
        stage.run.begin_trip(trip)
        return Detour(stage.authorization_request(trip))


def _refused(held: bool, yes: str, no: str) -> Outcome:
    return Outcome(held, f"Refused. {yes}" if held else f"NOT refused: {no}")


def wrong_redirect_uri(stage: Stage) -> Outcome:
    path = stage.authorization_request(Trip("probe"), redirect_uri=_ELSEWHERE)
    response = stage.line.send("GET", path)
    held = response.status_code == 400 and "Location" not in response.headers
    return _refused(
        held, "The browser is not sent anywhere; the user sees a page that says so.", said(response)
    )


def changed_state(stage: Stage) -> Detour:
    """As if somebody had lured the user onto an answer that belongs to another login."""
    stage.run.begin_trip(Trip("changed-state"))
    name = "code" if stage.run.flow.response_mode == "query" else "access_token"
    answer = {name: "somebody-elses", "state": secrets.token_urlsafe(16), "iss": stage.issuer}
    mark = "?" if stage.run.flow.response_mode == "query" else "#"
    return Detour(f"{back_path(stage.run.flow.name)}{mark}{urlencode(answer)}")


def stolen_code(stage: Stage, answer: Answer, trip: Trip) -> Outcome:
    """The thief even has the client's secret; the verifier never left the client."""
    request = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": stage.redirect_uri,
    }
    without = stage.post("token", request)
    guessed = stage.post("token", request | {"code_verifier": Trip("guess").verifier})
    held = (without.status_code, guessed.status_code) == (400, 400)
    return _refused(held, "Without the verifier the code is useless.", f"{said(without)}, {said(guessed)}")


def replayed_code(stage: Stage, answer: Answer, trip: Trip) -> Outcome:
    first = stage.redeem(answer["code"], trip)
    again = stage.redeem(answer["code"], trip)
    after = stage.call_api(content_of(first).get("access_token", ""))
    held = (first.status_code, again.status_code, after.status_code) == (200, 400, 401)
    return _refused(
        held, "A code works once; what it gave has ended too, in case the thief was first.", said(again)
    )


def replayed_refresh_token(stage: Stage, answer: Answer, trip: Trip) -> Outcome:
    first = content_of(stage.redeem(answer["code"], trip)).get("refresh_token", "")
    second = content_of(stage.refresh(first))
    retry = stage.refresh(first)
    third = content_of(stage.refresh(second.get("refresh_token", "")))
    replay = stage.refresh(first)
    after = stage.call_api(third.get("access_token", ""))
    held = (retry.status_code, replay.status_code, after.status_code) == (200, 400, 401)
    return _refused(
        held,
        "Asking again at once was a retry and was answered; the old token, after the next one was used, "
        "ended the whole authorization.",
        f"{said(retry)}, {said(replay)}, {said(after)}",
    )


def more_scope_at_login(stage: Stage) -> Outcome:
    path = stage.authorization_request(Trip("probe"), scope=f"{stage.client.asks} stats:read")
    response = stage.line.send("GET", path)
    location = response.headers.get("Location", "")
    held = location.startswith(stage.redirect_uri) and "error=invalid_scope" in location
    return _refused(held, "The client is told invalid_scope; the user is not even asked.", said(response))


def more_scope_for_a_machine(stage: Stage) -> Outcome:
    scope = f"{stage.client.asks} notes:write"
    response = stage.ask_as_machine(scope=scope)
    return _refused(said(response) == "400 invalid_scope", "It gets what staff allowed it.", said(response))


def more_scope_by_refreshing(stage: Stage, answer: Answer, trip: Trip) -> Outcome:
    first = content_of(stage.redeem(answer["code"], trip)).get("refresh_token", "")
    response = stage.refresh(first, scope=f"{stage.client.asks} notes:write")
    return _refused(
        said(response) == "400 invalid_scope", "Refreshing can only give scopes up.", said(response)
    )


def wrong_secret(stage: Stage) -> Outcome:
    wrong = (stage.client.client_id, f"oafs_{secrets.token_urlsafe(32)}")
    # The rest of the request is as declared, so that nothing but the secret is wrong with it.
    step = next(step for step in stage.run.flow.steps if "grant_type" in step.parameters)
    known = {"grant_type": stage.run.flow.grant_types[0], "scope": stage.client.asks}
    data = {name: known.get(name, "whatever") for name in step.parameters if name != "client_id"}
    response = stage.post("token", data, auth=wrong)
    return _refused(
        said(response) == "401 invalid_client", "Nothing else in the request is looked at.", said(response)
    )


def expired_token(stage: Stage) -> Outcome:
    token = content_of(stage.ask_as_machine(BRIEF)).get("access_token", "")
    stage.post("introspect", {"token": token}, BRIEF)
    time.sleep(_BRIEF_SECONDS)
    late = stage.call_api(token, BRIEF)
    told = late.headers.get("WWW-Authenticate", "")
    held = late.status_code == 401 and "expired" in told
    return _refused(held, "The token lived one second; the challenge says that it expired.", said(late))


def others_machine_token(stage: Stage) -> Outcome:
    token = content_of(stage.ask_as_machine()).get("access_token", "")
    return _token_in_other_hands(stage, token)


def others_token(stage: Stage, answer: Answer, trip: Trip) -> Outcome:
    if "access_token" in answer:
        return _token_in_other_hands(stage, answer["access_token"])
    tokens = content_of(stage.redeem(answer["code"], trip))
    used = stage.refresh(tokens.get("refresh_token", ""), OTHER)
    if used.ok:
        return Outcome(False, f"NOT refused: another client refreshed it ({said(used)}).")
    return _token_in_other_hands(stage, tokens.get("access_token", ""))


def _token_in_other_hands(stage: Stage, token: str) -> Outcome:
    asked = content_of(stage.post("introspect", {"token": token}, OTHER))
    stage.post("revoke-token", {"token": token}, OTHER)
    still = stage.call_api(token)
    held = asked == {"active": False} and still.status_code == 200
    return _refused(
        held, "Another client learns nothing of the token and cannot end it; it works on.", said(still)
    )


ATTACKS: tuple[Attack, ...] = (
    Attack(
        "wrong-redirect-uri",
        "The answer is sent to another address",
        "An attacker changes the redirect URI, to have the code or token delivered to them.",
        "RFC 9700 §4.1",
        _USER_FLOWS,
        alone=wrong_redirect_uri,
    ),
    Attack(
        "changed-state",
        "Somebody slips in an answer of their own",
        "An attacker gets the user's browser to bring an answer that the client did not ask for.",
        "RFC 6749 §10.12",
        _USER_FLOWS,
        alone=changed_state,
    ),
    Attack(
        "stolen-code",
        "The code is stolen",
        "Somebody reads the code in the browser and tries to swap it, without the verifier.",
        "RFC 7636 §1",
        ("authorization_code",),
        with_answer=stolen_code,
    ),
    Attack(
        "replayed-code",
        "A code is used twice",
        "Somebody finds a used code in a log or in the browser's history, and tries it again.",
        "RFC 6749 §4.1.2",
        ("authorization_code",),
        with_answer=replayed_code,
    ),
    Attack(
        "replayed-refresh-token",
        "An old refresh token is used again",
        "A copy of a refresh token was stolen, and thief and client both use it.",
        "RFC 9700 §4.14.2",
        ("refresh_token",),
        with_answer=replayed_refresh_token,
    ),
    Attack(
        "more-scope",
        "The client asks for more than it may have",
        "A client tries to get a scope that is not on its list.",
        "RFC 6749 §3.3",
        _USER_FLOWS,
        alone=more_scope_at_login,
    ),
    Attack(
        "more-scope-machine",
        "The machine asks for more than it may have",
        "A machine tries to get a scope that staff did not give it.",
        "RFC 6749 §3.3",
        ("client_credentials",),
        alone=more_scope_for_a_machine,
    ),
    Attack(
        "more-scope-refresh",
        "Refreshing asks for more than the user allowed",
        "A client tries to widen what it was given, while the user is away.",
        "RFC 6749 §6",
        ("refresh_token",),
        with_answer=more_scope_by_refreshing,
    ),
    Attack(
        "wrong-secret",
        "Somebody guesses the client's secret",
        "An attacker knows the client id, which is public, and tries a secret.",
        "RFC 6749 §2.3.1",
        (*_CODE_FLOWS, "client_credentials"),
        alone=wrong_secret,
    ),
    Attack(
        "expired-token",
        "A token has expired",
        "Somebody finds an old token. This one lives one second: the explorer gets it, waits, and calls the API.",
        "RFC 6750 §3.1",
        ("authorization_code", "implicit", "client_credentials", "refresh_token"),
        alone=expired_token,
    ),
    Attack(
        "other-client",
        "Another client gets hold of the token",
        "Another client asks about the token, tries to end it and, where there is one, to refresh it.",
        "RFC 7009 §2.1, RFC 7662 §4",
        ("authorization_code", "implicit", "refresh_token"),
        with_answer=others_token,
    ),
    Attack(
        "other-client-machine",
        "Another client gets hold of the machine's token",
        "Another client asks about the token and tries to end it.",
        "RFC 7009 §2.1, RFC 7662 §4",
        ("client_credentials",),
        alone=others_machine_token,
    ),
)


def attacks_on(flow: Flow) -> tuple[Attack, ...]:
    return tuple(attack for attack in ATTACKS if flow.name in attack.flows)


def attack_named(name: str, flow: Flow) -> Attack | None:
    return next((attack for attack in attacks_on(flow) if attack.name == name), None)
