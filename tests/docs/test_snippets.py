"""What README and documentation tell people to write and to run, written and run.

Blocks that name a file are parts of a site: that of the API here, that of *Start* in ``test_start.py``, that of
the README in ``tests/management/test_tour.py``. All others stand by themselves.
"""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.template import engines
from django.test import override_settings
from django.utils import timezone

from django_oauthflows.models import SigningKey
from django_oauthflows.testing import make_client
from tests.docs.blocks import DOCS, ROOT, Block, all_blocks, blocks_of
from tests.mail_server import smtp_settings

pytestmark = pytest.mark.one_environment

API_SITE = ("guides/protect-an-api.md", "guides/test.md", "guides/signals.md")
START = ("start.md", "guides/log-in/django.md")
#: Pages whose blocks talk to a running provider, see ``test_clients.py``.
CLIENTS = ("clients/index.md", "clients/endpoints.md", "clients/refresh-and-retry.md")

BEFORE = """
SECRET_KEY = "only-for-this-test-" * 3
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django_oauthflows", "oauth2_provider", "rest_framework",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "site_of_the_guide.urls"
USE_TZ = True
"""
AFTER = """
from django_oauthflows import provider_settings
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
"""
#: What the admin shows, too: run against each program by ``tests/openid/test_snippets.py``.
PROGRAMS = ("guides/log-in/other.md", "guides/log-in/grafana.md", "guides/log-in/nextcloud.md")
#: Runs what stands by itself, each block in a namespace of its own, in a process of its own.
ALONE = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings.bare"
import django
django.setup()
for page, text in json.load(sys.stdin):
    try:
        exec(compile(text, page, "exec"), {"__name__": "snippet"})
    except Exception as error:
        raise SystemExit(f"{page}: {error!r}\\n{text}")
