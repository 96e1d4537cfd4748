"""What changes for a site of django-oauth-toolkit when it switches: ``manage.py oauth adopt --check``.

Read while the toolkit's own settings are still in force. Three places are looked at, one file each: the
settings, the applications, and the code that imports the toolkit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from django_oauthflows.adoption.report import applications, code, settings
from django_oauthflows.adoption.report.finding import Finding


def findings(folders: Iterable[Path] = ()) -> Iterator[Finding]:
    """All there is to say. ``folders`` are where else the site's code is."""
    yield from settings.findings()
    yield from applications.findings()
    yield from code.findings(folders)
