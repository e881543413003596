"""Who may write, and read figures: what a method asks of its caller, behind the guard.

The guard has enforced the table of roles before a method runs. Methods ask again, since they know whose a
stored thing is, and so that a mistake in the table alone opens nothing.
"""

from collections.abc import Collection
from typing import Any

from zkservice.callers import Callers, Proof, check_secret
from zkservice.errors import ServiceError, ServiceReason
from zkservice.roles import COLLECTIONS, Role
from zkservice.storage.actions import Proposer
from zkservice.storage.taken import is_taken


class Access:
    """Checks callers; each method returns if the caller may, and raises ServiceError TOKEN_... if not."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def admin(self, context: Any) -> str:
        """Let an administrator pass; return which, `root` for the one whose secret is `admin.token`."""
        caller = await self._callers.of(context, {Role.ADMINISTRATOR})
        return caller.name.partition("/")[2]

    async def department(self, context: Any, name: str, *, or_admin: bool = False) -> bool:
        """Let a department pass to what is its own, and an administrator where that is said.

        Return whether it is an administrator.
        """
        roles = {Role.DEPARTMENT, Role.ADMINISTRATOR} if or_admin else {Role.DEPARTMENT}
        caller = await self._callers.of(context, roles)
        if caller.role is Role.ADMINISTRATOR:
            return True
        if caller.name != name:
            raise ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of {name}")
        return False

    async def replacing(self, context: Any, name: str, roles: Collection[Role]) -> str:
        """Let whoever replaces the secret of a name pass, where it is its own only with that secret itself.

        Return who it is; a department is let through to its own alone.
        """
        caller = await self._callers.of(context, roles)
        if caller.name == name:
            check_secret(caller)
        elif caller.role is not Role.ADMINISTRATOR:
            raise ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of {name}")
        return caller.name

    async def person(self, context: Any) -> str:
        """Return the resource name of the administrator, or of the department, that calls."""
        return (await self._callers.of(context, {Role.ADMINISTRATOR, Role.DEPARTMENT})).name

    async def proposer(self, context: Any) -> Proposer:
        """Return the administrator or the department that calls, with the mark of its secret.

        Raises also ServiceError TOKEN_INVALID for a certificate alone: whoever signs certificates would be
        a person, and what was proposed would end with no secret.
        """
        caller = await self._callers.of(context, {Role.ADMINISTRATOR, Role.DEPARTMENT})
        if caller.proof is Proof.CERTIFICATE:
            detail = (
                "an action is proposed with a secret or a token of it; a certificate may be shown besides"
            )
            raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
        return Proposer(caller.name, caller.mark)

    def check_not_root(self, hashed: bytes, *, field: str) -> None:
        """Raise ServiceError FIELD_INVALID if this is the hash of admin.token: one token is one person."""
        if self._callers.is_root(hashed):
            raise is_taken(field)

    async def any_department(self, context: Any) -> str:
        """Return the department that calls, for what is looked up only for departments."""
        return (await self._callers.of(context, {Role.DEPARTMENT})).name

    async def regulator(self, context: Any) -> str:
        """Let a regulator pass; return its name."""
        return (await self._callers.of(context, {Role.REGULATOR})).name

    async def overseer(self, context: Any) -> str:
        """Let a regulator or an administrator pass; return which."""
        return (await self._callers.of(context, {Role.REGULATOR, Role.ADMINISTRATOR})).name

    async def party(self, context: Any, *collections: str) -> str:
        """Return the party that calls, one of some collections ("accounts", "consents", "verifiers").

        Raises also ServiceError ACCOUNT_REPLACED: the account has another key now.
        """
        return (await self._callers.of(context, {COLLECTIONS[each] for each in collections})).name
