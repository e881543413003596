"""Who may write, and read figures: administrator, departments, regulators, by bearer tokens in a call's
metadata."""

import hmac
from typing import Any

from zkservice.errors import ServiceError, ServiceReason
from zkservice.kept import Kept
from zkservice.keys import token_hash
from zkservice.storage import publication, registered
from zkservice.storage.database import Database
from zkservice.tenants import proven

_KEPT_OCTETS = 1 << 20


def bearer(context: Any) -> str:
    """Return the token that a call came with; ServiceError TOKEN_MISSING."""
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            scheme, _, token = str(value).partition(" ")
            if scheme.lower() == "bearer" and token:
                return token
    raise ServiceError(ServiceReason.TOKEN_MISSING, "the call takes an authorization: Bearer token")


class Access:
    """Checks tokens; each method returns if the caller may, and raises ServiceError TOKEN_... if not."""

    def __init__(self, database: Database, admin_token: str) -> None:
        self._database, self._admin = database, admin_token.encode()
        # A department's token never changes. By its hash, as it is stored: a dump of memory holds no token.
        self._departments: Kept[str] = Kept(_KEPT_OCTETS)

    def _is_admin(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._admin)

    async def admin(self, context: Any) -> None:
        """Let the administrator pass."""
        if not self._is_admin(bearer(context)):
            raise ServiceError(ServiceReason.TOKEN_INVALID, "the token is not the administrator's")
        proven("administrator")

    async def department(self, context: Any, name: str, *, or_admin: bool = False) -> bool:
        """Let a department pass to what is its own, and the administrator where that is said.

        Return whether it is the administrator.
        """
        token = bearer(context)
        if or_admin and self._is_admin(token):
            proven("administrator")
            return True
        if await self._owner(token_hash(token)) != name:
            raise ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of {name}")
        return False

    async def any_department(self, context: Any) -> str:
        """Return the department whose token it is, for what is looked up only for departments."""
        owner = await self._owner(token_hash(bearer(context)))
        if owner is None:
            raise ServiceError(ServiceReason.TOKEN_INVALID, "the token is no department's")
        return owner

    async def regulator(self, context: Any) -> str:
        """Let a regulator pass; return its name."""
        hashed = token_hash(bearer(context))
        name = await self._database.read(lambda each: publication.regulator_of_token(each, hashed))
        if name is None:
            raise ServiceError(ServiceReason.TOKEN_INVALID, "the token is no regulator's")
        proven(name)
        return name

    async def _owner(self, hashed: bytes) -> str | None:
        owner = self._departments.get(hashed.hex())
        if owner is None:
            owner = await self._database.read(lambda each: registered.department_of_token(each, hashed))
            if owner is not None:
                self._departments.keep(hashed.hex(), owner, len(owner) + len(hashed))
        if owner is not None:
            proven(owner)
        return owner
