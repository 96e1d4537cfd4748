"""Run the toolkit's own unit tests under its views, on our classes: what a host builds on them must go on.

The test modules come from the toolkit's source archive on the package index, of the version that is installed
here; no copy of them is kept. That archive holds the tests and not what they import from beside them: that stands in
``toolkit/``. ``toolkit/failures.toml`` names the modules that are left out and, by reason, the tests that must fail,
because we answer otherwise on purpose. One that fails and is not named there is a failure of this step; so is one
that is named and passes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
LISTED = tomllib.loads((HERE / "toolkit" / "failures.toml").read_text())


def fetched(folder: Path) -> Path | None:
    """The source archive, or nothing where the index does not answer."""
    wanted = f"django-oauth-toolkit=={version('django-oauth-toolkit')}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", wanted]
    done = subprocess.run([*command, "-d", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-1000:])
    return next(folder.glob("*.tar.gz"), None)


def laid_out(archive: Path, folder: Path) -> Path:
    """A folder with the package ``tests`` as the toolkit's modules want it."""
    tests = folder / "site" / "tests"
    shutil.copytree(HERE / "toolkit", tests)
    with tarfile.open(archive) as source:
        for member in source.getmembers():
            name = Path(member.name).name
            if "/tests/test_" in member.name and name.removesuffix(".py") not in LISTED["left_out"]:
                read = source.extractfile(member)
                assert read is not None
                (tests / name).write_bytes(read.read())
    return tests.parent


def failed(site: Path) -> tuple[set[str], str]:
    """The tests that fail, and the last lines that were said."""
    run = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "-rfE",
        "-o",
        "addopts=",
        "-c",
        "/dev/null",
        "--rootdir",
        ".",
        "-n",
        "2",
    ]
    command = [sys.executable, "-m", "pytest", *run, "--ds", "tests.settings", "tests"]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True, check=False, timeout=600)
    found = re.findall(r"^(?:FAILED|ERROR) tests/(\S+)", done.stdout, re.MULTILINE)
    return set(found), "\n".join((done.stdout + done.stderr).strip().splitlines()[-3:])


def main() -> int:
    expected = {test for tests in LISTED["reasons"].values() for test in tests}
    with tempfile.TemporaryDirectory() as folder:
        archive = fetched(Path(folder))
        if archive is None:
            print("The toolkit's source archive cannot be had here: its tests were not run.")
            return 0
        found, said = failed(laid_out(archive, Path(folder)))
    print(said)
    for module, reason in LISTED["left_out"].items():
        print(f"{module} is left out: {reason}")
    for reason, tests in LISTED["reasons"].items():
        print(f"{len(tests):4} fail, as they should: {reason}")
    for title, tests in (("Fails", found - expected), ("Passes, and is listed as failing", expected - found)):
        for test in sorted(tests):
            print(f"{title}: {test}")
    return int(found != expected)


if __name__ == "__main__":
    sys.exit(main())
