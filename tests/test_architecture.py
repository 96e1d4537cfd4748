"""The code keeps its layout: layers, no circles, one file of one shape per flow and grant, and plain words."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps

from django_oauthflows.authorization_server.client_authentication import METHODS
from django_oauthflows.authorization_server.grants import GRANTS
from django_oauthflows.database import WriterQuerySet
from django_oauthflows.flows import registry

pytestmark = pytest.mark.one_environment

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "django_oauthflows"
NAME = "django_oauthflows"
SERVER = PACKAGE / "authorization_server"

#: From the top down. What stands in a layer imports from its own and those below it.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"urls", "well_known", "apps"}),
    frozenset({"views", "admin", "rest_framework", "management", "templatetags", "testing"}),
    frozenset({"forms", "checks"}),
    frozenset({"authorization_server", "openid", "resource_server", "adoption", "toolkit"}),
    frozenset({"models"}),
    frozenset({"flows", "tokens", "verifier"}),
    frozenset({"conf", "option_forms", "scopes", "signals", "limits"})
    | {
        "accounts",
        "cache_guard",
        "confusables",
        "database",
        "installed",
        "local_time",
        "logos",
        "metrics",
        "security_log",
        "sessions",
        "setting_changes",
        "shell",
        "spreadsheet",
    },
)
MAX_MODELS = 20
MAX_FILE_LINES = 425
LONGER_FILES = {f"{NAME}.models.client": 600}
#: Without signature and docstring. Most have fewer than 25; the longest are lists of declarations.
MAX_FUNCTION_LINES = 37
USUAL_FUNCTION_LINES = 25


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sources()}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def stands_in(module: str, *folders: str) -> bool:
    return any(module == f"{NAME}.{folder}" or module.startswith(f"{NAME}.{folder}.") for folder in folders)


# --- imports --------------------------------------------------------------------------------------------


def imported(node: ast.AST) -> list[str]:
    """Modules that an import statement names; for ``from a import b`` both ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def run_nodes(path: Path) -> Iterator[ast.AST]:
    """All nodes of a module but those that stand there for the type checker alone."""
    waiting: list[ast.AST] = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def imports(path: Path) -> set[str]:
    """All that a module imports when it runs, within functions, too."""
    return {name for node in run_nodes(path) for name in imported(node)}


def layer_of(module: str) -> int | None:
    parts = module.split(".")
    if parts[-1] == "urls":  # routes name views, wherever they stand
        return 0
    return next((number for number, names in enumerate(LAYERS) if parts[1:2] and parts[1] in names), None)


def test_everything_stands_in_a_layer() -> None:
    names = {module.split(".")[1] for module in MODULES if "." in module}
    assert names - frozenset().union(*LAYERS) == set()


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downward_only(module: str) -> None:
    mine = layer_of(module)
    for name in imports(MODULES[module]) if mine is not None else ():
        theirs = layer_of(name) if name.startswith(f"{NAME}.") else None
        assert theirs is None or theirs >= mine, f"{module} imports {name}"


def graph() -> dict[str, set[str]]:
    """Which modules of ours a module imports, by functions, too; and the packages that are run on the way there."""
    found = {}
    for module, path in MODULES.items():
        targets = imports(path) & set(MODULES)
        packages = {
            ".".join(name.split(".")[:end]) for name in targets for end in range(2, name.count(".") + 1)
        }
        # A package's `__init__` may gather what stands in it; who stands in it has run it before.
        found[module] = {target for target in targets | packages if not f"{module}.".startswith(f"{target}.")}
    return found


def test_nothing_imports_in_circles() -> None:
    edges, done = graph(), set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in sorted(edges[module]):
                visit(target, (*path, module))
            done.add(module)

    for module in edges:
        visit(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_an_import_within_a_function_says_why(module: str) -> None:
    """Which circle it avoids, or what need not be there; Django's ``ready`` is the place for such imports."""
    lines = MODULES[module].read_text().splitlines()
    for function in run_nodes(MODULES[module]):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name == "ready":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                above = node.lineno - 2
                while lines[above].strip().startswith(("from ", "import ")):
                    above -= 1
                said = "#" in lines[node.lineno - 1] or lines[above].strip().startswith("#")
                assert said, f"{module}:{node.lineno}: {lines[node.lineno - 1].strip()}"


def test_the_flows_and_the_tokens_know_neither_models_nor_the_toolkit() -> None:
    # What staff read is marked for translation where it is declared; marking changes nothing.
    marks = {"django.utils.translation", "django.utils.translation.gettext_noop"}
    for module, path in MODULES.items():
        for name in imports(path) - marks:
            if stands_in(module, "flows"):
                assert not name.startswith("django."), (module, name)
            if stands_in(module, "flows", "tokens"):
                assert not name.startswith(("oauth2_provider", "oauthlib", f"{NAME}.models")), (module, name)


def test_the_doors_that_the_toolkit_moves_are_not_used() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    banned = set(settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])
    quiet = {"models", "views", "settings", "oauth2_validators", "generators", "admin", "urls", "contrib"}
    assert "oauth2_provider.views.base" in banned
    for module, path in MODULES.items():
        for name in imports(path):
            if name.startswith("oauth2_provider."):
                assert name not in banned, (module, name)
                assert name.split(".")[1] in quiet, (module, name)


