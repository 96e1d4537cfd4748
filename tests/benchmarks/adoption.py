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
from dataclasses import dataclass, field

import psycopg

from tests.benchmarks import postgresql

#: The site's own requests.
_NAMES = ("token issued", "API call", "application saved", "login", "new user")
#: What comes of it, whichever way it was come by; without the keys, which say nothing.
_MADE = """
import hashlib, json
from django_oauthflows.models import Client, ClientSecret, Consent
from django_oauthflows.models.client_index import INDEXES

def told(model, *names, client="client"):
    rows = model.objects.exclude(**{f"{client}__name": "busy"} if client else {"name": "busy"})
    found, count = hashlib.sha256(), 0
    for row in rows.order_by(*names).values_list(*names).iterator():
        count += 1
        found.update(repr(row).encode())
    return [count, found.hexdigest()]

print(json.dumps({
    "clients": told(Client, "pk", "flows", "allowed_scopes", "trust", client=""),
    "secrets": told(ClientSecret, "client", "digest", "slow_hash"),
    "consents": told(Consent, "user", "client", "scope", "given_at"),
    **{each.__name__: told(each, "client", *each.contents) for each in INDEXES},
}))
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One command: how long it took, how much memory, and what the site waited for meanwhile."""

    name: str
    seconds: float = 0
    cpu: float = 0
    peak_mib: float = 0
    waits: dict[str, float] = field(default_factory=dict)

    def row(self) -> str:
        """As Markdown."""
        waits = " | ".join(f"{self.waits[name]:.0f}" for name in _NAMES)
        return (
            f"| `{self.name}` | {self.seconds:.1f} | {self.cpu:.1f} | {self.peak_mib:.0f} | {waits} | "
            f"{self.waits['refused']:.0f} |"
        )


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
        cpu = usage.ru_utime + usage.ru_stime
        return Step(" ".join(command), taken, cpu, usage.ru_maxrss / 1024, waits)

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
            time.sleep(10)
        migrate = ("migrate", "-v", "0")
        steps = [Step("(nothing)", waits=quiet), site.step("oauth", "adopt", "--check"), site.step(*migrate)]
        unbroken = site.made()
        steps.append(site.step("migrate", "django_oauthflows", "zero", "-v", "0"))
        if url.startswith("mysql"):
            # It takes no CREATE TABLE back: Django asks there to be rid of half a migration by hand.
            site.run("adopting", "django", "migrate", "django_oauthflows", "0001", "-v", "0")
        killed = site.migrate_killed(steps[2].seconds / 6)
        broken = site.made()
        site.run("stock", "tests.benchmarks.old_site", "end")
        steps.append(site.step("oauth", "purge"))
    lines = [
        f"| command | seconds | CPU s | peak MiB | {' | '.join(_NAMES)} | waited 1 s for a lock |",
        f"|---|---:|---:|---:|{'---:|' * len(_NAMES)}---:|",
        *(step.row() for step in steps),
        "\n" + ", ".join(f"{count:,} {name}" for name, (count, _) in unbroken.items()),
        f"\nKilled {killed} times on the way: {'the same' if broken == unbroken else f'NOT THE SAME: {broken}'}.",
    ]
    return "\n".join(lines)
