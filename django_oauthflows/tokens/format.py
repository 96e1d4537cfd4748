"""Sealed references: what an authorization code, an access token and a refresh token are made of.

A token is a prefix that secret scanners recognise and a sealed payload. The payload, before
sealing, is (big-endian)::

    version   1 byte    1
    subject   1 byte    1 = an authorization, 2 = a client acting for itself
    id        8 bytes   primary key of the subject
    epoch     8 bytes   the subject's random token_epoch: without the row nobody can make a valid token
    serial    8 bytes   generation of an authorization; a random number for a machine's token
    issued    8 bytes   Unix time in seconds
    expires   8 bytes   Unix time in seconds
    scopes    the rest  UTF-8, separated by spaces; then, where the token is for certain APIs only,
                        a line feed and their identifiers (RFC 8707), separated by spaces

It is encrypted and authenticated (Fernet: AES-128-CBC and HMAC-SHA256), so a malformed or forged
token is refused before anything asks the database.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cryptography.fernet import InvalidToken

from django_oauthflows.tokens.keys import sealing_keys


class Kind(StrEnum):
    """What a sealed reference is good for; the value is also its prefix."""

    CODE = "oafc_"
    ACCESS = "oafa_"
    REFRESH = "oafr_"
    #: The ``jti`` of a JWT access token: finds its row, and is no token itself.
    JWT_ID = "oafj_"


class Subject(IntEnum):
    """What the reference refers to."""

    AUTHORIZATION = 1
    CLIENT = 2


class BadToken(ValueError):  # noqa: N818 - the field says "bad token"; the cause is deliberately not told
    """The text is not a token of this kind that we sealed. Says no more, so that nobody learns by trying."""


#: Nothing that we seal is longer; longer input is refused before any work is done on it.
MAX_LENGTH = 4096

_VERSION = 1
_HEAD = struct.Struct(">BBqqqqq")
_BODY = re.compile(r"[A-Za-z0-9_-]+")
_PREFIX_LENGTH = len(Kind.CODE.value)


@dataclass(frozen=True, slots=True)
class Reference:
    """The content of a sealed reference. Times are Unix seconds."""

    subject: Subject
    id: int
    epoch: int
    serial: int
    issued: int
    expires: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()


def seal(kind: Kind, reference: Reference) -> str:
    """The text to hand out for ``reference``."""
    payload = (
        _HEAD.pack(
            _VERSION,
            reference.subject,
            reference.id,
            reference.epoch,
            reference.serial,
            reference.issued,
            reference.expires,
        )
        + "\n".join((" ".join(reference.scopes), " ".join(reference.resources))).rstrip("\n").encode()
    )
    # Base64 padding says nothing and needs escaping in a URL: left out here, put back in `unseal`.
    return kind.value + sealing_keys(kind.name).encrypt(payload).decode().rstrip("=")


def looks_like(kind: Kind, text: str) -> bool:
    """Whether ``text`` carries our prefix for ``kind``; says nothing about whether it is genuine."""
    return text.startswith(kind.value)


def unseal(kind: Kind, text: str) -> Reference:
    """The content of ``text``. Raises ``BadToken`` unless we sealed it, as this kind.

    Expiry is not checked here: an expired code or token still tells whose it was.
    """
    body = text[_PREFIX_LENGTH:]
    # Python's base64 passes over letters that it does not know, and raises for those outside ASCII.
    if len(text) > MAX_LENGTH or not looks_like(kind, text) or not _BODY.fullmatch(body):
        raise BadToken
    try:
        payload = sealing_keys(kind.name).decrypt(body + "=" * (-len(body) % 4))
    except InvalidToken:
        raise BadToken from None
    version, subject, id_, epoch, serial, issued, expires = _HEAD.unpack_from(payload)
    if version != _VERSION:
        raise BadToken
    scopes, _, resources = payload[_HEAD.size :].decode().partition("\n")
    return Reference(
        subject=Subject(subject),
        id=id_,
        epoch=epoch,
        serial=serial,
        issued=issued,
        expires=expires,
        scopes=tuple(scopes.split()),
        resources=tuple(resources.split()),
    )
