"""Which flow do I need? A few questions that lead from what somebody builds to a use case.

The use case (see ``registry``) then names flow, client type and reason. Every way through the
questions ends at a use case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import UseCase


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a question. It leads to a further question or to a use case, never to both."""

    name: str
    text: str
    question: str = ""
    use_case: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know about what is being built, and why it matters."""

    name: str
    text: str
    reason: str
    answers: tuple[Answer, ...]


QUESTIONS: tuple[Question, ...] = (
    Question(
        "user",
        _("Does a person log in and agree?"),
        _(
            "An application that acts for a person needs that person's permission; one that acts for itself does not."
        ),
        (
            Answer("yes", _("Yes, it acts for the people who use it."), question="server"),
            Answer("no", _("No, a machine acts for itself."), question="secret"),
        ),
    ),
    Question(
        "server",
        _("Does it have a server of its own that calls the API?"),
        _("A server can keep tokens and a secret out of everybody's sight."),
        (
            Answer("yes", _("Yes, a website with a server."), use_case="web"),
            Answer("no", _("No, everything runs on the user's device."), question="browser"),
        ),
    ),
    Question(
        "secret",
        _("Can the program keep a secret?"),
        _("Without a user, the secret is all that tells the program from anybody else."),
        (
            Answer("yes", _("Yes, it runs on machines that only we can look into."), use_case="service"),
            Answer(
                "no",
                _("No, it is installed on other people's devices: so the person who runs it must take part."),
                question="browser",
            ),
        ),
    ),
    Question(
        "browser",
        _("Where does it run, and is there a browser?"),
        _("The person logs in on a page of this site, never inside the application."),
        (
            Answer("page", _("It is a page in the browser."), question="pkce"),
            Answer(
                "app", _("It is an app on a phone or computer, which can open a browser."), use_case="native"
            ),
            Answer("none", _("It is a device without a browser or keyboard."), use_case="device"),
        ),
    ),
    Question(
        "pkce",
        _("Can the page's code be changed?"),
        _("Every page that can be changed can use PKCE, which keeps tokens out of the address bar."),
        (
            Answer("yes", _("Yes, or it is new."), use_case="spa"),
            Answer("no", _("No, it is old and knows only the implicit flow."), use_case="legacy-spa"),
        ),
    ),
)

_BY_NAME = {question.name: question for question in QUESTIONS}


def question_named(name: str) -> Question:
    """The question of that name. Raises ``KeyError`` for an unknown name."""
    return _BY_NAME[name]


def follow(given: Mapping[str, str]) -> tuple[tuple[tuple[Question, Answer], ...], Question | UseCase]:
    """The way that the ``given`` answers (question name → answer name) take, and where it ends.

    It ends at a use case, or at the first question without a known answer.
    """
    way: list[tuple[Question, Answer]] = []
    question = QUESTIONS[0]
    while True:
        answer = next((one for one in question.answers if one.name == given.get(question.name)), None)
        if answer is None:
            return tuple(way), question
        way.append((question, answer))
        if answer.use_case:
            return tuple(way), registry.use_case_named(answer.use_case)
        question = question_named(answer.question)


def ways(question: Question = QUESTIONS[0]) -> Iterator[tuple[tuple[Answer, ...], UseCase]]:
    """Every way through the questions, and the use case at its end."""
    for answer in question.answers:
        if answer.use_case:
            yield (answer,), registry.use_case_named(answer.use_case)
        else:
            for rest, use_case in ways(question_named(answer.question)):
                yield (answer, *rest), use_case
