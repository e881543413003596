"""A counter of one-chain errands at work by itself: asks for each new part, verifies what comes, tells it.

What stands around it (`Clerk`) gives the request, keeps an answer, and perhaps decides what becomes of a
part: a command with a department's own program, or a page with a person before it. Everything that is done
for a part is safe to do twice, so a stream that broke is opened anew and nothing of what it told is kept.
"""

import datetime as dt
import enum
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc

from disclosure import DisclosureError, LocalizedText, Request
from disclosure.composite import CompositeRequest
from disclosure.errand import ErrandBundle
from tlog import Policy, ReceiptState, TlogError
from verifier import files
from verifier.anchoring import AnyRecord
from verifier.client.client import VerifierClient
from verifier.client.errands import (
    RECEIVED,
    REJECTED,
    SUBMITTED,
    CounterPart,
    ErrandCounter,
    Outcome,
    ReceivedPart,
)
from verifier.client.exchange import Answered, CompositeAnswered, DemandError, anchored_by, is_kept
from verifier.errors import AnswerError, FinalError, NotNowError, OtherSuiteError, RegisterError
from verifier.forms import load_record
from verifier.ordered import order_file
from wire.client import ServiceError

_NOT_HELD: Final = LocalizedText("提交的内容未能通过核验", "What was submitted did not verify")
_SEEN: Final = LocalizedText("只能办理一次，此前已经办理过", "This can be done once, and was done before")
_OTHER_SUITE: Final = LocalizedText(
    "签名算法与此前不同，无法核对是否已经办理过",
    "It is signed in another way than before: nobody can tell whether it was done before",
)
_DIGEST_DIGITS: Final = 16
_LOOK: Final = dt.timedelta(seconds=5)
"""Where quorum, order or a claim is demanded the stream is opened anew so often: nothing tells of these."""
_LONGEST_LOOK: Final = dt.timedelta(minutes=1)
"""So long a stream may take that ended in the midst of its work, so that it comes to the newest parts too."""
_QUIET_SECONDS: Final = 1.0
_UNUSABLE: Final = "FILE_UNUSABLE"
_PASSING: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
_OVERTAKEN: Final = {"PART_STATE_INVALID", "ERRAND_ENDED"}


def passes(error: ServiceError) -> bool:
    """Tell whether a stream or a call broke, or another was faster; what else is refused is ours to know."""
    return error.code in _PASSING or is_overtaken(error)


def is_overtaken(error: ServiceError) -> bool:
    """Tell whether another desk of the same counter, or the holder, was faster."""
    return error.reason in _OVERTAKEN


class Happening(enum.Enum):
    """What a desk has done about a part, or why it has not."""

    ASKED = "asked"
    NOT_ASKED = "not-asked"
    """What came could not be accepted now, so nobody is asked; told once."""
    PENDING = "pending"
    """It holds, and waits for witnesses; told once."""
    RECEIVED = "received"
    REJECTED = "rejected"
    """It may come once, and has come before."""
    NOT_HELD = "not-held"
    """What was submitted does not verify; it is rejected."""
    WAITS = "waits"
    """It cannot be accepted now."""
    NOT_ANCHORED = "not-anchored"
    """The log or its witnesses have shown something that does not hold."""
    NOT_ORDERED = "not-ordered"
    """It holds, and is not in the order of all cities, or nobody can show that it is; told once."""


@dataclass(frozen=True)
class Taken:
    """An answer that was verified, kept in a file and accepted."""

    received: ReceivedPart
    record: AnyRecord
    path: Path


