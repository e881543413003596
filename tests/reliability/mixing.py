"""Mixed traffic as a city's service has it: presentations, verifications, credentials, looks at the log.

Calls start when a schedule says so, whether or not earlier ones were answered, and their latency counts from
when they were due: a server that stalls is charged for everything that should have happened meanwhile.
"""

import asyncio
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import grpc

from wire.convert import values_to
from zk.bench.load.parties import SCHEMA, VALUES, Parties
from zk.bench.load.processes import resident_octets
from zk.local_server import LocalServer
from zkproto.v1 import issuance_pb2, ledger_pb2

WEIGHTS: Final = {"checkpoint": 4, "verify": 3, "issue": 2, "submit": 1}
"""How often each kind of call comes, of ten."""
_TIMEOUT: Final = 60.0
_LOOK_SECONDS: Final = 5.0
Act = Callable[[], Awaitable[float]]
Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


@dataclass
class Seen:
    """What some traffic was answered with: latencies in seconds by kind, errors, memory in octets by time."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        """How many calls were answered."""
        return sum(map(len, self.latencies.values()))

    def percentile(self, kind: str, part: float) -> float:
        """Return a percentile of a kind's latencies."""
        ordered = sorted(self.latencies[kind])
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

    def growth(self) -> int:
        """Return by how much memory was more in the last quarter than in the second: caches fill first."""
        quarter = max(1, len(self.memory) // 4)
        return int(median(self.memory[-quarter:]) - median(self.memory[quarter : 2 * quarter]))


class Mix:
    """The kinds of calls, each on one of some connections."""

    def __init__(self, server: LocalServer, channels: Sequence[grpc.aio.Channel], parties: Parties) -> None:
        self._server, self._channels, self._parties = server, channels, parties
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

    async def _call(self, method: str, octets: bytes, metadata: Any = ()) -> float:
        self._turn += 1
        channel = self._channels[self._turn % len(self._channels)]
        begun = time.perf_counter()
        call: Call = channel.unary_unary(method)
        await call(octets, metadata=metadata, timeout=_TIMEOUT)
        return time.perf_counter() - begun

    async def _checkpoint(self) -> float:
        return await self._call(
            "/zkproto.v1.LedgerService/GetCheckpoint", ledger_pb2.GetCheckpointRequest().SerializeToString()
        )

    async def _verify(self) -> float:
        message = self._verifying.messages[self._turn % len(self._verifying.messages)]
        return await self._call(self._verifying.method, message)

    async def _issue(self) -> float:
        request = issuance_pb2.IssueCredentialRequest(
            schema=str(SCHEMA.name), values=self._values, request_id=str(uuid.uuid4())
        )
        return await self._call(self._issuing.method, request.SerializeToString(), self._issuing.metadata)

    async def _submit(self) -> float:
        """Open an exchange and prove, which is others' work, and submit, which is measured."""
        octets = await asyncio.to_thread(self._parties.submission)
        return await self._call(self._submitting.method, octets)

    async def drive(self, seconds: float, rate: float | None, callers: int, seed: int) -> Seen:
        """Make calls for some seconds: `rate` of them each, or as many as the callers can do in turn."""
        seen, drawn = Seen(), random.Random(seed)
        names, weights = zip(*WEIGHTS.items(), strict=True)
        begin = time.perf_counter()
        end = begin + seconds

        async def one(kind: str, due: float | None) -> None:
            started = time.perf_counter()
            late = 0.0 if due is None else started - due
            try:
                seen.latencies[kind].append(late + await self.kinds[kind]())
            except grpc.RpcError as error:
                seen.errors.append(f"{kind}: {error}")

        async def caller() -> None:
            while time.perf_counter() < end:
                await one(drawn.choices(names, weights)[0], None)

        async def scheduled(each: float) -> None:
            async with asyncio.TaskGroup() as group:
                for index in range(int(seconds * each)):
                    due = begin + index / each
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    group.create_task(one(drawn.choices(names, weights)[0], due))

        async def looking() -> None:
            while True:
                seen.memory.append(resident_octets(self._server.process))
                await asyncio.sleep(_LOOK_SECONDS)

        looks = asyncio.create_task(looking())
        try:
            if rate is None:
                await asyncio.gather(*(caller() for _ in range(callers)))
            else:
                await scheduled(rate)
        finally:
            looks.cancel()
        seen.seconds = time.perf_counter() - begin
        return seen
