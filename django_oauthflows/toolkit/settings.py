"""What django-oauth-toolkit reads, from what the host wrote. Runs while settings are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PACKAGE = "django_oauthflows.toolkit."


def provider_settings(oauthflows: Mapping[str, Any]) -> dict[str, Any]:
    """The value for ``OAUTH2_PROVIDER``. A pure function: reads no Django setting, touches no state.

    What the host may ask for stands in ``OAUTHFLOWS``; what is here is fixed, because the package
    relies on it (``checks.py`` reports a value that was changed afterwards).
    """
    # Any other value is for the check to report, in words; settings must stay readable until then.
    given: Any = oauthflows
    scopes = given.get("SCOPES", {}) if isinstance(given, Mapping) else {}
    labels = {
        # A label may be a lazy translation, which cannot be read yet.
        name: entry.get("label", name) if isinstance(entry, Mapping) else entry
        for name, entry in (scopes.items() if isinstance(scopes, Mapping) else ())
    }
    fixed: dict[str, Any] = {
        "OAUTH2_VALIDATOR_CLASS": _PACKAGE + "validator.Validator",
        "OAUTH2_BACKEND_CLASS": _PACKAGE + "backend.Backend",
        "SCOPES_BACKEND_CLASS": _PACKAGE + "scopes.Scopes",
        "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.Server",
        "DEFAULT_SCOPES": [],
        "PKCE_REQUIRED": True,
        "OIDC_ENABLED": False,
        "DCR_ENABLED": False,
        "CIMD_ENABLED": False,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REQUEST_APPROVAL_PROMPT": "force",
        "ALLOW_URI_WILDCARDS": False,
        "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
        "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
        "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
        "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
        "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
        "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    }
    # The toolkit refuses to start on an empty mapping; without scopes our own check speaks first.
    return fixed | ({"SCOPES": labels} if labels else {})
