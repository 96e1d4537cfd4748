"""``--one-case``: of each test with parameters, the first case.

They say the same thing of many values. What another database, or another version of Django, does with it, one tells as
well as all. Where each case is another page, endpoint or race, the mark ``each_case`` has them all run.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--one-case", action="store_true", help="of each test with parameters, run the first case"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--one-case"):
        return
    first: dict[str, pytest.Item] = {}
    for item in items:
        first.setdefault(item.nodeid.partition("[")[0], item)
    chosen = {*first.values(), *(item for item in items if item.get_closest_marker("each_case"))}
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]
