"""The page about the flows, from the same declarations as the explorer."""

from __future__ import annotations

from collections.abc import Iterator

from django_oauthflows.flows import chooser, registry
from django_oauthflows.flows.base import Flow, Party, UseCase
from django_oauthflows.flows.chooser import Question
from example_project.documentation.markdown import table


def use_cases() -> str:
    """What one can build, and the flow that follows."""
    heads = ("You build", "For example", "Use case", "Flow", "Client type")
    rows = [
        (case.title, case.example, _named(case), _flows_of(case), case.client_type)
        for case in registry.USE_CASES
    ]
    return table(heads, rows)


def questions() -> str:
    """The way from what one builds to the use case."""
    return "\n\n".join(_questions())


def side_by_side() -> str:
    heads = ("Flow", "When", "Who takes part", "What it needs", "What protects it", "Its risk")
    rows = [
        (
            f"**{_title(flow)}**<br>{flow.source}",
            f"{flow.when} {flow.avoid}",
            ", ".join(flow.parties),
            ", ".join(sorted(flow.needs)),
            " ".join(flow.protections),
            " ".join(flow.risks),
        )
        for flow in registry.FLOWS
    ]
    return table(heads, rows)


def step_by_step() -> str:
    """Each flow with its diagram."""
    return "\n\n".join(
        part for flow in registry.FLOWS for part in (f"### {_title(flow)}", flow.summary, _mermaid(flow))
    )


def _title(flow: Flow) -> str:
    return flow.label if flow.offered else f"{flow.label} (planned)"


def _questions() -> Iterator[str]:
    """Each question once; an answer names the use case, or the question to go on with."""
    number = {question.name: place for place, question in enumerate(chooser.QUESTIONS, start=1)}
    for question in chooser.QUESTIONS:
        yield f"**{number[question.name]}. {question.text}** {question.reason}"
        yield "\n".join(_answers(question, number))


def _answers(question: Question, number: dict[str, int]) -> Iterator[str]:
    for answer in question.answers:
        if answer.use_case:
            yield f"- {answer.text} → {_advice(registry.use_case_named(answer.use_case))}"
        else:
            yield f"- {answer.text} → question {number[answer.question]}"


def _advice(case: UseCase) -> str:
    return f"{_named(case)}: {_flows_of(case)}. {case.why} {case.avoid}"


def _named(case: UseCase) -> str:
    return f"`{case.name}`" if case.offered else f"`{case.name}` (planned)"


def _flows_of(case: UseCase) -> str:
    return " + ".join(flow.label for flow in registry.flows_of(case))


def _mermaid(flow: Flow) -> str:
    names = {party: "".join(word[0] for word in party.split()).upper() for party in Party}
    wrapped = '%%{init: {"sequence": {"wrap": true}}}%%'
    lines = ["```mermaid", wrapped, "sequenceDiagram", "    autonumber"]
    lines += [f"    participant {names[party]} as {party.capitalize()}" for party in flow.parties]
    for step in flow.steps:
        lines += [f"    {names[step.sender]}->>{names[step.receiver]}: {_plain(step.message)}"]
        lines += [f"    Note over {names[step.sender]},{names[step.receiver]}: {_plain(step.title)}"]
    return "\n".join([*lines, "```"])


def _plain(text: str) -> str:
    """Mermaid ends a statement at ; and begins a character's code at #."""
    return text.translate({ord("#"): "#35;", ord(";"): "#59;"})