# What takes the database called "default" where nobody names one, or where no router is asked.
_OF_ONE_DATABASE = ("django.db.transaction", "django.db.router", "django.db.connection")


def test_which_database_is_used_is_decided_in_one_place() -> None:
    """A site's ``default`` may be empty or only read: `database.py` asks the site's routers.

    So do those that every token request comes to: its reader need not open one file more.
    """
    asking = {f"{NAME}.database", f"{NAME}.models.statement", f"{NAME}.models.usage"}
    found = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        for name in imports(path)
        if name in _OF_ONE_DATABASE and module not in asking
    ]
    assert found == []


def test_rows_are_read_as_they_come_by_one_function() -> None:
    """Django's ``iterator()`` breaks behind a pooler: see `database.streamed`."""
    for module, path in MODULES.items():
        assert ".iterator(" not in path.read_text(), module


@pytest.mark.parametrize(
    "model", list(apps.get_app_config(NAME).get_models()), ids=lambda model: model.__name__
)
def test_our_models_are_read_where_they_are_written(model: Any) -> None:
    """A copy that lags behind must not decide: ``objects`` is of `WriterManager` or a `WriterQuerySet`, and
    ``class Meta: base_manager_name = "objects"``, by which relations are followed."""
    for manager in (model._default_manager, model._base_manager):
        assert isinstance(manager.all(), WriterQuerySet), (model, manager)


def test_the_settings_function_reads_no_settings() -> None:
    for path in (PACKAGE / "__init__.py", PACKAGE / "toolkit/__init__.py", PACKAGE / "toolkit/settings.py"):
        assert not [name for name in imports(path) if name.startswith("django.")], path


# --- flows, grants, methods: one file each, of one shape ----------------------------------------------------


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


def test_no_journey_is_left_behind_by_its_flow() -> None:
    journeys = {path.stem.removeprefix("test_") for path in (ROOT / "tests/journeys").glob("test_*.py")}
    assert journeys == {flow.name for flow in registry.FLOWS}


@pytest.mark.parametrize(
    "case", [case for case in registry.USE_CASES if case.offered], ids=lambda case: case.name
)
def test_every_use_case_has_an_example_client(case: registry.UseCase) -> None:
    name = {"device": "tv"}.get(case.name, case.name.replace("-", "_"))
    # A program in Python, or a page that runs in the browser.
    clients = ROOT / "example_project/clients"
    programs = [path for path in clients.rglob("*") if path.suffix in (".py", ".js")]
    assert [path for path in programs if path.stem == name], f"no example client for {case.name}"
    for flow in case.flows:
        assert registry.flow_named(flow).offered


def files_of_one_shape(folder: str) -> dict[str, ModuleType]:
    """The modules of a folder whose ``base`` says what shape they have, and whose ``__init__`` lists them."""
    names = sorted(path.stem for path in (SERVER / folder).glob("*.py"))
    found = [name for name in names if name not in ("__init__", "base")]
    return {name: import_module(f"{NAME}.authorization_server.{folder}.{name}") for name in found}


def public_functions(module: ModuleType) -> dict[str, tuple[str, ...]]:
    """The functions of a module that others may call, with the names of their parameters."""
    found = [
        node.name for node in tree_of(MODULES[module.__name__]).body if isinstance(node, ast.FunctionDef)
    ]
    return {
        name: tuple(signature(getattr(module, name)).parameters) for name in found if not name.startswith("_")
    }


