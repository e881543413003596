"""Receipts: what an auditor checks offline, and everything that must fail then."""

import datetime as dt

import pytest

import tlog
from disclosure import (
    DisclosureError,
    Presentation,
    Request,
)
from tests.disclosure.world import (
    BANK,
    NOW,
    REQUEST,
    request,
)
from tests.verifier.judging import ANSWER
from tests.verifier.log import LOG, MOMENT, receipt_for
from tests.verifier.recording import OTHER_ANSWER, OTHER_LOG, OTHER_REQUEST, RECEIPT
from verifier import audit_receipt, receipt_body

# ---- receipts


def test_a_receipt_of_this_answer_holds() -> None:
    verified = audit_receipt(RECEIPT, REQUEST, ANSWER, LOG)
    assert (verified.index, verified.checkpoint.size) == (3, 6)
    assert receipt_body(verified).verified == MOMENT


@pytest.mark.parametrize(
    ("receipt", "asked", "answer", "reason"),
    [
        pytest.param(RECEIPT, REQUEST, OTHER_ANSWER, "RECEIPT_MISMATCH", id="another answer"),
        pytest.param(RECEIPT, OTHER_REQUEST, ANSWER, "RECEIPT_MISMATCH", id="another request"),
        pytest.param(RECEIPT, request(verifier=BANK), ANSWER, "RECEIPT_MISMATCH", id="another verifier"),
        pytest.param(
            receipt_for(REQUEST, OTHER_ANSWER), REQUEST, ANSWER, "RECEIPT_MISMATCH", id="of another answer"
        ),
        pytest.param(
            receipt_for(REQUEST, ANSWER, note_hash=bytes(32)), REQUEST, ANSWER, "RECEIPT_MISMATCH",
            id="another holder's note",
        ),
        pytest.param(
            receipt_for(REQUEST, ANSWER, verified=REQUEST.expires), REQUEST, ANSWER, "REQUEST_EXPIRED",
            id="verified too late",
        ),
        pytest.param(
            receipt_for(REQUEST, ANSWER, verified=NOW - dt.timedelta(minutes=3)), REQUEST, ANSWER,
            "REQUEST_NOT_YET_VALID", id="verified before it was asked",
        ),
        pytest.param(
            receipt_for(REQUEST, ANSWER, body=b"x"), REQUEST, ANSWER, "MALFORMED", id="no body"
        ),
        pytest.param(
            receipt_for(REQUEST, ANSWER, body=b""), REQUEST, ANSWER, "MALFORMED", id="an empty body"
        ),
    ],
)  # fmt: skip
def test_a_receipt_for_something_else(
    receipt: bytes, asked: Request, answer: Presentation, reason: str
) -> None:
    with pytest.raises(DisclosureError) as caught:
        audit_receipt(receipt, asked, answer, LOG)
    assert caught.value.reason == reason


def test_a_receipt_under_another_log_key() -> None:
    forged = receipt_for(REQUEST, ANSWER, signer=OTHER_LOG)
    audit_receipt(forged, REQUEST, ANSWER, OTHER_LOG.verifier)
    with pytest.raises(tlog.VerificationError) as caught:
        audit_receipt(forged, REQUEST, ANSWER, LOG)
    assert caught.value.reason == "NOTE_UNSIGNED"


def test_each_changed_octet_of_a_receipt_is_refused() -> None:
    for place in range(len(RECEIPT)):
        octets = bytearray(RECEIPT)
        octets[place] ^= 1
        with pytest.raises((tlog.TlogError, DisclosureError)):
            audit_receipt(bytes(octets), REQUEST, ANSWER, LOG)


@pytest.mark.parametrize("octets", [b"", b"x", RECEIPT[:-1], RECEIPT + b"x", RECEIPT * 2])
def test_octets_that_are_no_receipt(octets: bytes) -> None:
    with pytest.raises(tlog.TlogError):
        audit_receipt(octets, REQUEST, ANSWER, LOG)
