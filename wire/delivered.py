"""What was sent unasked, opened and verified: holders and verifiers receive alike.

Nothing that the sender or the service says is believed. The question has to name the recipient and its key;
the receipt, which the log has signed, to be of this question, this recipient and the note that the
presentation commits to; the presentation to hold with what stands on the ledger, as of the receipt's time.
The question is the sender's own, so how new its epoch is, is not left to it.

Senders are anonymous, so nothing that one of them sends may keep what waits behind it from its recipient.
Whatever its octets bring about while they are read is a fault of this delivery; what stops everything is that
the service cannot be reached, or knows the session no more.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import grpc

import tlog
from bbs import BbsError
from disclosure import (
    Accumulator,
    AccumulatorName,
    DepartmentName,
    DisclosureError,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
)
from disclosure.composite import (
    CompositeDirectory,
    CompositePresentation,
    PublishedAccumulator,
    VerifiedComposite,
    check_composite_request,
    verify_composite,
)
from disclosure.delivery import (
    DELIVERY_LIFE,
    QUESTION_LIFE,
    ReceivingKey,
    Sending,
    UnaskedQuestion,
    open_delivery,
)
from disclosure.request import CLOCK_TOLERANCE
from wire.client import ServiceError
from wire.published import Reader
from wire.sessions import Session
from zkproto.v1 import delivery_pb2, delivery_pb2_grpc

_PAGE: Final = 100
MAX_EPOCH_AGE: Final = dt.timedelta(hours=48)
"""Services make an epoch a day: a list of revocations that had none for so long says nothing of today."""
FAULTS: Final = (DisclosureError, ServiceError, tlog.TlogError)
"""What `delivered`, and fetching and keeping one delivery, raise: for `fault_of`."""
_NOT_PUBLISHED: Final = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.OUT_OF_RANGE,
}
"""What the service answers to who reads what is nowhere: a name, an epoch, a list of a sender's making."""


@dataclass(frozen=True)
class Delivered:
    """What has come and holds: what was shown, to whom, and when the service took it, by the ledger."""

    question: UnaskedQuestion
    presentation: CompositePresentation = field(repr=False)
    verified: VerifiedComposite
    schemas: dict[SchemaName, Schema] = field(repr=False)
    receipt: bytes = field(repr=False)
    sent: dt.datetime


def delivered(
    sealed: bytes,
    receipt: bytes,
    key: ReceivingKey,
    party: str,
    reader: Reader,
    log: tlog.Verifier,
    now: dt.datetime,
) -> Delivered:
    """Open what was sent to a party, whose key it is, and verify all of it.

    Raises RefusedError DELIVERY_INVALID, REQUEST_MISMATCH, RECEIPT_MISMATCH, REQUEST_EXPIRED,
    REQUEST_NOT_YET_VALID, EPOCH_STALE and what `verify_composite` raises; MalformedError; tlog.TlogError;
    ServiceError if what is published cannot be read.
    """
    with _of_a_sender():
        opened = open_delivery(sealed, key, party)
        question = opened.question
        sending = Sending.of(receipt, question, log)
        _check_time(sending, question, now)
        names = dict.fromkeys(name for query in question.queries for name in query.schemas)
        schemas = {name: reader.schema(name) for name in names}
        presentation = CompositePresentation.from_bytes(opened.presentation, schemas)
        sending.check_note(presentation)
        proven = [each.epoch for each in presentation.answer.credentials if each.epoch is not None]
        directory = reader.directory(question, proven)
        check_composite_request(question, directory)
        verified = verify_composite(question, presentation, directory, sending.time)
        _check_epochs(presentation, directory, reader, sending.time)
    return Delivered(question, presentation, verified, schemas, receipt, sending.time)


@dataclass(frozen=True)
class Fault:
    """Why a delivery is not received. What is final will not hold later either: it is put aside, and told."""

    reason: str
    final: bool


