"""Finding and registering clients."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import models

from django_oauthflows.database import Exactly, WriterManager, in_transaction
from django_oauthflows.flows import registry
from django_oauthflows.models.client_index import ClientOrigin
from django_oauthflows.models.event import Event
from django_oauthflows.scopes import declared_scopes, scope_string

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

#: The toolkit's column holds no longer ones.
MAX_CLIENT_ID_LENGTH = 255


def can_be_client_id(text: str) -> bool:
    """Whether the toolkit's column can hold it."""
    return bool(text) and len(text) <= MAX_CLIENT_ID_LENGTH and "\x00" not in text


def unusable_toolkit_secret() -> str:
    """A value for the toolkit's own secret column that no secret matches.

    Our secrets live in ``ClientSecret``. One iteration is enough for the hash of a random value
    that nobody has ever seen.
    """
    return PBKDF2PasswordHasher().encode(secrets.token_urlsafe(32), secrets.token_hex(8), iterations=1)


def _usual(allowed: str) -> list[str]:
    """What a client gets that asks for nothing, unless somebody says otherwise: all but the sensitive."""
    declared = declared_scopes()
    names = allowed.split()
    if not set(names) <= set(declared):
        return []  # whoever registers the client is told of it, by the field in which it stands
    return [name for name in names if not declared[name].sensitive]


class ClientManager(WriterManager["Client"]):
    """Finding and registering clients."""

    def get_by_natural_key(self, client_id: str) -> Client:
        return self.get(client_id=client_id)

    @in_transaction
    def register(
        self,
        *,
        name: str,
        use_case: str,
        redirect_uris: Iterable[str] = (),
        scopes: Iterable[str] = (),
        default_scopes: Iterable[str] | None = None,
        by: Any = None,
        client_secret: str | None = None,
        issue_secret: bool = True,
        **values: Any,
    ) -> tuple[Client, str | None]:
        """Make a client for a use case, and its first secret if its type has one.

        ``values`` are further fields of ``Client``. With ``issue_secret=False`` it has no secret until one
        is issued. Returns the client and its secret, which is told this once. Raises ``ValidationError``
        naming each field that is wrong.
        """
        case = registry.use_case_named(use_case)
        allowed = scope_string(scopes)
        client = self.model(
            name=name,
            use_case=use_case,
            flows=values.pop("flows", None) or " ".join(case.flows),
            redirect_uris=" ".join(redirect_uris),
            allowed_scopes=allowed,
            default_scopes=scope_string(_usual(allowed) if default_scopes is None else default_scopes),
            client_type=case.client_type.value,
            # A finished hash: the toolkit must not hash it again, slowly, on every save.
            client_secret=unusable_toolkit_secret(),
            hash_client_secret=False,
            **{"narrows_scopes": case.narrows_scopes} | values,
        )
        client.full_clean(exclude=["client_secret"])
        client.save()
        Event.objects.record(Event.Kind.CLIENT_REGISTERED, client=client, by=by)
        wanted = client.has_secret and (issue_secret or client_secret)
        return client, client._first_secret(client_secret, by=by) if wanted else None

    def with_client_id(self, client_id: str) -> Client | None:
        """The client of that id, whatever its state. No statement for what cannot be one."""
        if not can_be_client_id(client_id):
            return None
        # What the toolkit's column holds is no secret of ours, and never needed.
        return self.filter(Exactly(models.F("client_id"), client_id)).defer("client_secret").first()

    def for_origin(self, origin: str) -> bool:
        """Whether any client that is not suspended has registered ``origin`` (a CORS preflight is anonymous)."""
        return ClientOrigin.objects.allows(origin)
