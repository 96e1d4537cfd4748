"""How each *what if?* is really tried, on the provider or on the client, and whether it held."""

from __future__ import annotations

import secrets
import time
from urllib.parse import urlencode

from example_project.explorer.clients import BRIEF, OTHER, back_path
from example_project.explorer.deeds import content_of, said
from example_project.explorer.run import Detour, Outcome, Stage, Trip

_ELSEWHERE = "https://attacker.example/steal"
#: Tokens of the short-lived client are over after this many seconds, whatever the clock's fraction.
_BRIEF_SECONDS = 1.0

Answer = dict[str, str]


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
