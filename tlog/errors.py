"""What can go wrong in this package, as a small tree.

Failing to decode, failing to verify and calling wrongly are different errors; `reason` is a stable string,
never reused for another meaning. No message contains key material, a salt or what a receipt holds.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The stable reasons; the value equals the name."""

    # decoding
    ARCHIVE_MALFORMED = "ARCHIVE_MALFORMED"
    BLOCK_MALFORMED = "BLOCK_MALFORMED"
    CHECKPOINT_MALFORMED = "CHECKPOINT_MALFORMED"
    ENTRY_MALFORMED = "ENTRY_MALFORMED"
    EVIDENCE_MALFORMED = "EVIDENCE_MALFORMED"
    HOLDER_NOTE_MALFORMED = "HOLDER_NOTE_MALFORMED"
    KEY_MALFORMED = "KEY_MALFORMED"
    KEY_UNSUPPORTED = "KEY_UNSUPPORTED"
    NOTE_MALFORMED = "NOTE_MALFORMED"
    OBSERVATION_MALFORMED = "OBSERVATION_MALFORMED"
    POLICY_MALFORMED = "POLICY_MALFORMED"
    PROOF_MALFORMED = "PROOF_MALFORMED"
    RECEIPT_MALFORMED = "RECEIPT_MALFORMED"
    REQUEST_MALFORMED = "REQUEST_MALFORMED"
    TILE_MALFORMED = "TILE_MALFORMED"
    # verification
    ARCHIVE_INVALID = "ARCHIVE_INVALID"
    BLOCK_INVALID = "BLOCK_INVALID"
    CONSISTENCY_INVALID = "CONSISTENCY_INVALID"
    EVIDENCE_INVALID = "EVIDENCE_INVALID"
    HOLDER_NOTE_INVALID = "HOLDER_NOTE_INVALID"
    INCLUSION_INVALID = "INCLUSION_INVALID"
    KEYS_UNRELATED = "KEYS_UNRELATED"
    NOTE_SIGNATURE_INVALID = "NOTE_SIGNATURE_INVALID"
    NOTE_UNSIGNED = "NOTE_UNSIGNED"
    ORIGIN_UNKNOWN = "ORIGIN_UNKNOWN"
    QUORUM_MISSING = "QUORUM_MISSING"
    # arguments
    INVALID_KEY = "INVALID_KEY"
    INVALID_LENGTH = "INVALID_LENGTH"
    INVALID_NAME = "INVALID_NAME"
    INVALID_TEXT = "INVALID_TEXT"
    INVALID_TYPE = "INVALID_TYPE"
    KEY_AMBIGUOUS = "KEY_AMBIGUOUS"
    KEY_MISMATCH = "KEY_MISMATCH"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    STATE_MISMATCH = "STATE_MISMATCH"


class TlogError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class MalformedError(TlogError):
    """Bytes or text that encode no note, key, proof, tile, entry, request or archive."""


class VerificationError(TlogError):
    """A well-formed signature, proof, chain or archive that does not hold."""


class InputError(TlogError):
    """Arguments outside an operation's domain: the caller's mistake, not the other party's."""
