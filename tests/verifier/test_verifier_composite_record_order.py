"""A record's answer rests on what stood on the ledger before it: nothing was registered for it afterwards."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import tlog
from disclosure import RefusedError, epoch_entry
from disclosure.composite import CompositePresentation, CompositeRequest, table_entry
from disclosure.registry import issuer_key_entry, schema_entry, verifier_entry
from tests.disclosure.composite.world import NOW, SCHOOL, SCHOOL_2, find_key
from tests.verifier.composite_city import (
    POLICY,
    PUBLISHED,
    Publications,
    answered,
    composite_record,
    logged,
    policy_of,
)
from tests.verifier.log import LOG, receipt_for
from verifier import CompositeRecord, recheck_composite
from verifier.composite.record_file import accumulator_entry


@cache
def request() -> CompositeRequest:
    with TemporaryDirectory() as folder:
        return policy_of(POLICY, Path(folder)).request(SCHOOL, NOW, Publications(), bytes(range(32)))


@cache
def answer() -> CompositePresentation:
    return answered(request())


@cache
def record() -> CompositeRecord:
    return composite_record(request(), answer())


def policy() -> bytes:
    return record().policy.entry()


def proven_epoch() -> bytes:
    proven = next(each.epoch for each in answer().answer.credentials if each.epoch is not None)
    return epoch_entry(record().directory.accumulators[proven.accumulator].epochs[proven.number])


def newest_epoch() -> bytes:
    """One that no credential of the answer proves, and that is kept as the newest."""
    proven = {each.epoch.accumulator for each in answer().answer.credentials if each.epoch is not None}
    found = (each for key, each in record().directory.accumulators.items() if key not in proven)
    return epoch_entry(next(found).latest)


RESTED_ON: dict[str, Callable[[], bytes]] = {
    "the policy": policy,
    "the verifier's registration": lambda: verifier_entry(SCHOOL, find_key(SCHOOL)),
    "another member's registration": lambda: verifier_entry(SCHOOL_2, find_key(SCHOOL_2)),
    "an issuer key": lambda: issuer_key_entry(next(iter(record().directory.issuer_keys.values()))),
    "a schema": lambda: schema_entry(next(iter(record().directory.schemas.values()))),
    "a list": lambda: table_entry(next(iter(record().directory.code_lists.values()))),
    "a regulator": lambda: next(iter(record().regulators.values())).entry(),
    "an accumulator": lambda: accumulator_entry(next(iter(record().directory.accumulators.values()))),
    "an epoch that is proven": proven_epoch,
}


def placed(entry: bytes, index: int) -> CompositeRecord:
    """Return the record with an entry at another place of the log, truly proven there."""
    before = [tlog.ReceiptEntry(number.to_bytes(32), bytes(32)).to_bytes() for number in range(index)]
    proof = logged((*before, entry))[entry]
    assert entry in record().proofs
    made = replace(record(), proofs={**record().proofs, entry: proof})
    return CompositeRecord.from_bytes(made.to_bytes())


@pytest.mark.parametrize("what", RESTED_ON)
def test_what_an_answer_rests_on_stood_there_before_it(what: str) -> None:
    entry = RESTED_ON[what]()
    assert recheck_composite(placed(entry, PUBLISHED - 1), log_verifier=LOG).index == PUBLISHED
    for pinned in (LOG, None):
        with pytest.raises(RefusedError) as caught:
            recheck_composite(placed(entry, PUBLISHED + 1), log_verifier=pinned)
        assert (caught.value.reason, caught.value.field) == ("RECEIPT_MISMATCH", "proofs")


def test_a_receipt_before_all_of_it_is_refused() -> None:
    receipt = receipt_for(request(), answer(), before=0)
    with pytest.raises(RefusedError) as caught:
        recheck_composite(composite_record(request(), answer(), receipt=receipt), log_verifier=LOG)
    assert caught.value.reason == "RECEIPT_MISMATCH"
    assert "entry 0" in caught.value.detail


def test_the_newest_epoch_that_nothing_proves_may_be_newer_than_the_answer() -> None:
    assert recheck_composite(placed(newest_epoch(), PUBLISHED + 1), log_verifier=LOG).index == PUBLISHED
