"""Cosignatures of checkpoints by witnesses (c2sp.org/tlog-cosignature).

A quorum counts witnesses, not lines and not keys. One key counts once, under whatever names it appears: an
Ed25519 cosignature does not name its cosigner, so that one witness could make a quorum of names. One name
counts once, with whatever keys: a witness that goes over to ML-DSA-44 cosigns with both for a while. That two
names are two operators is what whoever lists them says; no signature can.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.checkpoint import Checkpoint, LogKeys, checkpoint_of, log_keys
from tlog.encoding import check_count
from tlog.errors import InputError, Reason, VerificationError
from tlog.keys import TIME_OCTETS, CosignatureSigner, MldsaCosignatureSigner, Verifier
from tlog.note import OpenedNote, open_note, text_unverified

__all__ = [
    "Cosignature",
    "CosignatureSigner",
    "MldsaCosignatureSigner",
    "check_witness",
    "check_witnesses",
    "cosign",
    "latest",
    "open_cosigned",
]


@dataclass(frozen=True)
class Cosignature:
    """That a witness saw a checkpoint as the latest of its log, at a POSIX time in seconds.

    A time of 0 in an ML-DSA-44 cosignature says that the checkpoint agrees with all that the witness saw of
    the log, and not that it was the latest.
    """

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
    note: bytes, log: LogKeys, witnesses: Sequence[Verifier], quorum: int
) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
    """Verify a checkpoint signed by its log and cosigned by at least `quorum` of `witnesses`.

    The log's own signature is demanded beside them and does not count. Of several lines of one key the latest
    time is returned; keys of one name count as one witness. Raises what `open_checkpoint` raises;
    VerificationError QUORUM_MISSING; InputError OUT_OF_RANGE (a quorum that the witnesses cannot reach),
    KEY_MISMATCH, KEY_AMBIGUOUS.
    """
    keys = log_keys(log)
    check_witnesses(keys, witnesses)
    check_count(quorum, "the quorum", 0, len({each.name for each in witnesses}) + 1)
    opened = open_note(note, [*keys, *witnesses])
    checkpoint = checkpoint_of(opened, keys)
    cosignatures = tuple(
        Cosignature(witness, latest(opened, witness)) for witness in witnesses if witness in opened.verified
    )
    found = len({each.witness.name for each in cosignatures})
    if found < quorum:
        raise VerificationError(
            Reason.QUORUM_MISSING, f"{found} known witnesses cosigned, {quorum} are demanded"
        )
    return checkpoint, cosignatures


def check_witnesses(log: LogKeys, witnesses: Sequence[Verifier]) -> None:
    """Refuse witnesses that are not cosigners, or share a key with each other or with the log.

    Raises InputError KEY_MISMATCH, KEY_AMBIGUOUS.
    """
    for witness in witnesses:
        check_witness(witness)
    keys = [each.public_key for each in (*log_keys(log), *witnesses)]
    if len(set(keys)) != len(keys):
        raise InputError(Reason.KEY_AMBIGUOUS, "two witnesses, or a witness and the log, share a key")


def check_witness(verifier: Verifier) -> Verifier:
    """Return `verifier`; InputError KEY_MISMATCH if it is not of a type that cosigners sign with."""
    if not verifier.key_type.cosigns:
        raise InputError(Reason.KEY_MISMATCH, "a witness's key is not of the cosignature type")
    return verifier


def latest(opened: OpenedNote, witness: Verifier) -> int:
    """Return the latest time at which a witness whose lines were verified cosigned the note."""
    return max(int.from_bytes(line[:TIME_OCTETS]) for line in opened.signatures_of(witness))
