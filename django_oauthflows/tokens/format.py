"""Sealed references: what an authorization code, an access token and a refresh token are made of.

A token is a prefix that secret scanners recognise and a sealed payload. The payload, before
sealing, is (big-endian)::

    MAC         16 bytes  HMAC-SHA256 over the kind and all that follows, under the subject's epoch; its start
    version      1 byte   2
    subject      1 byte   1 = an authorization, 2 = a client acting for itself
    id           8 bytes  primary key of the subject
    serial       8 bytes  generation of an authorization; a random number for a machine's token
    issued       8 bytes  Unix time in seconds
    expires      8 bytes  Unix time in seconds
    scopes       2 bytes  how many there are
    resources    2 bytes  how many bytes they take
    …                     the scopes, 4 bytes each (see ``scopes.short_reference``)
    …                     identifiers of APIs (RFC 8707), where the token is for certain ones only: UTF-8,
                          separated by spaces
    …                     further fields: type (1 byte), length (1 byte), value; see ``_FieldType``

It is sealed with AES-256-GCM under a key of the site (``tokens/keys.py``), so a malformed or forged token is
refused before anything asks the database. The *epoch* is 128 random bits in the subject's row and never leaves
it: who has the site's key and any number of old tokens, but not the row, still cannot make another.
"""

from __future__ import annotations

import base64
import hmac
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from cryptography.exceptions import InvalidTag
from jwcrypto.common import base64url_encode

from django_oauthflows.scopes import SHORT_REFERENCE_LENGTH, declared_scopes
from django_oauthflows.tokens.errors import BadToken, BrokenSeal, TokenTooLong
from django_oauthflows.tokens.keys import sealing_keys


class Kind(StrEnum):
    """What a sealed reference is good for; the value is also its prefix. A new kind is a line here."""

    CODE = "oafc_"
    ACCESS = "oafa_"
    REFRESH = "oafr_"
    #: The ``jti`` of a JWT access token: finds its row, and is no token itself.
    JWT_ID = "oafj_"
    #: What a device keeps and asks with (RFC 8628 §3.2).
    DEVICE_CODE = "oafd_"


class Subject(IntEnum):
    """What the reference refers to."""

    AUTHORIZATION = 1
    CLIENT = 2
    DEVICE_REQUEST = 4


