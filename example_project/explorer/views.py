"""The pages: which flow, the flows side by side, and each flow explained by running it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import requests
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from django_oauthflows.flows import chooser, registry
from django_oauthflows.flows.base import Flow, UseCase
from django_oauthflows.management.tour.messages import Message, RoundTrip, answer_of, shown_url
from example_project.explorer.actions import AFTERWARDS, WALK, afterwards, come_back, next_action, walk_of
from example_project.explorer.attacks import attack_named, attacks_on
from example_project.explorer.clients import ensure_clients
from example_project.explorer.diagram import diagram_of
from example_project.explorer.display import log_of, steps_of
from example_project.explorer.run import Outcome, PendingRequest, Redirect, Run, Runner
from example_project.explorer.transport import goes_over_the_wire, is_own_host, origin_of

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_MAX_ANSWER = 8192


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, f"explorer/{template}", context, status=status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The flows side by side."""
    return page(request, "overview.html", {"flows": registry.FLOWS})


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Which flow do I need? One question after the other; the answers are in the address."""
    given = {question.name: request.GET.get(question.name, "") for question in chooser.QUESTIONS}
    way, end = chooser.follow(given)
    query = "&".join(f"{question.name}={answer.name}" for question, answer in way)
    context: dict[str, Any] = {"way": way, "so_far": f"{query}&" if query else ""}
    if isinstance(end, UseCase):
        context |= {"case": end, "flows": registry.flows_of(end)}
    else:
        context |= {"question": end}
    return page(request, "choose.html", context)


def _flow(name: str) -> Flow:
    try:
        return registry.flow_named(name)
    except KeyError:
        raise Http404 from None


@require_safe
def explore(request: HttpRequest, name: str) -> HttpResponse:
    """A flow: its diagram and steps, what the run has shown so far, and what can be done next."""
    flow = _flow(name)
    run = Run.of(request, flow)
    steps = steps_of(flow, run.done)
    diagram = diagram_of(flow)
    context = {
        "flow": flow,
        "diagram": diagram,
        "steps": [item | {"arrow": arrow} for item, arrow in zip(steps, diagram.arrows, strict=True)],
        "next": next_action(run),
        "run": run if walk_of(flow) else None,
        "log": log_of(run),
        "afterwards": afterwards(run.values),
        "attacks": attacks_on(flow),
        "over_the_wire": goes_over_the_wire(request),
    }
    return page(request, "explore.html", context)


_View = Callable[..., HttpResponse]


def _acting(view: _View) -> _View:
    """For views that act: only on this site's own address, and with the demo clients in place."""

    @wraps(view)
    def wrapped(request: HttpRequest, name: str, **more: str) -> HttpResponse:
        flow = _flow(name)
        if not walk_of(flow):
            raise Http404
        if not is_own_host(request):
            return page(request, "refused.html", {"flow": flow}, status=403)
        try:
            ensure_clients(origin_of(request))
        except ValidationError:
            return page(request, "refused.html", {"flow": flow}, status=403)
        return view(request, Run.of(request, flow), **more)

    return wrapped


def _shown(request: HttpRequest, run: Run) -> HttpResponse:
    """Keep the run and show what has just happened."""
    run.keep(request)
    return HttpResponseRedirect(reverse("explorer:explore", args=[run.flow.name]) + "#now")


def _perform(
    request: HttpRequest,
    run: Run,
    title: str,
    act: Callable[[Runner], Outcome | Redirect],
    kind: str = "step",
) -> tuple[HttpResponse, Outcome | None]:
    """Act, put what happened on the log, and answer; or send the browser on its way."""
    runner = Runner(request, run)
    try:
        result = act(runner)
    except requests.RequestException as error:
        words = gettext("The provider did not answer (%(error)s).") % {"error": type(error).__name__}
        result = Outcome(False, words)
    if isinstance(result, Redirect):
        run.keep(request)
        return HttpResponseRedirect(result.url), None
    runner.record(title, result, kind)
    return _shown(request, run), result


