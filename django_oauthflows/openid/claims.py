"""What apps are told of a user: claims, by scope (OpenID Connect Core §5.1, §5.4), from any user model.

Where a value comes from, ``OAUTHFLOWS["CLAIMS"]`` says, and for Django's own user model this file. A claim without a
value is left out, and so is one whose function fails: a login does not stop for a birthday.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from django_oauthflows.accounts import name_of
from django_oauthflows.conf import options
from django_oauthflows.scopes import declared_scopes
from django_oauthflows.setting_changes import depends_on

logger = logging.getLogger("django_oauthflows")

#: §5.4, with the words in which users read of them.
STANDARD: Mapping[str, Mapping[str, Any]] = {
    "profile": {
        "name": _("Your name"),
        "family_name": _("Your family name"),
        "given_name": _("Your given name"),
        "middle_name": _("Your middle name"),
        "nickname": _("Your nickname"),
        "preferred_username": _("Your user name"),
        "profile": _("The address of your profile"),
        "picture": _("Your picture"),
        "website": _("Your website"),
        "gender": _("Your gender"),
        "birthdate": _("Your date of birth"),
        "zoneinfo": _("Your time zone"),
        "locale": _("Your language"),
        "updated_at": _("When this was last changed"),
    },
    "email": {
        "email": _("Your e-mail address"),
        "email_verified": _("Whether we know that the address is yours"),
    },
    "address": {"address": _("Your postal address")},
    "phone": {
        "phone_number": _("Your phone number"),
        "phone_number_verified": _("Whether we know that the number is yours"),
    },
}
#: Whatever a setting names: it is no claim.
_NEVER = frozenset({"password"})

Source = Callable[[Any, HttpRequest], Any]


def _full_name(user: Any, _request: HttpRequest) -> Any:
    return user.get_full_name() if hasattr(user, "get_full_name") else None


def _username(user: Any, _request: HttpRequest) -> Any:
    return name_of(user)


def _email(user: Any, _request: HttpRequest) -> Any:
    return getattr(user, user.get_email_field_name(), None)


def _email_verified(user: Any, request: HttpRequest) -> Any:
    """Only where something proves it: whoever may write any address could take over accounts elsewhere by it."""
    email = _email(user, request)
    if not email or not apps.is_installed("allauth.account"):
        return None
    model: Any = apps.get_app_config("account").get_model("EmailAddress")
    known = model._default_manager
    return known.filter(user=user, email__iexact=email, verified=True).exists()


def _usual_sources() -> dict[str, dict[str, Any]]:
    """What Django's own user model has, and others like it."""
    names = {field.name for field in get_user_model()._meta.get_fields()}
    profile: dict[str, Any] = {"name": _full_name, "preferred_username": _username}
    profile |= {
        claim: field
        for claim, field in (("given_name", "first_name"), ("family_name", "last_name"))
        if field in names
    }
    return {"profile": profile, "email": {"email": _email, "email_verified": _email_verified}}


@depends_on("OAUTHFLOWS", "INSTALLED_APPS", "AUTH_USER_MODEL")
@lru_cache(maxsize=1)
def sources() -> Mapping[str, Mapping[str, Source]]:
    """Scope → claim → where its value comes from, of the scopes that the site declares.

    Raises ``ImportError`` when a setting names what is neither an attribute of users nor a function.
    """
    found = _usual_sources()
    for _place, scope, claim, source in _named_sources():
        found.setdefault(scope, {})[claim] = source
    declared = declared_scopes()
    return {
        scope: {claim: _read_by(source) for claim, source in claims.items() if source is not None}
        for scope, claims in found.items()
        if scope in declared
    }


def misnamed_sources() -> Iterator[tuple[str, str]]:
    """Where in ``CLAIMS`` stands what is neither an attribute of users nor a function, and why it is none."""
    for place, scope, _claim, source in _named_sources():
        try:
            if scope in declared_scopes() and source is not None:
                _read_by(source)
        except ImportError as error:
            yield place, str(error)


def _named_sources() -> Iterator[tuple[str, str, str, Any]]:
    """What ``CLAIMS`` names: its place there, scope, claim and source."""
    scope_of = {claim: scope for scope, claims in STANDARD.items() for claim in claims}
    for name, source in options().CLAIMS.items():
        if isinstance(source, Mapping):
            yield from ((f"[{name!r}][{claim!r}]", name, claim, each) for claim, each in source.items())
        else:
            yield f"[{name!r}]", scope_of.get(name, name), name, source


def _read_by(source: Any) -> Source:
    if isinstance(source, bool):
        return lambda _user, _request: source
    if callable(source):
        return source  # type: ignore[no-any-return]
    path = source.split(".")
    if not _NEVER.isdisjoint(path):
        raise ImportError(f"{source} is no claim.")
    model = get_user_model()
    if len(path) == 1 or hasattr(model, path[0]):
        return lambda user, _request: _at(user, path)
    return import_string(source)  # type: ignore[no-any-return]


def _at(value: Any, path: Iterable[str]) -> Any:
    for name in path:
        value = getattr(value, name, None)
        if callable(value):
            value = value()
    return value


def claims_of(user: Any, scopes: Iterable[str], request: HttpRequest) -> dict[str, Any]:
    """What ``scopes`` tell of ``user``, ready for JSON."""
    granted = declared_scopes().expand(scopes)
    found = {}
    for scope, claims in sources().items():
        if scope in granted:
            for claim, source in claims.items():
                value = _value(claim, source, user, request)
                if value not in (None, "", [], {}):
                    found[claim] = value
    return found


def _value(claim: str, source: Source, user: Any, request: HttpRequest) -> Any:
    try:
        value = source(user, request)
        if claim == "updated_at" and isinstance(value, datetime):
            value = int(value.timestamp())  # §5.1
        return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    except ObjectDoesNotExist:  # a profile, say, that not everybody has
        return None
    except Exception:  # the site's own code, which may raise anything
        logger.exception("The claim %s could not be told.", claim)
        return None


def names_of(scopes: Iterable[str]) -> list[str]:
    """The claims that ``scopes`` may tell."""
    return [claim for scope in scopes for claim in sources().get(scope, ())]


def supported() -> list[str]:
    """For discovery: all that may be told, those of every ID token among them."""
    always = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "azp", "sid"]
    if options().ACR_VALUES or options().AUTHENTICATION_CONTEXT or apps.is_installed("allauth.account"):
        always += ["acr", "amr"]
    return [*always, *names_of(declared_scopes().grantable)]


def in_words(scope: str, user: Any, request: HttpRequest) -> list[tuple[Any, str]]:
    """What ``scope`` tells of ``user``, for themselves to read: what it is, and the value."""
    words = {claim: label for claims in STANDARD.values() for claim, label in claims.items()}
    told = claims_of(user, [scope], request) if scope in sources() else {}
    own = {claim: told[claim] for claim in sources().get(scope, ()) if claim in told}
    return [(words.get(claim, claim), _readable(value)) for claim, value in own.items()]


def _readable(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, Mapping):
        return str(value.get("formatted") or ", ".join(map(_readable, value.values())))
    if isinstance(value, list):
        return ", ".join(map(_readable, value))
    return str(value)