def test_every_grant_has_the_same_three_functions_and_stands_in_the_list() -> None:
    """RFC 6749 §4: what must be there is demanded, then it is checked, then a token is issued."""
    modules = files_of_one_shape("grants")
    visiting = {flow.name for flow in registry.offered_flows() if flow.visits_token_endpoint}
    assert visiting == set(modules)
    assert [module.GRANT for module in modules.values() if module.GRANT not in GRANTS] == []
    assert len(GRANTS) == len(modules)
    for name, module in modules.items():
        assert public_functions(module) == {
            "demand": ("parameters",),
            "check": ("request", "given"),
            "issue": ("request", "checked"),
        }, name
        for step in ("demand", "check", "issue"):
            assert getattr(module.GRANT, step) is getattr(module, step)
            assert f"``{step}``" in str(module.__doc__), f"{name} does not tell its way"


def test_every_way_to_authenticate_a_client_has_a_file_and_stands_in_the_list() -> None:
    """RFC 6749 §2.3."""
    modules = files_of_one_shape("client_authentication")
    assert len(modules) >= 2
    assert {module.METHOD for module in modules.values()} == set(METHODS)
    shapes = {name: public_functions(module) for name, module in modules.items()}
    assert len(set(map(str, shapes.values()))) == 1, shapes


# --- names --------------------------------------------------------------------------------------------------

FLOW_NAMES = {name for flow in registry.FLOWS for name in (flow.name, *flow.grant_types)}
#: As django-oauth-toolkit spells them.
FLOW_NAMES |= {name.replace("_", "-") for name in FLOW_NAMES if ":" not in name}
RESPONSE_TYPES = {name for flow in registry.FLOWS for name in flow.response_types}
#: Names of flows by which the RFCs also call a parameter or a member of an answer (RFC 6749 §5.1, RFC 8628 §3.2).
MEMBER_NAMES = {"refresh_token", "device_code"}
#: What the field's words force upon us besides: module and name, and why.
ALLOWED_NAMES = {
    ("authorization_server.introspection", "refresh_token"): "a kind of token (RFC 7009 §2.1, RFC 7662 §2.2)",
    ("management.tour.messages", "refresh_token"): "a parameter that the tour does not print",
    ("management.tour.messages", "device_code"): "a parameter that the tour does not print",
}
#: A flow's name may stand in what the flows are, in what its grant does, and in what a site's past calls it.
AT_HOME = ("flows", "authorization_server.grants", "adoption")


def names_flows(value: object) -> bool:
    """Whether a constant consists of names of flows, such as ``"authorization_code refresh_token"``."""
    return isinstance(value, str) and bool(value.split()) and set(value.split()) <= FLOW_NAMES


def is_member(node: ast.Constant, parent: ast.AST | None) -> bool:
    """Whether the name is that of a parameter or member: a key in a mapping of others than flows."""
    if node.value not in MEMBER_NAMES:
        return False
    if isinstance(parent, ast.Dict):
        keys = [key.value for key in parent.keys if isinstance(key, ast.Constant)]
        return node in parent.keys and not any(names_flows(key) for key in keys if key not in MEMBER_NAMES)
    if isinstance(parent, ast.Subscript):
        return parent.slice is node
    if isinstance(parent, ast.Compare):
        return parent.left is node and isinstance(parent.ops[0], ast.In | ast.NotIn)
    called = parent.func if isinstance(parent, ast.Call) and parent.args[:1] == [node] else None
    return isinstance(called, ast.Attribute) and called.attr in {"get", "pop", "getlist"}


