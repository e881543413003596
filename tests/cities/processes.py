"""What is done to the cities' processes, and what their servers say of it."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.cities.towns import PATIENCE
from zk.demo.consortium.cities import City, Consortium, Running, run
from zk.local_server import ready_line

ROOT: Final = Path(__file__).parents[2]
FAILS: Final = "a witness did not cosign"
AGAIN: Final = "a witness cosigns again"
NO_QUORUM: Final = "no quorum: what is new stays pending"
QUORUM: Final = "the quorum is reached again"


class Telling:
    """What a city's server logs from now on."""

    def __init__(self, city: City) -> None:
        self._path = city.folder / "server.log"
        self._from = self._path.stat().st_size

    def lines(self) -> list[dict[str, Any]]:
        octets = self._path.read_bytes()[self._from :]
        whole = octets[: octets.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    def named(self) -> dict[str, set[str]]:
        """Return the faults that it told, by the witnesses that it named."""
        found = dict[str, set[str]]()
        for line in self.lines():
            if line["event"] == FAILS:
                found.setdefault(line["witness"], set()).add(line["fault"])
        return found

    async def names(self, faults: dict[str, set[str]]) -> None:
        """Wait until these witnesses were named, each with one of these faults; others are slow at most."""
        async with asyncio.timeout(PATIENCE):
            while not all(self.named().get(name, set()) & kinds for name, kinds in faults.items()):
                await asyncio.sleep(0.2)
        others = {name: kinds for name, kinds in self.named().items() if name not in faults}
        assert set().union(*others.values()) <= {"slow"}, self.named()

    async def tells(self, event: str, **fields: object) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(line["event"] == event and fields.items() <= line.items() for line in self.lines()):
                await asyncio.sleep(0.2)


def telling(cities: Iterable[City]) -> list[Telling]:
    return [Telling(each) for each in cities]


def kill(made: Consortium, letters: str) -> None:
    """End cities as a power failure does."""
    for letter in letters:
        city = made.cities[letter]
        made.kill(city)
        assert _codes(city) == [-signal.SIGKILL] * 2


def start(made: Consortium, letters: str) -> None:
    """Have cities return, where they were before."""
    for letter in letters:
        made.start(made.cities[letter])


async def all_of(doing: Any, made: Consortium, letters: str) -> None:
    """Do to several cities at once what is done in a process of its own."""
    await asyncio.gather(*(asyncio.to_thread(doing, made, letter) for letter in letters))


def _parts(city: City) -> list[Running]:
    return [each for each in (city.server, city.witness) if each is not None]


def _codes(city: City) -> list[int | None]:
    return [each.process.poll() for each in _parts(city)]


def freeze(city: City) -> None:
    """Stop a city's processes where they are, and see that they have stopped."""
    for each in _parts(city):
        os.kill(each.process.pid, signal.SIGSTOP)
        pid, status = os.waitpid(each.process.pid, os.WUNTRACED)
        assert pid == each.process.pid
        assert os.WIFSTOPPED(status)


def wake(city: City) -> None:
    for each in _parts(city):
        os.kill(each.process.pid, signal.SIGCONT)


def lie(city: City, kind: str) -> None:
    """Put a witness that lies in the place of a city's: at its address, with its keys."""
    assert city.witness is not None
    address = city.witness.ready["address"]
    city.witness.kill()
    log = city.folder / "liar.log"
    errors = log.open("a", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cities.lying_witness", city.folder / "witness", address, kind],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT,
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()
    try:
        city.witness = Running(process, ready_line(process, log, lines), errors, lines)
    except BaseException:
        process.kill()
        process.wait()
        raise


def monitor(made: Consortium, folder: Path, *options: object) -> Running:
    """Start a monitor of all logs, which asks all their witnesses, and ends with the cities."""
    command = _watching(made, folder, "--interval", 0.5, *options)
    begun = run(command, folder.with_suffix(".log"), {"ZK_DEBUG": "1"})
    made.others.append(begun)
    return begun


def alarms(monitoring: Running, seconds: float = 0.0) -> list[dict[str, Any]]:
    """Return the alarms that a monitor has told; wait so long for the next one."""
    found = list[dict[str, Any]]()
    try:
        while line := monitoring.lines.get(timeout=seconds) if seconds else monitoring.lines.get_nowait():
            document = json.loads(line)
            assert "error" not in document, f"the monitor has ended: {document}"
            if document["event"] == "alarm":
                found.append(document)
                seconds = 0.0
    except queue.Empty:
        pass
    return found


def look(made: Consortium, folder: Path) -> list[dict[str, Any]]:
    """Have somebody who knows nothing yet look at all logs and witnesses once: nothing may be found."""
    code, said = zk(*_watching(made, folder, "--once"))
    told = [each for each in said if each.get("event") != "trouble"]
    assert (code, [each.get("event") for each in told]) == (0, ["ready", "stopped"]), told
    logs: list[dict[str, Any]] = said[-1]["logs"]
    assert len(logs) == len(made.cities)
    assert all(each["chain_holds"] for each in logs)
    return logs


def _watching(made: Consortium, folder: Path, *options: object) -> list[object]:
    files = [made.policy_file(each) for each in made.cities.values()]
    policies = [argument for file in files for argument in ("--policy", file)]
    return ["--json", "ledger", "monitor", "--folder", folder, "--late", 600, *policies, *options]


def zk(*arguments: object, seconds: float = 2 * PATIENCE) -> tuple[int, Sequence[dict[str, Any]]]:
    """Run a command to its end, as somebody else would who has nothing but files."""
    command = [sys.executable, "-m", "zk.cli", *map(str, arguments)]
    settings = os.environ | {"ZK_DEBUG": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, env=settings)
    assert done.stdout, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]
