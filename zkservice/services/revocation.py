"""RevocationService: departments revoke, and everybody can follow the list.

State rules: of one department one list changes at a time, in this process by a lock and in the database by
its keys. A page, its epoch and the epoch's entry for the ledger are durable together or not at all. An
accumulator's secret is open while one page is computed, in a thread of `crypto`, and sealed again after it.
"""

import asyncio
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

import bbs
from bbs.accumulator import AccumulatorSecret, Epoch, Page, Position
from disclosure import Accumulator, AccumulatorName, DepartmentName, canonical
from wire.convert import moment_to
from wire.revocation import MAX_HANDLES, MAX_PAIRS, handles_of
from zkproto.v1 import revocation_pb2 as pb
from zkproto.v1.revocation_pb2_grpc import RevocationServiceServicer
from zkservice import tenants
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, check_suite, page_size
from zkservice.keys import accumulator_label, handle_label, handle_mark
from zkservice.listing import listed
from zkservice.logs import logged
from zkservice.moments import to_ms
from zkservice.states import epoch_proven
from zkservice.storage import composite_offers, revocation
from zkservice.storage.revocation import Call, StoredAccumulator, StoredEpoch

_CREATE_LABEL: Final = "zk-disclosure/create-accumulator-request/v1"
_REVOKE_LABEL: Final = "zk-disclosure/revoke-request/v1"
_NEWEST: Final = "/accumulators/-"
"""To be read, a department's newest one; to revoke, the one that the handles were issued with."""
_POLL: Final = dt.timedelta(seconds=10)
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class _Ground:
    """What a revocation is computed from: an accumulator, its newest epoch, which handles are revoked."""

    accumulator: StoredAccumulator
    newest: StoredEpoch
    revoked: set[int]


