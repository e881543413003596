"""A push on its way: groups of records read, looked up, signed and kept, several at a time, in their order.

Reading happens as messages come; what reads no further holds up its sender (gRPC's flow control), so that a
push takes as much memory however long it is. A group is looked up and signed while the ones before it are
being kept. Only one push of an item is under way at a time: nobody else changes its records meanwhile.

State rules: nothing here is durable but what `records.keep` has kept, and progress is told after that.
"""

import asyncio
import base64
import datetime as dt
import secrets
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from disclosure import CredentialForm, IssuerKeyName, Schema, civil_date
from disclosure.composite import IssuanceTerms
from zkproto.v1 import record_pb2 as pb
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.moments import to_ms, whole_ms
from zkservice.offering import NOT_MADE, Ground, department_of, offer_label
from zkservice.recording import MAX_GROUP, Read, Reading, Refused, shown_schemas
from zkservice.signing import MAX_ROWS, BulkDraft, signed_in_bulk
from zkservice.storage import accounts, catalog, records
from zkservice.storage.composite_offers import CompositeOffer
from zkservice.storage.issuance import Offer
from zkservice.storage.records import Came, Group, Made, Push, Rejection, Stored
from zkservice.tasks import Done

_UNDER_WAY: Final = 4
"""Groups that are looked up, signed or kept at the same time."""
_AT_ONCE: Final = 32
"""Records that are read before others have a turn: some milliseconds."""
_RANDOM_OCTETS: Final = 12
_UNKNOWN: Final = ServiceReason.HOLDER_UNKNOWN


@dataclass(frozen=True)
class _Records:
    """Records that follow each other, none of them twice."""

    first: int
    read: Sequence[Read | Refused] = field(repr=False)

    def marks(self) -> set[bytes]:
        return {each.mark for each in self.read if each.mark is not None}


@dataclass(frozen=True)
class _Wanted:
    """A record that gets an offer."""

    record: Read
    came: Came
    account: str | None
    before: Stored | None


class _Lasting:
    """From when until when the offers of a group can be claimed, and the last day of their credentials."""

    def __init__(self, now: dt.datetime, offer_days: int, validity_days: int) -> None:
        self.begins, self.expires = now, now + dt.timedelta(days=offer_days)
        self.ends = civil_date(now) + dt.timedelta(days=validity_days)


@dataclass(frozen=True)
class Kept:
    """What became durable of a push: a group, the push as it is now, whose earlier credential goes on."""

    push: Push
    group: Group
    not_revocable: Sequence[int]


