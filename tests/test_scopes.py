"""Scopes: what they imply, and how they are written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from django_oauthflows.scopes import Scope, ScopeRegistry, declared_scopes, scope_string

NAMES = st.sampled_from("abcdefg")
REGISTRIES = st.dictionaries(NAMES, st.lists(NAMES, max_size=3)).map(
    lambda implied: ScopeRegistry(Scope(name, name, implies=tuple(more)) for name, more in implied.items())
)


@given(REGISTRIES, st.lists(NAMES))
def test_expanding_follows_every_implication_even_in_circles(
    registry: ScopeRegistry, names: list[str]
) -> None:
    expanded = registry.expand(names)
    assert expanded >= set(names)
    assert registry.expand(expanded) == expanded
    for name in expanded & set(registry):
        assert expanded >= set(registry[name].implies)
    # Nothing comes in that nobody implied.
    assert expanded <= set(names).union(*(registry[name].implies for name in expanded if name in registry))


@given(REGISTRIES, st.lists(NAMES))
def test_ordering_keeps_each_name_once(registry: ScopeRegistry, names: list[str]) -> None:
    ordered = registry.ordered(names)
    assert len(ordered) == len(set(ordered))
    assert set(ordered) == set(names)


def test_scopes_are_written_in_the_order_of_their_declaration() -> None:
    assert scope_string(["notes:write", "profile", "unknown", "profile"]) == "profile notes:write unknown"


def test_writing_implies_reading_and_a_retired_scope_is_not_grantable() -> None:
    assert declared_scopes().expand(["notes:write"]) == {"notes:write", "notes:read"}
    registry = ScopeRegistry([Scope("new", "New"), Scope("old", "Old", retired=True)])
    assert registry.grantable == ("new",)