print("all ran")
"""


def blocks(*languages: str) -> list[Block]:
    return [block for block in all_blocks() if block.language in languages]


def test_the_guides_snippets_make_a_site_whose_tests_pass(tmp_path: Path) -> None:
    package = tmp_path / "site_of_the_guide"
    package.mkdir()
    (package / "__init__.py").touch()
    named = [block for page in API_SITE for block in blocks_of(page) if block.file]
    assert len(named) >= 7
    for block in named:
        content = f"{BEFORE}{block.text}{AFTER}" if block.file == "settings.py" else block.text
        at_top = block.file == "conftest.py" or block.file.startswith("test_")
        ((tmp_path if at_top else package) / block.file).write_text(content)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ds=site_of_the_guide.settings"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^6 passed", run.stdout, re.MULTILINE), run.stdout


def test_python_that_stands_by_itself_runs() -> None:
    alone = [
        (block.page, block.text)
        for block in blocks("python")
        if not block.file and block.page not in (*CLIENTS, *PROGRAMS, "guides/log-in/django.md")
    ]
    assert len(alone) >= 5
    run = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        input=json.dumps(alone),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "all ran\n"), run.stdout + run.stderr


def test_every_block_is_of_a_kind_that_is_run_or_read_here() -> None:
    kinds = {"python", "sh", "json", "html", "css", "ini", "nginx", "cron", "yaml", "mermaid", "text", ""}
    assert {block.language for block in all_blocks() if block.page not in PROGRAMS} <= kinds
    places = {block.page for block in blocks("python") if block.file}
    assert places <= {"README.md", *API_SITE, *START}


# Commands. ---------------------------------------------------------------------------------------------------

#: Those that ask, serve or take long: run by ``test_start.py``, ``tests/management`` and ``tests/test_demo.py``.
ELSEWHERE = (
    "runserver", "createsuperuser", "demo", "oauth tour", "oauth doctor", "oauth deliver --watch",
    "migrate", "compilemessages",
)  # fmt: skip
#: Programs that stand on this line of a page with a test, or a step of CI, of their own.
OTHERS = {
    "python3 -m venv .venv && .venv/bin/pip install -e '.[demo]' && .venv/bin/python manage.py demo": "the README",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest -n auto": ".ci/run",
    "pip install .": "tests/docs/test_package.py",
}


def manage_commands() -> list[tuple[str, list[str]]]:
    """Each command of a page that is for ``manage.py``, and its page."""
    lines = [(block.page, line) for block in blocks("sh", "cron", "ini") for line in block.commands()]
    found = [(page, re.search(r"\bmanage\.py ((?!demo$).+)", line)) for page, line in lines]
    return [
        (page, shlex.split(match[1].partition(" >")[0]))
        for page, match in found
        if match and "&&" not in match[0]
    ]


def parsed(words: list[str]) -> None:
    """Raises ``SystemExit`` at an option that there is not, ``KeyError`` at a command that there is not."""
    command = load_command_class(get_commands()[words[0]], words[0])
    command.create_parser("manage.py", words[0]).parse_args(words[1:])


def test_every_command_of_ours_is_one_that_there_is() -> None:
    commands = manage_commands()
    assert len(commands) > 10
    for page, words in commands:
        try:
            parsed(words)
        except (SystemExit, KeyError, TypeError) as error:
            pytest.fail(f"{page}: manage.py {shlex.join(words)}: {error!r}")


def filled_in(words: list[str]) -> list[str]:
    """With the ids of a client and a key that there are, in the places of those that a page makes up."""
    if not {"CLIENT_ID", "KEY_ID"} & set(words):
        return words
    client = make_client()
    keys, now = SigningKey.objects, timezone.now()
    key = keys.generate("ES256", keys.next_number("ES256"), signs_from=now - timedelta(days=9))
    keys.generate(
        "ES256", keys.next_number("ES256"), signs_from=now - timedelta(days=8)
    )  # a key that signs is not retired
    given = {"CLIENT_ID": client.client_id, "KEY_ID": key.kid}
    return [given.get(word, word) for word in words]


@pytest.mark.django_db
def test_the_commands_do_what_they_are_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_user_model: Any, settings: Any
) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    (tmp_path / "clients.json").write_text("[]")
    django_user_model.objects.create_user("alice")
    django_user_model.objects.create_superuser("admin")
    monkeypatch.chdir(tmp_path)
    for page, words in manage_commands():
        if " ".join(words).startswith(ELSEWHERE):
            continue
        if words[0] == "document":
            continue  # test_reference.py
        out = io.StringIO()
        try:
            # Before a deployment, Django 6.1 asks for a mail server.
            with override_settings(**(smtp_settings(25) if words[0] == "check" else {})):
                call_command(*filled_in(words), stdout=out, stderr=out)
        except (CommandError, SystemExit, LookupError, TypeError, ValueError) as error:
            pytest.fail(f"{page}: manage.py {shlex.join(words)}: {error!r}\n{out.getvalue()}")
        if words[:2] == ["oauth", "client"] and "export" in words:
            (tmp_path / "clients.json").write_text(out.getvalue())


def test_every_other_command_is_run_somewhere() -> None:
    lines = {
        line for block in blocks("sh") for line in block.commands() if "manage.py" not in line or "&&" in line
    }
    programs = {line for line in lines if line not in OTHERS}
    for line in programs:
        assert shlex.split(line)[0] in CHECKED or line.startswith(tuple(CHECKED)), line
        next(check for start, check in CHECKED.items() if line.startswith(start))(line)


def checks_its_configuration(line: str) -> None:
    words = shlex.split(line.replace("mysite.wsgi", "example_project.wsgi"))
    run = subprocess.run(
        [sys.executable, "-m", *words, "--check-config"],
        cwd=ROOT,
        env=os.environ | {"DEBUG": "", "SECRET_KEY": "x" * 50},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def names_what_there_is(line: str) -> None:
    """A benchmark, or a script of CI: too long to be run here."""
    words = shlex.split(line)
    if words[:2] == ["python", "-m"]:
        source = (ROOT / words[2].replace(".", "/") / "__main__.py").read_text()
        assert f'"{words[3]}"' in source, line
    else:
        assert (ROOT / words[1]).exists(), line


def is_read_by_the_example_project(line: str) -> None:
    name = line.removeprefix("export ").partition("=")[0]
    assert f'"{name}"' in (ROOT / "example_project/settings.py").read_text(), line


def is_well_formed(line: str) -> None:
    """Programs of the system, which need a machine of their own: only that a shell can read them."""
    run = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def runs_in_an_empty_environment(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "python"
    run = subprocess.run(
        [sys.executable, *arguments], env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()


CHECKED = {
    "python -c": runs_in_an_empty_environment,
    "gunicorn": checks_its_configuration,
    "python -m tests.benchmarks": names_what_there_is,
    "bash .ci/": names_what_there_is,
    "export": is_read_by_the_example_project,
    "mkdocs build": lambda line: None,  # test_site.py, and a step of CI
    "pip install": is_well_formed,
    "pg_dump": is_well_formed,
    "pg_restore": is_well_formed,
    "systemctl": is_well_formed,
    "crontab": is_well_formed,
    "ruff": lambda line: None,  # a step of CI
    "mypy": lambda line: None,  # likewise
    "pytest": lambda line: None,  # likewise
    "pre-commit": is_well_formed,
    "php occ": is_well_formed,  # of another program
    "django-admin startproject": lambda line: None,  # tests/browser/test_start.py
}


# Other languages. -------------------------------------------------------------------------------------------


def test_templates_can_be_rendered() -> None:
    for block in blocks("html"):
        engines["django"].from_string(block.text)


def test_json_can_be_read() -> None:
    for block in blocks("json"):
        json.loads(block.text)


def test_stylesheets_set_properties_that_there_are() -> None:
    ours = (ROOT / "django_oauthflows/static/django_oauthflows/oauthflows.css").read_text()
    for block in blocks("css"):
        for name in re.findall(r"(--oauthflows-[\w-]+):", block.text):
            assert f"var({name}" in ours, name


def test_units_timers_and_tables_of_cron_are_well_formed() -> None:
    for block in blocks("ini"):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(block.text)
        assert parser.sections(), block
    for block in blocks("cron"):
        for line in block.commands():
            assert re.match(r"([\d*/,-]+ ){5}\S", line), line


def test_configurations_of_nginx_are_whole() -> None:
    for block in blocks("nginx"):
        text = re.sub(r"#.*", "", block.text)
        assert text.count("{") == text.count("}")
        for line in filter(None, map(str.strip, text.splitlines())):
            assert re.search(r"[;{}]$", line), line


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    links = re.findall(r"\]\((?!https?://)([^)#]+)(#[\w-]+)?\)", text)
    assert len(links) > 20
    for path, anchor in links:
        assert (ROOT / path).exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}
    assert DOCS.is_dir()
