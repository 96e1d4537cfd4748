"""Logos of clients: files of the site's own media, never fetched from elsewhere by a user's browser."""

from __future__ import annotations

import logging
import secrets
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from django_oauthflows.setting_changes import depends_on

logger = logging.getLogger("django_oauthflows")

_FOLDER = "oauthflows/logos"


def place_of(client: Any, name: str) -> str:
    """Where an uploaded logo is kept: under a name that nobody chose, so that it can be kept in caches for long."""
    return f"{_FOLDER}/{secrets.token_hex(16)}.png"


def can_be_kept() -> bool:
    """Whether the site says where uploaded files are kept, and at which address they are served."""
    in_files = isinstance(default_storage, FileSystemStorage) or (
        isinstance(getattr(default_storage, "_wrapped", None), FileSystemStorage)
    )
    if in_files and str(settings.MEDIA_ROOT) == "":
        return False
    return bool(elsewhere()) or (_is_named() and is_of_site(default_storage.url(_FOLDER)))


@depends_on("STORAGES", "MEDIA_URL", "MEDIA_ROOT")
@lru_cache(maxsize=1)
def elsewhere() -> str:
    """An address where the storage serves uploaded files, if that is no place of this site: a bucket. Else empty.

    A storage of that kind has its own settings; ``MEDIA_URL`` may say nothing of it.
    """
    try:
        address = str(default_storage.url(_FOLDER))
    except Exception:  # pages are shown without logos, then
        logger.exception("The site's storage does not say where uploaded files are.")
        return ""
    return address if urlsplit(address).netloc else ""


def address_of(client: Any) -> str:
    """Where users' browsers find its uploaded logo; empty: nowhere."""
    address = str(client.logo.url)
    return address if elsewhere() or is_of_site(address) else ""


def is_of_site(address: str) -> bool:
    """Whether a logo's address is within ``MEDIA_URL``. Other paths of this site are no pictures, and loading
    one may do something.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment and ".." not in parts.path and "%" not in parts.path
    return _is_named() and plain and address.startswith(str(settings.MEDIA_URL))


def _is_named() -> bool:
    return len(str(settings.MEDIA_URL)) > 1


def discard(name: str) -> None:
    """Delete the file of a logo that nothing refers to any more."""
    if name.startswith(f"{_FOLDER}/"):
        default_storage.delete(name)
