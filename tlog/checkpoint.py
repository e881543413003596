"""Checkpoints: what a log signs of its tree (c2sp.org/tlog-checkpoint).

The name of a log's key is the log's origin, which binds a checkpoint to the one log that may have signed it.
Extension lines are read and kept, since cosignatures of type 04 cover them, and mean nothing here; this log
writes none.

A log that changes its key has several under one origin, and signs with the old and the new one for a while.
Whoever knows several takes a checkpoint that any of them signed.
"""

from collections.abc import Sequence
from typing import TypeAlias

from tlog.errors import InputError, Reason, VerificationError
from tlog.keys import KeyType, Signer, Verifier
from tlog.note import OpenedNote, open_note, sign
from tlog.statement import Checkpoint

__all__ = [
    "Checkpoint",
    "LogKeys",
    "check_log_key",
    "checkpoint_of",
    "log_keys",
    "open_checkpoint",
    "sign_checkpoint",
]

LogKeys: TypeAlias = Verifier | Sequence[Verifier]
"""The key of a log, or several of one origin, any of which may have signed."""


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """Return the note of a checkpoint signed by one key of the log or, while it changes its key, by several.

    A log signs only what extends everything that it signed before: that is the caller's to know. Raises
    InputError KEY_MISMATCH unless the keys have the origin's name, OUT_OF_RANGE (no key).
    """
    for signer in signers:
        if signer.name != checkpoint.origin:
            raise InputError(Reason.KEY_MISMATCH, f"the key {signer.name} is not that of {checkpoint.origin}")
    return sign(checkpoint.text(), *signers)


def open_checkpoint(note: bytes, log: LogKeys) -> Checkpoint:
    """Verify a log's signed checkpoint.

    Raises MalformedError NOTE_MALFORMED, CHECKPOINT_MALFORMED; VerificationError NOTE_UNSIGNED,
    NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN (another origin than the key's name); InputError KEY_MISMATCH (a
    cosigner's key, keys of several logs or none).
    """
    keys = log_keys(log)
    return checkpoint_of(open_note(note, keys), keys)


def log_keys(log: LogKeys) -> tuple[Verifier, ...]:
    """Return the keys of one log; InputError KEY_MISMATCH if they are not."""
    keys = (log,) if isinstance(log, Verifier) else tuple(log)
    if len({check_log_key(each).name for each in keys}) != 1:
        raise InputError(Reason.KEY_MISMATCH, "keys of one log are one at least, and have one name")
    return keys


def check_log_key(verifier: Verifier) -> Verifier:
    """Return `verifier`; InputError KEY_MISMATCH if it is not of the type that logs sign with."""
    if verifier.key_type is not KeyType.ED25519:
        raise InputError(Reason.KEY_MISMATCH, f"{verifier.name} is a cosigner's key, not a log's")
    return verifier


def checkpoint_of(opened: OpenedNote, log: LogKeys) -> Checkpoint:
    """Return the checkpoint of a note that the log signed; see `open_checkpoint` for what it raises."""
    keys = log_keys(log)
    origin = keys[0].name
    if not any(each in opened.verified for each in keys):
        raise VerificationError(Reason.NOTE_UNSIGNED, f"{origin} did not sign the checkpoint")
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != origin:
        raise VerificationError(Reason.ORIGIN_UNKNOWN, f"the checkpoint's origin is not {origin}")
    return checkpoint
