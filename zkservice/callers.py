"""Who makes a call: resolved once, from whatever it came with."""

import datetime as dt
import hmac
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from zkservice.errors import ServiceError, ServiceReason
from zkservice.kept import Kept
from zkservice.keys import token_hash
from zkservice.roles import COLLECTIONS, Role
from zkservice.sessions import Sessions, is_session
from zkservice.storage import administrators, publication, registered
from zkservice.storage.administrators import ROOT
from zkservice.storage.database import Database
from zkservice.tenants import proven

_KEPT_OCTETS: Final = 1 << 20


class Proof(StrEnum):
    """What a caller has shown."""

    SECRET = "secret"  # noqa: S105
    """A secret that is good until another takes its place."""
    SESSION = "session"
    """A token of a party that has shown its key."""
    ACTION = "action"
    """Another administrator has approved what the caller proposed."""


@dataclass(frozen=True)
class Caller:
    """Who calls: the role, the name that goes with it (`departments/tax`), and by what it was known."""

    role: Role
    name: str
    proof: Proof

    @classmethod
    def named(cls, name: str, proof: Proof) -> "Caller":
        """Return whom a name is of: its first part says the role."""
        return cls(COLLECTIONS[name.partition("/")[0]], name, proof)


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


_RESOLVED: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""Whom the guard has let through, in the task of one call, until its method has looked."""


class Callers:
    """Tells whose a call is. Belongs to the event loop."""

    def __init__(
        self, database: Database, admin_token: str, sessions: Sessions, clock: Callable[[], dt.datetime]
    ) -> None:
        self._database, self._sessions, self._clock = database, sessions, clock
        self._admin = admin_token.encode()
        # A department's token never changes. By its hash, as it is stored: a dump of memory holds no token.
        self._departments: Kept[str] = Kept(_KEPT_OCTETS)

    async def of(self, context: Any, roles: Collection[Role]) -> Caller:
        """Return the caller, who has one of some roles.

        A method's first look finds whom the guard has let through; a stream that looks again has it found out
        again, so that it ends with whatever it was opened with. An approved action is its proposer's. Raises
        ServiceError as `resolve` does.
        """
        if isinstance(context, Approved):
            return _checked(Caller.named(context.proposer, Proof.ACTION), roles)
        known = _RESOLVED.get()
        if known is None:
            return await self.resolve(context, roles)
        _RESOLVED.set(None)
        return _checked(known, roles)

    async def admitted(self, context: Any, roles: Collection[Role]) -> Caller:
        """Return the caller, and have the method's first look find it."""
        caller = await self.resolve(context, roles)
        _RESOLVED.set(caller)
        return caller

    async def resolve(self, context: Any, roles: Collection[Role]) -> Caller:
        """Find out who calls; ServiceError TOKEN_MISSING, TOKEN_INVALID, ACCOUNT_REPLACED."""
        token = bearer(context)
        if is_session(token):
            collections = [name for name, role in COLLECTIONS.items() if role in roles]
            party = await self._sessions.party(token, self._clock(), collections)
            return _checked(Caller.named(party, Proof.SESSION), roles)
        caller = _checked(await self._of_secret(token, roles), roles)
        proven(caller.name)
        return caller

    def is_root(self, hashed: bytes) -> bool:
        """Tell whether this is the hash of admin.token."""
        return hmac.compare_digest(hashed, token_hash(self._admin.decode()))

    async def _of_secret(self, token: str, roles: Collection[Role]) -> Caller:
        """Return whose a secret is; only for the roles that are looked for the database is asked."""
        hashed, name = token_hash(token), None
        if hmac.compare_digest(token.encode(), self._admin):
            name = ROOT
        if name is None and Role.ADMINISTRATOR in roles:
            # Not kept: from the moment that somebody is removed it is nobody's.
            name = await self._database.read(lambda each: administrators.of_secret(each, hashed))
        if name is None and Role.DEPARTMENT in roles:
            name = await self._department(hashed)
        if name is None and Role.REGULATOR in roles:
            name = await self._database.read(lambda each: publication.regulator_of_token(each, hashed))
        if name is None:
            raise _refused(roles)
        return Caller.named(name, Proof.SECRET)

    async def _department(self, hashed: bytes) -> str | None:
        owner = self._departments.get(hashed.hex())
        if owner is None:
            owner = await self._database.read(lambda each: registered.department_of_token(each, hashed))
            if owner is not None:
                self._departments.keep(hashed.hex(), owner, len(owner) + len(hashed))
        return owner


def _checked(caller: Caller, roles: Collection[Role]) -> Caller:
    if caller.role not in roles:
        raise _refused(roles)
    return caller


def _refused(roles: Collection[Role]) -> ServiceError:
    wanted = " or ".join(sorted(roles))
    return ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of a {wanted}")
