"""The toolkit's checks of ``OAUTH2_PROVIDER`` before a deployment: they ask for settings that nothing of ours reads."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from django.core.checks.registry import registry

from django_oauthflows.toolkit.validator import goes_back

_THEIRS = "oauth2_provider."


def watch() -> None:
    """Leave them out. ``OAUTH2_PROVIDER`` is ours, to the letter (E006), and no owner could follow their advice.

    They warn of grants, transports and redirect URIs, about which our authorization server decides for itself;
    what a site should know of ours, our own checks say.
    """
    if goes_back():
        return
    # The toolkit's app is ready after ours, and would register them then; a release of it may have moved them.
    with suppress(ModuleNotFoundError):
        import_module(f"{_THEIRS}checks")
    registry.deployment_checks = {
        check for check in registry.deployment_checks if not check.__module__.startswith(_THEIRS)
    }