def flows_named(module: str, tree: ast.Module) -> Iterator[str]:
    """Where a flow is named, but for parameters and members of the same name."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and names_flows(node.value):
            allowed = (module.removeprefix(f"{NAME}."), node.value) in ALLOWED_NAMES
            docstring = isinstance(parents[node], ast.Expr)
            if not (allowed or docstring or is_member(node, parents[node])):
                yield f"{module}:{node.lineno}: {node.value!r}"
        elif isinstance(node, ast.Compare) and "response_type" in ast.unparse(node):
            found = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            if found & RESPONSE_TYPES:
                yield f"{module}:{node.lineno}: {ast.unparse(node)}"


def test_a_flow_is_named_by_nobody_but_itself_and_its_grant() -> None:
    """Who wants to know something of a flow reads what it declares; counted by constant, so none can hide."""
    elsewhere = (module for module in MODULES if not stands_in(module, *AT_HOME))
    assert [place for module in elsewhere for place in flows_named(module, tree_of(MODULES[module]))] == []


def test_a_single_flow_is_imported_by_nobody_but_the_registry_and_its_grant() -> None:
    declarations = {f"{NAME}.flows.{flow.name}" for flow in registry.FLOWS}
    found = [
        (module, name)
        for module, path in MODULES.items()
        if not stands_in(module, *AT_HOME)
        for name in imports(path) & declarations
    ]
    assert found == []


def test_no_page_tells_flows_apart_by_name() -> None:
    for path in (PACKAGE / "templates").rglob("*.html"):
        for tag in re.findall(r"\{[%{].*?[%}]\}", path.read_text()):
            quoted = set(re.findall(r"[\"']([\w:.-]+)[\"']", tag))
            assert not quoted & FLOW_NAMES, (path, tag)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("x = 'implicit'", 1),
        ("register(flows='authorization_code refresh_token')", 1),
        ("{'refresh_token': 1, 'client_credentials': 2}", 2),
        ("request.response_type == 'code'", 1),
        ("flow.name in ('device_code',)", 1),
        ("grant == 'refresh_token'", 1),
        ("def f():\n    'refresh_token'", 0),
        ("{'refresh_token': 1, 'scope': 2}['refresh_token']", 0),
        ("'refresh_token' in answer", 0),
        ("f = 'The implicit flow'", 0),
        ("parameters.get('code')", 0),
    ],
)
def test_the_count_of_names_finds_them(code: str, number: int) -> None:
    """That it finds nothing would look the same as that nothing is there."""
    assert len(list(flows_named("imagined", ast.parse(code)))) == number


# --- words --------------------------------------------------------------------------------------------------

#: Private metaphors; the field has words of its own for what they meant.
METAPHORS = ("house", "room", "seam", "heart", "floor", "roof", "deed", "imitation")
IN_TEXT = re.compile(rf"\b(?:{'|'.join(METAPHORS)})s?\b|\b(?:brought|brings?) along\b", re.IGNORECASE)
#: Everybody speaks of the exchange of a code, and asks; as names of things of ours they say nothing.
IN_NAMES = {*METAPHORS, *(f"{word}s" for word in METAPHORS), "exchange", "exchanges", "asking"}


def words_of(name: str) -> set[str]:
    """The words in an identifier: ``ExchangeOf_codes`` has three."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def metaphors_in(path: Path) -> Iterator[str]:
    module, text = module_of(path), path.read_text()
    for word in words_of(path.stem) & IN_NAMES:
        yield f"{module}: a file named {word}"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        place = f"{module}:{token.start[0]}"
        if token.type == tokenize.COMMENT:
            yield from (f"{place}: {word}" for word in IN_TEXT.findall(token.string))
        elif token.type == tokenize.NAME:
            yield from (f"{place}: {token.string}" for _word in words_of(token.string) & IN_NAMES)
            yield from [f"{place}: {token.string}"] * ("brought_along" in token.string.lower())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, documented):
            name = getattr(node, "name", "")
            yield from (f"{module} {name}: {word}" for word in IN_TEXT.findall(ast.get_docstring(node) or ""))


def test_the_code_speaks_the_words_of_the_field() -> None:
    assert [place for path in sources() for place in metaphors_in(path)] == []


# --- sizes, ids, docstrings, layout -------------------------------------------------------------------------


def functions() -> Iterator[tuple[str, int]]:
    """Each function and the lines of its body, without signature and docstring."""
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
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


def test_the_models_are_few() -> None:
    assert len(list((PACKAGE / "models").glob("*.py"))) <= MAX_MODELS


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


def test_every_module_says_what_it_is_for() -> None:
    for path in sources():
        if path.read_text().strip():
            assert ast.get_docstring(tree_of(path)), path


def drawn_tree() -> list[Path]:
    """The paths that the documentation's drawing of the layout names."""
    text = (PACKAGE / "docs/design/index.md").read_text()
    (drawing,) = re.findall(rf"^```\n({NAME}/\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    found: list[Path] = []
    stack: list[tuple[int, Path]] = []
    for line in drawing.splitlines():
        indent = line.find("── ")
        while stack and stack[-1][0] >= indent:
            stack.pop()
        parent = stack[-1][1] if stack else ROOT
        names = re.split(r"\s{2,}", line[indent + 3 :] if indent >= 0 else line)[0].split()
        found += [parent / name for name in names]
        stack.append((indent, found[-1]))
    return found


def test_the_layout_in_the_documentation_is_true() -> None:
    named = drawn_tree()
    assert len(named) > 20
    assert [str(path.relative_to(ROOT)) for path in named if not path.exists()] == []
    folders = {path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - set(named) == set()
