"""How each *what if?* is really tried, on the provider or on the client, and whether it held."""

from __future__ import annotations

import base64
import secrets
import time
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_oauthflows.management.tour.messages import answer_of
from django_oauthflows.models import DeviceRequest
from example_project.clients.pages import told_of
from example_project.clients.provider import ProviderError
from example_project.explorer.actions import content_of, said
from example_project.explorer.clients import BRIEF, OTHER, OTHER_TV, DemoClient, back_path
from example_project.explorer.run import Outcome, PendingRequest, Redirect, Runner

#: Under which the code is kept that is to be used twice.
_TWICE = "device_code_to_use_twice"
_ELSEWHERE = "https://attacker.example/steal"
#: Tokens of the short-lived client are over after this many seconds, whatever the clock's fraction.
_BRIEF_SECONDS = 1.0

Answer = dict[str, str]


def _refused(held: bool, yes: str, no: str) -> Outcome:
    """``yes`` is a sentence in the reader's language; ``no`` is what came back."""
    return Outcome(
        held, _("Refused. %(why)s") % {"why": yes} if held else _("NOT refused: %(said)s") % {"said": no}
    )


def wrong_redirect_uri(runner: Runner) -> Outcome:
    path = runner.authorization_request(PendingRequest("probe"), redirect_uri=_ELSEWHERE)
    response = runner.line.send("GET", path)
    held = response.status_code == 400 and "Location" not in response.headers
    return _refused(
        held, _("The browser is not sent anywhere; the user sees a page that says so."), said(response)
    )


def changed_state(runner: Runner) -> Redirect:
    """As if somebody had lured the user onto an answer that belongs to another login."""
    runner.run.begin(PendingRequest("changed-state"))
    flow = runner.run.flow
    name = "code" if flow.gives_code else "access_token"
    answer = {name: "somebody-elses", "state": secrets.token_urlsafe(16), "iss": runner.issuer}
    mark = "#" if flow.answers_in_fragment else "?"
    return Redirect(f"{back_path(flow.name)}{mark}{urlencode(answer)}")


