"""What a registered policy demands of receipts, by commands: nothing but more is said beside it."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pytest

from tests.cli import test_cli_anchoring as anchoring
from tests.cli.city import POLICIES
from tests.cli.running import Done, Home, refused, start
from tests.cli.test_cli_anchoring import Witnessed, bring, pinned
from tests.disclosure.composite.world import SCHOOL
from tests.ordering.answering import Node
from tests.ordering.cities import town
from tests.verifier.composite_city import POLICY, policy_of
from tests.verifier.log import LOG
from tests.verifier.test_verifier_unique import kept as answered_by
from tlog import ReceiptState
from verifier.client import CompositeAnswered, DemandError, PendingError
from verifier.errors import NOT_ORDERED
from zk import counter
from zk.commands.verifier import records
from zk.commands.verifier.demanding import Demands
from zk.counter import HomeDesk
from zk.exits import CommandError, Exit
from zk.home import Home as ZkHome
from zk.ordered import Pinned
from zk.run import Answer, Run

witnessed, make_home, office = anchoring.witnessed, anchoring.make_home, anchoring.office
SCHOOL_FILE = (POLICIES / "school.yaml").read_text("utf-8")
ANCHORED, ORDERED = ReceiptState.ANCHORED, ReceiptState.ORDERED


def demanding(folder: Path, name: str, state: str | None) -> Path:
    """Write the school's policy under another name, with what it demands of receipts."""
    text = SCHOOL_FILE.replace("id: school-enrolment", f"id: {name}")
    if state is not None:
        text = text.replace("retention_days: 90", f"retention_days: 90\n  receipt: {state}")
    path = folder / f"{name}.yaml"
    path.write_text(text, "utf-8")
    return path


def register(school: Home, path: Path) -> dict[str, Any]:
    return school.json("verifier", "policy", "register", path, env=school.admin)


# ---- what is registered


@pytest.mark.parametrize("state", ["pending", "anchored", "ordered", None])
def test_a_demand_is_registered_as_the_file_says_it(school: Home, tmp_path: Path, state: str | None) -> None:
    path = demanding(tmp_path, f"told-{state or 'nothing'}", state)
    made = register(school, path)
    assert made.get("receipt") == state
    assert register(school, path) == made
    listed = school.json("verifier", "policy", "list")["policies"]
    assert [each.get("receipt") for each in listed if each["policy"] == made["policy"]] == [state]
    said = school.zk("verifier", "policy", "register", path, "--lang", "en", env=school.admin).out
    assert ("Accepted" in said) == (state is not None)
    assert ("consortium's order" in said) == (state == "ordered")


def test_a_registered_demand_never_changes(school: Home, tmp_path: Path) -> None:
    register(school, demanding(tmp_path, "fixed", "ordered"))
    for other in (None, "pending", "anchored"):
        path = demanding(tmp_path, "fixed", other)
        done = school.zk("verifier", "policy", "register", path, "--json", env=school.admin)
        refused(done, Exit.REFUSED, "ALREADY_EXISTS")


@pytest.mark.parametrize("state", ["cosigned", "Ordered", "[ordered]", "''"])
def test_what_is_no_state_is_registered_in_no_way(school: Home, tmp_path: Path, state: str) -> None:
    path = demanding(tmp_path, "wrong", state)
    done = school.zk("verifier", "policy", "register", path, "--json", env=school.admin)
    refused(done, Exit.USAGE, "POLICY_INVALID")
    assert "register.receipt" in done.err


# ---- who cannot wait for it asks nobody


