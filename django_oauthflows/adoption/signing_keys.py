"""The keys that signed ID tokens in the site's time with stock django-oauth-toolkit.

They stand in its settings (``OIDC_RSA_PRIVATE_KEY``, ``OIDC_RSA_PRIVATE_KEYS_INACTIVE``). Each becomes a signing key
of ours under the name that clients know it by, signs on until another does, and is published until staff retire it.
From then on it stays retired, whatever the settings say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.utils import timezone
from jwcrypto.jwk import JWK
from oauth2_provider.settings import oauth2_settings

from django_oauthflows.models import SigningKey

ALGORITHM = "RS256"
#: RFC 7518 §3.3.
_FEWEST_BITS = 2048
_REASON = "found in the toolkit's settings"


@dataclass(frozen=True, slots=True)
class ToolkitKey:
    """A key of the settings: the name that the toolkit published it by (RFC 7638), and its private half."""

    kid: str
    private_pem: bytes


def _settings() -> tuple[str, ...]:
    """The texts of all keys, the one that signs first."""
    active = oauth2_settings.OIDC_RSA_PRIVATE_KEY
    return (str(active), *map(str, oauth2_settings.OIDC_RSA_PRIVATE_KEYS_INACTIVE)) if active else ()


@lru_cache(maxsize=8)
def _loaded(pem: str) -> ToolkitKey | None:
    """The key in ``pem``; ``None`` for anything but an RSA key that is long enough."""
    try:
        private = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        return None
    if not isinstance(private, RSAPrivateKey) or private.key_size < _FEWEST_BITS:
        return None
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ToolkitKey(JWK.from_pyca(private.public_key()).thumbprint(), bytes(text))


def _keys() -> Iterator[ToolkitKey]:
    yield from filter(None, map(_loaded, _settings()))


def adopt(known: Collection[str] | None = None) -> bool:
    """Make each key of the settings a signing key, if it has not been one; whether any was missing.

    ``known`` are the IDs of all signing keys there are, retired ones too, if the caller knows them.
    """
    if not _settings():
        return False
    have = set(SigningKey.objects.values_list("kid", flat=True)) if known is None else known
    missing = [key for key in _keys() if key.kid not in have]
    # One that signs already goes on; else the first of the settings does.
    first = SigningKey.objects.published(ALGORITHM).first() if missing else None
    at = first.signs_from if first is not None else timezone.now() + timedelta(seconds=1)
    for age, key in enumerate(missing, start=1):
        SigningKey.objects.take_over(
            key.kid, ALGORITHM, key.private_pem, signs_from=at - timedelta(seconds=age), reason=_REASON
        )
    return bool(missing)


@register(Tags.security)
def check_toolkit_keys(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Each key in the toolkit's settings can be used."""
    keys = [_loaded(pem) for pem in _settings()]
    return [
        CheckWarning(
            f"A key of the toolkit's settings is passed over (number {number}, OIDC_RSA_PRIVATE_KEY being the "
            f"first): it is no RSA key in PEM of at least {_FEWEST_BITS} bits.",
            hint=_without_others([place for place, usable in enumerate(keys) if usable]),
            id="oauthflows.W060",
        )
        for number, key in enumerate(keys, start=1)
        if key is None
    ]


def _without_others(usable: list[int]) -> str:
    """The lines that leave the usable keys in the settings, by their places; the site's own sign after them."""
    active, others = (
        'OAUTH2_PROVIDER["OIDC_RSA_PRIVATE_KEY"]',
        'OAUTH2_PROVIDER["OIDC_RSA_PRIVATE_KEYS_INACTIVE"]',
    )
    if not usable:
        return f'{active}, {others} = "", []'
    return (
        f'KEYS = [{active}, *OAUTH2_PROVIDER.get("OIDC_RSA_PRIVATE_KEYS_INACTIVE", [])]\n'
        f"{active}, *{others} = [KEYS[place] for place in {usable}]"
    )
