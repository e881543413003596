"""What is around the server of the pages: the other cities' witnesses, and a monitor that found something.

Eight other cities and a regulator cosign the server's checkpoints, each by a witness in a process of its own;
five of the eight are the quorum, as in the consortium's story. A monitor watches the server's log. Before
that it has looked at the log of one of the cities, which showed two ledgers under one key: two servers on two
copies of its folder, each with an entry that the other one has not. Its alarm has the evidence beside it.
"""

import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consortium.monitor.alarms import FOLDER
from consortium.witness import make_keys
from tlog import GroupLine, LogLine, Policy, Verifier, WitnessLine
from zk.demo.command import Terminals, finished, not_done
from zk.demo.consortium.cities import QUORUM, REGULATOR, Running, run
from zk.exits import Exit
from zk.local_server import LocalServer, running_server
from zkservice.beginning import begin
from zkservice.config import Settings

CITIES: Final = tuple(f"city-{each}" for each in "bcdefghi")
CHEAT: Final = CITIES[-1]
"""The city that shows two ledgers."""
_AT_ONCE: Final = 3
_SERVED: Final = {"ZK_HTTP_PORT": "0", "ZK_HTTP_PLAIN": "true"}
_INTERVAL: Final = "2"


@dataclass(frozen=True)
class Around:
    """The witness policy of a server's log, as a file and read, and the folder of the monitor."""

    policy_file: Path
    policy: Policy
    monitor: Path
    cheating: "Future[None]"

    @property
    def settings(self) -> dict[str, str]:
        """What the server is to be started with, so that it asks the witnesses and can be watched."""
        return _SERVED | {"ZK_POLICY": str(self.policy_file)}

    @contextmanager
    def monitored(self, server: LocalServer) -> Iterator[None]:
        """Watch the server's log until the block ends, once what the monitor did before is done."""
        self.cheating.result()
        (line,) = self.policy.logs
        policy = _written(self.policy_file.with_name("monitor.policy"), self.policy, line.verifier, server)
        command = ["--json", "ledger", "monitor", "--folder", self.monitor, "--policy", policy]
        with _ending([run([*command, "--interval", _INTERVAL], self.monitor.with_suffix(".log"))]):
            yield


@contextmanager
def surrounded(folder: Path, data: Path) -> Iterator[Around]:
    """Begin a server's folder and start its witnesses; all of it ends with the block.

    Raises CommandError NOT_STARTED.
    """
    log, others = begin(Settings(data=data)), folder / "others"
    others.mkdir(mode=0o700)
    known = others / "logs.policy"
    known.write_bytes(Policy((LogLine(log),)).to_bytes())
    running: list[Running] = []
    with _ending(running), ThreadPoolExecutor(_AT_ONCE) as at_once:
        names = (*CITIES, REGULATOR)
        lines = list(at_once.map(lambda name: _witness(others / name, known, running), names))
        group = GroupLine("cities", QUORUM, CITIES)
        policy = Policy((LogLine(log),), tuple(lines), (group,), group.name)
        path = folder / "witnesses.policy"
        path.write_bytes(policy.to_bytes())
        monitor = folder / "monitor"
        yield Around(path, policy, monitor, at_once.submit(_caught, others / CHEAT, monitor))


def _witness(folder: Path, known: Path, running: list[Running]) -> WitnessLine:
    """Start a witness and add it to those that run: it ends with them, also if another one does not start."""
    folder.mkdir(mode=0o700)
    key = make_keys(folder / "witness", f"{folder.name}.example/witness").verifier
    command = ["--json", "witness", "serve", "--data", folder / "witness", "--policy", known, "--port", "0"]
    started = run(command, folder / "witness.log")
    running.append(started)
    return WitnessLine(folder.name, key, f"http://{started.ready['address']}")


@contextmanager
def _ending(running: list[Running]) -> Iterator[None]:
    """End what runs when the block ends, all at once: each takes a moment."""
    try:
        yield
    finally:
        for each in running:
            each.process.send_signal(signal.SIGTERM)
        for each in running:
            each.end()


def _caught(folder: Path, monitor: Path) -> None:
    """Have a city show two ledgers, and the monitor look; CommandError NOT_STARTED if it finds nothing."""
    one, two = folder / "server", folder / "second"
    origin = f"{folder.name}.example/log"
    log = begin(Settings(data=one, log_origin=origin))
    shutil.copytree(one, two)
    settings = _SERVED | {"ZK_LOG_ORIGIN": origin, "ZK_PROCESSES": "0"}
    with ExitStack() as stack:
        shown, hidden = (
            stack.enter_context(running_server(data, data.with_suffix(".log"), settings=settings))
            for data in (one, two)
        )
        for server in (shown, hidden):
            _grow(server, folder / f"home-{server.data.name}", f"school-of-{server.data.name}")
        policy = _written(folder / "monitor.policy", Policy((LogLine(log),)), log, shown)
        watch = ("ledger", "monitor", "--once", "--folder", monitor, "--policy", policy)
        done = finished({}, *watch, "--mirror", f"http://127.0.0.1:{hidden.http_port}")
    if done.returncode != Exit.NOT_VERIFIED or not any((monitor / FOLDER).glob("*.json")):
        raise not_done(done)


def _grow(server: LocalServer, home: Path, name: str) -> None:
    with Terminals(server) as terminals:
        trusted = (server.log_key, "--server", server.address, "--root", server.root)
        terminals.run(home, "ledger", "trust", *trusted)
        terminals.run(home, "verifier", "register", name, "--name-zh", name, "--name-en", name)


def _written(path: Path, policy: Policy, log: Verifier, server: LocalServer) -> Path:
    """Write a policy that says where the log is read."""
    line = LogLine(log, f"http://127.0.0.1:{server.http_port}")
    path.write_bytes(Policy((line,), policy.witnesses, policy.groups, policy.quorum).to_bytes())
    return path
