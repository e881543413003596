"""What proves that a key of the log follows another, and what does not."""

import pytest

from disclosure.errors import MalformedError, RefusedError
from disclosure.log_key_change import open_change, predecessors
from disclosure.registry import LOG_KEY_RECORD, log_key_entry, log_keys_of_record
from tests.zkservice.changing import NEW, OLD, ORIGIN, STRANGE, proof_of
from tlog import (
    CosignatureSigner,
    LogLine,
    Policy,
    ProofFile,
    RecordEntry,
    Signer,
    TlogError,
    WitnessLine,
    cosign,
    parse_entry,
)

RECORD = log_key_entry(OLD.verifier, NEW.verifier)


def test_a_change_is_followed_by_its_proof() -> None:
    assert open_change(proof_of(RECORD, OLD, NEW), OLD.verifier) == NEW.verifier
    entry = parse_entry(RECORD)
    assert isinstance(entry, RecordEntry)
    assert entry.kind == LOG_KEY_RECORD
    assert log_keys_of_record(entry.payload) == (OLD.verifier, NEW.verifier)


def test_the_keys_before_are_those_that_signed_for_the_one_after() -> None:
    """A proof that somebody else hands on leads to keys that are his, and never to this log's."""
    proof, newer = proof_of(RECORD, OLD, NEW), Signer.from_secret(ORIGIN, bytes([7]) * 32)
    second = proof_of(log_key_entry(NEW.verifier, newer.verifier), NEW, newer)
    assert predecessors([proof], NEW.verifier) == [OLD.verifier]
    assert predecessors([second, proof], newer.verifier) == [NEW.verifier, OLD.verifier]
    assert predecessors([proof, second], OLD.verifier) == []
    assert predecessors([proof, second], STRANGE.verifier) == []
    back = proof_of(log_key_entry(NEW.verifier, OLD.verifier), OLD, NEW)
    assert predecessors([proof, back], NEW.verifier) == [OLD.verifier, NEW.verifier], "and it ends"
    stolen = log_key_entry(OLD.verifier, STRANGE.verifier)
    for forged in (proof_of(stolen, STRANGE), proof_of(stolen, NEW, STRANGE), proof_of(stolen, OLD)):
        with pytest.raises(TlogError, match=r"^NOTE_UNSIGNED"):
            predecessors([proof, forged], STRANGE.verifier)
        assert predecessors([proof, forged], NEW.verifier) == [OLD.verifier]
    with pytest.raises(TlogError, match=r"^INCLUSION_INVALID"):
        predecessors([proof_of(RECORD, OLD, STRANGE, extra=stolen)], STRANGE.verifier)


@pytest.mark.parametrize(
    ("reason", "proof"),
    [
        ("NOTE_UNSIGNED", proof_of(RECORD, NEW)),
        ("NOTE_UNSIGNED", proof_of(RECORD, STRANGE, NEW)),
        ("NOTE_UNSIGNED", proof_of(RECORD, OLD)),
        ("NOTE_UNSIGNED", proof_of(log_key_entry(OLD.verifier, STRANGE.verifier), OLD, NEW)),
        ("INCLUSION_INVALID", proof_of(RecordEntry("test", b"other").to_bytes(), OLD, NEW, extra=RECORD)),
        ("LOG_KEY_NOT_FOLLOWED", proof_of(log_key_entry(NEW.verifier, OLD.verifier), OLD, NEW)),
        ("LOG_KEY_NOT_FOLLOWED", proof_of(log_key_entry(STRANGE.verifier, NEW.verifier), OLD, NEW)),
        ("MALFORMED", proof_of(RecordEntry("issuer-key", b"x").to_bytes(), OLD, NEW)),
        ("MALFORMED", proof_of(RecordEntry(LOG_KEY_RECORD, b"x").to_bytes(), OLD, NEW)),
        ("ENTRY_MALFORMED", proof_of(RECORD, OLD, NEW, extra=b"x")),
        ("PROOF_MALFORMED", b"x"),
    ],
    ids=[
        "new key only", "strange and new", "old key only", "other key than signed", "not on the ledger",
        "the other way round", "of another key", "other record", "no names", "no entry", "no proof",
    ],
)  # fmt: skip
def test_what_is_no_proof_of_a_change_moves_nothing(reason: str, proof: bytes) -> None:
    with pytest.raises((TlogError, RefusedError, MalformedError), match=f"^{reason}"):
        open_change(proof, OLD.verifier)


def test_a_record_names_two_keys_of_one_log() -> None:
    other = Signer.from_secret("log.example/other", bytes(32))
    cosigner = CosignatureSigner.from_secret(ORIGIN, bytes(32))
    for new in (OLD.verifier, other.verifier, cosigner.verifier):
        entry = parse_entry(log_key_entry(OLD.verifier, new))
        assert isinstance(entry, RecordEntry)
        with pytest.raises(MalformedError):
            log_keys_of_record(entry.payload)


def test_with_a_policy_the_witnesses_have_to_have_seen_the_change() -> None:
    witness = CosignatureSigner.from_secret("witness.example", bytes([9]) * 32)
    line = WitnessLine("w", witness.verifier)
    policy = Policy((LogLine(OLD.verifier),), (line,), quorum="w")
    proof = proof_of(RECORD, OLD, NEW)
    with pytest.raises(TlogError, match="QUORUM_MISSING"):
        open_change(proof, OLD.verifier, policy)
    cosigned = proof + cosign(ProofFile.parse(proof).checkpoint, witness, 1)
    assert open_change(cosigned, OLD.verifier, policy) == NEW.verifier
