"""What is open between a relying party and a holder, and what comes of it: in each form its own."""

import datetime as dt
import errno
import os
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from disclosure import ExchangeLink, SignedRequest
from disclosure.composite import VerifiedComposite
from tlog import Policy, ReceiptState
from verifier import files
from verifier.across import Claims, claim_all
from verifier.anchoring import AnyRecord
from verifier.composite.foreign import Counterpart
from verifier.composite.record import CompositeRecord
from verifier.errors import (
    FinalError,
    RecordError,
    RegisterError,
    VerifierError,
    VerifierReason,
)
from verifier.forms import load_record
from verifier.record import Record
from verifier.unique import PseudonymRegister
from verifier.verify import VerifiedPresentation


@dataclass(frozen=True)
class _Exchange:
    """A request that was asked and may be answered until `expires`.

    `link` is for the holder, as text or QR code; `result_token` is the verifier's secret to watch with.
    Where the holder has to type a code, `pairing_code` is for the verifier's own page, and never goes with
    the link.
    """

    exchange: str
    link: ExchangeLink
    result_token: str = field(repr=False)
    signed_request: SignedRequest
    expires: dt.datetime
    pairing_code: str = field(default="", repr=False)


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
    """An answer that was verified here, and the record to keep of it.

    `demands` is what its receipt has to be by the registered policy before it is accepted: the record of the
    plain form does not hold the policy.
    """

    verified: VerifiedPresentation
    record: Record
    demands: frozenset[ReceiptState] = frozenset()

    def with_record(self, record: AnyRecord) -> "Answered":
        """Return the answer with its record as it is anchored."""
        if not isinstance(record, Record):
            raise TypeError("the record is of another form")
        return replace(self, record=record)


@dataclass(frozen=True)
class CompositeAnswered:
    """An answer of the composite form that was verified here, and the record to keep of it.

    `verify_time` is when the service verified it, by its receipt.
    """

    verified: VerifiedComposite
    record: CompositeRecord
    verify_time: dt.datetime

    @property
    def demands(self) -> frozenset[ReceiptState]:
        """What its receipt has to be by the registered policy before it is accepted."""
        return self.record.demands

    @property
    def counterpart(self) -> Counterpart:
        """What another request needs that counts its numbers."""
        return Counterpart(self.verified, self.record)

    def with_record(self, record: AnyRecord) -> "CompositeAnswered":
        """Return the answer with its record as it is anchored."""
        if not isinstance(record, CompositeRecord):
            raise TypeError("the record is of another form")
        return replace(self, record=record)

    def keep(
        self,
        path: Path,
        *,
        unique: Sequence[str] = (),
        register: PseudonymRegister | None = None,
        across: Sequence[str] = (),
        claims: Claims | None = None,
    ) -> None:
        """Save the record, and note the pseudonyms that may come once; the same answer may be kept again.

        `unique` is the policy's. The one time is used up only when there is a record of it: that lies beside
        `path`, with `.pending` after its name, until the pseudonyms are noted. After a crash it is still
        there, whether they were noted or not, and keeping the answer in it again goes on. Nothing is left of
        an answer that will never be accepted, and no file is replaced. An answer that is verified anew may
        have other octets, since what is published has gone on: those that were written first stay.

        `across` is the policy's too: those of `unique` that `claims` has to find first in all cities. While
        it is asked, other answers with one of these pseudonyms wait, and no others. If it fails nothing is
        noted, and the record stays as `.pending`.

        Raises AlreadySeenError, TakenElsewhereError, OtherSuiteError; RegisterError (also if there is no
        register for `unique` or nobody who claims for `across`), RecordError, FileExistsError, OSError, what
        `claims` raises.
        """
        octets = self.record.to_bytes()
        if unique:
            octets = self._first(path) or self._first(pending_of(path)) or octets
        files.check_free(path, octets)
        if unique:
            if register is None:
                raise RegisterError("pseudonyms that may come once are noted in a register")
            if across and claims is None:
                raise RegisterError("pseudonyms that may come once in all cities are claimed by a consortium")
            octets = self._admit(pending_of(path), octets, unique, register, across, claims)
        files.place(path, octets)
        if unique:
            _remove(pending_of(path))

    def _first(self, path: Path) -> bytes | None:
        """Return what a file holds if that is a record of this same answer; OSError."""
        try:
            found = CompositeRecord.load(path)
        except (FileNotFoundError, RecordError):
            return None
        return found.to_bytes() if found.presentation.digest == self.record.presentation.digest else None

    def _admit(
        self,
        pending: Path,
        octets: bytes,
        unique: Sequence[str],
        register: PseudonymRegister,
        across: Sequence[str],
        claims: Claims | None,
    ) -> bytes:
        """Note the pseudonyms; where one is claimed they are reserved first, and noted once it was.

        Returns what the record's file is to hold: another process may have begun with the same answer.
        """
        try:
            files.place(pending, octets)
        except FileExistsError:
            first = self._first(pending)
            if first is None:
                raise
            octets = first
        given = self.record.request, self.verified, unique
        held: AbstractContextManager[None] = register.reserved(*given) if across else nullcontext()
        try:
            with held:
                if claims is not None:
                    claim_all(claims, self.record.request, self.verified, across)
                register.admit(*given, self.verify_time)
        except FinalError:
            _remove(pending)
            raise
        return octets


def _remove(pending: Path) -> None:
    """Remove what another process, which has kept or refused the same answer, may have removed before."""
    with suppress(FileNotFoundError):
        files.remove(pending)


class PendingError(VerifierError):
    """The answer holds, and its receipt was not anchored in the time that the verifier waits: not accepted.

    `answered` is what holds so far. Its record can be kept, and anchored later.
    """

    REASON = VerifierReason.RECEIPT_PENDING
    DETAIL = "the quorum of witnesses has not yet cosigned a checkpoint that covers the answer"

    def __init__(self, answered: Answered | CompositeAnswered) -> None:
        super().__init__(self.DETAIL)
        self.answered = answered


class DemandError(PendingError):
    """The answer holds, and its registered policy demands a state of its receipt that nobody waits for here.

    Whoever asks can demand more than the policy does, and not less.
    """

    REASON = VerifierReason.RECEIPT_STATE_DEMANDED
    DETAIL = "the registered policy demands a state of the receipt that was not asked to be shown"


def anchored_by(policy: Policy | None) -> frozenset[ReceiptState]:
    """Return what a receipt is that is anchored under a policy: no more than pending if nobody cosigns."""
    is_more = policy is not None and policy.demands_witnesses
    return frozenset({ReceiptState.ANCHORED}) if is_more else frozenset()


def check_demands(answered: Answered | CompositeAnswered, met: Collection[ReceiptState]) -> None:
    """Raise DemandError unless these states are all that the registered policy demands of the receipt."""
    if not answered.demands <= set(met):
        raise DemandError(answered)


def is_kept(path: Path, record: AnyRecord) -> bool:
    """Tell whether a record of the same answer lies at a place; its proofs may be others.

    Raises FileExistsError if something else lies there; OSError.
    """
    try:
        found = load_record(path)
    except FileNotFoundError:
        return False
    except RecordError:
        found = None
    if found is None or found.presentation.digest != record.presentation.digest:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return True


def pending_of(path: Path) -> Path:
    """Return where a record lies until its pseudonyms are noted."""
    return path.with_name(f"{path.name}.pending")
