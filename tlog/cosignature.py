"""Cosignatures of checkpoints by witnesses (c2sp.org/tlog-cosignature, Ed25519).

A quorum counts witnesses, not lines: one key counts once, under whatever names it appears. Counting two names
of one key as two would let one witness make a quorum, since the signed message does not name the cosigner.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.checkpoint import Checkpoint, check_log_key, checkpoint_of
from tlog.encoding import check_count
from tlog.errors import InputError, Reason, VerificationError
from tlog.keys import TIME_OCTETS, CosignatureSigner, KeyType, Verifier
from tlog.note import OpenedNote, open_note, text_unverified

__all__ = ["Cosignature", "CosignatureSigner", "check_witnesses", "cosign", "open_cosigned"]


@dataclass(frozen=True)
class Cosignature:
    """That a witness saw a checkpoint as the latest of its log, at a POSIX time in seconds."""

    witness: Verifier
    time: int


def cosign(checkpoint_note: bytes, signer: CosignatureSigner, time: int) -> bytes:
    """Return a witness's line for a checkpoint that `witness.decide` accepted and that is stored by now.

    It does not verify the log's signature nor consistency again. Raises MalformedError NOTE_MALFORMED,
    CHECKPOINT_MALFORMED; InputError OUT_OF_RANGE.
    """
    text = text_unverified(checkpoint_note)
    Checkpoint.parse(text)
    return signer.sign_line(text, time)


def open_cosigned(
    note: bytes, log_verifier: Verifier, witnesses: Sequence[Verifier], quorum: int
) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
    """Verify a checkpoint signed by its log and cosigned by at least `quorum` of `witnesses`.

    The log's own signature is demanded beside them and does not count. Of several lines of one witness the
    latest time is returned. Raises what `open_checkpoint` raises; VerificationError QUORUM_MISSING;
    InputError OUT_OF_RANGE (a quorum that the witnesses cannot reach), KEY_MISMATCH, KEY_AMBIGUOUS.
    """
    check_log_key(log_verifier)
    check_witnesses(log_verifier, witnesses)
    check_count(quorum, "the quorum", 0, len(witnesses) + 1)
    opened = open_note(note, [log_verifier, *witnesses])
    checkpoint = checkpoint_of(opened, log_verifier)
    cosignatures = tuple(
        Cosignature(witness, _latest(opened, witness)) for witness in witnesses if witness in opened.verified
    )
    if len(cosignatures) < quorum:
        raise VerificationError(
            Reason.QUORUM_MISSING, f"{len(cosignatures)} known witnesses cosigned, {quorum} are demanded"
        )
    return checkpoint, cosignatures


def check_witnesses(log_verifier: Verifier, witnesses: Sequence[Verifier]) -> None:
    """Refuse witnesses that are not cosigners, or share a key with each other or with the log.

    Raises InputError KEY_MISMATCH, KEY_AMBIGUOUS.
    """
    if any(witness.key_type is not KeyType.COSIGNATURE for witness in witnesses):
        raise InputError(Reason.KEY_MISMATCH, "a witness's key is not of the cosignature type")
    keys = [log_verifier.public_key, *(witness.public_key for witness in witnesses)]
    if len(set(keys)) != len(keys):
        raise InputError(Reason.KEY_AMBIGUOUS, "two witnesses, or a witness and the log, share a key")


def _latest(opened: OpenedNote, witness: Verifier) -> int:
    return max(int.from_bytes(line[:TIME_OCTETS]) for line in opened.signatures_of(witness))