class ConfirmationMethod(StrEnum):
    """How a token names the key it is bound to (RFC 7800 §3): the member of ``cnf``."""

    #: A public key as JWK (RFC 9449 §6.1).
    JKT = "jkt"
    #: A client certificate (RFC 8705 §3.1).
    X5T_S256 = "x5t#S256"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The key that a token is bound to: whoever presents the token must prove that they have it.

    ``thumbprint`` is 32 bytes, a SHA-256. Raises ``ValueError`` for another length.
    """

    method: ConfirmationMethod
    thumbprint: bytes

    def __post_init__(self) -> None:
        if len(self.thumbprint) != _THUMBPRINT_LENGTH:
            raise ValueError(f"A thumbprint has {_THUMBPRINT_LENGTH} bytes.")


#: Characters of the longest text that is sealed and opened. Four hundred scopes and five long resources fit;
#: half of what servers let a line of the request's head have (8 kB).
MAX_LENGTH = 4096

#: Bytes of a nonce (NIST SP 800-38D §8.2.2), random for each seal.
#:
#: How many seals that bears: two of *n* share a nonce with a probability of n²/2⁹⁷. At 2³², NIST's limit
#: for one key, that is 2⁻³³; a site that seals a thousand access tokens a second for ten years is at
#: 1 in 1.6 million. Each kind has a key of its own, so refresh tokens and codes do not count towards that.
#: It is enough because little hangs on it: a shared nonce would tell the difference of two contents, which
#: are no secrets, and let somebody forge this seal of this kind. That is less than a thief of the key has,
#: whom the MAC under the row's epoch keeps from making any token at all.
_NONCE_LENGTH = 12
_TAG_LENGTH = 16
#: What a seal adds to its content, in bytes.
OVERHEAD = _NONCE_LENGTH + _TAG_LENGTH

_VERSION = 2
_HEAD = struct.Struct(">BBqqqqHH")
_PREFIX_LENGTH = len(Kind.CODE.value)
_MAC_LENGTH = 16
_THUMBPRINT_LENGTH = 32
#: A confirmation's first byte.
_METHODS = {1: ConfirmationMethod.JKT, 2: ConfirmationMethod.X5T_S256}
_METHOD_NUMBERS = {method: number for number, method in _METHODS.items()}


class _FieldType(IntEnum):
    """What can stand behind the scopes and resources; a type that is not listed is refused."""

    #: The key the token is bound to: its method (1 byte) and thumbprint (32 bytes).
    CONFIRMATION = 1


@dataclass(frozen=True, slots=True)
class Reference:
    """The content of a sealed reference. Times are Unix seconds; scopes are names."""

    subject: Subject
    id: int
    serial: int
    issued: int
    expires: int
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    confirmation: Confirmation | None = None
    #: What ``unseal`` found: the kind, the MAC and what it is over. A changed copy has none.
    _found: tuple[Kind, bytes, bytes] | None = field(default=None, init=False, repr=False, compare=False)

    def belongs_to(self, epoch: str) -> bool:
        """Whether it was sealed by one who knew ``epoch``, the ``token_epoch`` of the row it refers to.

        Until this was asked, nothing that it says is to be believed. False where there is no epoch, and for
        a reference that does not come from ``unseal``.
        """
        if self._found is None or not epoch:
            return False
        kind, mac, content = self._found
        return hmac.compare_digest(mac, _mac(kind, epoch, content))


def seal(kind: Kind, reference: Reference, *, epoch: str) -> str:
    """The text to hand out for ``reference``, under the ``token_epoch`` of the row it refers to.

    Raises ``TokenTooLong`` for what ``unseal`` would refuse for its length, and ``ValueError`` without an epoch.
    """
    if not epoch:
        raise ValueError("Without an epoch anybody who has the site's key could make this token.")
    content = _content(reference)
    text = kind.value + encrypted(kind.name, _mac(kind, epoch, content) + content)
    if len(text) > MAX_LENGTH:
        raise TokenTooLong(len(text), MAX_LENGTH)
    return text


def looks_like(kind: Kind, text: str) -> bool:
    """Whether ``text`` carries our prefix for ``kind``; says nothing about whether it is genuine."""
    return text.startswith(kind.value)


def unseal(kind: Kind, text: str) -> Reference:
    """The content of ``text``. Raises ``BadToken`` unless it was sealed with a key of the site, as this kind.

    Its epoch is not checked here, for which the row is needed (``Reference.belongs_to``); nor its expiry: an
    expired code or token still tells whose it was.
    """
    if len(text) > MAX_LENGTH or not looks_like(kind, text):
        raise BadToken
    try:
        payload = decrypted(kind.name, text[_PREFIX_LENGTH:])
        return _read(kind, payload[:_MAC_LENGTH], payload[_MAC_LENGTH:])
    except (BrokenSeal, struct.error, ValueError, IndexError, KeyError):
        raise BadToken from None


def sealed_length(scopes: int, resources: Iterable[str] = ()) -> int:
    """Characters that a text for so many scopes and these resources has at most."""
    audience = len(" ".join(resources).encode())
    confirmation = 2 + 1 + _THUMBPRINT_LENGTH
    content = _HEAD.size + SHORT_REFERENCE_LENGTH * scopes + audience + confirmation
    return _PREFIX_LENGTH + -(-4 * (OVERHEAD + _MAC_LENGTH + content) // 3)


def _mac(kind: Kind, epoch: str, content: bytes) -> bytes:
    # With the kind: who has the site's key could else seal the content of an access token anew, as the
    # refresh token that belongs to it.
    return hmac.digest(epoch.encode(), kind.value.encode() + content, "sha256")[:_MAC_LENGTH]


def _content(reference: Reference) -> bytes:
    short = declared_scopes().short_reference
    resources = " ".join(reference.resources).encode()
    if len(resources) > MAX_LENGTH or len(reference.scopes) > MAX_LENGTH:
        raise TokenTooLong(sealed_length(len(reference.scopes), reference.resources), MAX_LENGTH)
    head = _HEAD.pack(
        _VERSION,
        reference.subject,
        reference.id,
        reference.serial,
        reference.issued,
        reference.expires,
        len(reference.scopes),
        len(resources),
    )
    return b"".join((head, *map(short, reference.scopes), resources, *_fields(reference)))


def _fields(reference: Reference) -> Iterable[bytes]:
    if reference.confirmation is not None:
        number = _METHOD_NUMBERS[reference.confirmation.method]
        value = bytes([number]) + reference.confirmation.thumbprint
        yield bytes([_FieldType.CONFIRMATION, len(value)]) + value


def _read(kind: Kind, mac: bytes, content: bytes) -> Reference:
    version, subject, id_, serial, issued, expires, count, length = _HEAD.unpack_from(content)
    resources_at = _HEAD.size + SHORT_REFERENCE_LENGTH * count
    fields_at = resources_at + length
    if version != _VERSION or len(content) < fields_at:
        raise BadToken
    fields = _read_fields(content[fields_at:]) if len(content) > fields_at else {}
    confirmed = fields.get(_FieldType.CONFIRMATION)
    reference = Reference(
        subject=Subject(subject),
        id=id_,
        serial=serial,
        issued=issued,
        expires=expires,
        scopes=declared_scopes().of_short_references(content[_HEAD.size : resources_at]),
        resources=tuple(content[resources_at:fields_at].decode().split()),
        confirmation=Confirmation(_METHODS[confirmed[0]], confirmed[1:]) if confirmed is not None else None,
    )
    object.__setattr__(reference, "_found", (kind, mac, content))  # as the class's own `__init__` does
    return reference


def _read_fields(data: bytes) -> dict[_FieldType, bytes]:
    """Each field once. Raises ``ValueError`` or ``IndexError`` for anything else."""
    found: dict[_FieldType, bytes] = {}
    while data:
        field_type, length = _FieldType(data[0]), data[1]
        value, data = data[2 : 2 + length], data[2 + length :]
        if len(value) != length or field_type in found:
            raise ValueError
        found[field_type] = value
    return found


def encrypted(purpose: str, content: bytes) -> str:
    """``content`` encrypted and authenticated for one purpose, in letters that need no escaping anywhere."""
    nonce = os.urandom(_NONCE_LENGTH)
    return base64url_encode(nonce + sealing_keys(purpose)[0].encrypt(nonce, content, purpose.encode()))


def decrypted(purpose: str, text: str) -> bytes:
    """What was ``encrypted``. Raises ``BrokenSeal``; for a malformed text before any cryptography."""
    sealed = _from_text(text)
    nonce, content = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
    for key in sealing_keys(purpose):
        try:
            return key.decrypt(nonce, content, purpose.encode())
        except InvalidTag:
            continue
    raise BrokenSeal


def _from_text(text: str) -> bytes:
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BrokenSeal from None
    # Python's base64 passes over letters that it does not know, and over bits at the end that say nothing:
    # there is one spelling, and no other is ours.
    if len(sealed) < OVERHEAD or base64url_encode(sealed) != text:
        raise BrokenSeal
    return sealed
