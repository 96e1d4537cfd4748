"""``--cases 2``: of each test with parameters, so many cases, spread evenly over all of them.

They say the same thing of many values. What another database, or another version of Django, does with it, a few tell as
well as all; where no database has a say (``one_database``), one does. Where each case is another page or endpoint, the
mark ``each_case`` has them all run.
"""

from __future__ import annotations

from collections import defaultdict

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, default=0, help="of each test with parameters, run so many cases")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    most = config.getoption("--cases")
    if not most:
        return
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        tests[item.nodeid.partition("[")[0]].append(item)
    chosen = {item for cases in tests.values() for item in _spread(cases, most)}
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


def _spread(cases: list[pytest.Item], most: int) -> list[pytest.Item]:
    """The first, the last, and those between at equal distances."""
    if cases[0].get_closest_marker("one_database"):
        most = 1
    if len(cases) <= most or cases[0].get_closest_marker("each_case"):
        return cases
    return [cases[round(place * (len(cases) - 1) / max(most - 1, 1))] for place in range(most)]
