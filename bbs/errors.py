"""What can go wrong in this package, as a small tree.

Failing to decode, failing to verify and calling wrongly are different errors; `reason` is a stable string,
never reused for another meaning. No message contains key material, messages or random scalars.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The stable reasons; the value equals the name."""

    # decoding
    INVALID_LENGTH = "INVALID_LENGTH"
    INVALID_POINT = "INVALID_POINT"
    NOT_IN_SUBGROUP = "NOT_IN_SUBGROUP"
    IDENTITY_POINT = "IDENTITY_POINT"
    INVALID_SCALAR = "INVALID_SCALAR"
    INVALID_LABEL = "INVALID_LABEL"
    INVALID_COUNT = "INVALID_COUNT"
    # verification
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    PROOF_INVALID = "PROOF_INVALID"
    COMMITMENT_INVALID = "COMMITMENT_INVALID"
    WITNESS_INVALID = "WITNESS_INVALID"
    PAGE_INVALID = "PAGE_INVALID"
    REVOKED = "REVOKED"
    # arguments
    INVALID_TYPE = "INVALID_TYPE"
    INVALID_INDEXES = "INVALID_INDEXES"
    INVALID_DST = "INVALID_DST"
    INVALID_KEY_MATERIAL = "INVALID_KEY_MATERIAL"
    INVALID_KEY_INFO = "INVALID_KEY_INFO"
    INVALID_RANDOMNESS = "INVALID_RANDOMNESS"
    INVALID_NONCE = "INVALID_NONCE"
    INPUT_TOO_LONG = "INPUT_TOO_LONG"
    COUNT_MISMATCH = "COUNT_MISMATCH"
    KEY_MISMATCH = "KEY_MISMATCH"
    SCALAR_OUT_OF_RANGE = "SCALAR_OUT_OF_RANGE"
    TOO_MANY_MESSAGES = "TOO_MANY_MESSAGES"
    UNKNOWN_CIPHERSUITE = "UNKNOWN_CIPHERSUITE"
    UNKNOWN_GROUP = "UNKNOWN_GROUP"
    DEGENERATE = "DEGENERATE"
    INVALID_STATEMENT = "INVALID_STATEMENT"
    UNSATISFIED = "UNSATISFIED"
    ALREADY_USED = "ALREADY_USED"
    ALREADY_REVOKED = "ALREADY_REVOKED"
    ACCUMULATOR_FULL = "ACCUMULATOR_FULL"
    EPOCH_MISMATCH = "EPOCH_MISMATCH"


class BbsError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class DecodingError(BbsError):
    """Octets that encode no key, signature, proof, commitment, point or scalar."""


class VerificationError(BbsError):
    """A well-formed signature, proof or commitment that does not hold."""


class InputError(BbsError):
    """Arguments outside an operation's domain: the caller's mistake, not the other party's."""
