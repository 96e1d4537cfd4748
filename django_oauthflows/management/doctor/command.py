"""The command itself: its arguments, what it prints, and its exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.management.base import CommandError

from django_oauthflows.conf import options as site_options
from django_oauthflows.management.doctor import clients, data, served, services, settings
from django_oauthflows.management.doctor.finding import Finding, Level, error

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

_WORDS = {Level.OK: "ok", Level.UNSEEN: "not seen", Level.WARNING: "WARNING", Level.ERROR: "ERROR"}
#: For monitoring: nothing to do, look at it, act now.
_STATUS = {Level.OK: 0, Level.UNSEEN: 0, Level.WARNING: 1, Level.ERROR: 2}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Look at the running set-up and say what is wrong, with the line to change. Exit status: 0 when all is "
        "well, 1 for warnings, 2 for errors. Nothing is changed."
    )
    parser.add_argument(
        "--url",
        default="",
        help="Where clients reach the site, with the path that it lives under; else OAUTHFLOWS['ISSUER'].",
    )
    parser.add_argument("--quiet", action="store_true", help="Print only what needs somebody.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")


def handle(command: Command, options: dict[str, Any]) -> None:
    url = options["url"] or site_options().ISSUER
    if urlsplit(url).scheme not in ("", "http", "https") or (url and not urlsplit(url).netloc):
        raise CommandError("--url must be an address such as https://example.org.")
    findings = list(examine(url))
    worst = max((_STATUS[each.level] for each in findings), default=0)
    if options["json"]:
        levels = {level.value: sum(each.level is level for each in findings) for level in Level}
        command.say_json({"status": worst, **levels, "findings": [each.as_json() for each in findings]})
    else:
        _tell(command, findings, quiet=options["quiet"])
    if worst:
        sys.exit(worst)


def _tell(command: Command, findings: list[Finding], *, quiet: bool) -> None:
    for each in findings:
        if quiet and not _STATUS[each.level]:
            continue
        command.say(f"{_WORDS[each.level]:8}  {each.name}: {each.said}")
        for line in each.line.splitlines():
            command.say(f"          {line}")


def examine(url: str) -> Iterator[Finding]:
    """All that can be seen of the site, which clients reach at ``url``; empty where nobody says where that is."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        *settings.LOOKS,
        lambda: served.look(url),
        lambda: served.proxies(url),
        *services.LOOKS,
        *data.LOOKS,
        *clients.LOOKS,
    )
    for look in looks:
        try:
            yield from look()
        except Exception as failure:  # noqa: BLE001 - whatever is broken, the rest is looked at
            name = getattr(look, "__name__", "metadata").strip("_").replace("_", "-")
            yield error(name, f"This could not be looked at: {type(failure).__name__}.")
