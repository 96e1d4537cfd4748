"""Views are decorated when the URLs are read, not for each request."""

from __future__ import annotations

import functools
import sys
from itertools import chain
from types import FrameType
from typing import Any

import pytest

from tests.benchmarks.trace import requests_of
from tests.walk import Walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


def test_no_request_decorates_its_view_anew() -> None:
    walk = Walk()
    sent: list[str] = []
    decorations: list[str] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code is functools.update_wrapper.__code__:
            decorations.append(sent[-1])

    for name, send in chain(requests_of(walk), [("authorization", walk.authorize)]):
        sent.append(name)
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            send()
        finally:
            sys.setprofile(before)
    assert not decorations
    assert "authorization" in sent
