"""What a department pushes its records with: streams that go on where they broke."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self, cast

import grpc

from disclosure import OfferLink, Schema, Value
from wire.client import Endpoint, ServiceError, call, service_error
from wire.convert import add_values, values_to
from zk.service import Required
from zkproto.v1 import account_pb2, issuance_pb2
from zkproto.v1 import record_pb2 as pb
from zkproto.v1.record_pb2_grpc import RecordServiceStub

GROUP: Final = 512
"""Records of one message, as many as it may have: what a group costs, its commit above all, is shared."""
GROUP_OCTETS: Final = 128 << 10
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try; a push that has gone on meanwhile begins to count anew."""
_AGAIN: Final = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"}
_KINDS: Final = {"person": account_pb2.Subject.KIND_PERSON, "company": account_pb2.Subject.KIND_COMPANY}


@dataclass(frozen=True)
class Subject:
    """Whom a record is about: `person` or `company`, and the number."""

    kind: str
    number: str = field(repr=False)


@dataclass(frozen=True)
class Record:
    """A record as the department has it now; `values` None says that it is there, and nothing else."""

    record_id: bytes = field(repr=False)
    values: Mapping[str, Value] | None = field(repr=False)
    subject: Subject | None = None
    identified: bytes | Required | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PushPlan:
    """What is pushed: `push` is its name, a UUID; `codes` asks for the codes of the offers."""

    schema: Schema
    push: str = field(default_factory=lambda: str(uuid.uuid4()))
    renew_days: int = 0
    codes: bool = False


Pushed = pb.Push
"""How far a push is, with its counts."""


class State(IntEnum):
    """Where a record's newest offer is; the numbers are the message's."""

    OFFERED = 1
    CLAIMED = 2
    EXPIRED = 3


@dataclass(frozen=True)
class Known:
    """A record as the service knows it: the schema that it was pushed under last, its offer, and the link."""

    schema: str
    offer: str
    state: State
    link: OfferLink | None


Source = Callable[[int], Iterable[Record]]
"""Gives the records of a push, the same ones in the same order every time, from a place on."""


class RecordClient:
    """The calls of RecordService with a department's token; use it as a context manager.

    Every call raises wire.client.ServiceError if it is refused or does not get through.
    """

    def __init__(self, endpoint: Endpoint, token: str) -> None:
        self._channel, self._token, self._server = endpoint.channel(), token, endpoint.server
        self._stub = RecordServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def push(
        self, plan: PushPlan, source: Source, *, sleep: Callable[[float], object] = time.sleep
    ) -> Iterator[pb.PushRecordsProgress]:
        """Push all records; give the progress after each group. What breaks goes on by itself for a while.

        So does a push that outlives its token: the channel makes another one.
        """
        pauses = iter(_PAUSES)
        while True:
            moved = False
            try:
                for progress in self.push_once(plan, source, self._done(plan)):
                    pauses, moved = iter(_PAUSES), True
                    yield progress
                return
            except ServiceError as error:
                is_passing = error.code.name in _AGAIN or (moved and error.reason == "TOKEN_INVALID")
                pause = next(pauses, None) if is_passing else None
                if pause is None:
                    raise
                sleep(pause)

    def push_once(self, plan: PushPlan, source: Source, first: int) -> Iterator[pb.PushRecordsProgress]:
        """Push the records from a place on, over one stream."""
        failed: list[Exception] = []
        messages = _telling(_messages(plan, source, first), failed)
        bearer = (("authorization", f"Bearer {self._token}"),) if self._token else ()
        answers = self._stub.PushRecords(messages, metadata=bearer)
        try:
            yield from answers
        except grpc.RpcError as error:
            if failed:
                raise failed[0] from None
            raise service_error(error) from None
        finally:
            cast(grpc.Call, answers).cancel()

    def _done(self, plan: PushPlan) -> int:
        try:
            return self.get(plan.push).done
        except ServiceError as error:
            if error.reason == "NOT_FOUND":
                return 0
            raise

    def get(self, push: str) -> pb.Push:
        """Return how far a push is."""
        return call(self._stub.GetPush, pb.GetPushRequest(push=push), token=self._token)

    def finish(self, push: str, *, complete: bool = False) -> pb.Push:
        """End a push; a complete one withdraws all other records of the item, which may take a while."""
        request = pb.FinishPushRequest(push=push, complete=complete)
        return call(self._stub.FinishPush, request, token=self._token, timeout=None)

    def withdraw(self, schema: Schema, record_ids: Iterable[bytes]) -> pb.WithdrawRecordsResponse:
        """Withdraw up to 512 records."""
        request = pb.WithdrawRecordsRequest(schema=str(schema.name), record_ids=record_ids)
        return call(self._stub.WithdrawRecords, request, token=self._token)

    def state(self, schema: Schema, record_id: bytes) -> Known:
        """Return what became of a record, with the link of its offer while that waits."""
        request = pb.GetRecordRequest(schema=str(schema.name), record_id=record_id)
        found = call(self._stub.GetRecord, request, token=self._token)
        link = None
        if found.claim_code:
            link = OfferLink(self._server, found.offer.removeprefix("offers/"), found.claim_code)
        return Known(found.schema, found.offer, State(found.state), link)

    def count(self, schema: Schema, renew_days: int = 0) -> pb.CountRecordsResponse:
        """Return how many records an item has, and of how many the credential ends so soon."""
        request = pb.CountRecordsRequest(schema=str(schema.name), renew_days=renew_days)
        return call(self._stub.CountRecords, request, token=self._token)


def _telling(
    messages: Iterator[pb.PushRecordsRequest], failed: list[Exception]
) -> Iterator[pb.PushRecordsRequest]:
    """Give messages to the thread of gRPC's that sends them, and keep what fails there: it would be lost."""
    try:
        yield from messages
    except Exception as error:
        failed.append(error)
        raise


def _messages(plan: PushPlan, source: Source, first: int) -> Iterator[pb.PushRecordsRequest]:
    start = pb.PushStart(
        schema=str(plan.schema.name),
        push=plan.push,
        first=first,
        renew_days=plan.renew_days,
        codes=plan.codes,
    )
    yield pb.PushRecordsRequest(start=start)
    records = iter(source(first))
    while (message := _group(plan.schema, records)) is not None:
        yield message


def _group(schema: Schema, records: Iterator[Record]) -> pb.PushRecordsRequest | None:
    """Return the message of the next group: so many records, or fewer that are large."""
    message, octets = pb.PushRecordsRequest(), 0
    for record in islice(records, GROUP):
        added = message.group.records.add()
        encode(schema, record, added)
        octets += added.ByteSize()
        if octets >= GROUP_OCTETS:
            break
    return message if message.group.records else None


def encode(schema: Schema, record: Record, message: pb.Record) -> None:
    """Write a record into an empty message; MalformedError for values that it cannot hold."""
    message.record_id = record.record_id
    if record.values is None:
        message.present = True
        return
    add_values(message.values, schema, record.values)
    if record.subject is not None:
        message.subject.kind = _KINDS[record.subject.kind]
        message.subject.number = record.subject.number
    match record.identified:
        case bytes(person):
            message.person = person
        case Required(shown, values):
            required: Any = issuance_pb2.RequiredCredential(
                schema=str(shown.name), values=values_to(shown, values.items())
            )
            message.required.CopyFrom(required)
