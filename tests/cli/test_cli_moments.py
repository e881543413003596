"""A time that a witness signed and no calendar has takes nothing away from what stands under it."""

from pathlib import Path

import pytest

from tests.consortium.making import LOG, cosigner
from tests.consortium.watching import in_a_fresh_process
from tests.tlog.making import opening
from tlog import (
    BlockHeader,
    Checkpoint,
    LogLine,
    Policy,
    WitnessLine,
    cosign,
    leaf_hash,
    receipt_file,
    root_of,
    sign_checkpoint,
)
from tlog.block import GENESIS_PREVIOUS
from zk.exits import Exit
from zk.moments import iso_moment, shown_moment

LAST_SECOND = 253_402_300_799


def test_every_count_of_seconds_is_shown() -> None:
    assert iso_moment(0) == "1970-01-01T00:00:00+00:00"
    assert iso_moment(LAST_SECOND) == "9999-12-31T23:59:59+00:00"
    # Eight hours east of Greenwich that second is of no year that the calendar has.
    assert shown_moment(LAST_SECOND, "en") == str(LAST_SECOND)
    assert "1970" in shown_moment(0, "en")
    for seconds in (LAST_SECOND + 1, 2**53, 2**62, 2**63 - 1):
        assert iso_moment(seconds) == shown_moment(seconds, "zh") == str(seconds)


@pytest.mark.parametrize("seconds", [LAST_SECOND, 2**62])
def test_an_anchored_receipt_with_such_a_time_stays_anchored(tmp_path: Path, seconds: int) -> None:
    """The line is of a witness that counts in no quorum: whoever sends the receipt puts it there."""
    city, other = cosigner(0), cosigner(1)
    own = opening(5)
    leaf = leaf_hash(own.entry().to_bytes())
    header = BlockHeader(0, GENESIS_PREVIOUS, 0, 1, root_of([leaf]), 1).to_bytes()
    note = sign_checkpoint(Checkpoint(LOG.name, 2, root_of([leaf, leaf_hash(header)])), LOG)
    anchored = note + cosign(note, city, 1_700_000_000) + cosign(note, other, seconds)
    (tmp_path / "receipt").write_bytes(receipt_file(own, 0, [leaf_hash(header)], anchored))
    lines = (WitnessLine("city", city.verifier), WitnessLine("other", other.verifier))
    (tmp_path / "policy").write_bytes(Policy((LogLine(LOG.verifier),), lines, (), "city").to_bytes())
    check = ("ledger", "check-receipt", tmp_path / "receipt", "--policy", tmp_path / "policy")
    code, found = in_a_fresh_process("--home", tmp_path / "home", *check)
    assert code == Exit.OK, found
    assert [each["witness"] for each in found["cosigned_by"]] == ["city", "other"]