def stolen_code(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    """The thief even has the client's secret; the verifier never left the client."""
    without = runner.redeem(answer["code"])
    guessed = runner.redeem(answer["code"], PendingRequest("guess").code_verifier)
    held = (without.status_code, guessed.status_code) == (400, 400)
    return _refused(held, _("Without the verifier the code is useless."), f"{said(without)}, {said(guessed)}")


def _id_token(runner: Runner, answer: Answer, pending: PendingRequest) -> str:
    """That of the login that has just been made."""
    tokens = content_of(runner.redeem(answer["code"], pending.code_verifier))
    return str(tokens.get("id_token", ""))


def _disbelieved(
    runner: Runner, id_token: str, why: str, client: DemoClient | None = None, nonce: str = ""
) -> Outcome:
    """Whether the client that gets the ID token refuses it."""
    try:
        runner.check_id_token(id_token, client, nonce=nonce)
    except ProviderError as objection:
        words = {"objection": told_of(objection), "why": why}
        return Outcome(bool(id_token), _("Refused by the client. %(objection)s %(why)s") % words)
    return Outcome(False, _("NOT refused: the client believes it."))


def replayed_nonce(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    """The ID token of this login is slipped into another one, which has a nonce of its own."""
    id_token = _id_token(runner, answer, pending)
    another = PendingRequest("another login")
    return _disbelieved(
        runner,
        id_token,
        _("Each login has a nonce of its own, which its ID token repeats."),
        nonce=another.nonce,
    )


def wrong_audience(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    """A client passes the ID token that it was given on to another one, to be let in there as its user."""
    id_token = _id_token(runner, answer, pending)
    return _disbelieved(
        runner, id_token, _("An ID token names the client that it is for."), OTHER, nonce=pending.nonce
    )


def id_token_at_api(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    id_token = _id_token(runner, answer, pending)
    call = runner.call_api(id_token)
    userinfo = runner.line.bearing(id_token, reverse("oauth2_provider:user-info"))
    held = bool(id_token) and (call.status_code, userinfo.status_code) == (401, 401)
    return _refused(
        held, _("It says who has logged in, and opens nothing."), f"{said(call)}, {said(userinfo)}"
    )


def forged_hint(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    """The same claims, signed by nobody and by somebody else."""
    head, body, signature = (_id_token(runner, answer, pending) or "..").split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    said_of = []
    for hint in (f"{unsigned}.{body}.", f"{head}.{body}.{signature[:-6]}AAAAAA"):
        path = runner.authorization_request(PendingRequest("probe"), prompt="none", id_token_hint=hint)
        said_of.append(answer_of(runner.line.send("GET", path).headers.get("Location", "")).get("error", ""))
    return _refused(
        bool(body) and said_of == ["invalid_request"] * 2,
        _("A hint counts only when this site has signed it, for this client."),
        ", ".join(said_of),
    )


def replayed_code(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    first = runner.redeem(answer["code"], pending.code_verifier)
    again = runner.redeem(answer["code"], pending.code_verifier)
    after = runner.call_api(content_of(first).get("access_token", ""))
    held = (first.status_code, again.status_code, after.status_code) == (200, 400, 401)
    return _refused(
        held, _("A code works once; what it gave has ended too, in case the thief was first."), said(again)
    )


def replayed_refresh_token(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    first = content_of(runner.redeem(answer["code"], pending.code_verifier)).get("refresh_token", "")
    second = content_of(runner.refresh(first))
    retry = runner.refresh(first)
    third = content_of(runner.refresh(second.get("refresh_token", "")))
    replay = runner.refresh(first)
    after = runner.call_api(third.get("access_token", ""))
    held = (retry.status_code, replay.status_code, after.status_code) == (200, 400, 401)
    return _refused(
        held,
        _(
            "Asking again at once was a retry and was answered; the old token, after the next one was used, "
            "ended the whole authorization."
        ),
        f"{said(retry)}, {said(replay)}, {said(after)}",
    )


def more_scope_at_login(runner: Runner) -> Outcome:
    # Without prompt=none the provider would first have the user log in (RFC 9700 §4.11.2).
    more = {"scope": f"{runner.client.asks} stats:read", "prompt": "none"}
    path = runner.authorization_request(PendingRequest("probe"), **more)
    response = runner.line.send("GET", path)
    location = response.headers.get("Location", "")
    held = location.startswith(runner.redirect_uri) and "error=invalid_scope" in location
    return _refused(held, _("The client is told invalid_scope; the user is not even asked."), said(response))


def more_scope_for_a_machine(runner: Runner) -> Outcome:
    scope = f"{runner.client.asks} notes:write"
    response = runner.ask_as_machine(scope=scope)
    return _refused(
        said(response) == "400 invalid_scope", _("It gets what staff allowed it."), said(response)
    )


def more_scope_by_refreshing(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    first = content_of(runner.redeem(answer["code"], pending.code_verifier)).get("refresh_token", "")
    response = runner.refresh(first, scope=f"{runner.client.asks} notes:write")
    return _refused(
        said(response) == "400 invalid_scope", _("Refreshing can only give scopes up."), said(response)
    )


def wrong_secret(runner: Runner) -> Outcome:
    wrong = (runner.client.client_id, f"oafs_{secrets.token_urlsafe(32)}")
    # The rest of the request is as declared, so that nothing but the secret is wrong with it.
    flow = runner.run.flow
    known = {"grant_type": flow.grant_types[0], "scope": runner.client.asks}
    names = flow.step("token_request").parameters
    data = {name: known.get(name, "whatever") for name in names if name != "client_id"}
    response = runner.post("token", data, auth=wrong)
    return _refused(
        said(response) == "401 invalid_client", _("Nothing else in the request is looked at."), said(response)
    )


def expired_token(runner: Runner) -> Outcome:
    token = content_of(runner.ask_as_machine(BRIEF)).get("access_token", "")
    runner.post("introspect", {"token": token}, BRIEF)
    time.sleep(_BRIEF_SECONDS)
    late = runner.call_api(token, BRIEF)
    told = late.headers.get("WWW-Authenticate", "")
    held = late.status_code == 401 and "expired" in told
    return _refused(held, _("The token lived one second; the challenge says that it expired."), said(late))


def phishing_link(runner: Runner) -> Outcome:
    codes = content_of(runner.ask_for_codes())
    opened = runner.line.send("GET", codes["verification_uri_complete"].removeprefix(runner.origin))
    asked = runner.poll(codes["device_code"])
    held = opened.status_code == 302 and said(asked) == "400 authorization_pending"
    return _refused(
        held,
        _(
            "The link decides nothing: who opens it has to log in, to compare the code with a device in front of "
            "them, and then sees who asks since when, and a warning."
        ),
        f"{said(opened)}, {said(asked)}",
    )


def guessed_codes(runner: Runner) -> Outcome:
    """Nobody guesses without an account, which has few guesses a day; and a device's code is sealed."""
    page = runner.line.send("GET", reverse("oauth2_provider:device"), params={"user_code": "BCDF-GHJK"})
    made_up = runner.poll(f"oafd_{secrets.token_urlsafe(96)}")
    held = page.status_code == 302 and said(made_up) == "400 invalid_grant"
    return _refused(
        held,
        _(
            "Who types codes has to log in, and an account has twenty wrong ones a day for twenty-five thousand "
            "million possible; a code that a device keeps cannot be made up."
        ),
        f"{said(page)}, {said(made_up)}",
    )


def code_of_another_device(runner: Runner) -> Outcome:
    code = content_of(runner.ask_for_codes()).get("device_code", "")
    theirs, ours = runner.poll(code, OTHER_TV), runner.poll(code)
    held = (said(theirs), said(ours)) == ("400 invalid_grant", "400 authorization_pending")
    return _refused(
        held, _("The code is good for the client that asked for it, which goes on waiting."), said(theirs)
    )


def device_code_twice(runner: Runner) -> Outcome:
    """The first press shows a code; once it is answered, the next uses it twice."""
    code = runner.run.values.get(_TWICE, "")
    first = runner.poll(code) if code else None
    if first is None or not first.ok:
        codes = content_of(runner.ask_for_codes())
        runner.run.values[_TWICE] = codes["device_code"]
        return Outcome(
            True,
            _(
                "The device shows %(user_code)s. Answer it as the user, load this page again, and press this once "
                "more."
            )
            % {"user_code": codes.get("user_code")},
            link=codes.get("verification_uri_complete", ""),
        )
    del runner.run.values[_TWICE]
    again = runner.poll(code)
    after = runner.call_api(content_of(first).get("access_token", ""))
    held = (said(again), after.status_code) == ("400 invalid_grant", 401)
    return _refused(
        held, _("It works once; what it gave has ended too, in case the thief was first."), said(again)
    )


def device_code_after_its_end(runner: Runner) -> Outcome:
    code = content_of(runner.ask_for_codes()).get("device_code", "")
    mine = DeviceRequest.objects.filter(client__client_id=runner.client.client_id)
    mine.update(expires_at=timezone.now())
    late = runner.poll(code)
    return _refused(
        said(late) == "400 expired_token", _("Its time is over, so it gives nothing."), said(late)
    )


def others_machine_token(runner: Runner) -> Outcome:
    token = content_of(runner.ask_as_machine()).get("access_token", "")
    return _token_in_other_hands(runner, token)


def others_token(runner: Runner, answer: Answer, pending: PendingRequest) -> Outcome:
    if "access_token" in answer:
        return _token_in_other_hands(runner, answer["access_token"])
    tokens = content_of(runner.redeem(answer["code"], pending.code_verifier))
    used = runner.refresh(tokens.get("refresh_token", ""), OTHER)
    if used.ok:
        return Outcome(
            False, _("NOT refused: another client refreshed it (%(said)s).") % {"said": said(used)}
        )
    return _token_in_other_hands(runner, tokens.get("access_token", ""))


def _token_in_other_hands(runner: Runner, token: str) -> Outcome:
    asked = content_of(runner.post("introspect", {"token": token}, OTHER))
    runner.post("revoke-token", {"token": token}, OTHER)
    still = runner.call_api(token)
    held = asked == {"active": False} and still.status_code == 200
    return _refused(
        held, _("Another client learns nothing of the token and cannot end it; it works on."), said(still)
    )
