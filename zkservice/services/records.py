"""RecordService: departments push the records of their registers, in streams that may break at any moment."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import Schema, SchemaName, civil_date
from wire.convert import date_to, moment_to
from zkproto.v1 import record_pb2 as pb
from zkproto.v1.record_pb2_grpc import RecordServiceServicer
from zkservice import tenants
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, required
from zkservice.logs import logged
from zkservice.offering import department_of
from zkservice.pushing import Kept, Pushing
from zkservice.recording import MAX_GROUP, record_mark
from zkservice.signing import BulkDraft
from zkservice.storage import records
from zkservice.storage.records import Came, Item, Push, Rejection, Stored

_PUSHES: Final = 16
"""Pushes of all departments at the same time; each takes some megabytes."""
_PATIENCE: Final = 10.0
"""Seconds that a push waits for one of the same item whose connection may be lost."""
_MAX_DAYS: Final = 3660


class RecordService(RecordServiceServicer):
    """Every method takes the department's own token."""

    def __init__(self, context: Context, revoke_due: Callable[[], Awaitable[None]]) -> None:
        self._context, self._revoke_due = context, revoke_due
        self._desk = Desk[BulkDraft](
            context.signers, context.signing_keys.supplies, lambda draft: len(draft.rows)
        )
        # By department and item: who has no token adds none.
        self._busy: defaultdict[Item, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._revoking: asyncio.Task[None] | None = None

    async def PushRecords(self, messages: Any, context: Any) -> AsyncIterator[pb.PushRecordsProgress]:
        """Keep records group by group, and say so after each. A token that ends, ends the stream; another
        one goes on where it was."""
        caller = await self._context.access.any_department(context)
        with self._context.watching.stream("pushes", _PUSHES):
            start = await _start(messages)
            schema = await self._schema(start.schema, caller, "start.schema")
            push_id = check_request_id(start.push, field="start.push")
            days = _days(start.renew_days, "start.renew_days")
            async with self._alone(Item(caller, schema.name.item)):
                # After whatever a stream that broke has left to be written.
                push = await self._context.database.write(
                    lambda each: records.open_push(each, caller, push_id, str(schema.name), start.first)
                )
                pushing = Pushing(self._context, self._desk, schema, push, start.first, days)
                async with aclosing(pushing.run(self._looking(messages, context, caller))) as going:
                    async for kept in going:
                        self._look_after(kept)
                        yield self._progress(kept, codes=start.codes)

    async def _looking(
        self, messages: AsyncGenerator[pb.PushRecordsRequest, None], context: Any, caller: str
    ) -> AsyncGenerator[pb.PushRecordsRequest, None]:
        """Give a push's messages for as long as it is still the department that sends them: looked at again
        for each, since a push outlives a token, and a secret may be replaced while it runs."""
        async with aclosing(messages):
            async for message in messages:
                await self._context.access.department(context, caller)
                yield message

    def _look_after(self, kept: Kept) -> None:
        """Have revoked what a group has left to be, beside the push: what is not done before a crash is done
        after it."""
        changed = any(each.came is Came.REPLACED for each in kept.group.made)
        if changed and (self._revoking is None or self._revoking.done()):
            self._revoking = tenants.own(self._revoke())

    async def _revoke(self) -> None:
        with logged("could not revoke what was replaced"):
            await self._revoke_due()

    async def GetPush(self, request: pb.GetPushRequest, context: Any) -> Any:
        """How far a push is, with the first of its refused records."""
        caller = await self._context.access.any_department(context)
        push_id = check_request_id(request.push, field="push")
        return await self._context.database.read(lambda each: _push_of(each, caller, push_id))

    async def FinishPush(self, request: pb.FinishPushRequest, context: Any) -> Any:
        """End a push; withdraw what a complete one did not have, some at a time: after a crash it goes on."""
        caller = await self._context.access.any_department(context)
        push_id = check_request_id(request.push, field="push")
        database = self._context.database
        push = await database.read(lambda each: records.get_push(each, caller, push_id))
        item = Item(caller, SchemaName.parse(push.schema).item)
        if not push.finished:
            async with self._alone(item):
                while request.complete and await self._withdrawn(push, item):
                    pass
                await database.write(lambda each: records.finish(each, push))
            await self._revoke()
        return await database.read(lambda each: _push_of(each, caller, push_id))

    async def _withdrawn(self, push: Push, item: Item) -> Push | None:
        return await self._context.database.write(lambda each: records.withdraw_missing(each, push, item))

    async def WithdrawRecords(self, request: pb.WithdrawRecordsRequest, context: Any) -> Any:
        """Withdraw records; answered when what they gave is left to be revoked, and usually is."""
        item = await self._item(request.schema, context)
        required(len(request.record_ids) > 0, "record_ids")
        if len(request.record_ids) > MAX_GROUP:
            detail = f"a call has at most {MAX_GROUP} records"
            raise ServiceError(ServiceReason.BATCH_TOO_LARGE, detail, field="record_ids")
        keys = self._context.keys
        marks = [
            record_mark(keys, item, each, field=f"record_ids[{place}]")
            for place, each in enumerate(request.record_ids)
        ]
        async with self._alone(item):
            count, left = await self._context.database.write(lambda each: records.withdraw(each, item, marks))
        await self._revoke()
        places = [place for place, mark in enumerate(marks) if mark in left]
        return pb.WithdrawRecordsResponse(withdrawn=count, not_revocable=places)

    async def GetRecord(self, request: pb.GetRecordRequest, context: Any) -> Any:
        """One record, with the code of its offer while that waits."""
        item = await self._item(request.schema, context)
        mark = record_mark(self._context.keys, item, request.record_id)
        known = await self._context.database.read(lambda each: records.stored(each, item, [mark]))
        if mark not in known:
            raise ServiceError(ServiceReason.NOT_FOUND, "there is no such record", field="record_id")
        return self._state(known[mark])

    async def CountRecords(self, request: pb.CountRecordsRequest, context: Any) -> Any:
        """How many records an item has, and how many are due."""
        item = await self._item(request.schema, context)
        until = civil_date(self._context.now()) + dt.timedelta(days=_days(request.renew_days))
        count, due = await self._context.database.read(lambda each: records.count(each, item, until))
        return pb.CountRecordsResponse(records=count, due=due)

    async def _item(self, name: str, context: Any) -> Item:
        caller = await self._context.access.any_department(context)
        return Item(caller, (await self._schema(name, caller)).name.item)

    async def _schema(self, name: str, caller: str, field: str = "schema") -> Schema:
        """Return a schema of the caller's own; ServiceError TOKEN_INVALID, MalformedError, RefusedError."""
        parsed = SchemaName.parse(name, field=field)
        if department_of(parsed) != caller:
            detail = f"the token is not that of {department_of(parsed)}"
            raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
        return (await self._context.directories.load([parsed])).schema(parsed, field=field)

    @asynccontextmanager
    async def _alone(self, item: Item) -> AsyncIterator[None]:
        """Keep an item's records from everybody else; ServiceError PUSH_RUNNING."""
        lock = self._busy[item]
        try:
            async with asyncio.timeout(_PATIENCE):
                await lock.acquire()
        except TimeoutError:
            detail = "another push of this item is running; try again later"
            raise ServiceError(ServiceReason.PUSH_RUNNING, detail) from None
        try:
            yield
        finally:
            lock.release()

    def _progress(self, kept: Kept, *, codes: bool) -> pb.PushRecordsProgress:
        token = self._context.keys.token
        offers = (
            pb.RecordOffer(
                place=each.place,
                offer=f"offers/{each.offer.id}",
                claim_code=token("claim", each.offer.id),
            )
            for each in (kept.group.made if codes else ())
        )
        return pb.PushRecordsProgress(
            push=_push_to(kept.push),
            rejected=map(_rejection_to, kept.group.rejected),
            offers=offers,
            not_revocable=kept.not_revocable,
        )

    def _state(self, stored: Stored) -> pb.RecordState:
        offer, state = stored.offer, pb.RecordState.STATE_OFFERED
        if stored.claimed():
            state = pb.RecordState.STATE_CLAIMED
        elif stored.over(self._context.now()):
            state = pb.RecordState.STATE_EXPIRED
        waits = state == pb.RecordState.STATE_OFFERED
        return pb.RecordState(
            schema=offer.schema,
            offer=f"offers/{offer.id}",
            claim_code=self._context.keys.token("claim", offer.id) if waits else "",
            state=state,
            expire_time=moment_to(offer.expires),
            end=date_to(stored.ends),
        )


async def _start(messages: AsyncIterator[pb.PushRecordsRequest]) -> pb.PushStart:
    """Return a push's first message; ServiceError FIELD_MISSING."""
    async for message in messages:
        required(message.WhichOneof("content") == "start", "start")
        return message.start
    raise ServiceError(ServiceReason.FIELD_MISSING, "a push begins by what it is", field="start")


def _days(asked: int, field: str = "renew_days") -> int:
    if not 0 <= asked <= _MAX_DAYS:
        detail = f"0 to {_MAX_DAYS} days"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field=field)
    return asked


def _push_of(connection: Connection, department: str, push_id: str) -> pb.Push:
    found = records.get_push(connection, department, push_id)
    message = _push_to(found)
    message.rejections.extend(map(_rejection_to, records.rejections(connection, found)))
    return message


def _push_to(push: Push) -> pb.Push:
    return pb.Push(
        push=push.id,
        schema=push.schema,
        done=push.done,
        issued=push.counts[Came.ISSUED],
        unchanged=push.counts[Came.UNCHANGED],
        replaced=push.counts[Came.REPLACED],
        renewed=push.counts[Came.RENEWED],
        rejected=push.counts[Came.REJECTED],
        not_revocable=push.not_revocable,
        withdrawn=push.withdrawn,
        finished=push.finished,
    )


def _rejection_to(each: Rejection) -> pb.Rejection:
    return pb.Rejection(place=each.place, reason=each.reason, field=each.field)
