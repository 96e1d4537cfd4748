"""How the user of a session has logged in: ``acr`` and ``amr`` (OpenID Connect Core §2, RFC 8176)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_oauthflows.authorization_server.auth_time import login_time, session_name
from django_oauthflows.conf import issuer, options

#: What a login with a second factor is called where django-allauth saw it (REFEDS MFA Profile).
MFA = "https://refeds.org/profile/mfa"
#: Where django-allauth notes in the session how somebody logged in.
_ALLAUTH_METHODS = "account_authentication_methods"
#: Its words → those of RFC 8176 §2.
_AMR = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "pop", "code": "otp"}
_MAX_LENGTH = 255


@dataclass(frozen=True, slots=True)
class AuthenticationContext:
    """Empty where nobody knows."""

    acr: str = ""
    amr: tuple[str, ...] = ()


def supported_acr_values() -> tuple[str, ...]:
    """What this site's logins can be, the weakest first."""
    if options().ACR_VALUES:
        return options().ACR_VALUES
    return (MFA,) if apps.is_installed("allauth.mfa") and not options().AUTHENTICATION_CONTEXT else ()


def context_of(request: HttpRequest) -> AuthenticationContext:
    """How the user of this session logged in. What the site's own function raises goes up: to guess would be worse."""
    if options().AUTHENTICATION_CONTEXT:
        acr, amr = import_string(options().AUTHENTICATION_CONTEXT)(request)
    elif apps.is_installed("allauth.account"):
        acr, amr = _by_allauth(request)
    else:
        return AuthenticationContext()
    words = tuple(str(word) for word in amr or ())
    fits = len(" ".join(words)) <= _MAX_LENGTH
    return AuthenticationContext(str(acr or "")[:_MAX_LENGTH], words if fits else ())


def kept_of_login(request: HttpRequest) -> dict[str, Any]:
    """What an authorization that begins in this session keeps of its login: columns of ``Authorization``.

    Whatever flow it is: the ID tokens that it gives tell of the login of the user who allowed it.
    """
    context = context_of(request)
    return {
        "session": session_name(request.session),
        "issuer": "" if options().ISSUER else issuer(request),
        "auth_time": int(login_time(request)) or None,
        "acr": context.acr,
        "amr": " ".join(context.amr),
    }


def _by_allauth(request: HttpRequest) -> tuple[str, list[str]]:
    # Newer versions note whose steps they are: what somebody else did in this session says nothing of this user.
    whose = request.session.get(f"{_ALLAUTH_METHODS}_user")
    user: Any = request.user
    if whose is not None and (user.pk is None or whose != user._meta.pk.value_to_string(user)):
        return "", []
    noted: list[dict[str, Any]] = request.session.get(_ALLAUTH_METHODS, [])
    ways = [_AMR.get(entry.get("type") or entry.get("method") or "", "") for entry in noted]
    amr = list(dict.fromkeys(filter(None, ways)))
    has_second = any(entry.get("method") == "mfa" for entry in noted) and len(noted) > 1
    return (MFA, [*amr, "mfa"]) if has_second else ("", amr)
