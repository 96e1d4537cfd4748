"""The documentation is built strictly, as CI does it: no dead link or anchor, no page left out, no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client

from example_project.documentation import site as documentation

pytestmark = pytest.mark.one_environment

ROOT = Path(__file__).resolve().parents[2]
BUILD = (sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(ROOT / ".ci/mkdocs.yml"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    built = subprocess.run([*BUILD, "-d", str(folder)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Loaded(HTMLParser):
    """What a page has the browser fetch: not its links, which somebody has to click."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"script": ("src",), "link": ("href",), "img": ("src", "srcset")}.get(tag, ("src",))
        self.addresses += [value for name, value in attrs if name in names and value]


def test_every_page_is_built_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text())
        assert loaded.addresses
        assert [found for found in loaded.addresses if re.match(r"(https?:)?//", found)] == [], page


def test_a_dead_link_an_unknown_anchor_and_a_page_in_no_menu_fail_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    config = (ROOT / ".ci/mkdocs.yml").read_text().partition("nav:\n  -")[0]
    hooks = ROOT / ".ci/mkdocs_hooks.py"
    config = config.replace("../django_oauthflows/docs", str(docs)).replace("mkdocs_hooks.py", str(hooks))
    (tmp_path / "mkdocs.yml").write_text(f"{config}\nnav: [index.md]\n")
    (docs / "index.md").write_text("# One\n\n[gone](gone.md) [no place](#nowhere) [root](/there)\n")
    (docs / "left.md").write_text("# Left out\n")
    command = [*BUILD[:-2], "-f", str(tmp_path / "mkdocs.yml"), "-d", str(tmp_path / "site")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode != 0
    for named in ("gone.md", "#nowhere", "/there", "left.md"):
        assert named in built.stderr, built.stderr


def test_the_demo_serves_it_once_it_is_built(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr(documentation, "BUILT", tmp_path / "docs")
    assert 'href="/docs/"' not in client.get("/").content.decode()
    assert client.get("/docs/").status_code == 404
    assert documentation.build()
    assert 'href="/docs/"' in client.get("/").content.decode()
    for path in ("/docs/", "/docs/start.html", "/docs/pictures/secret.png", "/docs/search/search_index.json"):
        assert client.get(path).status_code == 200, path
    assert client.get("/docs/../manage.py").status_code == 400

    index = tmp_path / "docs/index.html"
    built = index.stat().st_mtime_ns
    assert documentation.build()
    assert index.stat().st_mtime_ns == built
    os.utime(index, (0, 0))  # older than its pages
    assert documentation.build()
    assert index.stat().st_mtime > 0
