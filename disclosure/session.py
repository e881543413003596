"""A registered party's statement that it is there now: what a session is opened with.

It names the service by its log's verifier key, so that what one service was told opens nothing at another.
"""

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from disclosure import canonical
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.request import CLOCK_TOLERANCE, NONCE_OCTETS, SIGNATURE_OCTETS

_LABEL: Final = "zk-disclosure/session/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/session-signature/v1\x00"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)


@dataclass(frozen=True)
class SessionStatement:
    """Who is there, at which service, when. `time` is whole milliseconds with a zone.

    Raises MalformedError VALUE_INVALID.
    """

    party: str
    service: str
    time: dt.datetime
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_OCTETS))

    def __post_init__(self) -> None:
        if len(self.nonce) != NONCE_OCTETS:
            raise MalformedError(Reason.VALUE_INVALID, f"a nonce has {NONCE_OCTETS} octets", field="nonce")
        if self.time.tzinfo is None or self.time.microsecond % 1000 or self.time < _EPOCH:
            raise MalformedError(
                Reason.VALUE_INVALID, "a time is whole milliseconds with a zone", field="time"
            )

    @property
    def signed_bytes(self) -> bytes:
        """What the party signs with its key: domain-separated canonical bytes."""
        milliseconds = (self.time - _EPOCH) // dt.timedelta(milliseconds=1)
        return _SIGNING_PREFIX + canonical.encode(_LABEL, self.party, self.service, milliseconds, self.nonce)

    def sign(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Return the signature that a party's signing function gives."""
        return sign(self.signed_bytes)

    def check(self, signature: bytes, public_key: bytes, now: dt.datetime) -> None:
        """Raise RefusedError REQUEST_SIGNATURE_INVALID, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID if not."""
        if self.time < now - CLOCK_TOLERANCE:
            raise RefusedError(Reason.REQUEST_EXPIRED, "the statement is too old", field="time")
        if self.time > now + CLOCK_TOLERANCE:
            raise RefusedError(Reason.REQUEST_NOT_YET_VALID, "the statement is dated ahead", field="time")
        try:
            if len(signature) != SIGNATURE_OCTETS:
                raise ValueError
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, self.signed_bytes)
        except (InvalidSignature, ValueError):
            detail = "the statement is not signed by the party's registered key"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="signature") from None
