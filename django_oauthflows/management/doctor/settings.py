"""What the settings say: the checks, and what a check cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.core import checks

from django_oauthflows import limits
from django_oauthflows.conf import options
from django_oauthflows.management.doctor.finding import Finding, error, ok, unseen, warning

#: The first release of each line without a hole that was known when this release was made, by distribution.
#: ``pyproject.toml`` says the same, and a test compares the two.
SOUND = {
    "django": "5.2.19",
    "cryptography": "50.0.0",
    "requests": "2.33",
    "pillow": "12.1.1",
    "pyjwt": "2.15",
}
_OURS = ("oauthflows.", "security.", "urls.", "models.", "fields.", "templates.")
#: ``counting`` says it, in any case.
_COUNTED = "oauthflows.W044"
_MIN_SECRET = 40


def system_checks() -> Iterator[Finding]:
    """Django's own, and ours; with those for a site that is deployed, unless ``DEBUG`` is on."""
    found = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    elsewhere = {*settings.SILENCED_SYSTEM_CHECKS, _COUNTED}
    mine = [each for each in found if str(each.id).startswith(_OURS) and each.id not in elsewhere]
    for each in mine:
        make = error if each.level >= checks.ERROR else warning
        yield make(f"check {each.id}", str(each.msg), str(each.hint or ""))
    if not mine:
        yield ok("checks", "All system checks pass.")


def debug() -> Iterator[Finding]:
    if settings.DEBUG:
        yield warning(
            "debug", "DEBUG is on: error pages show settings and code to everybody.", "DEBUG = False"
        )
    if len(settings.SECRET_KEY) < _MIN_SECRET or settings.SECRET_KEY.startswith("django-insecure-"):
        yield error(
            "secret-key",
            "SECRET_KEY is short, or the one that startproject wrote: whoever guesses it, and reads the database, can "
            "make tokens.",
            'python -c "import secrets; print(secrets.token_urlsafe(64))"',
        )


def hosts() -> Iterator[Finding]:
    if "*" in settings.ALLOWED_HOSTS and not options().ISSUER:
        yield warning(
            "hosts",
            'ALLOWED_HOSTS has "*" and no ISSUER is set: the site cannot tell its name from one that a caller made up.',
            'OAUTHFLOWS = {"ISSUER": "https://your.host", ...}',
        )


def counting() -> Iterator[Finding]:
    """Limits hold for the site only where all its processes count together."""
    if limits.counts_in_this_process():
        yield warning(
            "shared-cache",
            "Each process counts requests for itself, so with N processes every limit is N times as high, and devices "
            "may be told to slow down at random.",
            'CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://…"}}',
        )


def versions() -> Iterator[Finding]:
    """Releases with holes that were known when this one was made."""
    old = [
        f"{name} {found} (at least {least})"
        for name, least in SOUND.items()
        if (found := _older(name, least))
    ]
    if old:
        yield error(
            "versions", f"Known holes: {', '.join(old)}.", "python -m pip install --upgrade django-oauthflows"
        )
    else:
        yield ok("versions", "No release that was known to have a hole when this package was made.")
    yield unseen("holes", "Holes that were found since: run pip-audit.")


def _older(name: str, least: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return ""
    return found if _numbers(found) < _numbers(least) else ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


LOOKS = (system_checks, debug, hosts, counting, versions)
