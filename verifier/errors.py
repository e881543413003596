"""What can go wrong on the relying party's side alone, beside what disclosure, tlog and wire refuse.

`reason` is a stable string, never reused for another meaning; `field` names the place in the input where one
can be named. No message contains key material, a token or an attribute's value.
"""

import datetime as dt
from enum import StrEnum
from typing import Final

from disclosure.credential import CIVIL_TIME

NOT_ORDERED: Final = "RECEIPT_NOT_ORDERED"
"""Why something waits that holds, and is not in the order of all cities by now."""


class VerifierReason(StrEnum):
    """The stable reasons; the value equals the name."""

    POLICY_INVALID = "POLICY_INVALID"
    KEY_FILE_INVALID = "KEY_FILE_INVALID"
    RECORD_INVALID = "RECORD_INVALID"
    ANSWER_MALFORMED = "ANSWER_MALFORMED"
    EXPIRED = "EXPIRED"
    HOLDER_DECLINED = "HOLDER_DECLINED"
    HOLDER_WITHDREW = "HOLDER_WITHDREW"
    TIMED_OUT = "TIMED_OUT"
    PAIRING_CLOSED = "PAIRING_CLOSED"
    PSEUDONYM_SEEN = "PSEUDONYM_SEEN"
    REGISTER_INVALID = "REGISTER_INVALID"
    RECEIPT_PENDING = "RECEIPT_PENDING"
    RECEIPT_STATE_DEMANDED = "RECEIPT_STATE_DEMANDED"
    PSEUDONYM_TAKEN = "PSEUDONYM_TAKEN"
    PSEUDONYM_SUITE = "PSEUDONYM_SUITE"


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
    """A policy file that is none, or that asks for what does not exist; `field` is the path in the file.

    `because` is the reason that disclosure gives where it refused what the policy asks for, or empty.
    """

    REASON = VerifierReason.POLICY_INVALID

    def __init__(self, detail: str, *, field: str = "", because: str = "") -> None:
        super().__init__(detail, field=field)
        self.because = because


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


class DeclinedError(VerifierError):
    """The holder's vault said that it will not answer; why, it does not say."""

    REASON = VerifierReason.HOLDER_DECLINED


class WithdrawnError(VerifierError):
    """The holder has withdrawn the standing consent that the request was addressed to."""

    REASON = VerifierReason.HOLDER_WITHDREW


class TimedOutError(VerifierError):
    """The caller's time to wait is over; the request itself may still be answered."""

    REASON = VerifierReason.TIMED_OUT


class PairingFailedError(VerifierError):
    """Wrong pairing codes have closed the exchange; nobody has answered."""

    REASON = VerifierReason.PAIRING_CLOSED


class RegisterError(VerifierError):
    """A file that is no register of pseudonyms, or that cannot be read or written."""

    REASON = VerifierReason.REGISTER_INVALID


class ReservedError(RegisterError):
    """Another answer with one of the pseudonyms is being claimed now; the same answer may be kept later."""


class FinalError(VerifierError):
    """Why an answer will never be accepted: for a pseudonym in it that may come once, named by `field`."""


class AlreadySeenError(FinalError):
    """A pseudonym that may come once has come before, in another presentation.

    `field` is the pseudonym's identifier in the policy, `first` when it came first.
    """

    REASON = VerifierReason.PSEUDONYM_SEEN

    def __init__(self, pseudonym: str, first: dt.datetime) -> None:
        local = first.astimezone(CIVIL_TIME)
        detail = f"it has come before, first on {local:%Y-%m-%d} at {local:%H:%M} UTC+08:00"
        super().__init__(detail, field=pseudonym)
        self.first = first


class TakenElsewhereError(FinalError):
    """A pseudonym that may come once in all cities was claimed first with another answer.

    `field` is the pseudonym's identifier in the policy.
    """

    REASON = VerifierReason.PSEUDONYM_TAKEN

    def __init__(self, pseudonym: str) -> None:
        super().__init__("another answer came first in the consortium's order", field=pseudonym)


class OtherSuiteError(FinalError):
    """Answers in a scope are of another suite, in which everybody has another pseudonym.

    So whether one has come before nobody can tell. `field` is the pseudonym's identifier in the policy.
    """

    REASON = VerifierReason.PSEUDONYM_SUITE

    def __init__(self, pseudonym: str, pinned: str, suite: str) -> None:
        detail = f"answers in this scope are of {pinned}: in {suite} everybody has another pseudonym"
        super().__init__(detail, field=pseudonym)


class NotNowError(Exception):
    """What cannot be kept or accepted now, through no fault of its holder's: it stays where it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
