"""Who makes a call: resolved once, from whatever it came with."""

import datetime as dt
import hmac
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from zkservice import certificates
from zkservice.credentials import Secrets
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import token_hash
from zkservice.revoked import Revoked
from zkservice.roles import COLLECTIONS, Role
from zkservice.sessions import Sessions, is_session
from zkservice.storage.database import Database
from zkservice.tenants import proven
from zkservice.tokens import Tokens, is_signed, mark_of


class Proof(StrEnum):
    """What a caller has shown."""

    SECRET = "secret"  # noqa: S105
    """A secret that is good until another takes its place."""
    TOKEN = "token"  # noqa: S105
    """A signed token that was made of a secret."""
    CERTIFICATE = "certificate"
    """A certificate that the connection was opened with."""
    SESSION = "session"
    """A token of a party that has shown its key."""
    ACTION = "action"
    """Another administrator has approved what the caller proposed."""


@dataclass(frozen=True)
class Caller:
    """Who calls: the role, the name that goes with it (`departments/tax`), and by what it was known.

    `mark` is that of the secret that was shown, or that the token was made of (`tokens.mark_of`); empty for
    whoever has shown neither.
    """

    role: Role
    name: str
    proof: Proof
    mark: str = field(default="", repr=False)

    @classmethod
    def named(cls, name: str, proof: Proof, mark: str = "") -> "Caller":
        """Return whom a name is of: its first part says the role."""
        return cls(COLLECTIONS[name.partition("/")[0]], name, proof, mark)


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
    """Return the token that a call came with; ServiceError TOKEN_MISSING, TOKEN_INVALID for two of them.

    Of two a proxy in front might have looked at one, and we at the other.
    """
    shown = [str(value) for name, value in context.invocation_metadata() or () if name == "authorization"]
    if len(shown) > 1:
        raise ServiceError(ServiceReason.TOKEN_INVALID, "the call says more than once who calls")
    scheme, _, token = "".join(shown).partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    raise ServiceError(ServiceReason.TOKEN_MISSING, "the call takes an authorization: Bearer token")


def has_bearer(context: Any) -> bool:
    """Tell whether a call came with metadata that says who calls."""
    return any(name == "authorization" for name, _ in context.invocation_metadata() or ())


_RESOLVED: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""Whom the guard has let through, in the task of one call, until its method has looked."""


class Callers:
    """Tells whose a call is. Belongs to the event loop. `revoked` has the lists that certificates are held
    against."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        sessions: Sessions,
        tokens: Tokens,
        revoked: Revoked,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._database, self._secrets, self._sessions = database, secrets, sessions
        self._tokens, self.revoked, self._clock = tokens, revoked, clock

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

    async def resolve(self, context: Any, roles: Collection[Role]) -> Caller:
        """Find out who calls, by a certificate or a token; where both are shown, they name the same.

        Raises ServiceError TOKEN_MISSING, TOKEN_INVALID, CERTIFICATE_INVALID, CERTIFICATE_REVOKED,
        ACCOUNT_REPLACED.
        """
        certificate = certificates.shown(context)
        if certificate is None:
            return _checked(await self._of_token(bearer(context), roles), roles)
        name = certificates.name_of(certificate, self._clock(), self.revoked)
        await self._database.read(lambda each: certificates.check_registered(each, name))
        caller = _checked(Caller.named(name, Proof.CERTIFICATE), roles)
        if not has_bearer(context):
            proven(name)
            return caller
        by_token = _checked(await self._of_token(bearer(context), roles), roles)
        if by_token.name != name:
            detail = "the token is another party's than the certificate"
            raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
        proven(name)
        return by_token

    async def _of_token(self, token: str, roles: Collection[Role]) -> Caller:
        """Return whose a token is; only for the roles that are looked for the database is asked."""
        now, hashed = self._clock(), token_hash(token)
        if (name := self._secrets.in_file(hashed)) is not None:
            proven(name)
            return Caller.named(name, Proof.SECRET, mark_of(hashed))
        if is_session(token):
            collections = [name for name, role in COLLECTIONS.items() if role in roles]
            return Caller.named(await self._sessions.party(token, now, collections), Proof.SESSION)
        if is_signed(token):
            bound = await self._tokens.verified(token, roles, now)
            current = await self._secrets.current(bound.name)
            if current is None or not hmac.compare_digest(mark_of(current), bound.mark):
                detail = "the secret that the token was made of is not its party's any more"
                raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
            proven(bound.name)
            return Caller.named(bound.name, Proof.TOKEN, bound.mark)
        name = await self._secrets.whose(hashed, roles)
        if name is None:
            raise _refused(roles)
        proven(name)
        return Caller.named(name, Proof.SECRET, mark_of(hashed))

    def is_root(self, hashed: bytes) -> bool:
        """Tell whether this is the hash of a secret that stands in a file."""
        return self._secrets.in_file(hashed) is not None

    async def secret(self, context: Any) -> tuple[str, bytes]:
        """Return whose secret a call came with, and the secret's hash; ServiceError TOKEN_INVALID."""
        caller = await self.of(context, set(Role))
        if caller.proof is not Proof.SECRET:
            raise ServiceError(ServiceReason.TOKEN_INVALID, "the call takes a secret itself")
        return caller.name, token_hash(bearer(context))


def admit(caller: Caller) -> None:
    """Have the method's first look find a caller, in the task of this call."""
    _RESOLVED.set(caller)


def check_secret(caller: Caller) -> None:
    """Raise ServiceError TOKEN_INVALID unless whoever replaces its own secret has shown it.

    An approved action shows none: another person has looked at it.
    """
    if caller.proof not in {Proof.SECRET, Proof.ACTION}:
        raise secret_wanted()


def secret_wanted() -> ServiceError:
    """Return the refusal of a token or a certificate where the secret itself is shown."""
    return ServiceError(ServiceReason.TOKEN_INVALID, "the call takes a secret itself, no token of it")


def _checked(caller: Caller, roles: Collection[Role]) -> Caller:
    if caller.role not in roles:
        raise _refused(roles)
    return caller


def _refused(roles: Collection[Role]) -> ServiceError:
    wanted = " or ".join(sorted(roles))
    return ServiceError(ServiceReason.TOKEN_INVALID, f"the token is not that of a {wanted}")
