"""Pending and anchored by commands, of what else is kept: what came unasked, parts of errands, consents."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cli import test_cli_anchoring as anchoring
from tests.cli.city import POLICIES, City, Person
from tests.cli.running import VALUES, Done, Home, refused, start, zk
from tests.cli.test_cli_anchoring import Witnessed, anchored, pinned
from tests.cli.test_cli_errands import BUNDLE, COUNTERS, DECLARED, ERRANDS, declaring
from verifier.client.deliveries import Came
from zk import deliveries
from zk.exits import Exit

witnessed, make_home = anchoring.witnessed, anchoring.make_home
SENDER = Person("周静", "370102198808080000")
NAMES = ("--name-zh", "甲", "--name-en", "A")
SHOWN = ("--show", "residence_permit.months")
Fresh = Callable[[], Home]


@pytest.fixture(scope="module")
def city(witnessed: Witnessed, make_home: Fresh) -> City:
    return City.at(witnessed.server, make_home().path)


@pytest.fixture(scope="module")
def sender(witnessed: Witnessed, city: City, make_home: Fresh) -> Home:
    return pinned(witnessed, city.holder(make_home().path, SENDER, "residence_permit@2"))


@pytest.fixture(scope="module")
def shop(witnessed: Witnessed, city: City, make_home: Fresh) -> Home:
    home = pinned(witnessed, city.verifier(make_home().path, "open-shop"))
    home.json("verifier", "deliveries", "open", *NAMES)
    return home


@pytest.fixture(scope="module")
def friend(witnessed: Witnessed, city: City, make_home: Fresh) -> Home:
    home = pinned(witnessed, make_home())
    home.json("vault", "create")
    asked = ("issuer", "identify", "--person", "FRIEND-1", "--department", "public-security")
    home.json("vault", "register", city.home.json(*asked)["link"], "--person", "FRIEND-1")
    return home


@pytest.fixture
def paused(witnessed: Witnessed) -> Iterator[Callable[[], None]]:
    """Two of three witnesses are dead, so that nothing is anchored, until they are called back."""
    witnessed.pause("north", "south")
    yield lambda: witnessed.go_on("north", "south")
    witnessed.go_on("north", "south")


def until(home: Home, *command: object) -> dict[str, Any]:
    """Run a command until nothing is pending."""
    for _ in range(60):
        done = home.zk(*command, "--json")
        if done.code != Exit.PENDING:
            assert done.code == Exit.OK, done
            return done.json
    raise AssertionError("still pending")


def checked(witnessed: Witnessed, file: object, tmp_path: Path) -> Done:
    """Have somebody check a file who has nothing but the policy."""
    check = ("ledger", "check-receipt", file, "--policy", witnessed.policy_file, "--json")
    return zk(*check, "--home", tmp_path / "nobody")


def test_a_verifier_brings_what_came_unasked_to_anchored(
    witnessed: Witnessed, sender: Home, shop: Home, paused: Callable[[], None], tmp_path: Path
) -> None:
    sender.json("vault", "send", "--to", "open-shop", *SHOWN, "--yes")
    receive, listing = ("verifier", "deliveries", "receive"), ("verifier", "deliveries", "list")
    (came,) = shop.json(*receive, "--anchored", code=Exit.PENDING)["received"]
    assert (came["reason"], came["waits"]) == ("QUORUM_MISSING", True)
    assert shop.json(*listing)["deliveries"] == []
    (came,) = shop.json(*receive)["received"]
    assert (came["holds"], came["receipt"], came["cosigned_by"]) == (True, "pending", [])
    file = came["file"]
    assert shop.json("verifier", "anchor", code=Exit.PENDING) == {
        "anchored": 0, "pending": [file], "failed": [],
    }  # fmt: skip
    assert "1 file still pending" in shop.zk("verifier", "anchor").out
    assert shop.json("verifier", "anchor", file, code=Exit.PENDING)["receipt"] == "pending"
    assert "Pending" in shop.zk(*listing).out
    told = checked(witnessed, file, tmp_path)
    assert (told.code, told.json["receipt"]) == (Exit.PENDING, "pending")

    paused()
    assert until(shop, "verifier", "anchor")["pending"] == []
    assert shop.json("verifier", "anchor") == {"anchored": 0, "pending": [], "failed": []}
    (kept,) = shop.json(*listing)["deliveries"]
    assert (kept["receipt"], kept["entry_index"]) == ("anchored", came["entry_index"])
    told = checked(witnessed, file, tmp_path)
    assert (told.code, told.json["receipt"]) == (Exit.OK, "anchored")

    sender.json("vault", "send", "--to", "open-shop", *SHOWN, "--yes")
    (other,) = until(shop, *receive, "--anchored")["received"]
    assert other["receipt"] == "anchored"
    forge(Path(file), Path(other["file"]))
    refused(shop.zk("verifier", "anchor", file, "--json"), Exit.NOT_VERIFIED, "RECEIPT_MISMATCH")
    failed = shop.json("verifier", "anchor", code=Exit.NOT_VERIFIED)["failed"]
    assert failed == [{"file": file, "reason": "RECEIPT_MISMATCH"}]
    holds = [each["holds"] for each in shop.json(*listing, code=Exit.NOT_VERIFIED)["deliveries"]]
    assert sorted(holds) == [False, True]
    assert checked(witnessed, file, tmp_path).code == Exit.NOT_VERIFIED
    Path(file).unlink()


def forge(file: Path, other: Path) -> None:
    """Put the receipt of another delivery in a file."""
    lines, others = file.read_bytes().splitlines(keepends=True), other.read_bytes().splitlines(keepends=True)
    assert lines[-2].lstrip().startswith(b'"receipt"')
    file.write_bytes(b"".join([*lines[:-2], others[-2], lines[-1]]))


def test_a_vault_says_of_what_it_sent_and_received_which_of_the_two_it_is(
    witnessed: Witnessed, sender: Home, friend: Home, paused: Callable[[], None], tmp_path: Path
) -> None:
    link = friend.json("vault", "deliveries", "open", *NAMES)["link"]
    sender.json("vault", "send", "--card", link, *SHOWN, "--yes")
    receive = ("vault", "deliveries", "receive")
    (came,) = friend.json(*receive, "--anchored", code=Exit.PENDING)["received"]
    assert (came["reason"], came["waits"]) == ("QUORUM_MISSING", True)
    (came,) = friend.json(*receive)["received"]
    assert (came["holds"], came["receipt"]) == (True, "pending")
    (kept,) = friend.json("vault", "deliveries", "list")["received"]
    assert (kept["id"], kept["receipt"]) == (came["id"], "pending")
    assert f"entry {kept['entry_index']}, pending" in friend.zk("vault", "deliveries", "list").out
    paused()
    for home, side in ((sender, "sent"), (friend, "received")):
        anchored(home)
        for each in home.json("vault", "deliveries", "list")[side]:
            assert (each["holds"], each["receipt"]) == (True, "anchored")
    file = tmp_path / "receipt"
    assert friend.json("vault", "receipt", came["id"][:8], file)["receipt"] == "anchored"
    assert checked(witnessed, file, tmp_path).code == Exit.OK
    sender.json("vault", "send", "--card", link, *SHOWN, "--yes")
    (other,) = until(friend, *receive, "--anchored")["received"]
    assert other["receipt"] == "anchored"


@pytest.fixture(scope="module")
def counters(witnessed: Witnessed, city: City, make_home: Fresh) -> dict[str, Home]:
    """Two counters that have pinned the policy, and their bundle."""
    office, homes = city.home, dict[str, Home]()
    office.json("issuer", "register", "market-regulation", env=office.admin)
    office.json("issuer", "schema", "business_licence@1")
    office.json("issuer", "key", "--department", "market-regulation")
    for name, policy in COUNTERS.items():
        home = homes[name] = pinned(witnessed, make_home())
        home.json("verifier", "register", name, *NAMES, env=home.admin)
        home.json("verifier", "policy", "register", ERRANDS / "policies" / f"{policy}.yaml", env=home.admin)
    office.json("errands", "register", ERRANDS / "company-insurance.yaml", env=office.admin)
    return homes


def serving(stack: ExitStack, home: Home, policy: str) -> "subprocess.Popen[str]":
    process = start(
        "verifier", "errands", "serve", BUNDLE, "--policy", ERRANDS / "policies" / f"{policy}.yaml",
        "--home", home.path, "--json", "--anchored", "--count", 1,
    )  # fmt: skip
    stack.callback(process.communicate)
    stack.callback(process.kill)
    return process


def line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Read what a counter says next."""
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def test_a_counter_that_demands_the_quorum_leaves_a_part_submitted_until_then(
    witnessed: Witnessed, city: City, counters: dict[str, Home], make_home: Fresh,
    paused: Callable[[], None], tmp_path: Path,
) -> None:  # fmt: skip
    company = pinned(witnessed, make_home())
    company.json("vault", "create")
    company.json("vault", "claim", city.home.issue("business_licence"))
    with ExitStack() as stack:
        desks = [serving(stack, home, COUNTERS[name]) for name, home in counters.items()]
        begin = ("vault", "errands", "start", BUNDLE, "--yes", "--json", "--timeout", "60")
        done = company.zk(*begin, *declaring(*DECLARED))
        assert done.code == 0, done
        for desk in desks:
            assert [line(desk)["event"] for _ in range(2)] == ["asked", "pending"]
        errand = done.json["errand"]
        shown = company.json("vault", "errands", "show", errand)["parts"]
        assert [each["state"] for each in shown] == ["submitted"] * 2
        paused()
        for desk in desks:
            said = line(desk)
            assert (said["event"], said["receipt"]) == ("received", "anchored")
            assert line(desk) == {"settled": 1}
    shown = company.json("vault", "errands", "show", errand)["parts"]
    assert [each["state"] for each in shown] == ["received"] * 2
    anchored(company)
    history = company.json("vault", "history")
    assert [each["receipt"] for each in history["usages"] + history["others"]] == ["anchored"] * 3
    for home in counters.values():
        (record,) = (home.path / "records").glob("*.json")
        assert home.json("verifier", "check", record, "--anchored")["receipt"] == "anchored"
        assert home.json("verifier", "anchor") == {"anchored": 0, "pending": [], "failed": []}


