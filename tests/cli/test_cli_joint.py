"""A sum across two holders by commands: two parents, two vaults, and a bank that sees neither income."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.city import FATHER, MOTHER, City
from tests.cli.running import EXAMPLES, Done, Home, refused, start
from zk.exits import Exit
from zk.local_server import running_server

SECONDS = 60
POLICIES = EXAMPLES / "policies"
Fresh = Callable[[], Path]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    return lambda: tmp_path_factory.mktemp("party") / "zk"


@pytest.fixture(scope="module")
def city(fresh: Fresh) -> Iterator[City]:
    folder = fresh().parent
    with running_server(folder / "data", folder / "server.log") as server:
        yield City.at(server, folder / "city")


@pytest.fixture(scope="module")
def mother(city: City, fresh: Fresh) -> Home:
    return city.holder(fresh(), MOTHER, "child_registration@1", "income_tax@1")


@pytest.fixture(scope="module")
def father(city: City, mother: Home, fresh: Fresh) -> Home:
    return city.holder(fresh(), FATHER, "child_registration@1", "income_tax@1")


@pytest.fixture(scope="module")
def bank(city: City, fresh: Fresh) -> Home:
    return city.verifier(fresh(), "bank-1", "support-first", "support-both")


def asking(
    bank: Home, policy: Path | str, record: Path, *more: object
) -> "tuple[subprocess.Popen[str], str]":
    """Ask in a process; return it with the link."""
    path = POLICIES / f"{policy}.yaml" if isinstance(policy, str) else policy
    process = start("verifier", "ask", path, "--record", record, *more, "--json", "--home", bank.path)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["link"]


def ended(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=SECONDS)
    done = Done(process.returncode, out, err)
    assert done.code == 0, done
    return done.json


@pytest.fixture(scope="module")
def first(bank: Home, mother: Home, fresh: Fresh) -> tuple[str, Path]:
    """The mother's use that has committed to her income, and the bank's record of it."""
    record = fresh().with_name("first.json")
    process, link = asking(bank, "support-first", record)
    usage = mother.json("vault", "present", link, "--yes")
    answered = ended(process)
    assert answered["branch"] == "parent"
    told = mother.zk("vault", "history", usage["usage"], "--lang", "en").out
    assert "gets a commitment" in " ".join(told.split())
    return usage["usage"], record


def test_two_parents_prove_what_they_earn_together(
    bank: Home, mother: Home, father: Home, first: tuple[str, Path], tmp_path: Path
) -> None:
    use, record = first
    process, link = asking(bank, "support-both", tmp_path / "both.json", "--with", f"first={record}")
    alone = father.zk("vault", "present", link, "--yes", "--json")
    refused(alone, Exit.REFUSED, "NOTHING_FITS")
    key = father.json("vault", "handover-key", link)["key"]
    unasked = mother.zk("vault", "hand-over", use, "--to", key, "--lang", "en")
    assert "NOBODY_TO_ASK" in unasked.err
    assert "learns this exact number" in " ".join(unasked.out.split())
    assert "182000.00" in unasked.out
    assert "zk-number:" not in unasked.out
    number = mother.json("vault", "hand-over", use, "--to", key, "--yes")["number"]
    refused(mother.zk("vault", "take-over", number, "--json"), Exit.REFUSED, "KEY_NOT_FOUND")
    changed = number[:-8] + ("A" * 8 if number[-8:] != "A" * 8 else "B" * 8)
    assert father.zk("vault", "take-over", changed, "--json").code != 0
    taken = father.zk("vault", "take-over", "-", "--json", stdin=number + "\n")
    assert taken.json["numbers"] == ["spouse"]
    father.json("vault", "present", link, "--yes")
    both = ended(process)
    assert both["branch"] == "parents"
    assert both["pseudonyms"]["child"] == bank.json("verifier", "check", record)["pseudonyms"]["child"]
    checked = bank.json("verifier", "check", tmp_path / "both.json")
    assert checked["pseudonyms"] == both["pseudonyms"]


def test_one_cent_too_much_is_known_before_anything_is_sent(
    bank: Home, mother: Home, father: Home, first: tuple[str, Path], tmp_path: Path
) -> None:
    use, record = first
    policy = tmp_path / "tight.yaml"
    text = (POLICIES / "support-both.yaml").read_text(encoding="utf-8")
    policy.write_text(text.replace("400000.00", "363999.99"), encoding="utf-8")
    process, link = asking(bank, policy, tmp_path / "tight.json", "--with", f"first={record}")
    key = father.json("vault", "handover-key", link)["key"]
    number = mother.json("vault", "hand-over", use, "--to", key, "--yes")["number"]
    father.json("vault", "take-over", number)
    done = father.zk("vault", "present", link, "--yes", "--json", "--lang", "en")
    process.kill()
    process.communicate()
    refused(done, Exit.REFUSED, "NOTHING_FITS")
    assert "a number of another holder's (spouse)" in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "POLICY_INVALID"),
        (["--with", "second={record}"], "POLICY_INVALID"),
        (["--with", "{record}"], "ANSWER_UNCLEAR"),
        (["--with", "first={record}", "--with", "first={record}"], "ANSWER_UNCLEAR"),
    ],
)
def test_the_first_answer_is_given_by_its_name(
    bank: Home, first: tuple[str, Path], given: list[str], reason: str
) -> None:
    more = [each.format(record=first[1]) for each in given]
    done = bank.zk("verifier", "check-policy", POLICIES / "support-both.yaml", *more, "--json")
    refused(done, Exit.USAGE, reason)
    assert ("add --with first=RECORD" in done.err) == (reason == "POLICY_INVALID")
    good = ["--with", f"first={first[1]}"]
    assert bank.zk("verifier", "check-policy", POLICIES / "support-both.yaml", *good).code == 0


@pytest.mark.parametrize(
    "command", [["take-over", "zk-number:AAAA"], ["hand-over", "ab", "--to", "zk-key:AAAA"]]
)
def test_a_text_that_was_cut_off_is_refused(father: Home, command: list[str]) -> None:
    refused(father.zk("vault", *command, "--json"), Exit.USAGE, "MALFORMED")
