"""Two cities by commands, real engines: votes by a card, keys that are shown to count, a killed `serve`."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ordering import state
from ordering.city.home import CityHome
from ordering.client import Client
from ordering.errors import StateError
from ordering.home import public_octets
from ordering.submitting import Submitter
from ordering.transactions import Claim
from tests.cli.running import Done, refused, start, zk
from tests.ordering.engines import ENGINE, SECONDS, free_range, needs_engine, until
from tlog.keys import Signer
from zk.exits import Exit

pytestmark = [needs_engine, pytest.mark.timeout(600)]
CHAIN = "pair"


@dataclass
class Town:
    """A city's host: its folder and home, its ports, and `zk consortium serve`."""

    name: str
    folder: Path
    ports: tuple[int, int]
    power: int = 10
    process: "subprocess.Popen[str] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / "c"

    @property
    def card(self) -> Path:
        return self.data / "card.json"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    def done(self, command: str, *words: object) -> Done:
        given = ("--home", self.folder / "home", "--json")
        return zk("consortium", command, *words, *given, env={"ZK_COMETBFT_PROGRAM": str(ENGINE)})

    def run(self, command: str, *words: object) -> Any:
        done = self.done(command, *words)
        assert done.code == 0, done
        return done.json

    def init(self) -> "Town":
        self.folder.mkdir()
        key = Signer.from_secret(f"{self.name}.example/log", self.name.encode().ljust(32, b"x")).verifier
        address = f"127.0.0.1:{self.ports[0]}"
        self.run(
            "init", self.name, "--data", self.data, "--log", key, "--address", address, "--listen", address,
            "--rpc", f"127.0.0.1:{self.ports[1]}", "--power", self.power,
        )  # fmt: skip
        return self

    def begin(self) -> None:
        self.process = start(
            "consortium",
            "serve",
            "--data",
            self.data,
            "--engine",
            ENGINE,
            "--json",
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline())["event"] == "ready"

    def height(self) -> int:
        with Client(self.url) as client, suppress(StateError):
            return client.height
        return 0

    def claim(self, number: int) -> int:
        submits = Submitter([self.url], CHAIN, self.name, CityHome(self.data).operator_keys)
        return submits.submit(Claim("pair", number.to_bytes(32, "big"), bytes(32)))[1].height

    def left(self) -> dict[str, int]:
        """Return the processes of engine and machine, as far as they run."""
        found = dict[str, int]()
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = each.read_bytes().split(b"\0")
                for kind in ("engine", "application"):
                    if str(self.data / kind).encode() in words:
                        found[kind] = int(each.parent.name)
        return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town]]:
    folder, lowest = tmp_path_factory.mktemp("p"), free_range(4)
    one = Town("jinan", folder / "a", (lowest, lowest + 1)).init()
    two = Town("weihai", folder / "b", (lowest + 2, lowest + 3)).init()
    genesis = folder / "genesis.json"
    one.run("genesis", CHAIN, one.card, two.card, "--out", genesis)
    for each in (one, two):
        each.run("join", genesis, "--data", each.data)
    try:
        for each in (one, two):
            each.process = start(
                "consortium", "serve", "--data", each.data, "--engine", ENGINE, "--json",
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        for each in (one, two):
            assert each.process is not None
            assert each.process.stdout is not None
            assert json.loads(each.process.stdout.readline())["event"] == "ready"
        until(lambda: one.height() and two.height())
        yield one, two
    finally:
        for each in (one, two):
            if each.process is not None:
                each.process.send_signal(signal.SIGTERM)
                each.process.communicate(timeout=SECONDS)
            for process in each.left().values():
                os.kill(process, signal.SIGKILL)


def test_a_vote_by_a_card_is_sent_only_for_what_the_card_says(pair: tuple[Town, Town]) -> None:
    one, two = pair
    new = Town("yantai", one.folder.parent / "n", (1, 2), power=0).init()
    forged = Town("yantai", one.folder.parent / "f", (1, 2), power=0).init()
    proposed = one.run("propose", "--data", one.data, "--admit", new.card)
    assert (proposed["standing"], proposed["agreed"]) == ("open", ["jinan"])
    until(lambda: two.run("status", "--node", two.url)["proposals"])
    vote = ("vote", proposed["proposal"], "--data", two.data, "--card")
    refused(two.done(*vote, forged.card), Exit.REFUSED, "CARD_MISMATCH")
    refused(two.done(*vote, two.card), Exit.REFUSED, "CARD_MISMATCH")
    (two.folder / "broken.json").write_bytes(new.card.read_bytes()[:-9])
    refused(two.done(*vote, two.folder / "broken.json"), Exit.USAGE, "CITY_INVALID")
    shown = one.run("status", "--node", one.url)["proposals"]
    assert [each["agreed"] for each in shown] == [["jinan"]]  # nothing was sent
    assert two.run(*vote, new.card)["standing"] == "accepted"
    removing = one.run("propose", "--data", one.data, "--remove", "yantai")
    until(lambda: len(two.run("status", "--node", two.url)["proposals"]) == 1)
    done = two.done("vote", removing["proposal"], "--data", two.data, "--card", new.card)
    refused(done, Exit.REFUSED, "CARD_MISMATCH")  # a card says nothing of a removal


def test_a_changed_key_is_shown_to_count_under_a_trusted_header(pair: tuple[Town, Town]) -> None:
    one, two = pair
    header = one.folder / "header"
    two.run("header", header, "--node", two.url, "--height", 1)
    one.run("trust", header, "--node", one.url)
    before = CityHome(one.data).card().operator.key
    rotated = one.run("rotate", "--data", one.data)
    assert rotated["height"] >= 1
    assert CityHome(one.data).card().operator.key.hex() == rotated["key"] != before.hex()
    with Client(two.url) as client:
        row = client.read(state.operator_key("jinan")).value
    assert row is not None
    assert state.read_operator(row).key.hex() == rotated["key"]
    one.claim(1)
    assert one.run("trust")["height"] >= rotated["height"]
    again = one.run("rotate", "--data", one.data)
    assert again["key"] != rotated["key"]
    one.claim(2)
    assert two.run("rotate", "--data", two.data)["height"] is None  # no header is trusted there
    two.claim(3)
    assert len({public_octets(each) for each in CityHome(one.data).operator_keys()}) == 3


def test_what_a_killed_serve_leaves_goes_on_and_keeps_another_out(pair: tuple[Town, Town]) -> None:
    one, two = pair
    assert two.process is not None
    left = two.left()
    assert len(left) == 2
    two.process.kill()
    two.process.communicate(timeout=SECONDS)
    two.process = None
    before = one.height()
    assert one.claim(10) > before  # both validators are needed: the one that was left goes on
    until(lambda: two.height() > before)
    assert two.claim(11)
    assert two.left() == left
    done = two.done("serve", "--data", two.data)
    refused(done, Exit.NOT_STARTED, "NOT_STARTED")
    assert two.left() == left
    # One of the two ends, and nobody starts it again: the folder is held for as long as the other runs.
    os.kill(left["engine"], signal.SIGKILL)
    until(lambda: two.left() == {"application": left["application"]})
    refused(two.done("serve", "--data", two.data), Exit.NOT_STARTED, "NOT_STARTED")
    os.kill(left["application"], signal.SIGKILL)
    until(lambda: not two.left())
    two.begin()
    until(lambda: two.height() >= one.height() > 0)
    assert one.claim(12)
    assert two.claim(13)
