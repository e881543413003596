"""From submission to anchored: a server that checkpoints each second, nine witnesses, all of them processes.

The log is one city's; the witnesses are the other eight cities' and the regulator's, each a process of its
own on loopback with a durable store, as operators run them. Cosignatures of five of the eight, beside the
log's own, make a checkpoint anchored. A family answers a school at random times: the time begins when the
vault takes up the school's link and ends when the server tells whoever watches of an anchored checkpoint
that covers the receipt. So it holds fetching the question, the proof, its verification, the receipt's block
and the cosigning.
"""

import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import grpc

from benchmarks.results import Row
from consortium.witness import make_keys
from disclosure import ExchangeLink
from tlog import GroupLine, LogLine, Policy, Verifier, WitnessLine, verify_receipt
from tlog.checkpoint import Checkpoint
from tlog.note import text_unverified
from wire.client import Endpoint
from zk.bench.flow import Meeting, meeting
from zk.bench.questions import SCHOOL
from zk.local_server import LocalServer, launch, ready_line, stop
from zkproto.v1 import ledger_pb2, ledger_pb2_grpc
from zkservice.beginning import begin
from zkservice.config import Settings

CITIES: Final = "bcdefghi"
QUORUM: Final = 5
_ORIGIN: Final = "a.example/log"
_MEAN_SECONDS: Final = 0.6
"""Between the end of one use and the next, by chance: no use knows when the log asks its witnesses."""
_WARM: Final = 5
_PATIENCE: Final = 30.0
_CHANCE: Final = 519


@dataclass
class Anchors:
    """When the server told of which anchored size; a thread of its own reads it."""

    told: list[tuple[float, int]] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def follow(self, channel: grpc.Channel) -> None:
        """Note what is told until the channel is closed."""
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        with suppress(grpc.RpcError, ValueError):
            for each in stub.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest(anchored=True)):
                now, size = time.monotonic(), Checkpoint.parse(text_unverified(each.checkpoint)).size
                with self._more:
                    self.told.append((now, size))
                    self._more.notify_all()

    def when(self, index: int) -> float:
        """Wait until an entry is anchored; return when it was."""

        def covered() -> bool:
            return bool(self.told) and self.told[-1][1] > index

        with self._more:
            if not self._more.wait_for(covered, _PATIENCE):
                raise RuntimeError(f"entry {index} was not anchored in {_PATIENCE:.0f} seconds")
            return next(now for now, size in self.told if size > index)


def measure(folder: Path, times: int, tell: Callable[[int], object]) -> Row:
    """Measure so many uses."""
    with ExitStack() as opened:
        place = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        log = begin(Settings(data=place / "server", log_origin=_ORIGIN))
        (place / "known").write_bytes(Policy((LogLine(log),)).to_bytes())
        lines = [opened.enter_context(_witness(place, letter)) for letter in (*CITIES, "regulator")]
        (place / "policy").write_bytes(_policy(log, lines).to_bytes())
        server = opened.enter_context(_server(place))
        met = opened.enter_context(meeting(server, place, SCHOOL))
        anchors = Anchors()
        channel = opened.enter_context(Endpoint.at(server.address, server.root).channel())
        threading.Thread(target=anchors.follow, args=(channel,), daemon=True).start()
        taken = _uses(met, anchors, log, times, tell)
    return {
        "operation": "anchored",
        "witnesses": len(lines),
        "quorum": QUORUM,
        "times": len(taken),
        "median": median(taken),
        "p95": quantiles(taken, n=20, method="inclusive")[-1],
        "most": max(taken),
        "least": min(taken),
        "seconds": taken,
    }


def _uses(
    met: Meeting, anchors: Anchors, log: Verifier, times: int, tell: Callable[[int], object]
) -> list[float]:
    """Answer the school at random times; return the seconds of each until its receipt was anchored."""
    chance = random.Random(_CHANCE)
    for _ in range(_WARM):
        met.seconds()
    begun = dict[int, float]()
    for done in range(times):
        met.asks.write("\n")
        met.asks.flush()
        link = ExchangeLink.parse(met.says.readline().strip())
        time.sleep(chance.expovariate(1 / _MEAN_SECONDS))
        now = time.monotonic()
        receipt = met.holder.answer(link, met.vault, met.log, lambda _: True).receipt
        begun[verify_receipt(receipt or b"", log).index] = now
        met.says.readline()
        tell(done + 1)
    return [anchors.when(index) - now for index, now in begun.items()]


def _policy(log: Verifier, lines: list[WitnessLine]) -> Policy:
    """Return whose cosignatures count: of the cities', and not the regulator's."""
    group = GroupLine("cities", QUORUM, tuple(each.name for each in lines[:-1]))
    return Policy((LogLine(log),), tuple(lines), (group,), group.name)


@contextmanager
def _witness(place: Path, name: str) -> Iterator[WitnessLine]:
    key = make_keys(place / name, f"{name}.example/witness").verifier
    command = ["--json", "witness", "serve", "--data", place / name, "--policy", place / "known", "--port", 0]
    with _running(command, place / f"{name}.log") as (ready, _):
        yield WitnessLine(name, key, f"http://{ready['address']}")


@contextmanager
def _server(place: Path) -> Iterator[LocalServer]:
    command = ["--json", "serve", "--dev", "--data", place / "server", "--port", 0]
    settings = {"ZK_LOG_ORIGIN": _ORIGIN}
    with _running([*command, "--policy", place / "policy"], place / "server.log", settings) as (
        ready,
        process,
    ):
        yield LocalServer(ready["address"], place / "server", process.pid)


@contextmanager
def _running(
    command: list[Any], log: Path, settings: dict[str, str] | None = None
) -> Iterator[tuple[dict[str, Any], "subprocess.Popen[str]"]]:
    """Run a command until the block ends, from when it says that it is ready."""
    with log.open("w", encoding="utf-8") as errors:
        process = launch(command, errors, settings)
        try:
            yield ready_line(process, log), process
        finally:
            stop(process)
