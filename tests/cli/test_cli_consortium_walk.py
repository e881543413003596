"""docs/ordering.md's node on a host of one's own, word by word: five cities in folders of their own,
one of them with a real log."""

import json
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ordering import state
from ordering.city.home import CityHome
from ordering.client import Client
from ordering.errors import StateError
from ordering.submitting import Submitter
from ordering.transactions import Claim
from tests.cli.running import Done, Home, environment, zk
from tests.cli.test_cli_mirror import operator
from tests.consortium.making import MemoryLog
from tests.deploy.walk import blocks
from tests.ordering.engines import ENGINE, SECONDS, free_range, needs_engine, until
from tlog.keys import Signer
from zk.exits import Exit
from zk.local_server import running_server

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ordering.md"
SECTION = "A node on a host of one's own"
FOUNDERS = ("jinan", "qingdao", "weihai", "zibo")
NEWCOMER = "yantai"
pytestmark = [needs_engine, pytest.mark.timeout(600)]


def block(first: str) -> str:
    """Return the one block of the section that begins with a comment."""
    (found,) = [each for each in blocks(SECTION, DOCUMENT) if each.startswith(f"# {first}\n")]
    return found


@dataclass
class Town:
    """A city's host: a folder, its addresses, and the processes that run there."""

    name: str
    folder: Path
    ports: tuple[int, int]
    log_key: str
    variables: dict[str, str] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)
    said: dict[str, "queue.Queue[str]"] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "consortium"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    def _environment(self) -> dict[str, str]:
        address = f"127.0.0.1:{self.ports[0]}"
        own = {
            "CITY": self.name, "ADDRESS": address, "LISTEN": address, "RPC": f"127.0.0.1:{self.ports[1]}",
            "LOG_KEY": self.log_key, "ZK_COMETBFT_PROGRAM": str(ENGINE), "ZK_CONSORTIUM_SNAPSHOT_EVERY": "4",
            "ZK_HOME": str(self.folder / "home"),
        }  # fmt: skip
        return environment({**own, **self.variables})

    def _script(self, text: str) -> str:
        """Return a block as it stands, with `zk` as it is here, and its document for reading."""
        program = shlex.join([sys.executable, "-m", "zk.cli"])
        return f'zk() {{ local group=$1 name=$2; shift 2; {program} "$group" "$name" --json "$@"; }}\n{text}'

    def run(self, first: str, **variables: str) -> dict[str, Any]:
        done = self.done(first, **variables)
        assert done.code == 0, done
        return done.json

    def done(self, first: str, **variables: str) -> Done:
        """Run a block at this city."""
        self.variables |= variables
        ran = subprocess.run(
            ["bash", "-e", "-c", self._script(block(first))], cwd=self.folder, env=self._environment(),
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return Done(ran.returncode, ran.stdout, ran.stderr)

    def begin(self, first: str, **variables: str) -> None:
        """Run a block that goes on until it is ended; wait until it is ready."""
        self.variables |= variables
        script = self._script(block(first)).replace(f"{sys.executable} -m", f"exec {sys.executable} -m")
        process = subprocess.Popen(
            ["bash", "-e", "-c", script], cwd=self.folder, env=self._environment(), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.processes[first], self.said[first] = process, queue.Queue()
        threading.Thread(target=_read_into, args=(process.stdout, self.said[first]), daemon=True).start()

    def event(self, first: str) -> dict[str, Any]:
        """Return the next line that a block's process prints."""
        line = self.said[first].get(timeout=SECONDS)
        assert line, f"{self.name} has ended: {first}"
        parsed: dict[str, Any] = json.loads(line)
        return parsed

    def end(self, first: str) -> None:
        process = self.processes.pop(first)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        said = list(iter(lambda: self.said[first].get(timeout=SECONDS), ""))
        assert json.loads(said[-1]) == {"event": "stopped"}

    def height(self) -> int:
        with Client(self.url) as client:
            try:
                return client.height
            except StateError:
                return 0

    def _keeps_up(self) -> bool:
        with Client(self.url) as client, suppress(StateError):
            return not client.ask("status")["sync_info"]["catching_up"]
        return False

    def row(self, key: bytes) -> bytes | None:
        with Client(self.url) as client:
            return client.read(key).value

    def claim(self, number: int) -> int:
        """Bring a block about, once the node has caught up."""
        until(self._keeps_up)
        home = CityHome(self.data)
        submits = Submitter([self.url], "east", self.name, home.operator_keys)
        return submits.submit(Claim("walk", number.to_bytes(32, "big"), bytes(32)))[1].height


def _read_into(stream: Any, lines: "queue.Queue[str]") -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


SERVE, FOLLOW = "Each city, as long as it takes part", "Each city, beside its log"


@contextmanager
def ended(towns: dict[str, Town]) -> Iterator[None]:
    try:
        yield
    finally:
        for each in [process for town in towns.values() for process in town.processes.values()]:
            each.send_signal(signal.SIGTERM)
        for each in [process for town in towns.values() for process in town.processes.values()]:
            each.wait(SECONDS)


@dataclass
class World:
    """All hosts, and the real service at Jinan."""

    towns: dict[str, Town]
    home: Home
    genesis: Path
    digest: str
    accumulator: str

    def __getitem__(self, name: str) -> Town:
        return self.towns[name]

    def grow(self, number: int) -> None:
        """Have Jinan's log grow."""
        self.home.json("issuer", "revoke", f"{number:064x}", "--accumulator", self.accumulator)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Found a chain of four by the document's blocks; every node runs."""
    folder = tmp_path_factory.mktemp("w")
    lowest = free_range(12)
    settings = {"ZK_HTTP_PORT": str(lowest + 11), "ZK_HTTP_PLAIN": "true"}
    with ExitStack() as stack:
        server = stack.enter_context(running_server(folder / "s", folder / "log", settings=settings))
        home = Home(folder / "h", server).trusting()
        home.json("issuer", "register", "public-security", env=home.admin)
        home.json("issuer", "key", "--department", "public-security")
        made = home.json("issuer", "accumulator", "--department", "public-security")
        towns = dict[str, Town]()
        for number, name in enumerate((*FOUNDERS, NEWCOMER)):
            (folder / name).mkdir()
            key = str(Signer.from_secret(f"{name}.example/log", bytes([number + 1]) * 32).verifier)
            key = server.log_key.read_text().strip() if name == "jinan" else key
            towns[name] = Town(name, folder / name, (lowest + 2 * number, lowest + 2 * number + 1), key)
        towns["jinan"].variables |= {
            "LOG_URL": f"http://127.0.0.1:{lowest + 11}", "OTHER_NODE": towns["qingdao"].url,
            "ZK_SERVER": server.address, "ZK_ROOT": str(server.root), "ZK_LOG_KEY": str(server.log_key),
        }  # fmt: skip
        stack.enter_context(ended(towns))
        yield _founded(World(towns, home, folder / "jinan" / "genesis.json", "", made["accumulator"]))


def _founded(world: World) -> World:
    first, founders = world["jinan"], [world[name] for name in FOUNDERS]
    (first.folder / "cards").mkdir()
    for town in founders:
        assert town.run("Each founder")["name"] == town.name
        (first.folder / "cards" / f"{town.name}.json").write_bytes((town.data / "card.json").read_bytes())
    made = first.run("One of the founders")
    assert made["founders"] == list(FOUNDERS)
    world.digest = made["digest"]
    for town in founders:
        (town.folder / "genesis.json").write_bytes(world.genesis.read_bytes())
        assert town.run("Each founder, with the genesis", DIGEST=made["digest"])["founder"] is True
    for town in founders:
        town.begin(SERVE)
    for town in founders:
        assert town.event(SERVE)["event"] == "ready"
    until(lambda: all(each.height() for each in founders))
    return world


def test_a_running_log_is_followed_through_outages_of_its_nodes(world: World) -> None:
    jinan, qingdao = world["jinan"], world["qingdao"]
    origin = jinan.log_key.split("+")[0]

    def size(town: Town) -> int:
        row = town.row(state.checkpoint_key(origin))
        return state.Ordered.parse(row).size if row else 0

    jinan.begin(FOLLOW)
    assert jinan.event(FOLLOW) == {"event": "ready"}
    first, epoch = jinan.event(FOLLOW), jinan.event(FOLLOW)
    assert (first["event"], first["origin"]) == ("ordered", origin)
    assert (epoch["event"], epoch["number"]) == ("epoch", 0)
    assert size(qingdao) >= first["size"]
    jinan.end(SERVE)  # its own node is away: it submits at the other one
    world.grow(1)
    until(lambda: jinan.event(FOLLOW).get("size", 0) > first["size"])
    before = size(qingdao)
    assert before > first["size"]
    qingdao.end(SERVE)  # two of four: nobody can order anything, and the log goes on
    world.grow(2)
    until(lambda: jinan.event(FOLLOW).get("event") == "trouble")
    world.grow(3)
    for town in (jinan, qingdao):
        town.begin(SERVE)
        assert town.event(SERVE)["event"] == "ready"
    until(lambda: jinan.event(FOLLOW).get("size", 0) > before)
    jinan.end(FOLLOW)


def test_a_city_joins_by_votes_and_a_snapshot(world: World) -> None:
    new, jinan = world[NEWCOMER], world["jinan"]
    new.run("Each founder")
    card = str(new.data / "card.json")
    proposed = jinan.run("An operator", CARD=card)
    assert (proposed["change"], proposed["standing"], proposed["agreed"]) == ("admit", "open", ["jinan"])
    shown = zk("consortium", "status", "--node", jinan.url, "--json").json
    assert [each["proposal"] for each in shown["proposals"]] == [proposed["proposal"]]
    for name in ("qingdao", "weihai"):
        voted = world[name].run("Other operators", PROPOSAL=proposed["proposal"])
    assert voted["standing"] == "accepted"
    late = world["zibo"].done("Other operators", PROPOSAL=proposed["proposal"])
    assert (late.code, late.reason) == (Exit.REFUSED, "PROPOSAL_ENDED")
    for name in FOUNDERS:
        assert world[name].run("Every other city", CARD=card)["name"] == NEWCOMER
    for number in range(6):
        jinan.claim(number)
    shown = zk("consortium", "status", "--node", jinan.url, "--json").json
    (new.folder / "genesis.json").write_bytes(world.genesis.read_bytes())
    joined = new.run(
        "The new city", DIGEST=world.digest, TRUST=f"{shown['height']}:{shown['block_hash']}",
        NODE_1=jinan.url, NODE_2=world["qingdao"].url,
    )  # fmt: skip
    assert joined["founder"] is False
    for number in range(6, 14):
        jinan.claim(number)
    new.begin(SERVE)
    assert new.event(SERVE)["event"] == "ready"
    until(lambda: new.height() >= shown["height"])
    with Client(new.url) as client, pytest.raises(StateError):
        client.ask("block", height="1")  # it came by a snapshot
    new.claim(99)
    with Client(jinan.url) as client:
        height = client.height
        client.wait_for(height)
        found = client.ask("validators", per_page="100")
    assert len(found["validators"]) == 5


def test_what_is_killed_is_started_again_and_a_folder_is_held(world: World) -> None:
    town = world["zibo"]
    done = zk("consortium", "serve", "--data", town.data, "--engine", ENGINE, "--json")
    assert (done.code, done.reason) == (Exit.NOT_STARTED, "NOT_STARTED")
    for kind in ("engine", "application"):
        os.kill(_process_of(town, kind), signal.SIGKILL)
        assert town.event(SERVE)["event"] == "restarted"
        until(lambda: town.height() >= world["jinan"].height() > 0)
    town.claim(50)


def _process_of(town: Town, kind: str) -> int:
    words = {"engine": ("start", str(town.data / "engine")), "application": ("ordering.engine",)}[kind]
    wanted = (*words, str(town.data / kind))
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found = each.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if all(word in found for word in wanted):
            return int(each.parent.name)
    raise AssertionError("it does not run")


def test_an_operators_key_is_rotated_and_a_crash_on_the_way_is_made_good(world: World) -> None:
    town = world["weihai"]
    before = (town.data / "operator.key").read_bytes()
    made = town.run("A city, now and then")
    assert (town.data / "operator.key").read_bytes() != before
    assert (town.data / "operator.key").stat().st_mode & 0o077 == 0
    row = town.row(state.operator_key(town.name))
    assert row is not None
    assert state.read_operator(row).key.hex() == made["key"]
    town.claim(70)
    # The chain has taken the next key, and the answer was never seen.
    (town.data / "operator.next").touch(mode=0o600)
    (town.data / "operator.next").write_bytes((town.data / "operator.key").read_bytes())
    (town.data / "operator.key").write_bytes(before)
    town.claim(71)
    again = town.run("A city, now and then")
    assert again["key"] == made["key"]
    assert not (town.data / "operator.next").exists()
    town.claim(72)


def test_a_log_that_forks_or_goes_back_is_not_submitted(world: World) -> None:
    town = world["qingdao"]
    signer = Signer.from_secret("qingdao.example/log", bytes([2]) * 32)
    honest, forked = MemoryLog(signer).grow(5, 7), MemoryLog(signer, seed=1000).grow(5, 7, 9)
    short = MemoryLog(signer).grow(5)

    def once(log: MemoryLog) -> Done:
        with operator(log) as url:
            return zk("consortium", "checkpoint", "--data", town.data, "--url", url, "--json")

    done = once(honest)
    assert (done.code, done.json["ordered"][0]["size"]) == (0, honest.size)
    assert once(honest).json == {"ordered": []}
    key = state.checkpoint_key(signer.name)
    before = town.row(key)
    for log, reason in ((forked, "CHECKPOINT_FORKED"), (short, "CHECKPOINT_NOT_NEWER")):
        done = once(log)
        assert (done.code, done.reason) == (Exit.REFUSED, reason)
    other = MemoryLog(Signer.generate("qingdao.example/log")).grow(20)
    assert once(other).code == Exit.NOT_VERIFIED
    assert town.row(key) == before
    assert once(honest.grow(300)).json["ordered"][0]["size"] == honest.size


def test_nothing_is_done_with_another_chain_or_an_open_folder(world: World, tmp_path: Path) -> None:
    town = world["jinan"]
    cards = [str(world[name].data / "card.json") for name in FOUNDERS[:2]]
    other = tmp_path / "other.json"
    assert zk("consortium", "genesis", "west", *cards, "--out", other).code == 0
    done = zk("consortium", "join", other, "--data", town.data, "--json")
    assert (done.code, done.reason) == (Exit.USAGE, "CITY_INVALID")
    assert re.search("another chain", done.err)
    assert (town.data / "genesis.json").read_bytes() == world.genesis.read_bytes()
    done = zk("consortium", "join", world.genesis, "--data", town.data, "--digest", "00" * 32, "--json")
    assert (done.code, done.reason) == (Exit.USAGE, "CITY_INVALID")
    town.data.chmod(0o755)
    try:
        done = zk("consortium", "rotate", "--data", town.data, "--json")
    finally:
        town.data.chmod(0o700)
    assert (done.code, done.reason) == (Exit.USAGE, "CITY_INVALID")
    for words in (["--admit", cards[1]], ["--remove", "nobody"]):
        done = zk("consortium", "propose", "--data", town.data, *words, "--json")
        assert (done.code, done.reason) == (Exit.REFUSED, "CHANGE_IMPOSSIBLE")
    assert zk("consortium", "propose", "--data", town.data, "--json").code == Exit.USAGE
    assert zk("consortium", "vote", "zz", "--data", town.data, "--json").reason == "PROPOSAL_MALFORMED"
