"""What happened to a holder besides uses: refusals, consents, withdrawals, things sent, appointments.

On the ledger each is a leaf that looks like a use's receipt (tlog.receipt): a salted commitment, with a note
beside it that only this holder's vault opens. So nobody but the holder can tell a use from a refusal.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from disclosure import canonical
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.presentation import DIGEST_OCTETS

_LABEL: Final = "zk-disclosure/event-body/v1"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MAX_MILLISECONDS: Final = 1 << 47
_MAX_NAME_OCTETS: Final = 400


class EventKind(StrEnum):
    """What can happen; the values stand in signed and hashed bytes and are never reused."""

    ACCOUNT_REGISTERED = "account-registered"
    DECLINED = "declined"
    """The person said no."""
    OVER_ASKED = "over-asked"
    """The vault refused what its verifier's registration does not allow."""
    CONSENT_GRANTED = "consent-granted"
    CONSENT_DECLINED = "consent-declined"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    SENT = "sent"
    """The holder sent something unasked."""
    RECEIVED = "received"
    APPLIED = "applied"
    APPOINTED = "appointed"
    APPOINTMENT_ENDED = "appointment-ended"
    ERRAND_SUBMITTED = "errand-submitted"


@dataclass(frozen=True)
class EventBody:
    """The body that an event's leaf commits to.

    `party` is the resource name of the other side, `digest` 32 octets of what it was about (a request, terms,
    a message, by their own domain-separated digests), `time` the service's, in whole milliseconds, with zone.
    Raises MalformedError MALFORMED.
    """

    kind: EventKind
    party: str
    digest: bytes
    time: dt.datetime

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_OCTETS or not 0 < len(self.party.encode()) <= _MAX_NAME_OCTETS:
            raise MalformedError(
                Reason.MALFORMED, f"an event has a name and a digest of {DIGEST_OCTETS} octets"
            )
        if self.time.tzinfo is None or self.time.microsecond % 1000:
            raise MalformedError(Reason.MALFORMED, "a time is whole milliseconds with a zone")
        if not 0 <= self._milliseconds < _MAX_MILLISECONDS:
            raise MalformedError(Reason.MALFORMED, "a time is outside what is sensible")

    @property
    def _milliseconds(self) -> int:
        return (self.time - _EPOCH) // dt.timedelta(milliseconds=1)

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(_LABEL, self.kind.value, self.party, self.digest, self._milliseconds)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "EventBody":
        """Decode canonical bytes; MalformedError MALFORMED."""
        match canonical.decode(_LABEL, octets):
            case [str(kind), str(party), bytes(digest), int(time)] if (
                kind in set(EventKind) and 0 <= time < _MAX_MILLISECONDS
            ):
                moment = _EPOCH + dt.timedelta(milliseconds=time)
                parsed = cls(EventKind(kind), party, digest, moment)
                if parsed.to_bytes() == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no event")

    def check(self, kind: EventKind, party: str, digest: bytes) -> None:
        """Raise RefusedError RECEIPT_MISMATCH unless it is of this kind, party and matter."""
        if (self.kind, self.party, self.digest) != (kind, party, digest):
            raise RefusedError(Reason.RECEIPT_MISMATCH, "the receipt is for something else")
