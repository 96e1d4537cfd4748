"""The reference says what the code says: no option, check, signal, command, event or address too many or too few."""

from __future__ import annotations

import io
import re
from dataclasses import fields
from pathlib import Path

import oauth2_provider
import pytest
from django.core.management import CommandError, call_command
from django.urls import get_resolver
from oauth2_provider.settings import DEFAULTS

from django_oauthflows import limits, provider_settings, signals
from django_oauthflows.authorization_server.error_codes import ERROR_CODES
from django_oauthflows.conf import Options
from django_oauthflows.flows import registry
from django_oauthflows.management.commands.oauth import NOUNS
from django_oauthflows.models import Event
from django_oauthflows.models.client_metadata import MEMBERS
from example_project.documentation import flows, pages

pytestmark = pytest.mark.one_environment

PACKAGE = pages.ROOT / "django_oauthflows"
REFERENCE = PACKAGE / "docs/reference"


def column(page: Path, place: int = 0) -> list[str]:
    """What stands in one column of a page's tables, without the heading and the backquotes."""
    rows = re.findall(r"^\| (?!---)(.*) \|$", page.read_text(), re.MULTILINE)
    return [row.split(" | ")[place].strip("`") for row in rows[1:]]


def headings(page: Path) -> list[str]:
    return re.findall(r"^### `(.+)`$", page.read_text(), re.MULTILINE)


def test_readme_and_documentation_are_as_the_code_writes_them() -> None:
    assert pages.stale() == [], "Run: python manage.py document --write"


def test_every_part_that_can_be_written_stands_on_a_page() -> None:
    used = {name for page in pages.pages() for name in pages.named_in(page.read_text())}
    assert used == set(pages.SECTIONS)


# Read from the pages, and compared with the code by another way than the one that wrote them. ---------------


def test_the_options_are_those_that_there_are() -> None:
    page = REFERENCE / "options.md"
    assert headings(page) == [option.name for option in fields(Options)]
    told = re.findall(
        r"^### `(\w+)`\n\n(.+)\n\nDefault: `(.*?)`\. It must be .+\.$", page.read_text(), re.MULTILINE
    )
    assert [(name, default) for name, _text, default in told] == [
        (option.name, repr(getattr(Options(), option.name))) for option in fields(Options)
    ]


def test_the_checks_are_those_that_there_are() -> None:
    sources = [path.read_text() for path in PACKAGE.rglob("*.py")]
    ids = {name for text in sources for name in re.findall(r"\bid=\"(oauthflows\.[EW]\d+)\"", text)}
    assert sorted(headings(REFERENCE / "checks.md")) == sorted(ids)
    text = (REFERENCE / "checks.md").read_text()
    assert not re.search(r"^(Error|Warning): …$", text, re.MULTILINE), "A finding without a text."


def test_the_signals_are_those_that_there_are() -> None:
    names = [name for name, value in vars(signals).items() if isinstance(value, signals.Announcement)]
    assert sorted(column(REFERENCE / "signals.md")) == sorted(names)
    assert all(len(text) > 20 for text in column(REFERENCE / "signals.md", 1))


def test_the_commands_are_those_that_there_are() -> None:
    told = {name.split()[1] for name in headings(REFERENCE / "commands.md")}
    assert told == set(NOUNS)
    for name in headings(REFERENCE / "commands.md"):
        with pytest.raises(SystemExit) as ended:
            call_command(*name.split(), "--help")
        assert ended.value.code == 0


def test_the_events_are_those_that_there_are() -> None:
    assert column(REFERENCE / "events.md") == list(Event.Kind.values)


def test_the_templates_are_those_that_there_are() -> None:
    folder = PACKAGE / "templates"
    files = [str(path.relative_to(folder)) for path in (folder / "django_oauthflows").rglob("*.*")]
    assert sorted(column(REFERENCE / "templates.md")) == sorted(files)


def test_the_addresses_are_those_that_there_are() -> None:
    _prefix, resolver = get_resolver("django_oauthflows.urls").namespace_dict["oauthflows"]
    names = {name for name in resolver.reverse_dict if isinstance(name, str)}
    assert set(column(REFERENCE / "urls.md", 1)) == names
    assert len(column(REFERENCE / "urls.md", 1)) == len(names)


def test_the_members_rates_and_errors_are_those_that_there_are() -> None:
    assert column(REFERENCE / "client-metadata.md") == [member.name for member in MEMBERS]
    assert column(PACKAGE / "docs/clients/limits.md") == list(limits.DEFAULT_RATES)
    assert headings(PACKAGE / "docs/clients/errors.md") == list(ERROR_CODES)


def test_each_diagram_has_every_message_and_title_in_order() -> None:
    diagrams = re.findall(r"```mermaid\n(.*?)```", flows.step_by_step(), re.DOTALL)
    assert len(diagrams) == len(registry.FLOWS)
    for diagram, flow in zip(diagrams, registry.FLOWS, strict=True):
        lines = diagram.replace("#35;", "#").replace("#59;", ";")
        assert re.findall(r"->>\w+: (.+)", lines) == [step.message for step in flow.steps]
        assert re.findall(r"Note over \w+,\w+: (.+)", lines) == [step.title for step in flow.steps]
        # In the source itself neither sign may stand: they would end the statement or begin a code.
        assert not re.search(r"#(?!\d+;)", diagram)


def test_the_command_names_what_is_stale_and_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    marked = "before\n<!-- made from the code: rates -->\n{}\n<!-- end -->\nafter\n"
    page.write_text(marked.format("old"))
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "pages", lambda: iter([page]))
    with pytest.raises(CommandError, match=r"^page\.md: run `python manage\.py document --write`\.$"):
        call_command("document")
    assert page.read_text() == marked.format("old")
    out = io.StringIO()
    call_command("document", write=True, stdout=out)
    assert out.getvalue() == "Written: page.md.\n"
    assert page.read_text() == marked.format(f"\n{pages.SECTIONS['rates']()}\n")
    call_command("document", stdout=out)
    assert "All pages say" in out.getvalue()


def test_the_toolkits_settings_are_those_that_there_are_and_fixed_ones_are_told_as_ours() -> None:
    page = (PACKAGE / "docs/switch.md").read_text()
    rows = re.findall(r"^\| (`[A-Z].*`) \| (kept|ours|gone) \| ", page, re.MULTILINE)
    told = {name: fate for names, fate in rows for name in re.findall(r"`(\w+)`", names)}
    asked = {name for name in DEFAULTS if not name.startswith("_")}
    assert asked - set(told) == set()
    if oauth2_provider.__version__.startswith("3.4"):  # a later release may drop some
        assert set(told) - asked == set()
    fixed = {name: told[name] for name in provider_settings({"SCOPES": {"a": "b"}}) if DEFAULTS.get(name)}
    assert "kept" not in fixed.values()
