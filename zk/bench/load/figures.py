"""The figures of the service: what a call costs with one caller and with many, and latency against load.

The unit is measured in the generator's process right before and after each row, while the server is idle.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from zk.bench.load.generate import Outcome, connections, drive
from zk.bench.load.parties import Job, Parties, meeting
from zk.bench.measure import Operation, unit_seconds
from zk.local_server import UNLIMITED, LocalServer, running_server

CALLERS: Final = 64
VERIFY, SUBMIT, ISSUE = "VerifyPresentation", "SubmitPresentation", "IssueCredential"
LOADS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
_BUSY: Final = 0.9
_SECONDS: Final = 10
_DIFFERENT: Final = 128
_WARM_UP: Final = 64


@dataclass(frozen=True)
class Row:
    """One method under one load, beside the seconds of the unit as it was meanwhile."""

    method: str
    outcome: Outcome
    unit: float

    @property
    def ratio(self) -> float:
        """The server's processor time for a call, in units."""
        return self.outcome.server_seconds / self.unit

    @property
    def cores_busy(self) -> bool:
        """Whether the server kept busy what the generator left of the machine's cores."""
        left = (os.cpu_count() or 1) - self.outcome.generator_cores
        return self.outcome.server_cores >= _BUSY * left

    def document(self) -> dict[str, Any]:
        """Return the figures for a machine to read."""
        own = {"method": self.method, "ratio": self.ratio, "unit_seconds": self.unit}
        return own | {"cores_busy": self.cores_busy} | self.outcome.document()


@dataclass(frozen=True)
class Bench:
    """A server with its parties, and the unit."""

    server: LocalServer
    parties: Parties
    unit: Operation

    def job(self, method: str, count: int) -> Job:
        """Make the messages for `count` calls of a method."""
        if method == VERIFY:
            return self.parties.verify(min(count, _DIFFERENT))
        return self.parties.submit(count) if method == SUBMIT else self.parties.issue(count)

    def row(self, method: str, callers: int, count: int, rate: float | None = None) -> Row:
        """Measure one method, after a warm-up over the same connections."""
        return asyncio.run(self._row(method, callers, count, rate))

    async def _row(self, method: str, callers: int, count: int, rate: float | None) -> Row:
        warm_up, job = self.job(method, max(_WARM_UP, callers)), self.job(method, count)
        async with connections(self.server, callers) as channels:
            await drive(self.server, channels, warm_up, max(_WARM_UP, callers))
            before = unit_seconds(self.unit)
            outcome = await drive(self.server, channels, job, count, rate)
            after = unit_seconds(self.unit)
        return Row(method, outcome, fmean((before, after)))


@contextmanager
def benching(unit: Operation) -> Iterator[Bench]:
    """Start a server on a fresh folder, with the settings that it has by default, and end it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            running_server(
                folder / "server", folder / "server.log", log_level="error", settings=UNLIMITED
            ) as server,
            meeting(server, folder) as parties,
        ):
            yield Bench(server, parties, unit)


def costs(calls: int) -> tuple[tuple[str, int, int], ...]:
    """Say what shows what a call costs: method, callers, calls; more calls where all callers share them."""
    return (VERIFY, 1, calls), (VERIFY, CALLERS, 4 * calls), (ISSUE, CALLERS, 4 * calls)


def sweep(bench: Bench, calls: int) -> Iterator[Row]:
    """Measure each method at the most that it can do, then for some seconds its latency at parts of that."""
    for method in (VERIFY, SUBMIT, ISSUE):
        full = bench.row(method, CALLERS, calls)
        yield full
        for load in LOADS:
            rate = load * full.outcome.per_second
            count = min(calls, max(CALLERS, int(rate * _SECONDS)))
            yield bench.row(method, CALLERS, count, rate)
