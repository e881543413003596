"""Checkpoints: what a log signs of its tree (c2sp.org/tlog-checkpoint).

The name of a log's key is the log's origin, which binds a checkpoint to the one log that may have signed it.
Extension lines are read and kept, since cosignatures cover them, and mean nothing here; this log writes none.
"""

from dataclasses import dataclass

from tlog.encoding import check_bytes, check_count, check_line, decoding, from_base64, from_decimal, to_base64
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.keys import KeyType, Signer, Verifier
from tlog.merkle import HASH_OCTETS
from tlog.note import OpenedNote, open_note, sign


@dataclass(frozen=True)
class Checkpoint:
    """The size and the root of the log that `origin` names.

    The constructor raises InputError INVALID_TEXT, INVALID_TYPE, INVALID_LENGTH, OUT_OF_RANGE.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_line(self.origin, "the origin")
        check_count(self.size, "the size")
        check_bytes(self.root, "the root", HASH_OCTETS)
        for line in self.extensions:
            check_line(line, "an extension line")

    def text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Decode the text of a note; MalformedError CHECKPOINT_MALFORMED."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():
            raise MalformedError(Reason.CHECKPOINT_MALFORMED, "a checkpoint has three lines at least")
        origin, size, root, *extensions = lines
        with decoding(Reason.CHECKPOINT_MALFORMED):
            root_octets = from_base64(root, "the root", HASH_OCTETS)
            return cls(origin, from_decimal(size, "the size"), root_octets, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed note of a checkpoint; InputError KEY_MISMATCH unless the key has the origin's name.

    A log signs only what extends everything that it signed before: that is the caller's to know.
    """
    if signer.name != checkpoint.origin:
        raise InputError(Reason.KEY_MISMATCH, f"the key {signer.name} is not that of {checkpoint.origin}")
    return sign(checkpoint.text(), signer)


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Verify a log's signed checkpoint.

    Raises MalformedError NOTE_MALFORMED, CHECKPOINT_MALFORMED; VerificationError NOTE_UNSIGNED,
    NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN (another origin than the key's name); InputError KEY_MISMATCH (a
    cosigner's key).
    """
    return checkpoint_of(open_note(note, [check_log_key(verifier)]), verifier)


def check_log_key(verifier: Verifier) -> Verifier:
    """Return `verifier`; InputError KEY_MISMATCH if it is not of the type that logs sign with."""
    if verifier.key_type is not KeyType.ED25519:
        raise InputError(Reason.KEY_MISMATCH, f"{verifier.name} is a cosigner's key, not a log's")
    return verifier


def checkpoint_of(opened: OpenedNote, log: Verifier) -> Checkpoint:
    """Return the checkpoint of a note that the log's key signed; see `open_checkpoint` for what it raises."""
    if log not in opened.verified:
        raise VerificationError(Reason.NOTE_UNSIGNED, f"{log.name} did not sign the checkpoint")
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != log.name:
        raise VerificationError(Reason.ORIGIN_UNKNOWN, f"the checkpoint's origin is not {log.name}")
    return checkpoint
