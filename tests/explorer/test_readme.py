"""The README's section about the flows is the declarations, and nothing else."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_oauthflows.flows import registry
from example_project.explorer import markdown

README = Path(__file__).resolve().parent.parent.parent / "README.md"


def test_the_readme_holds_what_the_declarations_say() -> None:
    text = README.read_text()
    assert text == markdown.put_into(text), "Run: python manage.py document_flows --write"


def test_each_diagram_has_every_message_and_title_in_order() -> None:
    diagrams = re.findall(r"```mermaid\n(.*?)```", markdown.section(), re.DOTALL)
    assert len(diagrams) == len(registry.FLOWS)
    for diagram, flow in zip(diagrams, registry.FLOWS, strict=True):
        lines = diagram.replace("#35;", "#").replace("#59;", ";")
        assert re.findall(r"->>\w+: (.+)", lines) == [step.message for step in flow.steps]
        assert re.findall(r"Note over \w+,\w+: (.+)", lines) == [step.title for step in flow.steps]
        # In the source itself neither sign may stand: they would end the statement or begin a code.
        assert not re.search(r"#(?!\d+;)", diagram)


def test_the_command_prints_writes_and_complains(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("document_flows", stdout=out)
    assert out.getvalue().strip() == markdown.section()
    file = tmp_path / "page.md"
    file.write_text(f"before\n{markdown.BEGIN}\nold\n{markdown.END}\nafter\n")
    call_command("document_flows", write=str(file))
    assert file.read_text() == f"before\n{markdown.BEGIN}\n{markdown.section()}\n{markdown.END}\nafter\n"
    file.write_text("no markers")
    with pytest.raises(CommandError, match="flows:begin"):
        call_command("document_flows", write=str(file))
    assert file.read_text() == "no markers"
