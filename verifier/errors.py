"""What can go wrong on the relying party's side alone, beside what disclosure, tlog and wire refuse.

`reason` is a stable string, never reused for another meaning; `field` names the place in the input where one
can be named. No message contains key material, a token or an attribute's value.
"""

from enum import StrEnum


class VerifierReason(StrEnum):
    """The stable reasons; the value equals the name."""

    POLICY_INVALID = "POLICY_INVALID"
    KEY_FILE_INVALID = "KEY_FILE_INVALID"
    RECORD_INVALID = "RECORD_INVALID"
    ANSWER_MALFORMED = "ANSWER_MALFORMED"
    EXPIRED = "EXPIRED"
    TIMED_OUT = "TIMED_OUT"


class VerifierError(Exception):
    """Base of every error that this package raises on purpose, for itself."""

    REASON: VerifierReason

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__(detail, field)
        self.reason: str = self.REASON.value
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        place = f" ({self.field})" if self.field else ""
        return f"{self.reason}{place}: {self.detail}"


class PolicyError(VerifierError):
    """A policy file that is none, or that asks for what does not exist; `field` is the path in the file."""

    REASON = VerifierReason.POLICY_INVALID


class KeyFileError(VerifierError):
    """A key file that cannot be read or written, or that the passphrase does not open."""

    REASON = VerifierReason.KEY_FILE_INVALID


class RecordError(VerifierError):
    """A file that is no record of an answered request, or one that does not fit together."""

    REASON = VerifierReason.RECORD_INVALID


class AnswerError(VerifierError):
    """The service answered something that no honest service answers."""

    REASON = VerifierReason.ANSWER_MALFORMED


class ExpiredError(VerifierError):
    """Nobody answered the request while it lived."""

    REASON = VerifierReason.EXPIRED


class TimedOutError(VerifierError):
    """The caller's time to wait is over; the request itself may still be answered."""

    REASON = VerifierReason.TIMED_OUT