class RevocationService(RevocationServiceServicer):
    """Reading is open to everybody; writing takes the department's own token."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # By department: who has no token adds none.
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._revoking_due = asyncio.Lock()

    async def CreateAccumulator(self, request: pb.CreateAccumulatorRequest, context: Any) -> Any:
        """Make an accumulator; answered once its public half stands on the ledger."""
        parent = DepartmentName.parse(request.parent, field="parent")
        await self._context.access.department(context, str(parent))
        request_id, suite = check_request_id(request.request_id), check_suite(request.suite)
        stored = await self._context.database.read(
            lambda connection: revocation.of_request(connection, str(parent), request_id, suite)
        )
        if stored is None:
            call = Call(request_id, canonical.digest(_CREATE_LABEL, suite.encode()))
            made, sealed = await self._in_crypto(self._make, parent.department, suite)
            first = Epoch(0, made.key.start, self._seconds())
            stored = await self._context.database.write(
                lambda each: revocation.add(each, made, sealed, first, call, self._context.now())
            )
        return await self._logged(stored)

    async def _logged(self, stored: StoredAccumulator) -> pb.Accumulator:
        """Return the message once the record stands on the ledger, with the proof."""
        message = _accumulator_to(stored)
        message.proof = await self._context.proofs.of(stored.outbox)
        return message

    def _make(self, department: str, suite: str) -> tuple[Accumulator, bytes]:
        secret = AccumulatorSecret.generate(suite=suite)
        made = Accumulator.of(department, secret.key)
        return made, self._context.keys.seal(accumulator_label(str(made.name)), secret.to_octets_secret())

    async def GetAccumulator(self, request: pb.GetAccumulatorRequest, context: Any) -> Any:
        """One accumulator, or a department's newest."""
        if request.name.endswith(_NEWEST):
            parent = str(DepartmentName.parse(request.name.removesuffix(_NEWEST), field="name"))
            found = await self._context.database.read(lambda each: revocation.newest(each, parent))
        else:
            name = str(AccumulatorName.parse(request.name, field="name"))
            found = await self._context.database.read(lambda each: revocation.get(each, name, "name"))
        return await self._logged(found)

    async def ListAccumulators(self, request: pb.ListAccumulatorsRequest, context: Any) -> Any:
        """A page of a department's accumulators, newest first."""
        parent = str(DepartmentName.parse(request.parent, field="parent"))
        page, token = await listed(
            self._context,
            request,
            f"accumulators of {parent}",
            lambda each, before, limit: revocation.of_department(
                each, parent, limit, before=int(before or 0)
            ),
            _accumulator_to,
            lambda stored: str(stored.outbox),
        )
        return pb.ListAccumulatorsResponse(accumulators=page, next_page_token=token)

    async def RevokeCredentials(self, request: pb.RevokeCredentialsRequest, context: Any) -> Any:
        """Revoke handles, all or none; answered once the epoch stands on the ledger."""
        parent = _department(request.accumulator)
        await self._context.access.department(context, parent)
        request_id = check_request_id(request.request_id)
        if len(request.handles) > MAX_HANDLES:
            detail = f"a call has at most {MAX_HANDLES} handles"
            raise ServiceError(ServiceReason.BATCH_TOO_LARGE, detail, field="handles")
        handles = handles_of(request.handles)
        name = await self._issued_with(parent, request.accumulator, request.handles)
        call = Call(request_id, canonical.digest(_REVOKE_LABEL, b"".join(request.handles)))
        # Not given up with its caller: those who watch are told of whatever has become durable.
        stored = await asyncio.shield(tenants.own(self._revoke(name, handles, call)))
        return await self._epoch_to(str(name), stored)

    async def _issued_with(self, parent: str, asked: str, handles: Sequence[bytes]) -> AccumulatorName:
        """Return the accumulator that a call names; of one that names none (`-`), that of its handles.

        In another accumulator than its own, a revoked handle would count on as before. A handle that this
        service has not drawn is revoked where the department says: it may have been issued elsewhere. Raises
        ServiceError ACCUMULATOR_MISMATCH, NOT_FOUND.
        """
        marks = [handle_mark(self._context.keys, each) for each in handles]
        known = await self._context.database.read(lambda each: composite_offers.accumulators_of(each, marks))
        name = asked
        if asked.endswith(_NEWEST):
            name = known.get(marks[0]) or ""
            if not name.startswith(f"{parent}/"):
                detail = "no accumulator of this department's is known for the handle; name it"
                raise ServiceError(ServiceReason.NOT_FOUND, detail, field="handles[0]")
        for place, mark in enumerate(marks):
            if mark in known and known[mark] != name:
                detail = "the credential was issued with another accumulator, or with none; nothing was done"
                raise ServiceError(ServiceReason.ACCUMULATOR_MISMATCH, detail, field=f"handles[{place}]")
        return AccumulatorName.parse(name)

    async def _revoke(self, name: AccumulatorName, handles: Sequence[int], call: Call) -> StoredEpoch:
        async with self._changing[name.department]:
            ground = await self._context.database.read(lambda each: _ground(each, name, handles, call))
            if isinstance(ground, StoredEpoch):
                return ground
            page, made = await self._in_crypto(self._page, ground, handles)
            stored = await self._context.database.write(
                lambda connection: revocation.append(connection, name, page, made, call, self._context.now())
            )
        self._made(name)
        return stored

    def _made(self, name: AccumulatorName) -> None:
        """Say that there is an epoch more."""
        self._context.states.changed()
        self._context.sequencer.wake()
        self._context.watching.ring(_bell(str(name)))

    def _page(self, ground: _Ground, handles: Sequence[int]) -> tuple[Page, Epoch]:
        made, revoked = ground.accumulator.accumulator, ground.revoked
        octets = self._context.keys.open(accumulator_label(str(made.name)), ground.accumulator.sealed_secret)
        secret = AccumulatorSecret.from_octets(octets, suite=made.suite)
        newest = _epoch_of(ground.newest.octets, made)
        try:
            page = secret.revoke(handles, newest.position, revoked)
        except bbs.InputError as error:
            raise ServiceError(ServiceReason(error.reason), error.detail, field="handles") from None
        return page, self._following(newest, newest.position.after(page))

    def _following(self, newest: Epoch, position: Position) -> Epoch:
        """Return the next epoch. Its time is later than the one's before, also within the same second."""
        return newest.followed_by(position, max(self._seconds(), newest.time + 1))

    async def revoke_due(self) -> None:
        """Revoke what claims and changed records have left to be revoked.

        What fails is logged, and tried again every minute; what was revoked before a crash, or by the
        department itself, is only forgotten.
        """
        async with self._revoking_due:
            after = ""
            while due := await self._context.database.read(partial(composite_offers.due, after=after)):
                for name, offers in due.items():
                    with logged("could not revoke what was replaced", accumulator=name):
                        revoking = self._revoke_offers(AccumulatorName.parse(name), offers)
                        await asyncio.shield(tenants.own(revoking))
                after = max(offer for offers in due.values() for offer in offers)

    async def _revoke_offers(self, name: AccumulatorName, offers: Mapping[str, bytes]) -> None:
        keys, database = self._context.keys, self._context.database
        drawn = [int.from_bytes(keys.open(handle_label(offer), it)) for offer, it in offers.items()]
        revoked = await database.read(lambda each: revocation.revoked_of(each, str(name), drawn))
        left = [each for each in drawn if each not in revoked]
        for first in range(0, len(left), MAX_HANDLES):
            call = Call(str(uuid.uuid4()), canonical.digest(_REVOKE_LABEL, b""))
            await self._revoke(name, left[first : first + MAX_HANDLES], call)
        await database.write(lambda each: composite_offers.forget_due(each, offers))

    async def renew(self) -> None:
        """Make an epoch of each list that has had none for `epoch_hours`.

        Verifiers bound an epoch's age: without this, who is not revoked could not show it where nobody is.
        """
        hours = dt.timedelta(hours=self._context.settings.epoch_hours)
        due = await self._context.database.read(
            lambda each: revocation.without_epoch_since(each, self._context.now() - hours)
        )
        for name in due:
            with logged("could not make an epoch", accumulator=str(name)):
                await self._renew(name)

    async def _renew(self, name: AccumulatorName) -> None:
        call = Call(str(uuid.uuid4()), canonical.digest(_REVOKE_LABEL, b""))
        async with self._changing[name.department]:
            stored = await self._context.database.read(lambda each: revocation.get(each, str(name)))
            kept = await self._newest_epoch(str(name))
            newest = await self._in_crypto(_epoch_of, kept.octets, stored.accumulator)
            made = self._following(newest, newest.position)
            await self._context.database.write(
                lambda each: revocation.add_epoch(each, str(name), made, call, self._context.now())
            )
        self._made(name)

    async def GetEpoch(self, request: pb.GetEpochRequest, context: Any) -> Any:
        """One epoch, or the newest."""
        name = str(AccumulatorName.parse(request.accumulator, field="accumulator"))
        newest = await self._newest_epoch(name)
        if not request.HasField("number"):
            return await self._epoch_to(name, newest)
        number = request.number
        found = await self._context.database.read(lambda each: revocation.epoch(each, name, number))
        if found is None:
            detail = f"{name} has the epochs 0 to {newest.number}"
            raise ServiceError(ServiceReason.RANGE_INVALID, detail, field="number")
        return await self._epoch_to(name, found)

    async def ListRevocations(self, request: pb.ListRevocationsRequest, context: Any) -> Any:
        """A page of the list."""
        name = str(AccumulatorName.parse(request.accumulator, field="accumulator"))
        limit = page_size(request.limit, MAX_PAIRS, MAX_PAIRS, field="limit")
        first = request.first
        stored = await self._context.database.read(lambda each: revocation.get(each, name))
        newest = await self._newest_epoch(name)
        if not 0 <= first < newest.count:
            detail = f"{newest.count} were revoked, numbered from 0"
            raise ServiceError(ServiceReason.RANGE_INVALID, detail, field="first")
        pairs = await self._context.database.read(
            lambda connection: revocation.pairs(connection, name, first, limit)
        )
        return pb.ListRevocationsResponse(page=Page.octets_of(stored.accumulator.key, first, pairs))

    async def WatchEpochs(
        self, request: pb.WatchEpochsRequest, context: Any
    ) -> AsyncIterator[pb.WatchEpochsResponse]:
        """Stream the newest epoch and then every one that is made after it."""
        name = str(AccumulatorName.parse(request.accumulator, field="accumulator"))
        watching = self._context.watching
        with watching.stream("epochs", anybodys=True), watching.bell(_bell(name), most=None) as bell:
            stored = await self._newest_epoch(name)
            while True:
                yield pb.WatchEpochsResponse(epoch=await self._epoch_to(name, stored))
                stored = await self._wait(name, stored.number + 1, bell)

    async def _wait(self, name: str, number: int, bell: asyncio.Event) -> StoredEpoch:
        """Wait for the epoch of a number; another process may make it, so look again."""
        while True:
            bell.clear()
            found = await self._context.database.read(lambda each: revocation.epoch(each, name, number))
            if found is not None:
                return found
            self._context.watching.check()
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL.total_seconds()):
                    await bell.wait()

    async def _newest_epoch(self, name: str) -> StoredEpoch:
        return await self._context.database.read(lambda each: revocation.newest_epoch(each, name))

    async def _epoch_to(self, name: str, stored: StoredEpoch) -> pb.Epoch:
        return await epoch_proven(self._context.proofs, name, stored)

    async def _in_crypto(self, act: Callable[..., _Made], *args: Any) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._context.crypto, act, *args)

    def _seconds(self) -> int:
        return to_ms(self._context.now()) // 1000


