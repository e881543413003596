"""A real server in this process, and what it may do with a program: answer, or refuse with a reason.

Whatever is sent, no call ends as a fault or without a reason, none that is refused changes a row, none takes
for ever, nothing is logged as a fault or lost in a task, and afterwards the server serves. The server has one
caller of each role and, for each method, a message that it answers with OK; what a program used up is made
anew before the next one.
"""

import asyncio
import contextlib
import datetime as dt
import itertools
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from disclosure import sign_request
from disclosure.standing import sign_terms
from tests.fuzz.server.editing import changed
from tests.fuzz.server.mutating import Contract
from tests.fuzz.server.openings import openings
from tests.fuzz.server.programs import OWN, Call, Program
from tests.zkservice import fuzzing, seeding
from tests.zkservice.fuzzing import Target
from tests.zkservice.holding import BASE
from tests.zkservice.stored import Rows
from tests.zkservice.support import City, aio_error, city
from tests.zkservice.walking import NOBODY, Walk
from tests.zkservice.wiring import Method, filled, methods, services
from zkproto.v1 import ledger_pb2
from zkservice import server
from zkservice.status import CODES

SECONDS: Final = 60.0
"""By when every call has ended: on a loaded machine one may wait."""
QUIET_SECONDS: Final = 0.3
"""How long a stream is listened to that may have nothing to say."""
OK: Final = "OK"
QUIET: Final = "QUIET"
UNSENT: Final = "UNSENT"
"""What a client of gRPC's does not let out: no such metadata."""
FAULTS: Final = frozenset(
    {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED", "DEADLINE_EXCEEDED", "CANCELLED"}
)
_LOST: Final = 20
_MAX_ROWS: Final = 20_000
_RENEWED_AFTER: Final = 40
_LOUD: Final = logging.ERROR
_MAX_AHEAD: Final = dt.timedelta(days=100)
_METHODS: Final = {each.name: each for each in methods()}
_ANSWERS: Final = {
    f"{method.name}{part}": method.output_type
    for service in services()
    for method in service.methods
    for part in ((":first", ":next") if method.client_streaming else ("",))
}
_COUNTED: Final[Mapping[str, frozenset[str]]] = {
    "PAIRING_WRONG": frozenset({"pairing"}),
    "PAIRING_FAILED": frozenset({"pairing"}),
    "SUBJECT_MISMATCH": frozenset({"registration"}),
    "OVER_ASKING": frozenset({"statistic", "over_asking"}),
}
"""What a refusal is counted in, by its reason: these rows are there for it."""

_SIGNING: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "SignedRequest": sign_request,
    "SignedTerms": sign_terms,
}
_numbers = itertools.count(1000)


class FindingError(AssertionError):
    """The server did what it must not do."""


@dataclass
class _Group:
    """Messages that are made together, and whether one of them has been used up."""

    make: Callable[[], Awaitable[dict[str, seeding.Seed]]]
    methods: frozenset[str] = frozenset()
    stale: bool = True
    used: int = 0
    """How many programs have wanted it since."""


