"""A bare Django site logs people in to a second one, by what the documentation says alone.

The blocks of *Start* and of *Another Django site* are pasted, in their order, into two new projects, and their
commands are run as they are typed there. Only the ports are other ones, and questions are answered beforehand.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.docs.blocks import ROOT, Block, blocks_of

PASSWORD = "a-long-password-of-alice"
ANSWERS = {
    "DJANGO_SUPERUSER_USERNAME": "alice",
    "DJANGO_SUPERUSER_EMAIL": "alice@example.org",
    "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
}
_FILE = re.compile(r"^# (?:File: )?(\w+\.py)(?:, .*)?\n", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Project:
    """One of the two sites. ``replaced``: what stands otherwise on the page."""

    def __init__(self, folder: Path, page: str, replaced: dict[str, str]) -> None:
        self.folder, self.page, self.replaced = folder, page, replaced
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY", "DEBUG", "CACHE_URL")
        } | ANSWERS | {"PYTHONPATH": str(ROOT)}  # fmt: skip
        folder.mkdir()
        self.run(f"django-admin startproject {folder.name} .")

    def paste(self) -> None:
        for block in blocks_of(self.page):
            if block.language == "python":
                self._paste(block)

    def _paste(self, block: Block) -> None:
        text = self._with_own_values(block.text)
        places = list(_FILE.finditer(text))
        for number, place in enumerate(places):
            end = places[number + 1].start() if number + 1 < len(places) else len(text)
            name, part = place[1], text[place.end() : end]
            inside = self.folder / self.folder.name / name
            file = inside if inside.exists() else self.folder / name
            file.write_text(f"{file.read_text() if file.exists() else ''}\n{part}")

    def _with_own_values(self, text: str) -> str:
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text

    def run(self, command: str) -> str:
        process = subprocess.run(
            self._words(command),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def _words(self, command: str) -> list[str]:
        words = shlex.split(self._with_own_values(command))
        if words[0] == "django-admin":
            return [sys.executable, "-m", "django", *words[1:]]
        assert words[:2] == ["python", "manage.py"], command
        more = {"createsuperuser": ["--noinput"], "runserver": ["--noreload"]}.get(words[2], [])
        return [sys.executable, *words[1:], *more]

    def commands(self) -> list[str]:
        """What the page says to type, but for what was installed beforehand and tests of its own run."""
        typed = [
            line for block in blocks_of(self.page) if block.language == "sh" for line in block.commands()
        ]
        elsewhere = ("pip install", "django-admin startproject", "python manage.py oauth tour")
        return [line for line in typed if not line.startswith(elsewhere)]

    @contextmanager
    def serving(self, command: str, address: str) -> Iterator[None]:
        log = self.folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                self._words(command), cwd=self.folder, env=self.environment, stdout=output, stderr=output
            )
            try:
                for _ in range(300):
                    assert process.poll() is None, log.read_text()
                    try:
                        requests.get(address, timeout=5, allow_redirects=False)
                        break
                    except requests.ConnectionError:
                        time.sleep(0.1)
                yield
            finally:
                process.terminate()
                process.wait(timeout=10)


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


def test_a_bare_site_logs_people_in_to_another_by_the_documentation_alone(
    chromium: Browser, tmp_path: Path, ports: tuple[int, int]
) -> None:
    at, other_at = f"127.0.0.1:{ports[0]}", f"localhost:{ports[1]}"
    replaced = {"127.0.0.1:8000": at, "localhost:9000": other_at}
    site = Project(tmp_path / "mysite", "start.md", replaced)
    site.paste()
    *commands, serve = site.commands()
    assert serve.endswith(" runserver"), serve
    said = "\n".join(site.run(command) for command in commands)
    found = re.search(r"(oafs_\S+)", said)
    client_id = re.search(r"^client_id:? +(\S+)$|client_id\W+([\w-]{20,})", said, re.MULTILINE)
    assert found is not None, said
    assert client_id is not None, said

    wiki = Project(
        tmp_path / "wiki",
        "guides/log-in/django.md",
        replaced | {"'CLIENT_ID'": repr(client_id[1] or client_id[2])},
    )
    wiki.environment["CLIENT_SECRET"] = found[1]
    wiki.paste()
    *commands, serve_wiki = wiki.commands()
    for command in commands:
        wiki.run(command)

    served = shlex.join([*shlex.split(serve), at])
    with site.serving(served, f"http://{at}/"), wiki.serving(serve_wiki, f"http://{other_at}/"):
        page = chromium.new_page()
        page.set_default_timeout(15_000)
        try:
            page.goto(f"http://{other_at}/")
            page.fill("[name=username]", "alice")
            page.fill("[name=password]", PASSWORD)
            with page.expect_navigation():
                page.locator("[type=submit]").click()
            expect(page.locator("main")).to_contain_text("alice@example.org")
            with page.expect_navigation():
                page.locator("button[name=decision][value=allow]").click()
            expect(page.locator("body")).to_have_text("You are alice@example.org.")
        finally:
            page.close()
