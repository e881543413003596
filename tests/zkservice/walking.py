"""Who walks through all methods: a real server, one caller of each role, and what the table says of each
call."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from tests.zkservice import consenting, counting
from tests.zkservice.certifying import Authority, over
from tests.zkservice.fuzzing import Target
from tests.zkservice.publishing import new_regulator, register
from tests.zkservice.pushes import answers
from tests.zkservice.residents import Resident
from tests.zkservice.sessions import opened
from tests.zkservice.support import City, aio_error
from tests.zkservice.wiring import Method
from zkproto.v1 import statistics_pb2, token_pb2, token_pb2_grpc
from zkservice.guard import Guard
from zkservice.roles import TABLE, WITH_SECRETS, Role, Row

BY_TOKEN: Final = "by token: "
BY_CERTIFICATE: Final = "by certificate: "
CERTIFIED: Final = {
    Role.DEPARTMENT: "departments/walking",
    Role.VERIFIER: "verifiers/walker",
    Role.REGULATOR: "regulators/walking",
    Role.WITNESS: "witnesses/walker",
    Role.OPERATOR: "operators/walker",
}
"""Whom a certificate names: some that show a secret or a session as well, and some that have nothing else."""
NOBODY: Final = "nobody"
UNKNOWN: Final = "a token of nobody's"
THROUGH: Final = "through"
REFUSALS: Final = {"TOKEN_MISSING", "TOKEN_INVALID"}


class Noting(Guard):
    """The guard, which notes what it has let reach a method that takes a role."""

    reached: int = 0

    def _guarded(self, row: Row, handler: Any) -> Any:
        return super()._guarded(row, _noted(handler))


def _noted(handler: Any) -> Any:
    if not handler.request_streaming and not handler.response_streaming:
        return handler._replace(unary_unary=_single(handler.unary_unary))
    kind = "stream_stream" if handler.request_streaming else "unary_stream"
    return handler._replace(**{kind: _many(getattr(handler, kind))})


def _single(act: Any) -> Any:
    async def call(request: Any, context: Any) -> Any:
        Noting.reached += 1
        return await act(request, context)

    return call


def _many(act: Any) -> Any:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        Noting.reached += 1
        async for each in act(request, context):
            yield each

    return call


@dataclass
class Walk:
    """A server with seeds, and a caller of each role who owns nothing of what the seeds are about."""

    target: Target
    cast: dict[str, str | None] = field(default_factory=dict, repr=False)
    """The token that each of them shows."""
    towns: dict[str, City] = field(default_factory=dict, repr=False)
    """Over which connection those call who show a certificate."""

    @classmethod
    async def of(cls, target: Target) -> "Walk":
        town = target.city
        consent = await consenting.granted(town)
        await town.add_verifier("walker")
        # What gives a regulator another token takes that of one whom nobody walks as.
        replaced = await register(town, "replaced", new_regulator())
        giving = statistics_pb2.CreateRegulatorAccessRequest(regulator=replaced.name)
        target.seeds["CreateRegulatorAccess"] = giving
        walk = cls(target)
        walk.cast = {
            NOBODY: None,
            UNKNOWN: "x" * 43,
            Role.ADMINISTRATOR: town.admin,
            Role.DEPARTMENT: await town.add_department("walking"),
            Role.VERIFIER: await opened(town, "verifiers/walker", town.verifier_keys["walker"]),
            Role.HOLDER: await _session(town),
            Role.CONSENT: await consent.token(),
            Role.REGULATOR: await counting.access(town, "walking"),
            Role.OPERATOR: (town.ready.data / "operator.token").read_text().strip(),
        }
        for role in WITH_SECRETS:
            walk.cast[f"{BY_TOKEN}{role}"] = await token_of(town, walk.cast[role] or "")
        return walk

    async def certify(self, authority: Authority, stack: AsyncExitStack) -> None:
        """Let those walk as well who show a certificate, until the stack ends."""
        town = self.target.city
        for role, name in CERTIFIED.items():
            channel = await stack.enter_async_context(over(town, authority.client(f"zk:{name}")))
            who = f"{BY_CERTIFICATE}{role}"
            self.cast[who] = None
            self.towns[who] = City(town.ready, town.clock, channel, town.admin)

    def walkers(self, method: Method) -> list[str]:
        """Return who calls a method: all, but what takes no credential is called by one certificate only."""
        if TABLE[method.path].roles:
            return list(self.cast)
        return [each for each in self.cast if each not in self.towns or role_of(each) == Role.WITNESS]

    async def called(self, method: Method, who: str, seconds: float = 60) -> str:
        """Send a method's seed as one of the cast; return the reason, or OK."""
        return await self.reason(method, self.cast[who], seconds, self.towns.get(who))

    async def reason(
        self, method: Method, token: str | None, seconds: float = 60, over_: City | None = None
    ) -> str:
        """Send a method's seed with a token; return the reason, or OK. A stream may have nothing to say."""
        town, octets = over_ or self.target.city, self.target.seed(method)
        bearer = town.bearer(token) if token is not None else None
        try:
            await first(town, method, self._messages(method, octets), bearer, seconds)
        except grpc.aio.AioRpcError as error:
            return aio_error(error).reason
        return "OK"

    def _messages(self, method: Method, octets: bytes) -> list[bytes]:
        before = self.target.before.get(method.name)
        return [octets] if before is None else [before().SerializeToString(), octets]


async def first(town: City, method: Method, messages: list[bytes], bearer: Any, seconds: float = 60) -> Any:
    """Call a method with octets; return its first answer, or all of a method that takes a stream."""
    plain: dict[str, Any] = {"request_serializer": bytes, "response_deserializer": bytes}
    options: dict[str, Any] = {"metadata": bearer, "timeout": seconds}

    async def sent() -> AsyncIterator[bytes]:
        for each in messages:
            yield each

    if method.part:
        return await answers(lambda: town.channel.stream_stream(method.path, **plain)(sent(), **options))
    if not method.streams:
        return await town.channel.unary_unary(method.path, **plain)(messages[0], **options)
    call = town.channel.unary_stream(method.path, **plain)(messages[0], **options)
    try:
        return await call.read()
    finally:
        call.cancel()


async def token_of(town: City, secret: str) -> str:
    """Have a token made of a secret."""
    stub: Any = token_pb2_grpc.TokenServiceStub(town.channel)
    made = await stub.CreateToken(token_pb2.CreateTokenRequest(), metadata=town.bearer(secret))
    token: str = made.token
    return token


async def _session(town: City) -> str:
    resident = await Resident.settle(town)
    return await opened(town, resident.account, resident.key)


def role_of(who: str) -> str:
    """Return the role of one of the cast, however it is shown."""
    return who.removeprefix(BY_TOKEN).removeprefix(BY_CERTIFICATE)


def expected(method: Method, who: str) -> str:
    """Return what the table says of whoever owns nothing of what is asked: a reason, or THROUGH."""
    row = TABLE[method.path]
    if not row.roles:
        return THROUGH
    if who == NOBODY:
        return "TOKEN_MISSING"
    role = role_of(who)
    whose = row.roles.get(Role(role)) if who != UNKNOWN else None
    if whose is None or (row.shows_secret(Role(role)) and role != who):
        return "TOKEN_INVALID"
    if whose.stored is not None:
        return whose.stored
    if whose.anybodys or not whose.path:
        return THROUGH
    return "TOKEN_INVALID"