class Clerk(ABC):
    """What stands around a desk. Its methods are called in the thread in which the desk works."""

    @property
    def claims(self) -> bool:
        """Tell whether answers are claimed in all cities: one that cannot be now is tried again."""
        return False

    @abstractmethod
    def request(self) -> Request | CompositeRequest:
        """Return a fresh request by the counter's policy; NotNowError where nobody is to be asked now."""

    @abstractmethod
    def keep(self, answered: Answered | CompositeAnswered, path: Path) -> None:
        """Save the record of an answer.

        Raises FinalError for what may come once and is not accepted by it, NotNowError.
        """

    @abstractmethod
    def happened(
        self, what: Happening, part: CounterPart, *, reason: str = "", taken: Taken | None = None
    ) -> None:
        """Be told what was done about a part; with RECEIVED goes what was taken."""

    def saw(self, part: CounterPart) -> None:  # noqa: B027, most do not need it
        """Be told of a part that the stream tells, before anything is done about it."""

    def looks_again(self, part: CounterPart) -> bool:
        """Tell whether a part that is received, or in progress, is verified and handed to `took` again."""
        return False

    @abstractmethod
    def took(self, part: CounterPart, taken: Taken) -> bool:
        """Do what is to be done about an accepted part, and return whether that settled it.

        A part that was submitted has been told RECEIVED before.
        """


