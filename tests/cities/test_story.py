"""The demo's story of nine cities, and what it leaves to somebody who has nothing but the files."""

from pathlib import Path

import pytest

from tests.cities.processes import zk
from tests.cli import running
from tests.ordering.engines import needs_engine
from zk.commands import consortium_parts
from zk.exits import Exit


def test_without_an_engine_the_story_says_what_is_missing_and_begins_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consortium_parts, "_BUILT", tmp_path / "none")
    environment = {"PATH": str(tmp_path)}
    story = ("demo", "--story", "consortium", "--output", tmp_path / "out", "--json")
    done = running.zk(*story, env=environment)
    assert (done.code, done.reason) == (Exit.NOT_STARTED, "ENGINE_MISSING")
    assert not (tmp_path / "out").exists()


@needs_engine
@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_story_ends_with_a_receipt_that_is_verified_offline(tmp_path: Path) -> None:
    story = ("demo", "--story", "consortium", "--output", tmp_path / "out")
    code, (told,) = zk("--json", *story, seconds=800)
    assert code == 0, told
    (played,) = told["stories"]
    assert played["went_as_it_must"] is True
    facts = {each["name"].removeprefix("story.consortium."): each for each in played["facts"]}
    assert list(facts) == [
        "started", "receipts", "anchored", "logs_ordered", "once", "two_dead", "order_goes_on", "caught",
        "offline", "order_offline",
    ]  # fmt: skip
    assert all(each["holds"] for each in facts.values())
    (again,) = played["refusals"]
    assert (again["status"], again["reason"]) == ("verifier", "PSEUDONYM_TAKEN")
    code, (caught,) = zk("--json", "ledger", "evidence", facts["caught"]["path"])
    assert (code, caught["kind"], caught["grade"]) == (0, "SPLIT_VIEW", "PROVEN")
    receipt, policy = tmp_path / "out" / "receipt.txt", tmp_path / "out" / "policy.txt"
    code, (checked,) = zk("--json", "ledger", "check-receipt", receipt, "--policy", policy)
    assert (code, checked["receipt"]) == (0, "anchored")