def fault_of(error: DisclosureError | ServiceError | tlog.TlogError) -> Fault:
    """Return what is wrong with one delivery; raise what would stop the next one too.

    What is dated ahead may hold in its time; what the ledger does not hold, and what the service could not
    say, is no word of the sender's: it waits.
    """
    if isinstance(error, ServiceError) and error.is_of_all:
        raise error
    final = isinstance(error, DisclosureError) and error.reason != Reason.REQUEST_NOT_YET_VALID
    return Fault(error.reason, final)


def _check_time(sending: Sending, question: UnaskedQuestion, now: dt.datetime) -> None:
    """Check when the service took it: within the question's life, and not before deliveries are forgotten.

    A recipient with a new phone may have forgotten what came; the service, which has it, could deliver it
    again.
    """
    if sending.time > now + CLOCK_TOLERANCE:
        raise RefusedError(Reason.REQUEST_NOT_YET_VALID, "the receipt is dated in the future")
    if sending.time < now - DELIVERY_LIFE - CLOCK_TOLERANCE:
        raise RefusedError(Reason.REQUEST_EXPIRED, "it was sent longer ago than a delivery waits")
    question.check_time(sending.time)


def _check_epochs(
    presentation: CompositePresentation, directory: CompositeDirectory, reader: Reader, sent: dt.datetime
) -> None:
    """Refuse a proof by an epoch that had a successor before the question can have been made.

    Else a sender whose credential was revoked would ask itself for an epoch of before.
    """
    for index, each in enumerate(presentation.answer.credentials):
        if each.epoch is None:
            continue
        place = f"credentials[{index}].epoch"
        epoch = directory.epoch(each.epoch.accumulator, each.epoch.number, field=place)
        if sent.timestamp() - epoch.time > MAX_EPOCH_AGE.total_seconds():
            raise RefusedError(Reason.EPOCH_STALE, "the list of revocations is too old", field=place)
        published = directory.accumulator(each.epoch.accumulator, field=place)
        if published.latest.number == epoch.number:
            continue
        after = reader.epoch(_name(published), published.key, epoch.number + 1)
        if after.time < (sent - QUESTION_LIFE - CLOCK_TOLERANCE).timestamp():
            raise RefusedError(Reason.EPOCH_STALE, "there was a newer list of revocations", field=place)


def _name(published: PublishedAccumulator) -> AccumulatorName:
    return Accumulator.of(DepartmentName.parse(published.owner).department, published.key).name


@contextmanager
def _of_a_sender() -> Iterator[None]:
    """Name as a refusal whatever else a sender's octets bring about: no later try would go better."""
    try:
        yield
    except ServiceError as error:
        if error.code not in _NOT_PUBLISHED:
            raise
        detail = "the question names what is not published"
        raise RefusedError(Reason.SCHEMA_UNKNOWN, detail) from None
    except (BbsError, ValueError, ArithmeticError):
        detail = "it holds what cannot be read"
        raise RefusedError(Reason.DELIVERY_INVALID, detail, field="sealed") from None


def waiting_names(stub: delivery_pb2_grpc.DeliveryServiceStub, session: Session) -> list[str]:
    """Return the names of all that waits, oldest first."""
    found, after = list[delivery_pb2.Delivery](), ""
    while True:
        asked = delivery_pb2.ListDeliveriesRequest(page_size=_PAGE, page_token=after)
        page = session.call(stub.ListDeliveries, asked)
        found += page.deliveries
        if not (after := page.next_page_token):
            ordered = sorted(found, key=lambda each: (each.receive_time.ToNanoseconds(), each.name))
            return [each.name for each in ordered]


def discard(stub: delivery_pb2_grpc.DeliveryServiceStub, name: str, session: Session) -> None:
    """Have the service forget one; ServiceError if it is not reached. What it keeps still comes again."""
    try:
        session.call(stub.AcknowledgeDelivery, delivery_pb2.AcknowledgeDeliveryRequest(delivery=name))
    except ServiceError as error:
        fault_of(error)