@dataclass
class ErrandDesk:
    """One counter's part of a bundle; used by one thread at a time.

    With `believed` nothing is accepted before this policy's witnesses have cosigned. With `order` nothing is
    before that gives what shows a record to be in the order of all cities, which is kept beside it; it raises
    NotNowError until then. Where the registered policy demands one of both that is not given nothing is
    (RECEIPT_STATE_DEMANDED). Records are kept in the folder `records`, which is there.
    """

    client: VerifierClient
    counter: ErrandCounter
    bundle: ErrandBundle
    part: str
    clerk: Clerk
    records: Path
    believed: Policy | None = None
    order: Callable[[AnyRecord], bytes] | None = None
    told_all: bool = field(default=False, init=False)
    """Whether the last stream was quiet before it ended: then it had told all parts, and this was done."""
    _look: dt.timedelta = field(default=_LOOK, init=False)
    _told_unasked: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)
    _told_pending: set[Path] = field(default_factory=set, init=False, repr=False)
    _told_unordered: set[tuple[Path, str]] = field(default_factory=set, init=False, repr=False)

    @property
    def looks(self) -> dt.timedelta | None:
        """Return after how long a stream is over and opened anew; None where streams have no such end."""
        waits = self.believed is not None or self.order is not None or self.clerk.claims
        return self._look if waits else None

    def serve(self) -> Iterator[bool]:
        """Do whatever comes, and give for each part whether this settled it, until the stream ends.

        Raises ServiceError, by `passes` often one after which the stream is opened anew.
        """
        worked = time.monotonic()
        for each in self._parts():
            if each.part == self.part:
                self.clerk.saw(each)
                yield self.work(each)
                worked = time.monotonic()
        self.told_all = time.monotonic() - worked >= _QUIET_SECONDS
        self._look = _LOOK if self.told_all else min(2 * self._look, _LONGEST_LOOK)

    def _parts(self) -> Iterator[CounterPart]:
        """Give what the stream tells; one that is to be opened anew now and then ends with its time."""
        parts = iter(self.counter.parts(self.bundle, self.looks))
        while True:
            try:
                each = next(parts, None)
            except ServiceError as error:
                if self.looks is None or error.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise
                return
            if each is None:
                return
            yield each

    def work(self, part: CounterPart) -> bool:
        """Do what a part wants; return whether this settled it."""
        if part.waits:
            self._asked(part)
            return False
        if part.state == SUBMITTED or (part.is_here and self.clerk.looks_again(part)):
            return self._received(part)
        return False

    def _asked(self, part: CounterPart) -> None:
        """Ask for a part, or tell why nobody is asked now: it waits, and is asked for at a later look."""
        try:
            request = self.clerk.request()
        except NotNowError as error:
            if (part.name.id, error.reason) not in self._told_unasked:
                self._told_unasked.add((part.name.id, error.reason))
                self.clerk.happened(Happening.NOT_ASKED, part, reason=error.reason)
            return
        self.counter.ask(self.bundle, part, request)
        self.clerk.happened(Happening.ASKED, part)

    def _received(self, part: CounterPart) -> bool:
        try:
            received = self.counter.receive(self.bundle, part, self._met)
            path = self.path(part, received)
            if not is_kept(path, received.answered.record):
                self.clerk.keep(received.answered, path)
            # One of an earlier look has other proofs, and what is brought now is of these.
            kept = load_record(path)
        except FinalError as error:
            said = _OTHER_SUITE if isinstance(error, OtherSuiteError) else _SEEN
            self.counter.tell(part, Outcome(REJECTED, said))
            self.clerk.happened(Happening.REJECTED, part, reason=error.reason)
            return True
        except (DisclosureError, TlogError, AnswerError) as error:
            self.clerk.happened(Happening.NOT_HELD, part, reason=error.reason)
            self.counter.tell(part, Outcome(REJECTED, _NOT_HELD))
            return True
        except (ServiceError, NotNowError, DemandError) as error:  # not now: it stays, and the next is done
            if isinstance(error, ServiceError) and error.is_of_all:
                raise
            self.clerk.happened(Happening.WAITS, part, reason=error.reason)
            return False
        except (OSError, RegisterError) as error:  # what fails for one part does not hold up the others
            self.clerk.happened(Happening.WAITS, part, reason=getattr(error, "reason", _UNUSABLE))
            return False
        record = self._accepted(part, kept, path)
        if record is None or not self._is_ordered(part, record, path):
            return False
        return self._settled(part, Taken(received, record, path))

    @property
    def _met(self) -> frozenset[ReceiptState]:
        """The states of receipts that are waited for here."""
        ordered = frozenset() if self.order is None else frozenset({ReceiptState.ORDERED})
        return anchored_by(self.believed) | ordered

    def _settled(self, part: CounterPart, taken: Taken) -> bool:
        if part.state == SUBMITTED:
            self.counter.tell(part, Outcome(RECEIVED))
            self.clerk.happened(Happening.RECEIVED, part, taken=taken)
        return self.clerk.took(part, taken)

    def path(self, part: CounterPart, received: ReceivedPart) -> Path:
        """Return where an answer is kept: a part that is opened again gets another one under its name."""
        digest = received.answered.record.presentation.digest.hex()[:_DIGEST_DIGITS]
        return self.records / f"{self.bundle.name.bundle}-{self.part}-{part.name.id}-{digest}.json"

    def _accepted(self, part: CounterPart, record: AnyRecord, path: Path) -> AnyRecord | None:
        """Return the record, where the quorum is demanded brought to anchored; None while that cannot be.

        Its holder has done everything there is to do, so the part is not rejected, whatever the log or its
        witnesses do: it stays submitted, and is looked at again.
        """
        if self.believed is None:
            return record
        try:
            found = self.client.anchor(record, self.believed)
        except (TlogError, DisclosureError, ServiceError) as error:
            if isinstance(error, ServiceError) and error.is_of_all:
                raise
            self._told_pending.discard(path)
            self.clerk.happened(Happening.NOT_ANCHORED, part, reason=error.reason)
            return None
        if found is not None:
            files.replace(path, found.to_bytes())
        elif path not in self._told_pending:
            self._told_pending.add(path)
            self.clerk.happened(Happening.PENDING, part)
        return found

    def _is_ordered(self, part: CounterPart, record: AnyRecord, path: Path) -> bool:
        """Keep what shows a record to be ordered, where that is demanded; what is not yet stays submitted."""
        if self.order is None:
            return True
        try:
            shown = self.order(record)
        except NotNowError as error:
            if (path, error.reason) not in self._told_unordered:
                self._told_unordered.add((path, error.reason))
                self.clerk.happened(Happening.NOT_ORDERED, part, reason=error.reason)
            return False
        files.replace(order_file(path), shown)
        return True
