"""The package is ready to be published: wheel and source distribution, built and looked at."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import django_oauthflows

pytestmark = pytest.mark.one_environment

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "django_oauthflows/"


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("hatchling", "build", "-d", str(folder))
    return folder


@pytest.fixture(scope="module")
def in_wheel(dist: Path) -> set[str]:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


@pytest.fixture(scope="module")
def in_source(dist: Path) -> set[str]:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as source:
        return {name.partition("/")[2] for name in source.getnames()}


def tracked() -> set[str]:
    """What the repository has, and the folder where there is none."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return set(listed.stdout.splitlines())
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / "django_oauthflows").rglob("*.*")
        if "__pycache__" not in path.parts
    }


def test_the_registrys_own_checks_find_nothing(dist: Path) -> None:
    said = run("twine", "check", "--strict", *map(str, dist.iterdir()))
    assert said.count("PASSED") == 2
    assert "OK" in run("check_wheel_contents", str(next(dist.glob("*.whl"))))


def test_what_runs_is_in_the_wheel_and_nothing_else(in_wheel: set[str]) -> None:
    ours = {path for path in tracked() if path.startswith(PACKAGE)}
    docs = {path for path in ours if path.startswith(f"{PACKAGE}docs/")}
    assert docs
    assert ours - docs - in_wheel == set()
    assert in_wheel & docs == set()
    assert f"{PACKAGE}py.typed" in in_wheel
    languages = {path.split("/")[2] for path in in_wheel if path.endswith(".mo")}
    assert languages == {path.split("/")[2] for path in ours if path.endswith(".po")}
    assert not [path for path in in_wheel if path.startswith(("tests/", "example_project/"))]


def test_all_that_is_read_and_run_is_in_the_source_distribution(in_source: set[str]) -> None:
    wanted = {path for path in tracked() if not path.startswith(".") or path.startswith(".ci/")}
    assert {path for path in wanted if path.startswith((PACKAGE, "tests/", ".ci/"))} - in_source == set()
    assert {"README.md", "CHANGELOG.md", "LICENSE", "manage.py", "pyproject.toml"} <= in_source
    assert not [path for path in in_source if path.endswith((".sqlite3", ".pyc", ".secret_key"))]


def test_a_registry_shows_no_link_that_leads_nowhere(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        shown = wheel.read(name).decode().partition("\n\n")[2]
    links = re.findall(r"\]\(([^)]*)\)", shown)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    for path in re.findall(r"\(`([^`]+/[^`]+)`\)", shown):
        assert (ROOT / path).exists(), path
    assert "python3 -m venv .venv" in shown
    assert "| `web` |" in shown
    assert "`django_oauthflows/docs/start.md`" in shown


def test_the_metadata_is_true(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(wheel.read(name).decode())
    version = metadata["Version"]
    assert version == django_oauthflows.__version__
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(), (
        "The changelog does not know this version."
    )
    assert metadata["License-Expression"] == "BSD-3-Clause"
    classifiers = metadata.get_all("Classifier") or []
    assert "Typing :: Typed" in classifiers
    # No address is named that nobody has.
    assert metadata.get_all("Project-URL") is None
    wanted = metadata["Requires-Python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {wanted}" in classifiers