class Pushing:
    """One push, from where it goes on; use `run` once."""

    def __init__(
        self, context: Context, desk: Desk[BulkDraft], schema: Schema, push: Push, first: int, renew_days: int
    ) -> None:
        self._context, self._desk, self._schema = context, desk, schema
        self._push, self._place, self._renew = push, first, dt.timedelta(days=renew_days)
        self._reading, self._name = Reading(context.keys, schema), str(schema.name)
        self._under_way: asyncio.Queue[tuple[_Records, asyncio.Task[Group]] | None] = asyncio.Queue(
            _UNDER_WAY
        )
        self._grounds: set[str] = set()

    async def run(self, messages: AsyncGenerator[pb.PushRecordsRequest, None]) -> AsyncGenerator[Kept, None]:
        """Give what was kept, group by group; raises as the messages do, after all before that was kept."""
        receiving = asyncio.create_task(self._receive(messages))
        waiting: asyncio.Task[Group] | None = None
        try:
            while (following := await self._under_way.get()) is not None:
                waiting = following[1]
                group = await waiting
                self._push, left = await self._keep(group)
                self._under_way.task_done()
                yield Kept(self._push, group, left)
            await receiving
            push, now = self._push, self._context.now()
            self._push = await self._context.database.write(lambda each: records.begin(each, push, now))
        finally:
            receiving.cancel()
            self._give_up(waiting)

    def _give_up(self, waiting: "asyncio.Task[Group] | None") -> None:
        tasks = [waiting] if waiting is not None else []
        while not self._under_way.empty():
            following = self._under_way.get_nowait()
            tasks += [following[1]] if following is not None else []
        for each in tasks:
            each.cancel()

    async def _receive(self, messages: AsyncGenerator[pb.PushRecordsRequest, None]) -> None:
        """Read the messages into groups; those that were done before are passed over."""
        marks: list[set[bytes]] = []
        try:
            async with aclosing(messages):
                async for message in messages:
                    for group in await self._groups(message):
                        # Who comes twice is looked up when what was sent first is known.
                        if any(group.marks() & each for each in marks[-_UNDER_WAY - 1 :]):
                            await self._under_way.join()
                        marks = [*marks[-_UNDER_WAY:], group.marks()]
                        await self._begin(group)
        finally:
            await self._under_way.put(None)

    async def _begin(self, group: _Records) -> None:
        preparing = asyncio.create_task(self._prepared(group))
        try:
            await self._under_way.put((group, preparing))
        except asyncio.CancelledError:
            preparing.cancel()
            raise

    async def _groups(self, message: pb.PushRecordsRequest) -> Sequence[_Records]:
        required(message.WhichOneof("content") == "group", "group")
        members = message.group.records
        required(len(members) > 0, "group.records")
        if len(members) > MAX_GROUP:
            detail = f"a group has at most {MAX_GROUP} records"
            raise ServiceError(ServiceReason.BATCH_TOO_LARGE, detail, field="group.records")
        others = await self._context.directories.load(shown_schemas(members))
        read: list[Read | Refused] = []
        for place, record in enumerate(members, self._place):
            if place >= self._push.done:
                read.append(self._reading.read(record, place, others))
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
        self._place += len(members)
        return list(_apart(read))

    async def _prepared(self, group: _Records) -> Group:
        """Look up a group's records, and make offers for those that need one."""
        now = whole_ms(self._context.now())

        def look_up(connection: Connection) -> tuple[Mapping[bytes, Stored], Mapping[bytes, str]]:
            known = records.stored(connection, self._reading.item, group.marks())
            subjects = {each.subject for each in group.read if isinstance(each, Read) and each.subject}
            return known, accounts.accounts_of(connection, subjects) if subjects else {}

        known, holders = await self._context.database.read(look_up)
        wanted, seen, rejected = list[_Wanted](), list[bytes](), list[Rejection]()
        for each in group.read:
            if isinstance(each, Refused):
                rejected.append(each.rejection)
            elif each.subject is not None and each.subject not in holders:
                rejected.append(Rejection(each.place, _UNKNOWN, "subject"))
            elif (came := self._came(each, known.get(each.mark), now)) is not None:
                account = holders[each.subject] if each.subject is not None else None
                wanted.append(_Wanted(each, came, account, known.get(each.mark)))
                continue
            if each.mark is not None and each.mark in known:
                seen.append(each.mark)
        made, key = await self._made(wanted, now) if wanted else ([], None)
        return Group(group.first, len(group.read), made, seen, rejected, key)

    def _came(self, record: Read, before: Stored | None, now: dt.datetime) -> Came | None:
        """Tell what becomes of a record; None if it gets no offer."""
        if record.values is None:
            return None
        if before is None:
            return Came.ISSUED
        if before.digest != record.digest:
            return Came.REPLACED
        ends_soon = before.claimed() and before.ends <= civil_date(now) + self._renew and bool(self._renew)
        return Came.RENEWED if before.over(now) or ends_soon else None

    async def _made(self, wanted: Sequence[_Wanted], now: dt.datetime) -> tuple[list[Made], str | None]:
        """Return what was made, and the key that has signed it, if it is of the form that is signed now."""
        key = await self._context.signing_keys.of(self._reading.item.department)
        offers = _offer_ids(now, len(wanted))
        lasting = _Lasting(now, self._context.settings.offer_days, self._schema.validity_days)
        if self._schema.form is CredentialForm.PLAIN:
            signed = zip(wanted, offers, await self._signed(wanted, offers, key, now), strict=True)
            return [self._offer(*each, lasting) for each in signed], str(key)
        await self._check_grounds(wanted, key)
        made = []
        for each, offer in zip(wanted, offers, strict=True):
            sealed = self._context.keys.seal(offer_label(offer), _offered(each.record))
            made.append(self._composite(self._offer(each, offer, sealed, lasting), each.record, key))
        return made, None

    async def _signed(
        self, wanted: Sequence[_Wanted], offers: Sequence[str], key: IssuerKeyName, now: dt.datetime
    ) -> list[bytes]:
        """Have the credentials signed, in jobs that all signers share, and sealed."""
        rows = [each.record.values for each in wanted if each.record.values is not None]
        names = str(self._schema.name), str(key)
        parts = [rows[first : first + MAX_ROWS] for first in range(0, len(rows), MAX_ROWS)]
        jobs = [BulkDraft(*names, each, civil_date(now)) for each in parts]
        with self._desk.room(len(jobs)):
            verdicts = await self._desk.many(jobs)
        signed: list[bytes] = []
        for verdict, part in zip(verdicts, parts, strict=True):
            if not isinstance(verdict, Done):
                raise verdict
            octets = signed_in_bulk(verdict.octets)
            if len(octets) != len(part):
                raise ServiceError(ServiceReason.INTERNAL, "a signer left out some of its job")
            signed += octets
        seal = self._context.keys.seal
        return [seal(f"offer/{offer}", octets) for offer, octets in zip(offers, signed, strict=True)]

    async def _check_grounds(self, wanted: Sequence[_Wanted], key: IssuerKeyName) -> None:
        """Raise ServiceError ISSUER_KEY_MISSING unless what holders show first can be shown."""
        offered = [each.record.offered for each in wanted if each.record.offered is not None]
        shown = {department_of(each.required.schema) for each in offered if each.required is not None}
        for department in shown - self._grounds:

            def read(connection: Connection, department: str = department) -> None:
                suite = catalog.issuer_key(connection, str(key)).key.suite
                Ground.read(connection, department, suite, "group.records.required.schema")

            await self._context.database.read(read)
            self._grounds.add(department)

    def _offer(self, wanted: _Wanted, offer_id: str, sealed: bytes, lasting: _Lasting) -> Made:
        record = wanted.record
        offer = Offer(
            id=offer_id,
            department=self._reading.item.department,
            schema=self._name,
            request_id=offer_id,
            request_digest=record.digest,
            created=lasting.begins,
            expires=lasting.expires,
            sealed=sealed,
        )
        return Made(
            record.place, wanted.came, record.mark, offer, None, wanted.account, lasting.ends, wanted.before
        )

    def _composite(self, made: Made, record: Read, key: IssuerKeyName) -> Made:
        """Put beside an offer what the composite form needs, which is signed when it is claimed."""
        terms = IssuanceTerms(self._schema.name, key, record.person is not None).canonical
        request = None if record.person is not None else NOT_MADE
        return replace(made, composite=CompositeOffer(made.offer, terms, request, record.person))

    async def _keep(self, group: Group) -> tuple[Push, list[int]]:
        push, item, now = self._push, self._reading.item, self._context.now()
        return await self._context.database.write(
            lambda connection: records.keep(connection, push, item, group, now)
        )


def _apart(read: Sequence[Read | Refused]) -> Iterator[_Records]:
    """Give records in groups in which none comes twice."""
    group: list[Read | Refused] = []
    marks: set[bytes] = set()
    for each in read:
        if each.mark is not None and each.mark in marks:
            yield _Records(_place(group[0]), group)
            group, marks = [], set()
        group.append(each)
        marks |= {each.mark} if each.mark is not None else set()
    if group:
        yield _Records(_place(group[0]), group)


def _place(each: Read | Refused) -> int:
    return each.place if isinstance(each, Read) else each.rejection.place


def _offered(record: Read) -> bytes:
    if record.offered is None:
        raise ServiceError(ServiceReason.INTERNAL, "a record of the other form")
    return record.offered.to_bytes()


def _offer_ids(now: dt.datetime, count: int) -> list[str]:
    """Return identifiers that grow with time, so that a million of them lie together in the database's
    indexes; 96 bits of each are random."""
    moment = f"{to_ms(now):011x}"
    drawn = secrets.token_bytes(_RANDOM_OCTETS * count)
    text = base64.urlsafe_b64encode(drawn).decode()  # 12 octets are 16 characters, without a rest
    return [moment + text[at : at + 16] for at in range(0, len(text), 16)]
