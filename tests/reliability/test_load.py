"""Mixed traffic at 80 % of what the server can do: no error, no growth of memory, no long tail.

Some seconds of it in `make test`, which say only that all of it is answered; `make test-long` takes an hour,
or as many seconds as ZK_LOAD_SECONDS says.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.reliability.mixing import WEIGHTS, Mix, Seen, percentile
from zk.bench.load.generate import connections
from zk.bench.load.parties import meeting
from zk.bench.load.proving import proving
from zk.local_server import UNLIMITED, running_server

SHARE: Final = 0.8
MOST_GROWTH: Final = 24 << 20
"""Octets by which server and workers may have grown from the second quarter of the time to the last."""
TAIL: Final = 5.0
CALLERS: Final = 16
PROVERS: Final = 2


@asynccontextmanager
async def mixed(folder: Path) -> AsyncIterator[Mix]:
    with (
        running_server(folder / "data", folder / "log", log_level="warning", settings=UNLIMITED) as server,
        meeting(server, folder) as parties,
    ):
        async with connections(server, 8) as channels, proving(server, parties, PROVERS) as provers:
            yield Mix(server, channels, parties, provers)


def told(seen: Seen) -> str:
    answered = f"{seen.calls} calls and {len(seen.errors)} errors in {seen.seconds:.0f} s"
    lines = [f"{answered}, memory grown by {seen.growth() / (1 << 20):.1f} MiB"]
    for kind in WEIGHTS:
        half, tail = (1e3 * seen.percentile(kind, part) for part in (0.5, 0.99))
        lines.append(f"{kind}: p50 {half:.1f} ms, p99 {tail:.1f} ms, {tail / half:.1f} times")
    own = {"calls begun": seen.begun_late, "its event loop": seen.loop_late, "proofs": seen.proof_late}
    for what, late in own.items():
        half, tail = (1e3 * percentile(late, part) for part in (0.5, 0.99))
        lines.append(f"the generator itself, {what}: {len(late)}, late p50 {half:.1f} ms, p99 {tail:.1f} ms")
    lines.append(f"the server kept {seen.server_cores:.2f} cores busy")
    return "\n".join(lines)


async def test_mixed_traffic_is_answered(tmp_path: Path) -> None:
    async with mixed(tmp_path) as mix:
        peak = await mix.drive(4, None, CALLERS, seed=1)
        seen = await mix.drive(8, SHARE / 2 * peak.calls / peak.seconds, CALLERS, seed=2)
    assert not peak.errors
    assert not seen.errors
    assert set(seen.latencies) == set(WEIGHTS)


@pytest.mark.long
@pytest.mark.timeout(4500)
async def test_an_hour_at_four_fifths_of_what_it_can_do(tmp_path: Path) -> None:
    seconds = float(os.environ.get("ZK_LOAD_SECONDS", "3600"))
    async with mixed(tmp_path) as mix:
        await mix.drive(10, None, CALLERS, seed=1)
        peak = await mix.drive(30, None, CALLERS, seed=2)
        rate = SHARE * peak.calls / peak.seconds
        seen = await mix.drive(seconds, rate, CALLERS, seed=3)
    sys.stdout.write(f"peak {peak.calls / peak.seconds:.0f}/s, offered {rate:.0f}/s\n{told(seen)}\n")
    assert not peak.errors
    assert not seen.errors
    assert seen.growth() < MOST_GROWTH, told(seen)
    for kind in WEIGHTS:
        assert seen.percentile(kind, 0.99) < TAIL * seen.percentile(kind, 0.5), told(seen)
