"""The documentation as a site of the demo: built once by MkDocs, where that is installed, then served as files."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.static import serve

from example_project.documentation import source

ROOT = source.PACKAGE.parent
BUILT = ROOT / "build/docs"
_CONFIGURATION = ROOT / ".ci/mkdocs.yml"


def is_built() -> bool:
    return (BUILT / "index.html").exists()


def build() -> bool:
    """Build it where it is missing or older than its pages; whether it is there in the end."""
    possible = (
        find_spec("mkdocs") is not None and find_spec("material") is not None and _CONFIGURATION.exists()
    )
    if possible and not _is_fresh():
        command = [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(_CONFIGURATION), "-d", str(BUILT)]
        environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
        # What is wrong with it is for those who write it: the demo goes on without.
        subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 - nothing from outside
    return is_built()


def _is_fresh() -> bool:
    sources = [_CONFIGURATION, *(source.PACKAGE / "docs").rglob("*.*")]
    return is_built() and (BUILT / "index.html").stat().st_mtime >= max(_changed(each) for each in sources)


def _changed(file: Path) -> float:
    return file.stat().st_mtime


def page(request: HttpRequest, path: str = "index.html") -> HttpResponseBase:
    """A file of the site."""
    return serve(request, path, document_root=str(BUILT))


urlpatterns = [
    path("", page, name="docs"),
    path("<path:path>", page),
]
