"""The figures of the service: what a call costs with one caller and with many, and latency against load.

P is measured in the generator's process right before and after each row, while the server is idle.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.load.generate import Outcome, connections, drive
from benchmarks.load.parties import Job, Parties
from benchmarks.load.server import Server, serving
from benchmarks.measure import Operation, medians

CALLERS = 64
VERIFY, SUBMIT, ISSUE = "VerifyPresentation", "SubmitPresentation", "IssueCredential"
LOADS = (0.1, 0.25, 0.5, 0.75, 0.9)
_BUSY = 0.9
_SECONDS = 10
_DIFFERENT = 128
_WARM_UP = 64


@dataclass(frozen=True)
class Row:
    """One method under one load, beside P as it was meanwhile (in seconds; None without blst)."""

    method: str
    outcome: Outcome
    unit: float | None

    @property
    def ratio(self) -> float | None:
        """The server's processor time for a call, in P."""
        return self.outcome.server_seconds / self.unit if self.unit else None

    @property
    def cores_busy(self) -> bool:
        """Whether the server kept busy what the generator left of the machine's cores."""
        left = (os.cpu_count() or 1) - self.outcome.generator_cores
        return self.outcome.server_cores >= _BUSY * left

    def document(self) -> dict[str, Any]:
        own = {"method": self.method, "ratio": self.ratio, "unit_seconds": self.unit}
        return own | {"cores_busy": self.cores_busy} | self.outcome.document()


@dataclass(frozen=True)
class Bench:
    """A server with its parties, and the unit."""

    server: Server
    parties: Parties
    unit: Operation | None

    async def job(self, method: str, count: int) -> Job:
        """Make the messages for `count` calls of a method."""
        if method == VERIFY:
            return self.parties.verify(min(count, _DIFFERENT))
        return await self.parties.submit(count) if method == SUBMIT else self.parties.issue(count)

    async def row(self, method: str, callers: int, count: int, rate: float | None = None) -> Row:
        """Measure one method, after a warm-up over the same connections."""
        warm_up, job = await self.job(method, max(_WARM_UP, callers)), await self.job(method, count)
        async with connections(self.server, callers) as channels:
            await drive(self.server, channels, warm_up, max(_WARM_UP, callers))
            before = self._unit_seconds()
            outcome = await drive(self.server, channels, job, count, rate)
            after = self._unit_seconds()
        return Row(method, outcome, fmean((before, after)) if before and after else None)

    def _unit_seconds(self) -> float | None:
        return medians([self.unit], 100)[0] if self.unit else None


def measured(unit: Operation | None, measure: Callable[[Bench], Awaitable[list[Row]]]) -> list[Row]:
    """Start a server on a fresh folder and return the rows that `measure` makes with it."""

    async def run(server: Server) -> list[Row]:
        async with connections(server, 1) as (channel,):
            return await measure(Bench(server, await Parties.meet(server, channel), unit))

    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        return asyncio.run(run(server))


async def costs(bench: Bench, calls: int) -> list[Row]:
    """Measure what a call costs; `calls` with one caller, four times as many with all of them."""
    return [
        await bench.row(VERIFY, 1, calls),
        await bench.row(VERIFY, CALLERS, 4 * calls),
        await bench.row(ISSUE, CALLERS, 4 * calls),
    ]


async def sweep(bench: Bench, calls: int) -> list[Row]:
    """Measure each method at the most that it can do, then for some seconds its latency at parts of that."""
    rows = []
    for method in (VERIFY, SUBMIT, ISSUE):
        full = await bench.row(method, CALLERS, calls)
        rows.append(full)
        for load in LOADS:
            rate = load * full.outcome.per_second
            count = min(calls, max(CALLERS, int(rate * _SECONDS)))
            rows.append(await bench.row(method, CALLERS, count, rate))
    return rows
