"""Mixed traffic as a city's service has it: presentations, verifications, credentials, looks at the log.

Calls start when a schedule says so, whether or not earlier ones were answered, and their latency counts from
when they were due: a server that stalls is charged for everything that should have happened meanwhile. How
late the generator itself was is in these latencies too, and is told apart: so it is seen whose a tail is.
"""

import asyncio
import random
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import grpc

from wire.convert import values_to
from zk.bench.load.parties import SCHEMA, VALUES, Parties
from zk.bench.load.processes import cpu_seconds, resident_octets
from zk.bench.load.proving import Provers
from zk.local_server import LocalServer
from zkproto.v1 import issuance_pb2, ledger_pb2

WEIGHTS: Final = {"checkpoint": 4, "verify": 3, "issue": 2, "submit": 1}
"""How often each kind of call comes, of ten."""
_TIMEOUT: Final = 60.0
_LOOK_SECONDS: Final = 5.0
_BEAT_SECONDS: Final = 0.02
Act = Callable[[], Awaitable[None]]
Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


@dataclass
class Seen:
    """What some traffic was answered with: latencies in seconds by kind, errors, memory in octets by time.

    Of the generator itself: by how many seconds calls began after they were due, how long its event loop came
    late to what was due in between, how long submissions were waited for. Processor time is the server's.
    """

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    begun_late: list[float] = field(default_factory=list)
    loop_late: list[float] = field(default_factory=list)
    proof_late: list[float] = field(default_factory=list)
    server_cores: float = 0.0
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        """How many calls were answered."""
        return sum(map(len, self.latencies.values()))

    def percentile(self, kind: str, part: float) -> float:
        """Return a percentile of a kind's latencies."""
        return percentile(self.latencies[kind], part)

    def growth(self) -> int:
        """Return by how much memory was more in the last quarter than in the second: caches fill first."""
        quarter = max(1, len(self.memory) // 4)
        return int(median(self.memory[-quarter:]) - median(self.memory[quarter : 2 * quarter]))


def percentile(seconds: Sequence[float], part: float) -> float:
    """Return a percentile; 0 of nothing."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


class Mix:
    """The kinds of calls, each on one of some connections."""

    def __init__(
        self,
        server: LocalServer,
        channels: Sequence[grpc.aio.Channel],
        parties: Parties,
        provers: Provers,
    ) -> None:
        self._server, self._channels, self._provers = server, channels, provers
        self._verifying = parties.verify(40)
        self._issuing, self._submitting = parties.issue(0), parties.submit(0)
        self._values = list(values_to(SCHEMA, VALUES.items()))
        self._turn = 0
        self.kinds: dict[str, Act] = {
            "checkpoint": self._checkpoint,
            "verify": self._verify,
            "issue": self._issue,
            "submit": self._submit,
        }

    @property
    def process(self) -> int:
        """The server's process."""
        return self._server.process

    async def _call(self, method: str, octets: bytes, metadata: Any = ()) -> None:
        self._turn += 1
        channel = self._channels[self._turn % len(self._channels)]
        call: Call = channel.unary_unary(method)
        await call(octets, metadata=metadata, timeout=_TIMEOUT)

    async def _checkpoint(self) -> None:
        await self._call(
            "/zkproto.v1.LedgerService/GetCheckpoint", ledger_pb2.GetCheckpointRequest().SerializeToString()
        )

    async def _verify(self) -> None:
        message = self._verifying.messages[self._turn % len(self._verifying.messages)]
        await self._call(self._verifying.method, message)

    async def _issue(self) -> None:
        request = issuance_pb2.IssueCredentialRequest(
            schema=str(SCHEMA.name), values=self._values, request_id=str(uuid.uuid4())
        )
        await self._call(self._issuing.method, request.SerializeToString(), self._issuing.metadata)

    async def _submit(self) -> None:
        """Submit what others have opened an exchange for and proven."""
        await self._call(self._submitting.method, await self._provers.take())

    async def drive(self, seconds: float, rate: float | None, callers: int, seed: int) -> Seen:
        """Make calls for some seconds: `rate` of them each, or as many as the callers can do in turn."""
        await self._provers.full()
        self._provers.waits.clear()
        seen, drawn = Seen(), random.Random(seed)
        names, weights = zip(*WEIGHTS.items(), strict=True)
        before, begin = cpu_seconds(self.process), time.perf_counter()
        end = begin + seconds

        async def one(kind: str, due: float | None) -> None:
            started = time.perf_counter()
            if due is not None:
                seen.begun_late.append(started - due)
            try:
                await self.kinds[kind]()
            except grpc.RpcError as error:
                seen.errors.append(f"{kind}: {error}")
            else:
                seen.latencies[kind].append(time.perf_counter() - (started if due is None else due))

        async def caller() -> None:
            while time.perf_counter() < end:
                await one(drawn.choices(names, weights)[0], None)

        async def scheduled(each: float) -> None:
            async with asyncio.TaskGroup() as group:
                for index in range(int(seconds * each)):
                    due = begin + index / each
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    group.create_task(one(drawn.choices(names, weights)[0], due))

        async with self._watched(seen):
            if rate is None:
                await asyncio.gather(*(caller() for _ in range(callers)))
            else:
                await scheduled(rate)
        seen.seconds = time.perf_counter() - begin
        seen.server_cores = (cpu_seconds(self.process) - before) / seen.seconds
        seen.proof_late = list(self._provers.waits)
        return seen

    @asynccontextmanager
    async def _watched(self, seen: Seen) -> AsyncIterator[None]:
        looks = [asyncio.create_task(each) for each in (self._looking(seen), _beating(seen))]
        try:
            yield
        finally:
            for each in looks:
                each.cancel()

    async def _looking(self, seen: Seen) -> None:
        while True:
            seen.memory.append(resident_octets(self.process))
            await asyncio.sleep(_LOOK_SECONDS)


async def _beating(seen: Seen) -> None:
    """Find out how late the generator's own event loop is, whatever the server does."""
    while True:
        due = time.perf_counter() + _BEAT_SECONDS
        await asyncio.sleep(_BEAT_SECONDS)
        seen.loop_late.append(time.perf_counter() - due)
