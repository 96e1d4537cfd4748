"""What the flows declare of themselves, how they are found, and that nobody else tells them apart by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow, Need
from django_oauthflows.flows.parameters import PARAMETERS

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).resolve().parent.parent.parent
#: Where a flow's name may stand: in its declaration, and in the file of its grant.
AT_HOME = ("django_oauthflows/flows/", "django_oauthflows/authorization_server/grants/")


# How they are found. -------------------------------------------------------------------------------------


@pytest.fixture
def barter(monkeypatch: pytest.MonkeyPatch) -> Flow:
    """A flow that comes while the process runs."""
    flow = replace(
        registry.flow_named("client_credentials"),
        name="barter",
        grant_types=("urn:example:barter",),
        response_types=("goods",),
    )
    monkeypatch.setattr(registry, "FLOWS", [*registry.FLOWS, flow])
    return flow


def test_a_flow_that_comes_late_is_found(barter: Flow) -> None:
    assert registry.flow_named("barter") is barter
    assert registry.flow_for_grant_type("urn:example:barter") is barter
    assert registry.flow_for_response_type("goods") is barter
    assert barter in registry.offered_flows()
    assert registry.offered_flows(["barter", "implicit"]) == (registry.flow_named("implicit"), barter)


def test_what_is_not_offered_or_unknown_is_not_found(barter: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "FLOWS", [*registry.FLOWS[:-1], replace(barter, offered=False)])
    assert registry.flow_for_grant_type("urn:example:barter") is None
    assert registry.flow_for_response_type("goods") is None
    assert registry.offered_flows(["barter"]) == ()
    for nothing in ("", None, "implicit", "no such thing"):
        assert registry.flow_for_grant_type(nothing) is None
    for name in ("", "no such thing"):
        with pytest.raises(KeyError):
            registry.flow_named(name)
        with pytest.raises(KeyError):
            registry.use_case_named(name)


def test_use_cases_tell_which_flows_they_have_and_flows_know_it_from_them() -> None:
    for use_case in registry.USE_CASES:
        flows = registry.flows_of(use_case)
        assert [flow.name for flow in flows] == list(use_case.flows)
        assert all(use_case.client_type in flow.client_types for flow in flows)
        assert all(use_case in registry.use_cases_of(flow) for flow in flows)
        assert not flows[0].continues
        assert any(flow.continues for flow in flows) == flows[0].may_refresh
    assert all(registry.use_cases_of(flow) for flow in registry.FLOWS)


def test_a_flow_that_continues_another_knows_where_it_begins() -> None:
    for flow in registry.offered_flows():
        beginning = registry.beginning_of(flow)
        assert (beginning is not flow) == flow.continues
        assert beginning.may_refresh or not flow.continues
    assert registry.code_flow() in map(registry.beginning_of, registry.offered_flows())


# What they declare. --------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["name", "grant_types", "response_types"])
def test_no_two_flows_have_a_word_in_common(words: str) -> None:
    values = [getattr(flow, words) for flow in registry.FLOWS]
    told = [word for value in values for word in ([value] if isinstance(value, str) else value)]
    assert len(told) == len(set(told))


@pytest.mark.parametrize("flow", registry.FLOWS, ids=lambda flow: flow.name)
def test_the_steps_of_a_flow_are_found_by_their_names(flow: Flow) -> None:
    names = [step.name for step in flow.steps]
    assert len(names) == len(set(names))
    assert [flow.step(name) for name in names] == list(flow.steps)
    with pytest.raises(KeyError):
        flow.step("no such step")


@pytest.mark.parametrize("flow", registry.offered_flows(), ids=lambda flow: flow.name)
def test_the_steps_are_in_keeping_with_the_rest(flow: Flow) -> None:
    names = {step.name for step in flow.steps}
    assert flow.visits_authorization_endpoint == ("authorization_request" in names)
    assert flow.visits_token_endpoint == ("token_request" in names)
    assert {"resource_request", "resource_response"} <= names
    given = {name for step in flow.steps if step.name.endswith("_response") for name in step.parameters}
    assert "access_token" in given
    assert flow.gives_code == ("code" in given)
    assert ("refresh_token" in given) == flow.may_refresh
    asked = {name for step in flow.steps for name in step.parameters} - given
    assert flow.uses_pkce == ("code_challenge" in asked) == ("code_verifier" in asked)
    assert flow.has_user != (Need.SECRET in flow.needs)


def test_a_step_takes_the_values_that_it_has_parameters_for() -> None:
    step = registry.code_flow().step("token_request")
    known = {"state": "s", "code": "c", "grant_type": "g"}
    assert list(step.parameters_from(known).items()) == [("grant_type", "g"), ("code", "c")]


# And nobody else tells them apart. -----------------------------------------------------------------------


def sources() -> Iterator[Path]:
    for folder in ("django_oauthflows", "example_project"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts and not str(path.relative_to(ROOT)).startswith(AT_HOME):
                yield path


def names_in(path: Path, words: set[str], names: set[str]) -> list[str]:
    """Constants that are one of ``names``, or a list of ``words`` with one; and look-ups by a constant."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            told = set(node.value.split())
            if told & names and told <= words:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value!r}")
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("flow_named"):
            found += [
                f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
                for argument in node.args
                if isinstance(argument, ast.Constant)
            ]
    return found


def test_the_name_of_a_flow_stands_nowhere_else() -> None:
    words = {word for flow in registry.FLOWS for word in (flow.name, *flow.grant_types)}
    # Parameters of messages have some of the same names, and are named everywhere.
    names = words - {parameter.name for parameter in PARAMETERS}
    assert {"authorization_code", "client_credentials", "implicit"} <= names
    assert [line for path in sources() for line in names_in(path, words, names)] == []
