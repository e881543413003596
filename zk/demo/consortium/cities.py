"""Nine cities on one machine: each a server with its log and a witness, all of them processes of their own.

Keys come first, then the witnesses, which need to know the logs' keys only; then policies, which name where
the witnesses are; then the servers. As operators would do it who write to each other.
"""

import queue
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from consortium.witness import make_keys
from tlog import GroupLine, LogLine, Policy, Verifier, WitnessLine
from zk.local_server import LocalServer, launch, ready_line, stop
from zkservice.beginning import begin
from zkservice.config import Settings

LETTERS: Final = "abcdefghi"
QUORUM: Final = 5
"""Of the eight others; with the log's own signature six of nine."""
REGULATOR: Final = "regulator"
_AT_ONCE: Final = 4
_SETTINGS: Final = {"ZK_PROCESSES": "0", "ZK_HTTP_PLAIN": "true"}


@dataclass(frozen=True)
class Place:
    """Where a city's processes run: the address that they listen on, and the command that starts them."""

    host: str = "127.0.0.1"
    within: tuple[str, ...] = ()


@dataclass
class Running:
    """A process that said that it is ready, and what it said."""

    process: "subprocess.Popen[str]"
    ready: dict[str, Any]
    errors: TextIO
    lines: "queue.Queue[str]"

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.end()

    def end(self) -> None:
        """End it in order, if it still runs."""
        stop(self.process)
        self.errors.close()


def run(
    arguments: Sequence[object],
    log: Path,
    settings: dict[str, str] | None = None,
    within: Sequence[str] = (),
) -> Running:
    """Start a `zk` command and wait until it is ready; CommandError NOT_STARTED."""
    errors = log.open("a", encoding="utf-8")
    process = launch(arguments, errors, settings, within)
    try:
        lines: queue.Queue[str] = queue.Queue()
        return Running(process, ready_line(process, log, lines), errors, lines)
    except BaseException:
        process.kill()
        process.wait()
        errors.close()
        raise


@dataclass
class City:
    """One city: its folder, the keys of its log and of its witness, and what runs of it."""

    letter: str
    folder: Path
    log: Verifier
    key: Verifier
    place: Place
    witness: Running | None = None
    server: Running | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.letter.upper()

    @property
    def witness_url(self) -> str:
        """Where its witness is, or was."""
        return "" if self.witness is None else f"http://{self.witness.ready['address']}"

    @property
    def local(self) -> LocalServer:
        """Its running server, for clients."""
        assert self.server is not None  # noqa: S101
        return LocalServer(self.server.ready["address"], self.folder / "server", self.server.process.pid)

    @property
    def http(self) -> str:
        """Where its log is served."""
        assert self.server is not None  # noqa: S101
        return f"http://{self.place.host}:{self.server.ready['http_port']}"


@dataclass
class Consortium:
    """The cities, the regulator's witness, and the policy of each log."""

    folder: Path
    cities: dict[str, City]
    regulator: City
    others: list[Running] = field(default_factory=list)

    def policy_of(self, city: City) -> Policy:
        """Return by whose signatures a city's checkpoints count: its own, and five of the other eight."""
        others = [each for each in self.cities.values() if each is not city]
        lines = [WitnessLine(each.letter, each.key, each.witness_url) for each in (*others, self.regulator)]
        group = GroupLine("cities", QUORUM, tuple(each.letter for each in others))
        url = None if city.server is None else city.http
        return Policy((LogLine(city.log, url),), tuple(lines), (group,), group.name)

    def policy_file(self, city: City) -> Path:
        """Write a city's policy and return the file."""
        path = city.folder / "policy"
        path.write_bytes(self.policy_of(city).to_bytes())
        return path

    def start(self, city: City) -> None:
        """Start all of a city again."""
        self.start_witness(city)
        self.start_server(city)

    def start_witness(self, city: City) -> None:
        """Start a city's witness, again at its old address."""
        port = _port(city.witness.ready["address"]) if city.witness else 0
        known = self.folder / "logs.policy"
        command = ["--json", "witness", "serve", "--data", city.folder / "witness", "--policy", known]
        command += ["--host", city.place.host, "--port", port]
        city.witness = run(command, city.folder / "witness.log", within=city.place.within)

    def start_server(self, city: City) -> None:
        """Start a city's server, again at its old addresses."""
        ready = city.server.ready if city.server else None
        ports = (_port(ready["address"]), ready["http_port"]) if ready else (0, 0)
        city.server = _serve(city, city.folder / "server", city.folder / "policy", ports)

    def start_second(self, city: City, data: Path, policy: Path | None = None) -> Running:
        """Start another server as a city's, on another folder; without a policy it asks no witnesses."""
        second = _serve(city, data, policy)
        self.others.append(second)
        return second

    def kill(self, city: City) -> None:
        """End all of a city without warning."""
        for each in (city.server, city.witness):
            if each is not None:
                each.kill()

    def end(self) -> None:
        """End everything that still runs."""
        running = [*self.others, *(each.server for each in self.cities.values())]
        running += [each.witness for each in (*self.cities.values(), self.regulator)]
        for each in running:
            if each is not None and each.process.poll() is None:
                each.process.send_signal(signal.SIGTERM)
        for each in running:
            if each is not None:
                with suppress(OSError, ValueError):
                    each.end()


@contextmanager
def founded(
    folder: Path, letters: str = LETTERS, place: Callable[[str], Place] = lambda _: Place()
) -> Iterator[Consortium]:
    """Start the cities, each at its place; end all that still runs when the block ends."""
    made = Consortium(folder, {}, _city(folder, REGULATOR, place(REGULATOR)))
    try:
        for letter in letters:
            made.cities[letter] = _city(folder, letter, place(letter))
        logs = tuple(LogLine(each.log) for each in made.cities.values())
        (folder / "logs.policy").write_bytes(Policy(logs).to_bytes())
        with ThreadPoolExecutor(_AT_ONCE) as at_once:
            list(at_once.map(made.start_witness, (*made.cities.values(), made.regulator)))
            list(at_once.map(lambda each: _open(made, each), made.cities.values()))
        yield made
    finally:
        made.end()


def _open(made: Consortium, city: City) -> None:
    made.policy_file(city)
    made.start_server(city)


def _serve(city: City, data: Path, policy: Path | None, ports: tuple[int, int] = (0, 0)) -> Running:
    host = city.place.host
    command: list[object] = ["--json", "serve", "--dev", "--data", data, "--host", host, "--port", ports[0]]
    command += ["--public-host", host, "--http-port", ports[1]]
    if policy is not None:
        command += ["--policy", policy]
    settings = _SETTINGS | {"ZK_LOG_ORIGIN": city.log.name, "ZK_HTTP_HOST": host}
    return run(command, data.parent / f"{data.name}.log", settings, city.place.within)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _city(folder: Path, letter: str, place: Place) -> City:
    own = folder / letter
    own.mkdir(mode=0o700)
    log = begin(Settings(data=own / "server", log_origin=f"{letter}.example/log"))
    witness = make_keys(own / "witness", f"{letter}.example/witness").verifier
    return City(letter, own, log, witness, place)
