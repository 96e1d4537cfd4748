"""The README's section about the flows, from the same declarations as the pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from django_oauthflows.flows import chooser, registry
from django_oauthflows.flows.base import Flow, Party, UseCase
from django_oauthflows.flows.chooser import Question

BEGIN = "<!-- flows:begin -->"
END = "<!-- flows:end -->"
NOTE = "<!-- Written by `python manage.py document_flows --write`; change the declarations instead. -->"


def section() -> str:
    """All of it, without the markers."""
    parts = [NOTE, "Say what you build; the flow follows.", _use_cases()]
    parts += ["### Which flow do I need?", *_questions(), "### The flows side by side", _flows()]
    parts.append("### The flows, step by step")
    for flow in registry.FLOWS:
        parts += [f"#### {_title(flow)}", flow.summary, _mermaid(flow)]
    return "\n\n".join(parts)


def put_into(text: str) -> str:
    """``text`` with the section between the markers. Raises ``ValueError`` when they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The text has no {BEGIN} … {END}.")
    return f"{before}{BEGIN}\n{section()}\n{END}{after}"


def write(path: Path) -> None:
    path.write_text(put_into(path.read_text()))


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


def _use_cases() -> str:
    heads = ("You build", "For example", "Use case", "Flow", "Client type")
    rows = [
        (case.title, case.example, _named(case), _flows_of(case), case.client_type)
        for case in registry.USE_CASES
    ]
    return _table(heads, rows)


def _flows() -> str:
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
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


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
