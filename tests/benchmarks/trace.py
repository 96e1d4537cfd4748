"""What runs for one request: the functions of ours and of others, file by file, and the moves between files.

Ours are the package's; others are django-oauth-toolkit's and oauthlib's. Django, its middleware and drivers
are left out. A function counts once however often it is called; a move is a call of a function that stands in
another file than the function called before it. Each request is the second of its kind in its process, so
that statements are compiled and caches filled, and is sent by Django's test client, in one thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import oauth2_provider
import oauthlib

import django_oauthflows
from tests.walk import Walk

OURS = "django_oauthflows"
_FOLDERS = {
    f"{Path(package.__file__).parent}/": package.__name__
    for package in (django_oauthflows, oauth2_provider, oauthlib)
}


@dataclass
class Trace:
    """The functions that ran for one request, in the order of their first call, and the moves between files."""

    functions: dict[CodeType, str] = field(default_factory=dict)
    moves: int = 0
    _last: str = ""

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        """For ``sys.setprofile``."""
        if event != "call":
            return
        code = frame.f_code
        owner = self.functions.get(code) or _owner(code.co_filename)
        if not owner:
            return
        if not code.co_name.startswith("<") or code.co_name == "<lambda>":  # a comprehension is no function
            self.functions[code] = owner
        self.moves += code.co_filename != self._last
        self._last = code.co_filename

    def files(self, *owners: str) -> list[str]:
        """The files of these owners, in the order in which they were entered."""
        return list(dict.fromkeys(c.co_filename for c, owner in self.functions.items() if owner in owners))

    @property
    def ours(self) -> list[str]:
        """Files of ours."""
        return self.files(OURS)

    @property
    def foreign(self) -> list[str]:
        """Functions of others."""
        return [name_of(code) for code, owner in self.functions.items() if owner != OURS]

    def functions_in(self, file: str) -> list[str]:
        """The names of the functions of ``file`` that ran."""
        return [code.co_qualname for code in self.functions if code.co_filename == file]  # type: ignore[attr-defined]

    def summary(self) -> str:
        """The figures in one line."""
        ours = sum(owner == OURS for owner in self.functions.values())
        return (
            f"{len(self.ours)} files and {ours} functions of ours, "
            f"{len(self.foreign)} functions of django-oauth-toolkit and oauthlib, {self.moves} moves between files"
        )


def _owner(filename: str) -> str:
    return next((name for folder, name in _FOLDERS.items() if filename.startswith(folder)), "")


def short(filename: str) -> str:
    """A file as it is called within its package."""
    folder = next(folder for folder in _FOLDERS if filename.startswith(folder))
    return filename.removeprefix(f"{Path(folder).parent}/").removeprefix(f"{OURS}/")


def name_of(code: CodeType) -> str:
    """File and function."""
    return f"{short(code.co_filename)}: {code.co_qualname}"  # type: ignore[attr-defined]


@contextmanager
def traced() -> Iterator[Trace]:
    """Note what runs meanwhile, in this thread."""
    trace = Trace()
    before = sys.getprofile()
    sys.setprofile(trace.note)
    try:
        yield trace
    finally:
        sys.setprofile(before)


def requests_of(walk: Walk) -> Iterator[tuple[str, Callable[[], Any]]]:
    """One request of each kind, ready to be sent; what it needs has been got before."""
    yield "client credentials", walk.machine
    code = walk.authorize()["code"]
    yield "code exchange", lambda: walk.redeem(code)
    tokens = walk.tokens()
    yield "refresh", lambda: walk.refresh(tokens["refresh_token"])
    access_token = walk.tokens()["access_token"]
    yield "API call", lambda: walk.call(access_token)
    yield "introspection", lambda: walk.introspect(access_token)
    yield "revocation", lambda: walk.revoke(access_token)


def traces() -> dict[str, Trace]:
    """The trace of the second request of each kind. Needs a database whose rows nobody misses."""
    walk = Walk()
    for _name, send in requests_of(walk):
        send()
    found = {}
    for name, send in requests_of(walk):
        with traced() as found[name]:
            send()
    return found


def report() -> str:
    """All of it, to read."""
    lines = []
    for name, trace in traces().items():
        lines += [f"{name}: {trace.summary()}"]
        for file in trace.files(*_FOLDERS.values()):
            lines += [f"  {short(file)}", *(f"      {function}" for function in trace.functions_in(file))]
        lines += [""]
    return "\n".join(lines)