@require_POST
@_acting
def next_step(request: HttpRequest, run: Run) -> HttpResponse:
    action = next_action(run)
    if action is None:
        return _shown(request, run)
    if request.POST.get("done", str(run.done)) != str(run.done):
        return _perform(request, run, action.title, _out_of_date)[0]
    response, outcome = _perform(request, run, action.title, action.act)
    if outcome is not None and outcome.held:
        run.done += 1
        run.keep(request)
    return response


def _out_of_date(runner: Runner) -> Outcome:
    """The button was on a page that shows an older state of the run."""
    return Outcome(
        False,
        gettext(
            "Nothing was sent: the page was out of date. The run went on in another tab, or was forgotten when "
            "you logged out; it stands here now."
        ),
    )


@require_POST
@_acting
def restart(request: HttpRequest, run: Run) -> HttpResponse:
    """Begin anew; with ``ask``, by a request that has the user asked whatever they have agreed to before."""
    run.forget(request)
    if "ask" in request.POST:
        Run(run.flow, values={"prompt": "consent"}).keep(request)
    return HttpResponseRedirect(reverse("explorer:explore", args=[run.flow.name]))


@require_POST
@_acting
def after(request: HttpRequest, run: Run, action: str) -> HttpResponse:
    """Something that is done with a token later."""
    if action not in dict(afterwards(run.values)):
        return _shown(request, run)
    title, act = AFTERWARDS[action]
    return _perform(request, run, title, act)[0]


@require_POST
@_acting
def what_if(request: HttpRequest, run: Run, attack: str) -> HttpResponse:
    found = attack_named(attack, run.flow)
    if found is None:
        raise Http404
    return _perform(request, run, found.title, found.start, "attack")[0]


@require_http_methods(["GET", "POST"])
@_acting
def back(request: HttpRequest, run: Run) -> HttpResponse:
    """The redirect URI. An answer in the fragment reaches the page's script, not the server (RFC 6749 §4.2)."""
    if not registry.beginning_of(run.flow).visits_authorization_endpoint:
        raise Http404
    if request.method == "GET" and run.flow.answers_in_fragment:
        return page(request, "fragment.html", {"flow": run.flow})
    received = request.POST.get("answer", "") if request.method == "POST" else request.get_full_path()
    answer = answer_of(received[:_MAX_ANSWER])
    pending = run.answered(answer.get("state", ""))
    purpose = pending.purpose if pending else WALK
    shown = Message.made(f"GET {shown_url(received[:_MAX_ANSWER])}", (), answer.items())

    def arrive(runner: Runner) -> Outcome:
        runner.round_trips.append(RoundTrip(request=shown))
        outcome = _arrive(runner, answer, pending)
        remembered = pending is not None and "error" not in answer and runner.asked_nobody(pending)
        return replace(outcome, remembered=remembered)

    attack = attack_named(purpose, run.flow)
    if attack is not None:
        return _perform(request, run, attack.title, arrive, "attack")[0]
    action = next_action(run)
    if pending is None or action is None:
        return _perform(request, run, gettext_noop("An answer arrives"), arrive)[0]
    response, outcome = _perform(request, run, action.title, arrive)
    if outcome is not None and outcome.held:
        run.done += 1
        run.keep(request)
    return response


def _arrive(runner: Runner, answer: dict[str, str], pending: PendingRequest | None) -> Outcome:
    """The client looks at the answer, then goes on with what the browser was sent for."""
    attack = attack_named(pending.purpose, runner.run.flow) if pending else None
    if pending is None or attack is None:
        return come_back(runner, answer, pending)
    objection = runner.objection(answer, pending)
    if attack.with_answer is None:
        if not objection:
            return Outcome(False, gettext("NOT refused."))
        return Outcome(True, gettext("Refused. %(why)s") % {"why": objection})
    return Outcome(False, objection) if objection else attack.with_answer(runner, answer, pending)