@dataclass
class World:
    """A server with all that a program may need."""

    target: Target
    walk: Walk
    faults: list[str]
    groups: list[_Group] = field(default_factory=list)
    is_old: bool = False
    """Whether a new one serves better: so far ahead is its clock, so much stands in it, or so much ended."""

    @property
    def town(self) -> City:
        """The city whose server it is."""
        return self.target.city

    @property
    def contract(self) -> Contract:
        """What mutations are made from."""
        seeds = {name: self._seed(name) for name in _METHODS}
        answers = {name: filled(kind) for name, kind in _ANSWERS.items()}
        return Contract(seeds, answers, sorted(self.walk.cast))

    def _seed(self, name: str) -> Message:
        found = self.target.seeds.get(name)
        return filled(_METHODS[name].request) if found is None else found

    async def run(self, program: Program, *, fresh: bool = True) -> list[str]:
        """Make the calls of a program; return how each ended. FindingError for what must not be.

        Without `fresh` what others have used up is made anew only now and then, which is quicker.
        """
        await self._renew(program, fresh=fresh)
        try:
            outcomes = await self._calls(program)
        except FindingError as error:
            error.add_note(program.to_bytes().decode())
            raise
        rows = sum(map(len, self.target.rows().values()))
        self.is_old = self.is_old or self.town.clock.ahead > _MAX_AHEAD or rows > _MAX_ROWS
        if any(each.wait for each in program.calls):
            for group in self.groups:
                group.stale = True
        return outcomes

    async def _calls(self, program: Program) -> list[str]:
        answers: dict[str, Message] = {}
        outcomes = []
        for number, call in enumerate(program.calls):
            method = _METHODS.get(call.method)
            if method is None:
                continue
            self.town.clock.ahead += dt.timedelta(minutes=call.wait)
            told, answer = await self._one(method, call, answers)
            if answer is not None:
                answers[f"#{number}"] = answer
            outcomes.append(told)
            if self.faults:
                raise FindingError(f"{call.method}: {'; '.join(self.faults)}")
        return outcomes

    async def _renew(self, program: Program, *, fresh: bool) -> None:
        """Make anew what was used up and is wanted: of the methods, and of whatever is taken of others."""
        text = program.to_bytes().decode()
        wanted = {name for name in _METHODS if name in text}
        for group in self.groups:
            if not group.stale or (group.methods and not group.methods & wanted):
                continue
            group.used += 1
            if fresh or group.used >= _RENEWED_AFTER:
                try:
                    seeds = await group.make()
                except grpc.aio.AioRpcError:
                    self.is_old = True
                    return
                group.methods, group.stale, group.used = frozenset(seeds), False, 0
                self.target.seeds |= {name: each.message for name, each in seeds.items()}
                self.target.tokens |= {n: each.token for n, each in seeds.items() if each.token is not None}
                self.target.before |= {n: each.before for n, each in seeds.items() if each.before is not None}

    def _message(self, method: Method, call: Call, answers: Mapping[str, Message]) -> bytes:
        begun = GetMessageClass(method.request)()
        if call.base == OWN:
            begun.CopyFrom(self._seed(method.name))
        elif call.base in _METHODS:
            with contextlib.suppress(DecodeError, ValueError):
                begun.ParseFromString(self._seed(call.base).SerializeToString())

        def found(name: str) -> Message | None:
            return answers.get(name) if name.startswith("#") else self.target.seeds.get(name)

        return changed(begun, call.edits, found, self._sign)

    def _sign(self, signed: Any, before: bytes) -> None:
        """Sign a verifier's request or terms anew; what others signed stays as it was."""
        how = _SIGNING.get(signed.DESCRIPTOR.name)
        if how is None:
            return
        for key in self.town.verifier_keys.values():
            if how(SimpleNamespace(canonical=before), key).signature == signed.signature:
                signed.signature = how(SimpleNamespace(canonical=signed.payload), key).signature
                return

    def _metadata(self, method: Method, call: Call) -> list[tuple[str, Any]]:
        token = self.target.token(method) if call.caller == OWN else self.walk.cast.get(call.caller)
        shown = [] if token is None or call.caller == NOBODY else [("authorization", f"Bearer {token}")]
        return [*shown, *call.metadata]

    async def _one(
        self, method: Method, call: Call, answers: Mapping[str, Message]
    ) -> tuple[str, Message | None]:
        octets = self._message(method, call, answers)
        before = self.target.rows()
        try:
            octets = await asyncio.wait_for(self._send(method, octets, self._metadata(method, call)), SECONDS)
        except grpc.aio.AioRpcError as error:
            told = self._refused(error)
            self._check_unchanged(told, before)
            return told, None
        except (ValueError, TypeError):
            return UNSENT, None
        except TimeoutError:
            raise FindingError(f"{method.name} has not ended in {SECONDS} s") from None
        if self.target.rows() is not before:
            for group in self.groups:
                group.stale = group.stale or method.name in group.methods
        if octets is None:
            return QUIET, None
        answer = GetMessageClass(_ANSWERS[method.name])()
        answer.ParseFromString(octets)
        return OK, answer

    def _refused(self, error: grpc.aio.AioRpcError) -> str:
        """Return the reason of a refusal, which has one and is no fault."""
        refused, trailer = aio_error(error), dict(error.trailing_metadata() or ())
        if refused.code.name in FAULTS:
            raise FindingError(f"ended as {refused.code.name}: {refused.detail}")
        if "grpc-status-details-bin" not in trailer:
            # gRPC's own: larger metadata or messages than the transport carries, which nothing of ours sees
            if refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return refused.code.name
            raise FindingError(f"no reason: {refused}")
        if CODES.get(refused.reason) is not refused.code:
            raise FindingError(f"{refused.reason} ended as {refused.code.name}")
        return refused.reason

    def _check_unchanged(self, told: str, before: Mapping[str, Any]) -> None:
        after = self.target.rows()
        if after is before:
            return
        kept = _COUNTED.get(told, frozenset())
        other = [name for name, rows in after.items() if rows != before.get(name) and name not in kept]
        if other:
            raise FindingError(f"refused with {told}, and changed {', '.join(other)}")

    async def _send(self, method: Method, octets: bytes, metadata: Any) -> Any:
        """Send octets; return the first answer's, None of a stream that has nothing to say.

        The client of grpc.aio loses the status of a stream that ends while it still writes: such a call is
        made again.
        """
        for _ in range(_LOST if method.part else 0):
            try:
                return await self._sent_once(method, octets, metadata)
            except grpc.aio.AioRpcError as error:
                if error.details() != "Internal error from Core":
                    raise
        return await self._sent_once(method, octets, metadata)

    async def _sent_once(self, method: Method, octets: bytes, metadata: Any) -> Any:
        plain: dict[str, Any] = {"request_serializer": bytes, "response_deserializer": bytes}
        options: dict[str, Any] = {"metadata": metadata, "timeout": SECONDS - 5}
        channel: Any = self.town.channel
        if not method.part and not method.streams:
            return await channel.unary_unary(method.path, **plain)(octets, **options)
        if method.part:
            call = channel.stream_stream(method.path, **plain)(self._sent(method, octets), **options)
        else:
            call = channel.unary_stream(method.path, **plain)(octets, **options)
        try:
            return await self._first(call, ends=bool(method.part))
        finally:
            call.cancel()

    async def _first(self, call: Any, *, ends: bool) -> Any:
        """Return a stream's first answer; of one that ends with what is sent, the last."""
        last = None
        while True:
            reading = asyncio.ensure_future(call.read())
            done, _ = await asyncio.wait({reading}, timeout=None if ends else QUIET_SECONDS)
            if not done:
                reading.cancel()
                return None
            if (octets := reading.result()) is grpc.aio.EOF:
                if last is None:
                    await self._raise_unless_ok(call)
                return last
            last = octets
            if not ends:
                return last

    async def _raise_unless_ok(self, call: Any) -> None:
        if (code := await call.code()) is not grpc.StatusCode.OK:
            raise grpc.aio.AioRpcError(
                code, await call.initial_metadata(), await call.trailing_metadata(), await call.details()
            )

    async def _sent(self, method: Method, octets: bytes) -> AsyncIterator[bytes]:
        if method.name in self.target.before:
            yield self.target.before[method.name]().SerializeToString()
        yield octets

    async def check_alive(self) -> None:
        """FindingError unless it still registers, and its log grows with it."""
        read = partial(self.town.ledger.GetCheckpoint, ledger_pb2.GetCheckpointRequest(), timeout=SECONDS)
        try:
            before = (await read()).checkpoint
            await self.town.add_verifier(f"alive-{next(_numbers)}")
            after = (await read()).checkpoint
        except grpc.aio.AioRpcError as error:
            raise FindingError(f"it serves no more: {aio_error(error)}") from error
        if before == after:
            raise FindingError("its log does not grow")


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Take down faults that are logged, and what is lost in tasks, instead of printing them."""
    faults: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            if isinstance(error, BaseException) and not isinstance(error, grpc.aio.UsageError):
                trace = "".join(traceback.format_exception(error)[-3:])
                faults.append(f"{record.name}: {record.getMessage()} {trace}")

    def note(_: Any, name: str, event: MutableMapping[str, Any]) -> Any:
        if name in {"error", "critical", "exception"}:
            faults.append(str(dict(event)))
        raise structlog.DropEvent

    handler, root = Handler(_LOUD), logging.getLogger()
    configured = structlog.get_config()
    structlog.configure(processors=[note], cache_logger_on_first_use=False)
    root.addHandler(handler)
    try:
        yield faults
    finally:
        root.removeHandler(handler)
        structlog.configure(**configured)


@contextmanager
def _seldom() -> Iterator[None]:
    """Let the server tidy by itself only when it starts: what it then does is no call's."""
    seconds, server._TIDY_SECONDS = server._TIDY_SECONDS, 36_000.0  # type: ignore[misc]
    try:
        yield
    finally:
        server._TIDY_SECONDS = seconds  # type: ignore[misc]


@asynccontextmanager
async def world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """Start a server on an empty folder, and furnish it with everything that programs are about."""
    chosen: dict[str, Any] = {"max_message_octets": fuzzing.MAX, "rate_anonymous": 1e9, "rate_named": 1e9}
    with _seldom(), _listening() as faults:
        async with city(folder, **(chosen | settings)) as town:
            with closing(Rows(folder)) as rows:
                issued = await town.claim(await town.issue())
                await town.answered(issued)
                await town.add_schema(BASE)
                target = await fuzzing.filled_target(town, issued, rows)
                made = World(target, await Walk.of(target), faults)
                made.groups = _groups(target)
                await made._renew(Program(()), fresh=True)
                if faults:
                    raise FindingError(f"while it was furnished: {faults}")
                yield made


def _groups(target: Target) -> list[_Group]:
    town, found = target.city, list[_Group]()

    for each in (*fuzzing.plain_seeders(target.issued), *seeding.SEEDERS):
        found.append(_Group(lambda each=each: each(town, next(_numbers))))  # type: ignore[misc]
    found.append(_Group(openings(town, _numbers)))
    return found
