"""What a site of the toolkit waits for while it is adopted: time, memory, and its own requests meanwhile.

The migrations are run once to their end, taken back, and run again and killed on the way, again and again, until
they get through: both must come to the same.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.benchmarks import postgresql

_NAMES = ("token issued", "API call", "application saved", "login", "new user")
#: What comes of it, whichever way it was come by.
_MADE = """
import hashlib, json
from django_oauthflows.models import Client, ClientSecret, Consent
from django_oauthflows.models.client_index import INDEXES
def told(rows):
    found = hashlib.sha256()
    count = 0
    for row in rows.iterator():
        count += 1
        found.update(repr(row).encode())
    return [count, found.hexdigest()]
apps = Client.objects.exclude(name="busy")
consents = Consent.objects.filter(client__in=apps)
print(json.dumps({
    "clients": told(apps.order_by("pk").values_list("pk", "flows", "allowed_scopes", "trust")),
    "secrets": told(ClientSecret.objects.filter(client__in=apps).order_by("client").values_list("client", "digest", "slow_hash")),
    "consents": told(consents.order_by("user", "client").values_list("user", "client", "scope", "given_at")),
    **{each.__name__: told(each.objects.filter(client__in=apps).order_by("client", *each.contents).values_list("client", *each.contents))
       for each in INDEXES},
}))
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One command: how long it took, how much memory, and what the site waited for meanwhile."""

    name: str
    seconds: float
    peak_mib: float
    waits: dict[str, float]


class OldSite:
    """A site in a database, before and after the switch."""

    def __init__(self, database: str) -> None:
        self.database = database

    def environment(self, project: str) -> dict[str, str]:
        return os.environ | {
            "BENCHMARK_DATABASE_URL": self.database,
            "DJANGO_SETTINGS_MODULE": f"tests.benchmarks.projects.{project}",
        }

    def start(self, project: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=self.environment(project),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self, project: str, *arguments: str) -> bytes:
        """What it prints."""
        done = self.start(project, *arguments)
        out, _ = done.communicate()
        if done.returncode:
            raise RuntimeError(f"{arguments} failed")
        return out

    def step(self, *command: str) -> Step:
        """One of our commands, while the site goes on."""
        with self.living() as waits:
            begun = time.perf_counter()
            process = self.start("adopting", "django", *command)
            assert process.stdout is not None
            process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            taken = time.perf_counter() - begun
        if status:
            raise RuntimeError(f"{command} failed")
        return Step(" ".join(command), taken, usage.ru_maxrss / 1024, waits)

    @contextmanager
    def living(self) -> Iterator[dict[str, float]]:
        """What the site waited for at most, to be read afterwards."""
        site, waits = self.start("stock", "tests.benchmarks.old_site", "live"), {}
        time.sleep(2)
        try:
            yield waits
        finally:
            told, _ = site.communicate()
        waits.update(json.loads(told))

    def migrate_killed(self, after: float) -> int:
        """Migrate, by runs that are killed after so many seconds, each later than the last; how many were."""
        killed = 0
        while True:
            process = self.start("adopting", "django", "migrate", "--no-input", "-v", "0")
            try:
                process.wait(timeout=after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
                after *= 1.3
                continue
            if process.returncode:
                raise RuntimeError("migrate failed after it was killed")
            return killed

    def made(self) -> dict[str, tuple[int, str]]:
        return dict(json.loads(self.run("adopting", "django", "shell", "-v", "0", "-c", _MADE)))


@contextmanager
def database(url: str) -> Iterator[str]:
    """An empty one: that of ``url``, or of a PostgreSQL of its own."""
    if url:
        yield url
        return
    with postgresql.running() as cluster:
        with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE old")
        yield f"{cluster}/old"


def measure(tokens: int, url: str) -> str:
    """The figures, as Markdown."""
    with database(url) as given:
        site = OldSite(given)
        site.run("stock", "django", "migrate", "-v", "0")
        site.run("stock", "tests.benchmarks.old_site", "fill", str(tokens))
        with site.living() as quiet:
            time.sleep(5)
        steps = [Step("nothing", 5, 0, quiet), site.step("oauth", "adopt", "--check")]
        for name in ("0001_initial", "0002_adopt_applications", "0003_consents_for_existing_tokens"):
            steps.append(site.step("migrate", "django_oauthflows", name, "-v", "0"))
        steps += [site.step("migrate", "-v", "0"), site.step("oauth", "adopt"), site.step("oauth", "purge")]
        unbroken = site.made()
        steps.append(site.step("migrate", "django_oauthflows", "zero", "-v", "0"))
        killed = site.migrate_killed(max(2.0, steps[4].seconds / 6))
        broken = site.made()
        same = broken == unbroken
        print(unbroken, broken)
    lines = [
        f"| command | seconds | peak MiB | {' | '.join(_NAMES)} |",
        f"|---|---:|---:|{'---:|' * len(_NAMES)}",
        *(
            f"| {step.name} | {step.seconds:.1f} | {step.peak_mib:.0f} | "
            f"{' | '.join(f'{step.waits[name]:.0f}' for name in _NAMES)} |"
            for step in steps
        ),
        "",
        "\n".join(f"{name}: {count:,}" for name, (count, _) in unbroken.items()),
        f"Killed {killed} times on the way: {'the same' if same else 'NOT THE SAME'} in the end.",
    ]
    return "\n".join(lines)
