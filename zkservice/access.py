"""Who may write, and read figures: administrators, departments, regulators, by bearer tokens in a call's
metadata. An administrator is a person; the holder of admin.token is the one called root."""

import hmac
from dataclasses import dataclass
from typing import Any

from zkservice.errors import ServiceError, ServiceReason
from zkservice.kept import Kept
from zkservice.keys import token_hash
from zkservice.storage import administrators, publication, registered
from zkservice.storage.administrators import ROOT
from zkservice.storage.database import Database
from zkservice.storage.taken import is_taken

_KEPT_OCTETS = 1 << 20
_PREFIX = "administrators/"


@dataclass(frozen=True)
class Approved:
    """Stands for a call's context where an approved action is carried out: the service makes it, no caller.

    `proposer` and `approver` are resource names; the method is called in the name of both.
    """

    proposer: str
    approver: str

    def invocation_metadata(self) -> tuple[()]:
        """Return nothing: whatever asks for a token gets none."""
        return ()


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

    async def admin(self, context: Any) -> str:
        """Let an administrator pass; return the last part of the name, "root" for admin.token."""
        if isinstance(context, Approved):
            name: str | None = context.proposer if context.proposer.startswith(_PREFIX) else None
        else:
            name = await self._administrator(bearer(context))
        if name is None:
            raise ServiceError(ServiceReason.TOKEN_INVALID, "the token is not an administrator's")
        return name.removeprefix(_PREFIX)

    async def department(self, context: Any, name: str, *, or_admin: bool = False) -> bool:
        """Let a department pass to what is its own, and administrators where that is said.

        Return whether it is an administrator.
        """
        if isinstance(context, Approved):
            by_admin = or_admin and context.proposer.startswith(_PREFIX)
            if by_admin or context.proposer == name:
                return by_admin
            raise _not_of(name)
        token = bearer(context)
        if or_admin and self._is_root(token):
            return True
        if await self._owner(token_hash(token)) == name:
            return False
        if or_admin and await self._administrator(token) is not None:
            return True
        raise _not_of(name)

    async def person(self, context: Any) -> str:
        """Return the resource name of the administrator, or else of the department, whose token it is."""
        token = bearer(context)
        name = await self._administrator(token) or await self._owner(token_hash(token))
        if name is None:
            raise ServiceError(
                ServiceReason.TOKEN_INVALID, "the token is no administrator's and no department's"
            )
        return name

    def check_not_root(self, hashed: bytes, *, field: str) -> None:
        """Raise ServiceError FIELD_INVALID if this is the hash of admin.token: one token is one person."""
        if hmac.compare_digest(hashed, token_hash(self._admin.decode())):
            raise is_taken(field)

    def _is_root(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._admin)

    async def _administrator(self, token: str) -> str | None:
        """Return whose secret it is. Not kept: from the moment that somebody is removed it is nobody's."""
        if self._is_root(token):
            return ROOT
        hashed = token_hash(token)
        return await self._database.read(lambda each: administrators.of_secret(each, hashed))

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
        return name

    async def _owner(self, hashed: bytes) -> str | None:
        owner = self._departments.get(hashed.hex())
        if owner is None:
            owner = await self._database.read(lambda each: registered.department_of_token(each, hashed))
            if owner is not None:
                self._departments.keep(hashed.hex(), owner, len(owner) + len(hashed))
        return owner


def _not_of(name: str) -> ServiceError:
    return ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of {name}")
