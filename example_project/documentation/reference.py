"""The reference: options, checks, signals, events, templates, addresses, errors, rates and metadata of clients."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from django.urls import URLPattern, URLResolver

from django_oauthflows import conf, limits, signals, urls
from django_oauthflows.authorization_server.error_codes import ERROR_CODES
from django_oauthflows.conf import Options
from django_oauthflows.models import Event
from django_oauthflows.models.client_metadata import MEMBERS, Setter
from example_project.documentation import source
from example_project.documentation.markdown import code, from_rst, table

_BLOCK = re.compile(r"{% block (\w+) %}")
_TITLE = re.compile(r"{% block title %}(.*?){% endblock %}", re.DOTALL)
_TAG = re.compile(r"{%.*?%}")
_VARIABLE = re.compile(r"{{ .*? }}")


def options() -> str:
    told = source.comments(conf, within="Options")
    forms = conf.forms()
    defaults = Options()
    parts = []
    for option in fields(Options):
        facts = f"Default: `{getattr(defaults, option.name)!r}`. It must be {forms[option.name].wanted}."
        parts += [f"### `{option.name}`", from_rst(told[option.name]), facts]
    return "\n\n".join(parts)


def checks() -> str:
    found = sorted(source.findings(), key=lambda finding: (finding.id[-3:], finding.id))
    return "\n\n".join(map(_check, found))


def _check(finding: source.Finding) -> str:
    kind = "Error" if ".E" in finding.id else "Warning"
    hint = "" if finding.hint == source.GAP else f"\n\n```text\n{finding.hint}\n```"
    return f"### `{finding.id}`\n\n{kind}: {_markdown(finding.message)}{hint}"


def _markdown(text: str) -> str:
    return re.sub(r"([<>*_\[\]|])", r"\\\1", text)


def signal_table() -> str:
    told = source.comments(signals)
    names = [
        name
        for name, value in vars(signals).items()
        if isinstance(value, signals.Announcement) and name in told
    ]
    return table(
        ("Signal", "When, and what it brings"), [(code(name), from_rst(told[name])) for name in names]
    )


def events() -> str:
    return table(("Kind", "What happened"), [(code(kind.value), str(kind.label)) for kind in Event.Kind])


def templates() -> str:
    folder = source.PACKAGE / "templates/django_oauthflows"
    rows = []
    for path in sorted(folder.rglob("*.*")):
        text = path.read_text()
        title = _TITLE.search(text)
        blocks = ", ".join(map(code, sorted(set(_BLOCK.findall(text)))))
        heading = _VARIABLE.sub(source.GAP, _shown(title[1])) if title else ""
        rows.append((code(path.relative_to(folder.parent)), heading, blocks))
    return table(("Template", "Title", "Blocks"), rows)


def _shown(text: str) -> str:
    """What the template tags around it make of a text, in English."""
    text = re.sub(r'{% translate "(.*?)" %}', r"\1", text)
    return _TAG.sub(" ", text).strip()


def addresses() -> str:
    rows: dict[str, tuple[str, str, str]] = {}
    for path, pattern in _flat(urls.routes):
        view: Any = getattr(pattern.callback, "view_class", pattern.callback)
        address = re.sub(r"\W?\((?:\?P<\w+>)?(.*?)\)/\?\$", r".(\1)", path.replace("^", "").replace("\\", ""))
        if pattern.name and (pattern.name not in rows or address.endswith("/")):
            rows[pattern.name] = (code(address), code(pattern.name), _first_sentence(view))
    return table(("Address", "Route name", "What it does"), rows.values())


def _flat(patterns: Any, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _flat(each.url_patterns, before + str(each.pattern))
        else:
            yield before + str(each.pattern), each


def _first_sentence(view: Any) -> str:
    text = " ".join((inspect.getdoc(view) or "").split())
    return from_rst(re.split(r"(?<=[.:]) (?=[A-Z])", text)[0])


def errors() -> str:
    parts = []
    for name, error in ERROR_CODES.items():
        remedies = "\n".join(f"- {remedy}" for remedy in error.remedies)
        parts.append(f"### `{name}`\n\n{error.meaning}\n\n{remedies}\n\nSource: {error.source}.")
    return "\n\n".join(parts)


def rates() -> str:
    rows = [(code(name), code(rate) if rate else "no limit") for name, rate in limits.DEFAULT_RATES.items()]
    return table(("Rate", "Default"), rows)


def metadata() -> str:
    rows = [
        (
            code(member.name),
            member.rule,
            member.source or "ours",
            "yes" if Setter.STAFF in member.set_by else "no",
        )
        for member in MEMBERS
    ]
    return table(("Member", "What it is", "Source", "Set by staff"), rows)
