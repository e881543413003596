"""The demo's story of nine cities, and what it leaves to somebody who has nothing but the files."""

from pathlib import Path

import pytest

from tests.cities.processes import zk

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_the_story_ends_with_a_receipt_that_is_verified_offline(tmp_path: Path) -> None:
    story = ("demo", "--story", "consortium", "--output", tmp_path / "out")
    code, (told,) = zk("--json", *story, seconds=500)
    assert code == 0, told
    (played,) = told["stories"]
    assert played["went_as_it_must"] is True
    facts = {each["name"].removeprefix("story.consortium."): each for each in played["facts"]}
    assert list(facts) == ["started", "receipts", "anchored", "two_dead", "caught", "offline"]
    assert all(each["holds"] for each in facts.values())
    code, (caught,) = zk("--json", "ledger", "evidence", facts["caught"]["path"])
    assert (code, caught["kind"], caught["grade"]) == (0, "SPLIT_VIEW", "PROVEN")
    receipt, policy = tmp_path / "out" / "receipt.txt", tmp_path / "out" / "policy.txt"
    code, (checked,) = zk("--json", "ledger", "check-receipt", receipt, "--policy", policy)
    assert (code, checked["receipt"]) == (0, "anchored")
