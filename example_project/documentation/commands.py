"""The commands of ``manage.py oauth``, from their parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from django_oauthflows.management.commands.oauth import Command
from example_project.documentation.markdown import code, table


def commands() -> str:
    """Each sub-command with its options: those of Django's own commands are left out."""
    parser = argparse.ArgumentParser("manage.py oauth")
    Command().add_arguments(parser)  # type: ignore[arg-type]
    return "\n\n".join(_of(parser, "oauth", ""))


def _of(parser: argparse.ArgumentParser, name: str, help_text: str) -> Iterator[str]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield f"### `{name}`"
        yield parser.description or help_text
        rows = [
            (code(_shown(action)), action.help or "")
            for action in parser._actions
            if not isinstance(action, argparse._HelpAction)
        ]
        if rows:
            yield table(("Argument", "What it is"), rows)
    for action in below:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for verb, sub in action.choices.items():
            yield from _of(sub, f"{name} {verb}", helps.get(verb, ""))


def _shown(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return value
    return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]} {value}"


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        choices: Any = action.choices
        return " / ".join(map(str, choices))
    return str(action.metavar or action.dest)
