"""Through how much code a request goes: what a reader must open to understand it."""

from __future__ import annotations

import pytest

from django_oauthflows.flows import registry
from tests.benchmarks.trace import Trace, short, traced, traces

pytestmark = pytest.mark.one_environment

#: Files of ours at most, one of which counts for monitors; functions of django-oauth-toolkit and oauthlib at most.
FILES = {"client credentials": 16, "code exchange": 20}
FOREIGN = 2


@pytest.fixture
def found(transactional_db: None) -> dict[str, Trace]:
    return traces()


def test_a_token_request_can_be_followed(found: dict[str, Trace]) -> None:
    for name, most in FILES.items():
        files = [short(file) for file in found[name].ours]
        assert len(files) <= most, (name, files)


def test_others_decide_no_request(found: dict[str, Trace]) -> None:
    for name, trace in found.items():
        assert len(trace.foreign) <= FOREIGN, (name, trace.foreign)


def test_the_trace_sees_functions_and_moves() -> None:
    """That nothing is counted would look the same as that little runs."""
    with traced() as trace:
        registry.needs_redirect_uri(["implicit"])
    assert [short(file) for file in trace.ours] == ["flows/registry.py"]
    assert trace.functions_in(trace.ours[0]) == ["needs_redirect_uri", "offered_flows"]
    assert (trace.foreign, trace.moves) == ([], 1)
