"""Departments that push records to a real server."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from disclosure import Schema, Value
from tests.zkservice.support import PERMIT, VALUES, City, new_id
from wire.convert import values_to
from zkproto.v1 import record_pb2 as pb
from zkproto.v1.record_pb2_grpc import RecordServiceStub


def record(
    number: int | str, schema: Schema = PERMIT, changes: Mapping[str, Value] | None = None, **more: Any
) -> pb.Record:
    """Return a record of a number, its values changed as said."""
    values: dict[str, Value] = {**VALUES, **(changes or {})}
    return pb.Record(record_id=str(number).encode(), values=values_to(schema, values.items()), **more)


def groups(records: Sequence[pb.Record], size: int = 3) -> Iterable[pb.PushRecordsRequest]:
    for first in range(0, len(records), size):
        yield pb.PushRecordsRequest(group=pb.RecordGroup(records=records[first : first + size]))


@dataclass
class Pusher:
    """A department with its token."""

    city: City
    token: str
    schema: Schema = PERMIT
    last: list[pb.PushRecordsProgress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stub: Any = RecordServiceStub(self.city.channel)

    @property
    def bearer(self) -> Any:
        return self.city.bearer(self.token)

    def start(self, push: str | None = None, **more: Any) -> pb.PushRecordsRequest:
        start = pb.PushStart(
            **({"schema": str(self.schema.name), "push": new_id() if push is None else push} | more)
        )
        return pb.PushRecordsRequest(start=start)

    def send(self, messages: Iterable[pb.PushRecordsRequest]) -> Any:
        return self.stub.PushRecords(_each(messages), metadata=self.bearer)

    async def push(
        self, records: Sequence[pb.Record], push: str | None = None, *, size: int = 3, **start: Any
    ) -> pb.Push:
        """Push all of it; return the push as it is at the end. `last` has the progress."""
        name = push or new_id()
        self.last = await answers(lambda: self.send([self.start(name, **start), *groups(records, size)]))
        return self.last[-1].push if self.last else await self.get(name)

    async def get(self, push: str) -> pb.Push:
        found: pb.Push = await self.stub.GetPush(pb.GetPushRequest(push=push), metadata=self.bearer)
        return found

    async def finish(self, push: str, *, complete: bool = False) -> pb.Push:
        asked = pb.FinishPushRequest(push=push, complete=complete)
        found: pb.Push = await self.stub.FinishPush(asked, metadata=self.bearer)
        return found

    async def withdraw(self, *numbers: int | str) -> pb.WithdrawRecordsResponse:
        names = [str(each).encode() for each in numbers]
        asked = pb.WithdrawRecordsRequest(schema=str(self.schema.name), record_ids=names)
        answer: pb.WithdrawRecordsResponse = await self.stub.WithdrawRecords(asked, metadata=self.bearer)
        return answer

    async def state(self, number: int | str) -> pb.RecordState:
        asked = pb.GetRecordRequest(schema=str(self.schema.name), record_id=str(number).encode())
        found: pb.RecordState = await self.stub.GetRecord(asked, metadata=self.bearer)
        return found

    async def count(self, renew_days: int = 0) -> tuple[int, int]:
        asked = pb.CountRecordsRequest(schema=str(self.schema.name), renew_days=renew_days)
        found = await self.stub.CountRecords(asked, metadata=self.bearer)
        return found.records, found.due


async def _each(messages: Iterable[pb.PushRecordsRequest]) -> AsyncIterator[pb.PushRecordsRequest]:
    for each in messages:
        yield each


async def answers(call: Callable[[], Any]) -> list[Any]:
    """Take all answers of a stream; the refusal is raised.

    The client of grpc.aio loses the status of a call that ends while it still writes: such a call, refused as
    it was, is made again.
    """
    for _ in range(20):
        try:
            return [each async for each in call()]
        except grpc.aio.AioRpcError as error:
            if error.details() != "Internal error from Core":
                raise
    raise AssertionError("no call was answered with its status")
