"""Pending and anchored by commands: a server and three witnesses, each a process; a person and a school."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.city import POLICIES
from tests.cli.running import Done, Home, refused, register_issuers, start, zk
from tlog import CosignatureSigner, GroupLine, LogLine, Policy, ProofFile, Signer, Verifier, WitnessLine
from zk.exits import Exit
from zk.local_server import LocalServer, launch, ready_line, stop

NAMES = ("north", "south", "east")
PATIENCE = 120.0
"""Seconds that the doctor has to come to see something: each look is a process, slow on a busy machine."""


@dataclass
class Witnessed:
    """A server and its three witnesses, of which two make the quorum."""

    folder: Path
    server: LocalServer
    log: Verifier
    policy: Policy
    processes: dict[str, "subprocess.Popen[str]"]

    @property
    def policy_file(self) -> Path:
        return self.folder / "policy"

    def pause(self, *names: str) -> None:
        for name in names:
            self.processes[name].send_signal(signal.SIGSTOP)

    def go_on(self, *names: str) -> None:
        for name in names:
            self.processes[name].send_signal(signal.SIGCONT)


@contextmanager
def witness(folder: Path, known: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = ("witness", "serve", "--data", folder, "--policy", known, "--port", 0, "--json")
    process = start(*command)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["address"], process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    folder = tmp_path_factory.mktemp("witnessed")
    begun = zk("ledger", "init", "--data", folder / "data", "--origin", "city.example/log", "--json").json
    log = Verifier.from_string(begun["log_key"])
    known = folder / "known"
    known.write_bytes(Policy.of_log(log).to_bytes())
    with ExitStack() as stack:
        lines, processes = [], {}
        for name in NAMES:
            made = zk("witness", "init", f"{name}.example/w", "--data", folder / name, "--json").json
            address, processes[name] = stack.enter_context(witness(folder / name, known))
            lines.append(WitnessLine(name, Verifier.from_string(made["key"]), f"http://{address}"))
        policy = Policy((LogLine(log),), tuple(lines), (GroupLine("two", 2, NAMES),), "two")
        (folder / "policy").write_bytes(policy.to_bytes())
        settings = {
            "ZK_POLICY": str(folder / "policy"), "ZK_CHECKPOINT_MS": "100", "ZK_WITNESS_SECONDS": "0.5",
            "ZK_LOG_ORIGIN": log.name,
        }  # fmt: skip
        errors = stack.enter_context((folder / "server.log").open("w", encoding="utf-8"))
        command = ["serve", "--dev", "--data", folder / "data", "--port", "0", "--json"]
        process = launch(command, errors, settings)
        stack.callback(stop, process)
        address = ready_line(process, folder / "server.log")["address"]
        server = LocalServer(address, folder / "data", process.pid)
        yield Witnessed(folder, server, log, policy, processes)


@pytest.fixture(scope="module")
def make_home(tmp_path_factory: pytest.TempPathFactory, witnessed: Witnessed) -> Callable[[], Home]:
    return lambda: Home(tmp_path_factory.mktemp("home") / "zk", witnessed.server).trusting()


@pytest.fixture(scope="module")
def office(make_home: Callable[[], Home]) -> Home:
    home = make_home()
    register_issuers(home)
    return home


@pytest.fixture(scope="module")
def bureau(office: Home, witnessed: Witnessed, make_home: Callable[[], Home]) -> Home:
    """A verifier that has pinned the policy."""
    home = make_home()
    home.json(
        "verifier", "register", "school-7", "--name-zh", "第七小学", "--name-en", "School 7", env=home.admin
    )
    home.json("verifier", "policy", "register", POLICIES / "school.yaml", env=home.admin)
    home.json("ledger", "trust", "--policy", witnessed.policy_file)
    return home


@pytest.fixture
def person(office: Home, make_home: Callable[[], Home]) -> Home:
    home = make_home()
    home.json("vault", "create")
    for item in ("residence_permit", "social_insurance"):
        home.json("vault", "claim", office.issue(item))
    return home


def used(bureau: Home, person: Home, path: Path, *more: object) -> Done:
    """Ask and have the person answer; return how asking ended."""
    ask = ("verifier", "ask", POLICIES / "school.yaml", "--record", path, "--json", "--timeout", "8", *more)
    process = start(*ask, "--home", bureau.path)
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())["link"]
    said = person.zk("vault", "present", link, "--json", "--yes")
    assert said.code == 0, said
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


def pinned(witnessed: Witnessed, home: Home) -> Home:
    home.json("ledger", "trust", "--policy", witnessed.policy_file)
    return home


def anchored(home: Home) -> dict[str, Any]:
    """Anchor until nothing is pending."""
    for _ in range(60):
        made = home.json("vault", "anchor")
        if not made["pending"]:
            return made
    raise AssertionError("still pending")


def test_a_person_sees_pending_become_anchored_and_shows_it_to_anybody(
    witnessed: Witnessed, bureau: Home, person: Home, tmp_path: Path
) -> None:
    witnessed.pause("north", "south")
    used(bureau, person, tmp_path / "record.json")
    refused(person.zk("vault", "anchor", "--json"), Exit.USAGE, "POLICY_MISSING")
    (use,) = person.json("vault", "history")["usages"]
    assert "receipt" not in use
    pinned(witnessed, person)
    (use,) = person.json("vault", "history")["usages"]
    assert (use["holds"], use["receipt"], use["cosigned_by"]) == (True, "pending", [])
    assert "pending" in person.zk("vault", "history").out
    made = person.json("vault", "anchor")
    assert (made["anchored"], made["pending"]) == (0, 1)
    assert "1 receipt still pending" in person.zk("vault", "anchor").out

    pending = tmp_path / "pending"
    person.json("vault", "receipt", use["usage"][:8], pending)
    check = ("ledger", "check-receipt", pending, "--policy", witnessed.policy_file)
    told = zk(*check, "--json", "--home", tmp_path / "nobody")
    assert (told.code, told.json["receipt"]) == (Exit.PENDING, "pending")

    witnessed.go_on("north", "south")
    assert anchored(person)["pending"] == 0
    (use,) = person.json("vault", "history")["usages"]
    assert use["receipt"] == "anchored"
    assert len(use["cosigned_by"]) >= 2
    assert f"entry {use['entry_index']}, anchored" in person.zk("vault", "history").out
    kept = tmp_path / "anchored"
    written = person.json("vault", "receipt", use["usage"][:8], kept)
    assert written["receipt"] == "anchored"
    checks = (
        "ledger",
        "check-receipt",
        kept,
        "--policy",
        witnessed.policy_file,
        "--home",
        tmp_path / "nobody",
    )
    told = zk(*checks, "--json")
    assert (told.code, told.json["receipt"], told.json["entry_index"]) == (0, "anchored", use["entry_index"])
    assert {each["witness"] for each in told.json["cosigned_by"]} <= set(NAMES)
    english, chinese = zk(*checks, "--lang", "en").out, zk(*checks, "--lang", "zh").out
    assert "Anchored" in english
    assert "已锚定" in chinese
    assert all(each["witness"] in english for each in told.json["cosigned_by"])
    assert person.json("vault", "receipt", use["usage"][:8], kept, code=Exit.USAGE)


def test_a_verifier_says_pending_and_brings_its_record_to_anchored(
    witnessed: Witnessed, bureau: Home, person: Home, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    witnessed.pause("north", "east")
    done = used(bureau, person, record)
    assert (done.code, json.loads(done.out.splitlines()[-1])["receipt"]) == (0, "pending")
    before = record.read_bytes()
    assert bureau.json("verifier", "check", record)["receipt"] == "pending"
    assert bureau.json("verifier", "check", record, "--anchored", code=Exit.PENDING)["receipt"] == "pending"
    assert bureau.json("verifier", "anchor", record, code=Exit.PENDING)["receipt"] == "pending"
    assert record.read_bytes() == before
    witnessed.go_on("north", "east")
    bring(bureau, record)
    assert bureau.json("verifier", "check", record, "--anchored")["receipt"] == "anchored"
    told = zk(
        "ledger",
        "check-receipt",
        record,
        "--policy",
        witnessed.policy_file,
        "--json",
        "--home",
        tmp_path / "x",
    )
    assert (told.code, told.json["receipt"]) == (0, "anchored")


def bring(bureau: Home, record: Path) -> None:
    for _ in range(60):
        if bureau.zk("verifier", "anchor", record, "--json").code == 0:
            return
    raise AssertionError("still pending")


def test_where_a_verifier_demands_it_pending_is_no_acceptance(
    witnessed: Witnessed, bureau: Home, person: Home, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    done = used(bureau, person, record, "--anchored")
    assert (done.code, json.loads(done.out.splitlines()[-1])["receipt"]) == (0, "anchored")
    witnessed.pause("north", "south")
    late = tmp_path / "late.json"
    done = used(bureau, person, late, "--anchored")
    assert (done.code, json.loads(done.out.splitlines()[-1])["error"]["reason"]) == (
        Exit.PENDING, "RECEIPT_PENDING",
    )  # fmt: skip
    assert str(late) in done.err
    assert late.exists()
    witnessed.go_on("north", "south")
    bring(bureau, late)


def test_the_checkpoint_tells_who_has_cosigned(witnessed: Witnessed, bureau: Home, person: Home) -> None:
    assert "anchored" not in person.json("ledger", "checkpoint")
    shown = bureau.json("ledger", "checkpoint")["anchored"]
    assert {each["witness"] for each in shown["cosigned_by"]} <= set(NAMES)
    assert len(shown["cosigned_by"]) >= 2
    out = bureau.zk("ledger", "checkpoint").out
    assert "The quorum has cosigned" in out
    assert any(name in out for name in NAMES)


@pytest.mark.timeout(900)
def test_the_doctor_tells_how_far_the_witnesses_are_and_who_fails(
    witnessed: Witnessed, office: Home, bureau: Home, tmp_path: Path
) -> None:
    stranger = Home(tmp_path / "stranger", witnessed.server).trusting()
    for home in (stranger, bureau):
        line = settled(home)
        assert (line["pending"], line["pending_seconds"], line["quorum_reached"]) == (0, 0, True)
        assert "Anchored to the end" in line["detail"]
    witnessed.pause("north")
    grow(office)
    line = waited_for(bureau, lambda each: each["faults"] == {"north": "slow"} and not each["late"])
    assert (line["state"], line["quorum_reached"]) == ("warn", True)
    assert "north does not answer in time." in line["detail"]
    witnessed.pause("south")
    grow(office)
    line = waited_for(stranger, lambda each: each["late"], Exit.UNHEALTHY)
    assert (line["state"], line["asks"], line["quorum_reached"]) == ("fail", True, False)
    assert line["pending"] > 0
    assert 1 < line["pending_seconds"] < 600
    assert line["faults"] == {"north": "slow", "south": "slow"}
    assert "missing for too long" in line["detail"]
    assert "已太久未达法定联署数" in stranger.zk("doctor", "--lang", "zh").out
    witnessed.go_on("north", "south")
    assert settled(bureau)["faults"] == {}


def grow(office: Home) -> None:
    """Put something on the log."""
    office.json("issuer", "key", "--department", "hrss")


def settled(home: Home) -> dict[str, Any]:
    """Wait until all is well again."""
    return waited_for(home, lambda each: each["state"] == "ok" and not each["pending"])


def waited_for(
    home: Home, wanted: Callable[[dict[str, Any]], bool], code: Exit | None = None
) -> dict[str, Any]:
    """Look until the doctor says what is wanted, and ends as it then must."""
    until = time.monotonic() + PATIENCE
    while True:
        done = home.zk("doctor", "--json")
        line: dict[str, Any] = next(each for each in done.json["checks"] if each["name"] == "witnesses")
        if wanted(line):
            assert done.code == (code or Exit.OK)
            return line
        assert time.monotonic() < until, line


def test_the_doctor_does_not_take_another_quorum_for_the_pinned_one(
    witnessed: Witnessed, make_home: Callable[[], Home], tmp_path: Path
) -> None:
    stranger = CosignatureSigner.generate("stranger.example/w").verifier
    line, file = WitnessLine("stranger", stranger), tmp_path / "policy"
    file.write_bytes(Policy((LogLine(witnessed.log),), (line,), quorum="stranger").to_bytes())
    home = make_home()
    home.json("ledger", "trust", "--policy", file)
    told = waited_for(home, lambda each: each["state"] == "fail", Exit.UNHEALTHY)
    assert told["reason"] == "QUORUM_MISSING"


def test_a_policy_is_pinned_for_the_pinned_log_only(
    witnessed: Witnessed, make_home: Callable[[], Home], tmp_path: Path
) -> None:
    home, trust = make_home(), ("ledger", "trust")
    other = Signer.generate("other.example/log").verifier
    strangers, alone, bad = (tmp_path / name for name in ("strangers", "alone", "bad"))
    witness = witnessed.policy.witnesses[0]
    strangers.write_bytes(Policy((LogLine(other),), (witness,), quorum=witness.name).to_bytes())
    alone.write_bytes(Policy.of_log(witnessed.log).to_bytes())
    bad.write_text("quorum nobody\n")
    cases = (
        (strangers, Exit.USAGE, "POLICY_OF_ANOTHER_LOG"),
        (alone, Exit.USAGE, "POLICY_WITHOUT_QUORUM"),
        (bad, Exit.NOT_VERIFIED, "POLICY_MALFORMED"),
        (tmp_path / "none", Exit.USAGE, "FILE_UNREADABLE"),
    )
    for file, code, reason in cases:
        refused(home.zk(*trust, "--policy", file, "--json"), code, reason)
        refused(home.zk("vault", "anchor", "--json"), Exit.USAGE, "POLICY_MISSING")
    assert home.json(*trust, "--policy", witnessed.policy_file)["quorum"] == "two"
    assert home.json("ledger", "checkpoint")["anchored"]["size"] >= 0
    # Another log's key takes the policy with it.
    home.json(*trust, str(other), "--replace")
    assert "anchored" not in home.json(*trust, witnessed.server.log_key, "--replace")
    refused(home.zk("vault", "anchor", "--json"), Exit.USAGE, "POLICY_MISSING")
    unpinned = Home(tmp_path / "unpinned", witnessed.server)
    refused(unpinned.zk(*trust, "--policy", alone, "--json"), Exit.USAGE, "LOG_KEY_MISSING")


def test_what_does_not_hold_is_neither_pending_nor_anchored(
    witnessed: Witnessed, bureau: Home, person: Home, tmp_path: Path
) -> None:
    used(bureau, person, tmp_path / "record.json")
    (use,) = person.json("vault", "history")["usages"]
    file = tmp_path / "receipt"
    person.json("vault", "receipt", use["usage"], file)
    octets = bytearray(file.read_bytes())
    octets[octets.index(b"extra ") + 60] ^= 1
    file.write_bytes(bytes(octets))
    check = ("ledger", "check-receipt", file, "--policy", witnessed.policy_file, "--json")
    told = zk(*check, "--home", tmp_path / "x")
    assert told.code == Exit.NOT_VERIFIED
    strangers = tmp_path / "strangers"
    strange = Signer.generate("other.example/log").verifier
    witness = witnessed.policy.witnesses[0]
    strangers.write_bytes(Policy((LogLine(strange),), (witness,), quorum=witness.name).to_bytes())
    person.json("vault", "receipt", use["usage"], tmp_path / "good")
    told = zk(
        "ledger", "check-receipt", tmp_path / "good", "--policy", strangers, "--json", "--home", tmp_path
    )
    refused(told, Exit.KEY_NOT_TRUSTED, "LOG_UNKNOWN")
    bare = tmp_path / "bare"
    bare.write_bytes(
        ProofFile(0, (), ProofFile.parse((tmp_path / "good").read_bytes()).checkpoint).to_bytes()
    )
    told = zk(
        "ledger", "check-receipt", bare, "--policy", witnessed.policy_file, "--json", "--home", tmp_path
    )
    refused(told, Exit.NOT_VERIFIED, "RECEIPT_MALFORMED")
    bare.write_text("no receipt\n")
    told = zk(
        "ledger", "check-receipt", bare, "--policy", witnessed.policy_file, "--json", "--home", tmp_path
    )
    refused(told, Exit.NOT_VERIFIED, "RECORD_INVALID")
    told = zk("ledger", "check-receipt", bare, "--json", "--home", tmp_path)
    refused(told, Exit.USAGE, "POLICY_MISSING")
