"""Receipts and proof files: pending and anchored, of this log and of others, and each changed bit refused."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tlog.making import (
    LOG,
    ORIGIN,
    WITNESS_KEYS,
    WITNESSES,
    Log,
    digest,
    flip,
    opening,
    receipt,
    refused,
    sample_log,
)
from tlog import (
    GroupLine,
    LogLine,
    Policy,
    ProofFile,
    ReceiptState,
    Signer,
    TlogError,
    Verifier,
    WitnessLine,
    anchored_receipt,
    check_same_receipt,
    cosign,
    inclusion_proof,
    open_checkpoint,
    receipt_file,
    receipt_leaf,
    sign_checkpoint,
    verify_receipt,
)


def kept(log: Log, n: int, index: int, note: bytes | None = None) -> bytes:
    proof = inclusion_proof(index, log.size, log.node)
    return receipt_file(opening(n), index, proof, note or log.signed())


def test_receipts() -> None:
    log = sample_log(blocks=3, receipts=4, records=1)
    for n in range(12):
        index = n + n // 4 * 2
        verified = verify_receipt(kept(log, n, index), LOG.verifier)
        assert (verified.opening, verified.index) == (opening(n), index)
        assert verified.checkpoint == open_checkpoint(log.signed(), LOG.verifier)
        refused("INCLUSION_INVALID", verify_receipt, kept(log, n, index + 1), LOG.verifier)
        refused("INCLUSION_INVALID", verify_receipt, kept(log, n + 1, index), LOG.verifier)


def quorum_of(count: int) -> Policy:
    lines = tuple(WitnessLine(f"w{n}", key) for n, key in enumerate(WITNESS_KEYS))
    group = GroupLine("all-of-them", count, tuple(each.name for each in lines))
    return Policy((LogLine(LOG.verifier),), lines, (group,), group.name)


def cosigned(log: Log, *times: int | None) -> bytes:
    note = log.signed()
    given = zip(WITNESSES, times, strict=False)
    return note + b"".join(cosign(note, signer, time) for signer, time in given if time is not None)


def test_receipts_with_a_quorum() -> None:
    log = sample_log(1)
    anchored = kept(log, 0, 0, cosigned(log, None, 9, None, 8))
    verified = verify_receipt(anchored, LOG.verifier, policy=quorum_of(2))
    assert [each.time for each in verified.cosignatures] == [9, 8]
    assert verified.is_anchored
    refused("QUORUM_MISSING", verify_receipt, anchored, LOG.verifier, policy=quorum_of(3))
    refused("QUORUM_MISSING", verify_receipt, kept(log, 0, 0), LOG.verifier, policy=quorum_of(1))
    proof = ProofFile.parse(anchored)
    assert proof.verify(receipt(0), LOG.verifier, policy=quorum_of(2)) == log.checkpoint()
    refused("QUORUM_MISSING", proof.verify, receipt(0), LOG.verifier, policy=quorum_of(3))


def test_the_state_of_a_receipt_is_told_where_the_quorum_is_not_demanded() -> None:
    log = sample_log(1)
    note = cosigned(log, None, 9, None, 8)

    def state(file: bytes, policy: Policy | None) -> ReceiptState:
        return verify_receipt(file, LOG.verifier, policy=policy, accept_pending=True).state

    assert state(kept(log, 0, 0, note), None) is ReceiptState.PENDING
    assert state(kept(log, 0, 0, note), quorum_of(2)) is ReceiptState.ANCHORED
    assert state(kept(log, 0, 0, note), quorum_of(3)) is ReceiptState.PENDING
    assert state(kept(log, 0, 0), quorum_of(1)) is ReceiptState.PENDING
    # A policy that no longer names the key of the log that signed then: it may be anchored yet.
    newer = replace(quorum_of(1), logs=(LogLine(Signer.generate(ORIGIN).verifier),))
    assert state(kept(log, 0, 0, note), newer) is ReceiptState.PENDING
    refused("NOTE_UNSIGNED", verify_receipt, kept(log, 0, 0, note), LOG.verifier, policy=newer)


def test_what_does_not_hold_is_not_pending() -> None:
    log, other = sample_log(1), sample_log(2)
    broken = log.signed() + cosign(other.signed(), WITNESSES[0], 9)
    strange = sign_checkpoint(log.checkpoint(), Signer.generate(ORIGIN))
    for reason, file in (
        ("INCLUSION_INVALID", kept(log, 1, 0, cosigned(log, 9))),
        ("INCLUSION_INVALID", kept(log, 1, 0)),
        ("NOTE_SIGNATURE_INVALID", kept(log, 0, 0, broken)),
        ("NOTE_UNSIGNED", kept(log, 0, 0, strange)),
    ):
        refused(reason, verify_receipt, file, LOG.verifier, policy=quorum_of(1), accept_pending=True)


def test_a_quorum_does_not_stand_in_for_the_pinned_log() -> None:
    log, pinned = sample_log(1), Signer.generate(ORIGIN)
    anchored = kept(log, 0, 0, cosigned(log, 9))
    refused("NOTE_UNSIGNED", verify_receipt, anchored, pinned.verifier, policy=quorum_of(1))
    assert verify_receipt(anchored, [pinned.verifier, LOG.verifier], policy=quorum_of(1)).is_anchored


def test_a_pending_receipt_is_anchored_in_a_later_checkpoint() -> None:
    early, late = sample_log(1), sample_log(4)
    pending = kept(early, 0, 0)
    hashes, note = inclusion_proof(0, late.size, late.node), cosigned(late, 7, 8, 9)
    anchored = anchored_receipt(pending, hashes, note, LOG.verifier, quorum_of(3))
    verified = verify_receipt(anchored, LOG.verifier, policy=quorum_of(3))
    assert (verified.opening, verified.index) == (opening(0), 0)
    assert verified.checkpoint == late.checkpoint()
    check_same_receipt(pending, anchored)
    assert receipt_leaf(pending) == receipt_leaf(anchored) == (0, late.node(0, 0))


def test_nothing_is_anchored_that_does_not_verify() -> None:
    early, late = sample_log(1), sample_log(4)
    pending = kept(early, 0, 0)
    hashes, note = inclusion_proof(0, late.size, late.node), cosigned(late, 7, 8)
    elsewhere = inclusion_proof(2, late.size, late.node)

    def refuses(reason: str, *args: Any, log: Verifier = LOG.verifier, count: int = 2) -> None:
        refused(reason, anchored_receipt, *args, log, quorum_of(count))

    refuses("QUORUM_MISSING", pending, hashes, note, count=3)
    refuses("QUORUM_MISSING", pending, hashes, late.signed(), count=1)
    refuses("INCLUSION_INVALID", pending, elsewhere, note)
    refuses("INCLUSION_INVALID", pending, hashes[:-1], note)
    refuses("INCLUSION_INVALID", kept(early, 1, 0), hashes, note)
    refuses("NOTE_UNSIGNED", pending, hashes, note, log=Signer.generate(ORIGIN).verifier)
    refuses("RECEIPT_MALFORMED", replace(ProofFile.parse(pending), extra=None).to_bytes(), hashes, note)
    refuses("PROOF_MALFORMED", b"", hashes, note)


def test_receipts_of_two_entries_are_not_the_same() -> None:
    log = sample_log(2)
    one = kept(log, 0, 0)
    salted = replace(opening(0), salt=digest(7))
    hashes = inclusion_proof(0, log.size, log.node)
    for other in (
        kept(log, 1, 0),
        kept(log, 0, 1),
        receipt_file(salted, 0, hashes, log.signed()),
    ):
        refused("INCLUSION_INVALID", check_same_receipt, one, other)
    check_same_receipt(one, kept(sample_log(5), 0, 0))


def test_every_changed_bit_of_a_receipt_is_refused() -> None:
    good = kept(sample_log(2), 1, 3)
    assert verify_receipt(good, LOG.verifier).index == 3
    for bit in range(len(good) * 8):
        with pytest.raises(TlogError):
            verify_receipt(flip(good, bit), LOG.verifier)


def test_receipts_of_others() -> None:
    log = sample_log(2)
    good = kept(log, 0, 0)
    other = Verifier(LOG.name, LOG.verifier.key_type, digest(0))
    refused("NOTE_UNSIGNED", verify_receipt, good, other)
    refused("PROOF_MALFORMED", verify_receipt, b"", LOG.verifier)
    bare = replace(ProofFile.parse(good), extra=None)
    assert bare.verify(receipt(0), LOG.verifier) == log.checkpoint()
    refused("RECEIPT_MALFORMED", verify_receipt, bare.to_bytes(), LOG.verifier)
    for extra in (b"", b"\x01", b"\x02" + opening(0).to_bytes()[1:], opening(0).to_bytes() + b"\0"):
        refused("RECEIPT_MALFORMED", verify_receipt, replace(bare, extra=extra).to_bytes(), LOG.verifier)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"@v1", b"@v2"),
        (b"index 0", b"index 00"),
        (b"index 0", b"index"),
        (b"index 0", b"Index 0"),
        (b"index 0\n", b""),
        (b"index 0\n", b"index 0\nindex 0\n"),
        (b"index 0\n", b"index 0\nextra AAAA\n"),
        (b"extra ", b"extra  "),
        (b"extra ", b"extra A"),
        (b"index 0\n", b"index 0\n" + (b"A" * 43 + b"=\n") * 64),
        (b"index 0\n", b"index 0\r\n"),
        (b"index 0\n", b"index 0\nAAAA\n"),
    ],
)
def test_malformed_proof_files(old: bytes, new: bytes) -> None:
    good = kept(sample_log(1), 0, 0)
    assert good.count(old) == 1
    refused("PROOF_MALFORMED", ProofFile.parse, good.replace(old, new))


def test_arguments_of_proof_files() -> None:
    refused("NOTE_MALFORMED", ProofFile, 0, (), b"no note")
    signed = sample_log(1).signed()
    refused("OUT_OF_RANGE", ProofFile, -1, (), signed)
    refused("OUT_OF_RANGE", ProofFile, 0, (digest(0),) * 64, signed)
    refused("INVALID_LENGTH", ProofFile, 0, (b"short",), signed)
    refused("INVALID_LENGTH", ProofFile, 0, (), signed, bytes(1_100_001))
