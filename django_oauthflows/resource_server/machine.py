"""Who ``request.user`` is when no person stands behind a token."""

from __future__ import annotations

from typing import Any


class MachineUser:
    """``request.user`` for a client that acts for itself and has no service user.

    Authenticated, but nobody: it has no row (``pk`` is ``None``), no permissions and no name but the
    client's, which is at ``client``. Give the client a service user to give it Django permissions.
    """

    pk = None
    id = None
    is_active = True
    is_staff = False
    is_superuser = False
    is_authenticated = True
    is_anonymous = False

    def __init__(self, client: Any) -> None:
        self.client = client

    def get_username(self) -> str:
        return str(self.client.client_id)

    @property
    def username(self) -> str:
        return self.get_username()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False

    async def ahas_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    async def ahas_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return False

    async def ahas_module_perms(self, app_label: str) -> bool:
        return False

    def get_user_permissions(self, obj: Any = None) -> set[str]:
        return set()

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        return set()

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        return set()

    def __str__(self) -> str:
        return f"machine {self.client}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MachineUser) and other.get_username() == self.get_username()

    def __hash__(self) -> int:
        return hash(("machine", self.get_username()))
