"""The README's guide for API authors is a project that works: made from its snippets and run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from django_oauthflows.conf import Options

ROOT = Path(__file__).resolve().parent.parent
HEADING = "## Guide for API authors"

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


def snippets() -> list[str]:
    """The Python blocks under the heading, in their order."""
    text = (ROOT / "README.md").read_text()
    section = text.partition(HEADING)[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_the_guides_snippets_make_a_site_whose_tests_pass(tmp_path: Path) -> None:
    package = tmp_path / "site_of_the_guide"
    package.mkdir()
    (package / "__init__.py").touch()
    blocks = snippets()
    assert len(blocks) >= 7
    for block in blocks:
        named = re.match(r"# (\w+\.py)\n", block)
        if named is None:  # stands by itself
            exec(compile(block, "README.md", "exec"), {})
            continue
        name = named[1]
        content = f"{BEFORE}{block}{AFTER}" if name == "settings.py" else block
        at_top = name == "conftest.py" or name.startswith("test_")
        ((tmp_path if at_top else package) / name).write_text(content)
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


def test_every_option_stands_in_the_table_with_its_default() -> None:
    section = (ROOT / "README.md").read_text().partition("## All options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", section, re.MULTILINE)
    defaults = Options()
    assert {name: ast.literal_eval(default) for name, default in rows} == {
        option.name: getattr(defaults, option.name) for option in fields(defaults)
    }
