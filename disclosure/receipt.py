"""What a receipt says to those who hold it: who asked, and which presentation answered which request, when.

On the ledger stands only a salted commitment to it (tlog.receipt). Holder and verifier hold the same opening.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Protocol

from disclosure import canonical
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import VerifierName
from disclosure.presentation import DIGEST_OCTETS

_LABEL: Final = "zk-disclosure/receipt-body/v1"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MAX_MILLISECONDS: Final = 1 << 47


class Asked(Protocol):
    """A request of either form."""

    @property
    def verifier(self) -> VerifierName:
        """Who asks."""
        ...

    @property
    def digest(self) -> bytes:
        """SHA-256 over its canonical bytes, domain-separated by its form."""
        ...


class Answered(Protocol):
    """A presentation of either form."""

    @property
    def digest(self) -> bytes:
        """SHA-256 over its canonical bytes, domain-separated by its form."""
        ...


@dataclass(frozen=True)
class ReceiptBody:
    """The body of a receipt. `verified` is when the service verified, in milliseconds, with time zone."""

    verifier: VerifierName
    request_digest: bytes
    presentation_digest: bytes
    verified: dt.datetime

    def __post_init__(self) -> None:
        if len(self.request_digest) != DIGEST_OCTETS or len(self.presentation_digest) != DIGEST_OCTETS:
            raise MalformedError(Reason.MALFORMED, f"a digest has {DIGEST_OCTETS} octets")
        if self.verified.tzinfo is None or self.verified.microsecond % 1000:
            raise MalformedError(Reason.MALFORMED, "a time is whole milliseconds with a zone")
        if not 0 <= self._milliseconds < _MAX_MILLISECONDS:
            raise MalformedError(Reason.MALFORMED, "a time is outside what is sensible")

    @property
    def _milliseconds(self) -> int:
        return (self.verified - _EPOCH) // dt.timedelta(milliseconds=1)

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(
            _LABEL, str(self.verifier), self.request_digest, self.presentation_digest, self._milliseconds
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> "ReceiptBody":
        """Decode canonical bytes; MalformedError MALFORMED, NAME_INVALID."""
        match canonical.decode(_LABEL, octets):
            case [str(verifier), bytes(request), bytes(presentation), int(verified)] if (
                0 <= verified < _MAX_MILLISECONDS
            ):
                moment = _EPOCH + dt.timedelta(milliseconds=verified)
                parsed = cls(VerifierName.parse(verifier), request, presentation, moment)
                if parsed.to_bytes() == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no receipt")

    def check(self, request: Asked, presentation: Answered) -> None:
        """Raise RefusedError RECEIPT_MISMATCH unless the receipt is for this request and presentation."""
        expected = (request.verifier, request.digest, presentation.digest)
        if (self.verifier, self.request_digest, self.presentation_digest) != expected:
            raise RefusedError(Reason.RECEIPT_MISMATCH, "the receipt is for another presentation")
