"""What is open between a relying party and a holder, and what comes of it: in each form its own."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from disclosure import ExchangeLink, SignedRequest
from disclosure.composite import VerifiedComposite
from verifier.composite.record import CompositeRecord
from verifier.errors import RegisterError
from verifier.record import Record
from verifier.unique import PseudonymRegister
from verifier.verify import VerifiedPresentation


@dataclass(frozen=True)
class _Exchange:
    """A request that was asked and may be answered until `expires`.

    `link` is for the holder, as text or QR code; `result_token` is the verifier's secret to watch with.
    """

    exchange: str
    link: ExchangeLink
    result_token: str = field(repr=False)
    signed_request: SignedRequest
    expires: dt.datetime


@dataclass(frozen=True)
class OpenExchange(_Exchange):
    """A request of the plain form that was asked and may be answered until `expires`.

    `link` is for the holder, as text or QR code; `result_token` is the verifier's secret to watch with.
    """


@dataclass(frozen=True)
class CompositeExchange(_Exchange):
    """A request of the composite form that was asked; the fields are those of `OpenExchange`."""


@dataclass(frozen=True)
class Answered:
    """An answer that was verified here, and the record to keep of it."""

    verified: VerifiedPresentation
    record: Record


@dataclass(frozen=True)
class CompositeAnswered:
    """An answer of the composite form that was verified here, and the record to keep of it.

    `verify_time` is when the service verified it, by its receipt.
    """

    verified: VerifiedComposite
    record: CompositeRecord
    verify_time: dt.datetime

    def keep(
        self, path: Path, *, unique: Sequence[str] = (), register: PseudonymRegister | None = None
    ) -> None:
        """Note the pseudonyms that may come once, then save the record; the same answer may be kept again.

        `unique` is the policy's. Nothing is saved of an answer whose pseudonym has come in another one; after
        a crash between the two steps the pseudonym is noted for this answer, and keeping it again goes on.
        Raises AlreadySeenError, RegisterError (also if there is no register for `unique`), RecordError,
        OSError.
        """
        if unique:
            if register is None:
                raise RegisterError("pseudonyms that may come once are noted in a register")
            register.admit(self.record.request, self.verified, unique, self.verify_time)
        self.record.save(path)
