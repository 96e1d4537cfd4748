"""The house keeps its shape: floors, no circles, quiet doors, one file and one journey per flow."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from django_oauthflows.flows import registry

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "django_oauthflows"
NAME = "django_oauthflows"

#: From the roof down. A room imports from its own floor and those below.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"urls", "apps"}),
    frozenset({"views", "admin", "rest_framework", "management", "testing", "migrations"}),
    frozenset({"forms", "checks"}),
    frozenset({"authorization_server", "resource_server", "adoption", "toolkit"}),
    frozenset({"models"}),
    frozenset({"flows", "tokens", "verifier"}),
    frozenset(
        {
            "conf",
            "option_forms",
            "scopes",
            "signals",
            "limits",
            "lookalikes",
            "spreadsheet",
            "cache_guard",
            "accounts",
            "database",
        }
    ),
)
MAX_FILE_LINES = 400
LONGER_FILES = {"django_oauthflows.models.client": 600}
#: Without signature and docstring. Most have fewer than 25; the longest are lists of declarations.
MAX_FUNCTION_LINES = 37
USUAL_FUNCTION_LINES = 25


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(node: ast.AST) -> list[str]:
    """Modules that an import statement names; for ``from a import b`` both ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def every_import(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        yield from imported(node)


def imports_at_import_time(path: Path) -> set[str]:
    """What is imported when the module is: not within functions, not for types alone."""
    found: set[str] = set()
    waiting: list[ast.AST] = [*tree_of(path).body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        found.update(imported(node))
        waiting.extend(ast.iter_child_nodes(node))
    return found


def floor_of(module: str) -> int | None:
    room = module.split(".")[1] if "." in module else ""
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)


def test_every_room_has_a_floor() -> None:
    rooms = {module_of(path).split(".")[1] for path in sources() if "." in module_of(path)}
    assert rooms <= frozenset().union(*FLOORS)


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_imports_go_downward_only(path: Path) -> None:
    mine = floor_of(module_of(path))
    if mine is None or module_of(path) == f"{NAME}.apps":
        return
    for name in every_import(path):
        theirs = floor_of(name) if name.startswith(NAME + ".") else None
        assert theirs is None or theirs >= mine, f"{module_of(path)} imports {name}"


def test_nothing_imports_in_circles() -> None:
    modules = {module_of(path): path for path in sources()}
    graph = {name: imports_at_import_time(path) & set(modules) - {name} for name, path in modules.items()}
    # A package's own `__init__` gathers its rooms; a room that names its package means a sibling.
    for name, targets in graph.items():
        graph[name] = {target for target in targets if not name.startswith(target + ".")}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_flows_know_neither_models_nor_the_toolkit() -> None:
    # What staff read is marked for translation where it is declared; marking changes nothing.
    marks = {"django.utils.translation", "django.utils.translation.gettext_noop"}
    for path in (PACKAGE / "flows").glob("*.py"):
        for name in set(every_import(path)) - marks:
            assert not name.startswith(("oauth2_provider", "oauthlib", "django.", f"{NAME}.models")), (
                path,
                name,
            )
    for path in (PACKAGE / "tokens").glob("*.py"):
        for name in every_import(path):
            assert not name.startswith(("oauth2_provider", "oauthlib", f"{NAME}.models")), (path, name)


def test_the_doors_that_the_toolkit_moves_are_not_used() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    banned = set(settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])
    quiet = {"models", "views", "settings", "oauth2_validators", "generators", "admin", "urls", "contrib"}
    assert "oauth2_provider.views.base" in banned
    for path in sources():
        for name in every_import(path):
            if name.startswith("oauth2_provider."):
                assert name not in banned, (path, name)
                assert name.split(".")[1] in quiet, (path, name)


def test_the_settings_function_reads_no_settings() -> None:
    for path in (PACKAGE / "__init__.py", PACKAGE / "toolkit/__init__.py", PACKAGE / "toolkit/settings.py"):
        assert not [name for name in every_import(path) if name.startswith("django.")], path


def test_nobody_but_the_flows_tells_flows_apart_by_name() -> None:
    """Who needs to know reads what a flow declares about itself."""
    grants = {grant for flow in registry.FLOWS for grant in (*flow.grant_types, *flow.response_types)}
    for path in sources():
        if "flows" in path.parts[len(ROOT.parts) :]:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Compare):
                text = ast.unparse(node)
                if re.search(r"grant_type\b|response_type\b|flow\.name\b", text):
                    literals = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                    assert not literals & grants, f"{path.name}: {text}"


@pytest.mark.parametrize("flow", registry.FLOWS, ids=lambda flow: flow.name)
def test_every_flow_has_its_file_its_journey_and_its_story(flow: registry.Flow) -> None:
    assert (PACKAGE / "flows" / f"{flow.name}.py").exists()
    journey = ROOT / "tests/journeys" / f"test_{flow.name}.py"
    assert journey.exists()
    assert len(re.findall(r"^def test_", journey.read_text(), re.MULTILINE)) >= (8 if flow.offered else 1)
    assert flow.steps
    for step in flow.steps:
        assert re.search(r"RFC \d{4} §\d", step.source), step
        assert step.sender is not step.receiver
    assert flow.summary
    assert flow.protections
    assert flow.risks
    assert set(flow.use_cases) <= {case.name for case in registry.USE_CASES}


def test_no_journey_is_left_behind_by_its_flow() -> None:
    journeys = {path.stem.removeprefix("test_") for path in (ROOT / "tests/journeys").glob("test_*.py")}
    assert journeys == {flow.name for flow in registry.FLOWS}


@pytest.mark.parametrize(
    "case", [case for case in registry.USE_CASES if case.offered], ids=lambda case: case.name
)
def test_every_use_case_has_an_example_client(case: registry.UseCase) -> None:
    name = case.name.replace("-", "_")
    # A program in Python, or a page that runs in the browser.
    clients = ROOT / "example_project/clients"
    programs = [path for path in clients.rglob("*") if path.suffix in (".py", ".js")]
    assert [path for path in programs if path.stem == name], f"no example client for {case.name}"
    for flow in case.flows:
        assert registry.flow_named(flow).offered


def functions() -> Iterator[tuple[str, int]]:
    """Each function and the lines of its body, without signature and docstring."""
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                yield f"{module_of(path)}.{node.name}", lines


def test_files_and_functions_stay_small() -> None:
    files = {module_of(path): len(path.read_text().splitlines()) for path in sources()}
    assert {
        name: lines for name, lines in files.items() if lines > LONGER_FILES.get(name, MAX_FILE_LINES)
    } == {}
    lengths = list(functions())
    assert [each for each in lengths if each[1] > MAX_FUNCTION_LINES] == []
    assert sum(lines <= USUAL_FUNCTION_LINES for _name, lines in lengths) >= 0.98 * len(lengths)


def test_every_finding_of_the_checks_has_an_id_of_its_own() -> None:
    """Who silences one must not silence another."""
    ids = [
        keyword.value.value
        for path in sources()
        for call in ast.walk(tree_of(path))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "id" and isinstance(keyword.value, ast.Constant)
    ]
    assert len(ids) > 10
    assert sorted(ids) == sorted(set(ids))


def test_every_module_and_public_function_says_what_it_is_for() -> None:
    for path in sources():
        if path.read_text().strip():
            assert ast.get_docstring(tree_of(path)), path
