"""What stands in the source beside a definition: comments that begin with ``#:``, and findings of the checks."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import django_oauthflows

PACKAGE = Path(django_oauthflows.__file__).parent
#: What a text says in a place where the code puts something in.
GAP = "…"


def comments(module: ModuleType, within: str = "") -> dict[str, str]:
    """Name → the comment above it, of what the module (or the class ``within`` it) assigns."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    body = ast.parse(source).body
    if within:
        (body,) = (node.body for node in body if isinstance(node, ast.ClassDef) and node.name == within)
    found: dict[str, str] = {}
    above = ""
    for node in body:
        if isinstance(node, ast.AnnAssign | ast.Assign):
            (target,) = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            # Of two that stand together, the comment is that of both.
            above = _above(lines, node.lineno - 1) or above
            found[ast.unparse(target)] = above
        else:
            above = ""
    return found


def _above(lines: list[str], index: int) -> str:
    told: list[str] = []
    while index and lines[index - 1].strip().startswith("#:"):
        index -= 1
        told.insert(0, lines[index].strip().removeprefix("#:").strip())
    return " ".join(told)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one of the system checks may say."""

    id: str
    message: str
    hint: str


def findings() -> Iterator[Finding]:
    """Every finding of the package's checks, as its source writes it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                given = {each.arg: each.value for each in call.keywords} if isinstance(call, ast.Call) else {}
                if "hint" in given and isinstance(name := given.get("id"), ast.Constant):
                    assert isinstance(call, ast.Call)
                    text = _Text(path, function)
                    said = text.of(call.args[0])
                    about = (ast.get_docstring(function) or GAP).partition("\n\n")[0].replace("``", "`")
                    yield Finding(str(name.value), about if said == GAP else said, text.of(given["hint"]))


class _Text:
    """What an expression of the source says, as far as it can be read without running it."""

    def __init__(self, path: Path, function: ast.FunctionDef) -> None:
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        self._module = import_module(name)
        self._local = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def of(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=value):
                return str(value)
            case ast.JoinedStr(values=parts):
                return "".join(map(self.of, parts))
            case ast.FormattedValue(value=ast.Name(id=name)) if isinstance(told := self._known(name), str):
                return told
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.of(left) + self.of(right)
            case ast.Call(func=ast.Attribute(value=value, attr="replace")):
                return self.of(value)
            case ast.Name(id=name) if name in self._local:
                return self.of(self._local[name])
            case ast.Name(id=name) if isinstance(told := self._known(name), str):
                return told
        return GAP

    def _known(self, name: str) -> Any:
        return getattr(self._module, name, None)
