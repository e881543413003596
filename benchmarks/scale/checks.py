"""The arithmetic beside simulations of a part of the scale: each comparison can fail."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.scale import ledger, storage, traffic
from benchmarks.scale.arithmetic import Measured, costs, ledger_octets, work_a_second
from benchmarks.scale.measure import Taken, Tell
from benchmarks.scale.queue import Kind, fewest_cores, serve
from benchmarks.scale.seed import PART, Seed
from zk.bench.questions import Question

_CHANCE: Final = 519
_TRIED: Final = 200_000
"""Arrivals of each try of how many cores are enough."""


@dataclass(frozen=True)
class Sizes:
    """How much is simulated: entries of the log, rows of uses and of credentials, arrivals, seconds."""

    entries: int
    uses: int
    credentials: int
    arrivals: int
    seconds: float


@dataclass(frozen=True)
class Check:
    """What was computed beside what a simulation gave, and by what part they may differ."""

    name: str
    predicted: float
    simulated: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """How many times the simulated the predicted is."""
        return self.predicted / self.simulated if self.simulated else math.inf

    @property
    def holds(self) -> bool:
        """Whether they are as near as they have to be."""
        return abs(self.ratio - 1) <= self.tolerance


def full_blocks(measured: Measured, entries: int, tell: Tell) -> Check:
    """Write entries through the sequencer, a full block each time."""
    written = ledger.write(entries, tell, durable=False)
    predicted = ledger_octets(entries, ledger.BATCH, measured.log)
    return Check(f"octets of a log of {entries:,} entries, full blocks", predicted, written.octets, 0.03)


def mean_blocks(seed: Seed, measured: Measured, entries: int, tell: Tell) -> Check:
    """Write entries in blocks as large as they are in the mean of a year."""
    block = round(costs(seed, measured).entries_a_block)
    written = ledger.write(entries, tell, durable=False, batch=block)
    predicted = ledger_octets(entries, block, measured.log)
    return Check(f"octets of a log of {entries:,} entries, {block} a block", predicted, written.octets, 0.03)


def kept(name: str, taken: Taken, things: int, tell: Tell) -> Check:
    """Copy the rows of what was measured until there are so many things."""
    simulated = storage.copied_octets(taken.rows, things, tell)
    return Check(
        f"octets kept of {things:,} {name}", things * taken.action.kept_octets, things * simulated, 0.1
    )


def queued(
    seed: Seed, measured: Measured, name: str, times: Mapping[str, Sequence[float]], arrivals: int
) -> list[Check]:
    """Have uses and credentials arrive at the peak on the cores that were computed."""
    found = costs(seed, measured)
    kinds = [
        Kind(found.peak_uses_a_second, times[name]),
        Kind(
            found.peak_issues_a_second, [each + measured.revocation.seconds for each in times["credential"]]
        ),
    ]
    waited = serve(kinds, found.cores, arrivals, _CHANCE)
    busy = seed.peak * work_a_second(seed, measured) / found.cores
    fewest = fewest_cores(kinds, found.cores, min(arrivals, _TRIED), _CHANCE)
    label = f"uses of {name}, {arrivals:,} arrivals at the peak, {found.cores} cores"
    return [
        Check(f"{label}: part of the cores busy", busy, waited.busy, 0.03),
        Check(f"{label}: seconds of 99%, beside nobody waiting", waited.p99_work, waited.p99, 0.2),
        Check(f"uses of {name}: cores busy, beside the fewest that serve", found.peak_cores, fewest, 0.15),
    ]


def real(question: Question, seed: Seed, taken: Taken, seconds: float, tell: Tell) -> Check:
    """Have a real server serve a part of the peak for some time."""
    rate = seed.peak * seed.uses_a_second / PART
    predicted = traffic.predicted(taken.action, rate, seconds)
    busy = traffic.busy_cores(question, rate, seconds, _CHANCE, tell)
    label = f"cores busy with 1/{PART:,} of the peak for {seconds:.0f} s, uses of {question.label}"
    return Check(label, predicted, busy, 0.3)


def arrivals(seed: Seed, seconds: float) -> int:
    """Return how many uses a real server serves."""
    return traffic.arrivals(seed.peak * seed.uses_a_second / PART, seconds)
