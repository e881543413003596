"""A log with a witness goes over to another key: homes with a pinned policy, and the witness itself."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.cli.running import Done, Home, refused, start, zk
from tlog import LogLine, Policy, Verifier, WitnessLine
from zk.exits import Exit
from zk.home import Home as Folder
from zk.local_server import LocalServer, launch, ready_line, stop

ORIGIN = "city.example/log"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class Witnessed:
    """A log, its one witness, and homes that have pinned its policy."""

    folder: Path
    port: int = field(default_factory=free_port)
    witness: "subprocess.Popen[str] | None" = None

    @property
    def settings(self) -> dict[str, str]:
        return {
            "ZK_POLICY": str(self.folder / "policy"), "ZK_CHECKPOINT_MS": "100", "ZK_WITNESS_SECONDS": "0.5",
            "ZK_LOG_ORIGIN": ORIGIN,
        }  # fmt: skip

    def policy(self, *keys: Verifier) -> Policy:
        shown = zk("witness", "show", "--data", self.folder / "w", "--json").json
        key = Verifier.from_string(shown["keys"][0])
        line = WitnessLine("w", key, f"http://127.0.0.1:{self.port}")
        return Policy(tuple(map(LogLine, keys)), (line,), quorum="w")

    def name(self, *keys: Verifier) -> Path:
        """Write the policy with lines for these keys to where the server reads it."""
        (self.folder / "policy").write_bytes(self.policy(*keys).to_bytes())
        return self.folder / "policy"

    @contextmanager
    def witnessing(self, *keys: Verifier) -> Iterator[None]:
        """Run the witness, which knows the log by these keys."""
        known = self.folder / f"known-{len(keys)}"
        known.write_bytes(Policy(tuple(map(LogLine, keys))).to_bytes())
        port = ("--port", self.port)
        process = start("witness", "serve", "--data", self.folder / "w", "--policy", known, *port, "--json")
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["event"] == "ready"
            self.witness = process
            yield
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.communicate()

    @contextmanager
    def serving(self) -> Iterator[LocalServer]:
        log = self.folder / "server.log"
        with log.open("w", encoding="utf-8") as errors:
            command = ["serve", "--dev", "--data", self.folder / "data", "--port", "0", "--json"]
            process = launch(command, errors, self.settings)
            try:
                yield LocalServer(ready_line(process, log)["address"], self.folder / "data", process.pid)
            finally:
                stop(process)

    def rotate(self, *more: object) -> Done:
        command = ("ledger", "rotate-key", "--data", self.folder / "data", "--json", *more)
        return zk(*command, env=dict(self.settings))

    def pause(self) -> None:
        assert self.witness is not None
        self.witness.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.witness is not None
        self.witness.send_signal(signal.SIGCONT)


def at(home: Home, server: LocalServer) -> Home:
    """The home, told where the server listens now; nothing else of it changes."""
    profile = home.path / "profile.toml"
    lines = [each for each in profile.read_text().splitlines(keepends=True) if "server = " not in each]
    profile.write_text("".join([f'server = "{server.address}"\n', *lines]))
    return replace(home, server=server)


def pinned(home: Home) -> tuple[Verifier | None, list[Verifier]]:
    """The pinned key, and the keys that the pinned policy names."""
    policy = Folder(home.path).policy()
    assert policy is not None
    return Folder(home.path).profile().log_key, [each.verifier for each in policy.logs]


def anchored(home: Home) -> dict[str, Any]:
    """Wait until all that the log has is anchored by the pinned policy."""
    for _ in range(120):
        found = home.json("ledger", "checkpoint")
        if found["anchored"] is not None and found["anchored"]["size"] == found["size"]:
            return found
        time.sleep(0.25)
    raise AssertionError(found)


def grow(home: Home) -> None:
    """Put something on the log."""
    home.json("issuer", "key", "--department", "hrss")


def test_a_home_follows_with_its_policy_and_a_witness_needs_the_new_line(tmp_path: Path) -> None:
    town = Witnessed(tmp_path)
    begun = zk("ledger", "init", "--data", tmp_path / "data", "--origin", ORIGIN, "--json").json
    old = Verifier.from_string(begun["log_key"])
    zk("witness", "init", "w.example/w", "--data", tmp_path / "w", "--json")
    before = town.name(old).read_bytes()
    with town.witnessing(old), town.serving() as server:
        early, late, plain = (Home(tmp_path / each, server).trusting() for each in ("early", "late", "plain"))
        for each in (early, late):
            each.json("ledger", "trust", "--policy", tmp_path / "policy")
        early.json("issuer", "register", "hrss", env=early.admin)
        early.json("issuer", "schema", "social_insurance@1")
        grow(early)
        anchored(early)
        exported = early.json("ledger", "export", tmp_path / "before.ledger")
        assert exported["log_key"] == str(old)

    said = town.rotate()
    new = Verifier.from_string(said.json["new_key"])
    with town.witnessing(old):
        town.pause()
        with town.serving() as server:
            early = at(early, server)
            grow(early)
            # The record stands on the ledger, and nobody else has seen it yet.
            refused(early.zk("ledger", "trust", "--follow", "--json"), Exit.NOT_VERIFIED, "QUORUM_MISSING")
            assert pinned(early) == (old, [old])
            assert at(plain, server).json("ledger", "trust", "--follow")["followed"]
            town.go_on()
            anchored(early)
            followed = early.json("ledger", "trust", "--follow")
            assert (followed["log_key"], followed["quorum"]) == (str(new), "w")
            assert pinned(early) == (new, [new, old])
            anchored(early)
    refused(town.rotate("--finish"), Exit.REFUSED, "POLICY_LACKS_KEY")
    both = town.name(new, old)
    assert town.rotate("--finish").code == 0

    with town.witnessing(old), town.serving() as server:
        early = at(early, server)
        grow(early)
        time.sleep(3)
        found = early.json("ledger", "checkpoint")
        size = found["anchored"]["size"]
        assert size < found["size"], "a witness that knows the old key only cosigns no more"
    with town.witnessing(new, old), town.serving() as server:
        early, late = at(early, server), at(late, server)
        found = anchored(early)
        assert (found["log_key"], found["anchored"]["size"] > size) == (str(new), True)
        _the_late_one_follows(town, late, both, before)
        for each in (early, late):
            assert each.json("ledger", "verify", tmp_path / "before.ledger")["log_key"] == str(old)


def _the_late_one_follows(town: Witnessed, late: Home, both: Path, before: bytes) -> None:
    old, file = pinned(late)[0], town.folder / "old.policy"
    assert old is not None
    file.write_bytes(before)
    done = late.zk("ledger", "trust", "--follow", "--policy", file, "--json")
    refused(done, Exit.USAGE, "POLICY_LACKS_KEY")
    assert pinned(late) == (old, [old])
    new = Verifier.from_string(late.json("ledger", "trust", "--follow", "--policy", both)["log_key"])
    assert pinned(late) == (new, [new, old])
    # A home that followed before policies went along is mended by the same command.
    (late.path / "witnesses.policy").write_bytes(before)
    mended = late.json("ledger", "trust", "--follow")
    assert (mended["followed"], mended["quorum"]) == (False, "w")
    assert pinned(late) == (new, [new, old])
    anchored(late)