@pytest.mark.parametrize("options", [(), ("--anchored",), ("--ordered",), ("--anchored", "--ordered")])
@pytest.mark.parametrize("file", ["ordered", "anchored", "pending", None])
def test_whoever_cannot_show_what_is_demanded_asks_nobody(
    school: Home, tmp_path: Path, options: tuple[str, ...], file: str | None
) -> None:
    """Neither an option nor another file makes less of what is registered."""
    for state, code, reason in (
        ("ordered", Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN"),
        ("anchored", Exit.USAGE, "POLICY_MISSING"),
    ):
        register(school, demanding(tmp_path, f"strict-{state}", state))
        done = school.zk("verifier", "ask", demanding(tmp_path, f"strict-{state}", file), "--json", *options)
        (line,) = done.out.splitlines()  # nobody was asked
        said = json.loads(line)["error"]["reason"]
        assert said in {"CONSORTIUM_UNKNOWN", "POLICY_MISSING"}
        if not options and file in (state, "pending", None):
            assert (done.code, said) == (code, reason)


def test_no_consent_is_asked_for_by_a_policy_that_cannot_be_met(school: Home, tmp_path: Path) -> None:
    path = demanding(tmp_path, "standing-ordered", "ordered")
    register(school, path)
    ask = ("verifier", "consent", "ask", path, "--times", 1, "--until", "2027-06-30", "--no-qr", "--json")
    refused(school.zk(*ask), Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    assert not list((school.path / "consents").glob("*"))


def test_nothing_is_waited_for_by_a_policy_that_demands_nothing(school: Home, tmp_path: Path) -> None:
    for state in (None, "pending"):
        path = demanding(tmp_path, f"free-{state or 'nothing'}", state)
        register(school, path)
        done = school.zk("verifier", "ask", path, "--json", "--timeout", "0.2")
        assert done.code == Exit.UNREACHABLE
        assert json.loads(done.out.splitlines()[0])["event"] == "asked"


@pytest.mark.parametrize(
    ("state", "code", "reason"),
    [
        ("ordered", Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN"),
        ("anchored", Exit.USAGE, "POLICY_MISSING"),
    ],
)
def test_an_edge_that_cannot_show_what_is_demanded_does_not_begin(
    school: Home, tmp_path: Path, state: str, code: Exit, reason: str
) -> None:
    path = demanding(tmp_path, f"edge-{state}", state)
    register(school, path)
    serve = ("verifier", "openid", "serve", path, "--url", "http://localhost:1", "--port", 0)
    done = school.zk(*serve, "--json")
    refused(done, code, reason)


# ---- anchored: a server and three witnesses


@pytest.fixture(scope="module")
def bureau(office: Home, witnessed: Witnessed, make_home: Callable[[], Home]) -> Home:
    home = make_home()
    names = ("--name-zh", "第八小学", "--name-en", "School 8")
    home.json("verifier", "register", "school-8", *names, env=home.admin)
    return pinned(witnessed, home)


def test_a_policy_that_demands_the_quorum_waits_for_it_without_any_option(
    witnessed: Witnessed, office: Home, bureau: Home, make_home: Callable[[], Home], tmp_path: Path
) -> None:
    person = make_home()
    person.json("vault", "create")
    for item in ("residence_permit", "social_insurance"):
        person.json("vault", "claim", office.issue(item))
    register(bureau, demanding(tmp_path, "quorum", "anchored"))
    less = demanding(tmp_path, "quorum", None)  # what the file says no more stands on the ledger

    def used(path: Path) -> tuple[Done, str]:
        ask = ("verifier", "ask", less, "--record", path, "--json", "--timeout", "15")
        process = start(*ask, "--home", bureau.path)
        assert process.stdout is not None
        link = json.loads(process.stdout.readline())["link"]
        said = person.zk("vault", "present", link, "--yes", "--lang", "en")
        assert said.code == 0, said
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, out, err), said.out

    done, shown = used(tmp_path / "record.json")
    assert "accepted only once witnesses of the ledger have cosigned it" in " ".join(shown.split())
    assert (done.code, json.loads(done.out.splitlines()[-1])["receipt"]) == (0, "anchored")
    witnessed.pause("north", "south")
    try:
        late = tmp_path / "late.json"
        done, _ = used(late)
        # As an edge leaves it: the plain form has no policy in it, so the service is asked what that demands.
        waits = tmp_path / "waits.json.pending"
        waits.write_bytes(late.read_bytes())
        keep = ("verifier", "keep", waits, less)
        refused(bureau.zk(*keep, "--json"), Exit.PENDING, "RECEIPT_PENDING")
        assert waits.read_bytes() == late.read_bytes()
        assert not waits.with_suffix("").exists()
    finally:
        witnessed.go_on("north", "south")
    reason = json.loads(done.out.splitlines()[-1])["error"]["reason"]
    assert (done.code, reason) == (Exit.PENDING, "RECEIPT_PENDING")
    assert late.exists()
    bring(bureau, late)
    assert bureau.json(*keep)["receipt"] == "anchored"
    assert not waits.exists()
    bureau.json("verifier", "check", waits.with_suffix(""), "--anchored")


# ---- what an edge has left: the plain form has no policy in it, so the service is asked what that demands


def test_an_answer_of_the_plain_form_is_kept_by_what_its_policy_demands(
    holder: Home, new_home: Callable[[], Home], tmp_path: Path
) -> None:
    home = new_home()
    home.json("verifier", "register", "school-9", "--name-zh", "九", "--name-en", "Nine", env=home.admin)
    run = Run(as_json=True, lang="en", home=ZkHome(home.path))

    def left(policy: Path) -> Path:
        record = tmp_path / f"{policy.stem}.json"
        ask = ("verifier", "ask", policy, "--record", record, "--json", "--timeout", "30")
        process = start(*ask, "--home", home.path)
        assert process.stdout is not None
        holder.json("vault", "present", json.loads(process.stdout.readline())["link"], "--yes")
        process.communicate(timeout=60)
        return record.rename(f"{record}.pending")

    free, strict = demanding(tmp_path, "left-free", None), demanding(tmp_path, "left-ordered", "ordered")
    for each in (free, strict):
        register(home, each)
    with town(tmp_path, 4) as opened:
        trusted = Node(opened).trusted(2)
    header = replace(trusted.header, time=(int(time.time()), 0))
    Pinned(replace(trusted, header=header), "http://127.0.0.1:1").save(run)
    waits = left(strict)
    octets, keep = waits.read_bytes(), ("verifier", "keep", waits, strict, "--json")
    refused(home.zk(*keep), Exit.UNREACHABLE, "NODE_UNREACHABLE")
    shutil.rmtree(run.home.consortium)
    refused(home.zk(*keep), Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    assert (waits.read_bytes(), waits.with_suffix("").exists()) == (octets, False)

    waits = left(free)
    octets, record = waits.read_bytes(), waits.with_suffix("")
    refused(home.zk("verifier", "keep", waits, strict, "--json"), Exit.USAGE, "POLICY_INVALID")
    assert home.json("verifier", "keep", waits, free)["record"] == str(record)
    assert (record.read_bytes(), waits.exists()) == (octets, False)
    waits.write_bytes(octets)  # a crash before it was removed
    home.json("verifier", "keep", waits, free)
    assert not waits.exists()


# ---- the counter's page


class Client:
    """A client whose holder has answered; it raises what is given, or returns the answer."""

    def __init__(self, ends: CompositeAnswered | Exception) -> None:
        self._ends = ends

    async def wait(self, *_: object) -> CompositeAnswered:
        if isinstance(self._ends, Exception):
            raise self._ends
        return self._ends

    async def run(self, act: Callable[[], Any]) -> Any:
        return act()


def desk(folder: Path, ends: CompositeAnswered | Exception) -> tuple[HomeDesk, Any, ZkHome]:
    home, policy = ZkHome(folder / "zk"), policy_of(POLICY, folder)
    home.path.mkdir()
    home.save_profile(replace(home.profile(), log_key=LOG))
    zh, en = (Run(as_json=False, lang=each, home=home) for each in ("zh", "en"))
    return HomeDesk(zh, en, cast(Any, Client(ends)), SCHOOL, [policy]), policy, home


@pytest.mark.parametrize("error", [PendingError, DemandError])
async def test_a_counters_page_keeps_what_holds_and_is_not_accepted_yet(
    error: type[PendingError], tmp_path: Path
) -> None:
    made, policy, home = desk(tmp_path, error(answered_by(ANCHORED)))
    outcome = await made._ended(policy, cast(Any, None))
    assert (outcome.state, outcome.zh[1], outcome.record) == ("undecided", error.REASON, None)
    assert len(list(home.records.glob("*.json"))) == 1


@pytest.mark.parametrize("in_order", [True, False])
async def test_a_counters_page_accepts_what_is_demanded_in_the_order_once_it_is(
    in_order: bool, tmp_path: Path
) -> None:
    made, policy, home = desk(tmp_path, answered_by(ORDERED))

    def with_order(*given: Any) -> Answer:
        if not in_order:
            raise CommandError(Exit.PENDING, NOT_ORDERED, "error.record_not_ordered", path=given[3])
        return Answer({})

    demands = Demands(order=lambda _: b"what shows it")
    with (
        mock.patch.object(counter, "with_order", with_order),
        mock.patch.object(counter, "order_told", return_value=({}, ["ordered"])),
    ):
        outcome = await made._ended(policy, cast(Any, None), demands)
    assert outcome.state == ("answered" if in_order else "undecided")
    assert ("ordered" in outcome.en) == in_order
    assert len(list(home.records.glob("*.json"))) == 1
    assert not any(str(tmp_path) in line for line in (*outcome.zh, *outcome.en))
    assert outcome.zh[0] != outcome.en[0]


# ---- a record by itself


@pytest.mark.parametrize("state", [None, *ReceiptState])
def test_a_record_is_checked_by_what_its_own_policy_demands(
    state: ReceiptState | None, tmp_path: Path
) -> None:
    """Whoever checks says nothing of it: the policy stands in the record, with its proof."""
    path, run = tmp_path / "record.json", Run(as_json=True, lang="en", home=ZkHome(tmp_path / "zk"))
    answered_by(state).record.save(path)
    run.home.path.mkdir()
    run.home.save_profile(replace(run.home.profile(), log_key=LOG))
    told = records.check(run, path, None, anchored=False, ordered=False)
    assert told.exit_code == (Exit.PENDING if state in (ANCHORED, ORDERED) else Exit.OK)
    assert told.data["policy"].get("receipt") == (None if state is None else state.value)
    said = "\n".join(map(str, told.lines))
    assert ("nobody's cosignatures count here" in said) == (state is ANCHORED)
    assert ("not in the consortium's order" in said) == (state is ORDERED)