def _ground(
    connection: Connection, name: AccumulatorName, handles: Sequence[int], call: Call
) -> _Ground | StoredEpoch:
    """Return what to compute from, or the epoch that this call has made before.

    Raises ServiceError NOT_FOUND, REQUEST_ID_REUSED, ALREADY_REVOKED.
    """
    stored = revocation.get(connection, str(name))
    made = revocation.epoch_of_request(connection, str(name), call)
    if made is not None:
        return made
    revoked = revocation.revoked_of(connection, str(name), handles)
    for place, handle in enumerate(handles):
        if handle in revoked:
            detail = "the handle was revoked before; nothing was done"
            raise ServiceError(ServiceReason.ALREADY_REVOKED, detail, field=f"handles[{place}]")
    return _Ground(stored, revocation.newest_epoch(connection, str(name)), revoked)


def _department(accumulator: str) -> str:
    """Return the department of an accumulator's name, also of one that ends in `-`; MalformedError."""
    if accumulator.endswith(_NEWEST):
        return str(DepartmentName.parse(accumulator.removesuffix(_NEWEST), field="accumulator"))
    return f"departments/{AccumulatorName.parse(accumulator, field='accumulator').department}"


def _epoch_of(octets: bytes, accumulator: Accumulator) -> Epoch:
    return Epoch.from_octets(octets, key=accumulator.key)


def _bell(name: str) -> str:
    return f"epochs of {name}"


def _accumulator_to(stored: StoredAccumulator) -> pb.Accumulator:
    made = stored.accumulator
    return pb.Accumulator(
        name=str(made.name),
        suite=made.suite,
        public_key=made.key.octets,
        create_time=moment_to(stored.created),
    )