def test_a_use_of_a_consent_is_accepted_once_it_is_anchored(
    witnessed: Witnessed, city: City, make_home: Fresh, paused: Callable[[], None], tmp_path: Path
) -> None:
    bank, person = pinned(witnessed, make_home()), pinned(witnessed, make_home())
    policy, item = POLICIES / "bank.yaml", "social_insurance@1"
    city.home.json("issuer", "schema", item)
    bank.json("verifier", "register", "bank-of-spring", *NAMES, env=bank.admin)
    bank.json("verifier", "policy", "register", policy, env=bank.admin)
    person.json("vault", "create")
    issued = city.home.json("issuer", "issue", item, "--values", VALUES / "social_insurance.yaml")
    person.json("vault", "claim", issued["link"])
    ask = (
        "verifier",
        "consent",
        "ask",
        policy,
        "--times",
        2,
        "--until",
        "2027-06-30",
        "--every",
        28,
        "--no-qr",
    )
    made = bank.json(*ask)
    assert person.zk("vault", "consents", "answer", made["link"], "--yes").code == 0
    consent, record = made["consent"].removeprefix("consents/"), tmp_path / "record.json"
    use = ("verifier", "consent", "use", consent, policy, "--record", record, "--json", "--anchored")
    process = start(*use, "--timeout", 8, "--home", bank.path)
    while not person.json("vault", "attend", "--once")["attended"]:
        assert process.poll() is None, process.communicate()
    out, err = process.communicate(timeout=60)
    done = Done(process.returncode, out, err)
    assert (done.code, done.reason) == (Exit.PENDING, "RECEIPT_PENDING")
    assert bank.json("verifier", "check", record)["receipt"] == "pending"
    paused()
    assert until(bank, "verifier", "anchor", record)["receipt"] == "anchored"
    anchored(person)
    history = person.json("vault", "history")
    assert {each["receipt"] for each in history["usages"] + history["others"]} == {"anchored"}


def test_what_is_pending_is_looked_at_again_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_PAUSE", 0)
    pending, later, refused_one = (
        Came(name, None, None, reason, waits)
        for name, reason, waits in (
            ("a", "QUORUM_MISSING", True), ("b", "SCHEMA_UNKNOWN", True), ("c", "DELIVERY_INVALID", False),
        )
    )  # fmt: skip
    taken = Came("a", None, None)
    looks = iter([[pending, later, refused_one], [pending, later], [taken, later], [later]])
    changes = iter([0, 3, 1])
    came = list(deliveries.arriving(changes, lambda: next(looks)))
    assert came == [pending, later, refused_one, taken]
    assert list(looks) == []
