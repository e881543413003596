"""What is published, as this process knows it, and whoever waits here for more of it.

State rules: it belongs to the event loop, and is told only what is durable: by the sequencer when it leads,
else by looking at what another process has published.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from tlog.note import text_unverified
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.receipts import Place, read_place, read_places
from zkservice.storage import ledger
from zkservice.storage.database import Database
from zkservice.storage.ledger import State
from zkservice.waking import answer, wake

_LOOKED_FOR: Final = 1024
"""So many of those that wait are looked for at once, the oldest first."""


def _stands_still() -> ServiceError:
    detail = "it is stored, and will stand on the log when the service goes on; send the same again then"
    return ServiceError(ServiceReason.STORAGE_UNAVAILABLE, detail)


@dataclass(frozen=True)
class Seen:
    """What one look at the database found: what is published, and where waited-for entries stand."""

    state: State
    newest_row: int
    places: dict[int, Place]


class Published:
    """The published state; who waits for an entry, and who for a larger log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state = State(0, b"")
        self._newest_row = 0
        self._waiters: dict[int, list[asyncio.Future[Place]]] = {}
        self._changed, self._wanted = asyncio.Event(), asyncio.Event()
        self._watching, self._ended = True, False

    @property
    def state(self) -> State:
        """The published state."""
        return self._state

    @property
    def wanted(self) -> asyncio.Event:
        """Set when somebody begins to wait for an entry; whoever looks then clears it."""
        return self._wanted

    @property
    def awaited(self) -> list[int]:
        """The outbox rows that somebody waits for, the oldest first, as many as one look is for."""
        return sorted(self._waiters)[:_LOOKED_FOR]

    @property
    def overdue(self) -> bool:
        """Whether somebody waits for an entry that stands on the log already."""
        return any(each <= self._newest_row for each in self._waiters)

    def take(self, state: State) -> None:
        """Note what is published by now. StartError if it is not, or less than, what was shown before."""
        if state.size < self._state.size or (state.size == self._state.size and self._is_another(state)):
            raise StartError(
                "the database has lost a part of the log that this server has shown: it is another copy"
            )
        grown = state.size > self._state.size
        self._state = state
        if grown:
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def _is_another(self, state: State) -> bool:
        """Tell whether a state of the same size is of other entries; who signed it may have changed."""
        known = self._state.checkpoint
        return known != b"" and text_unverified(state.checkpoint) != text_unverified(known)

    def tell(self, newest_row: int, places: Iterable[tuple[int, Place]]) -> None:
        """Tell whoever waits where entries stand; all rows up to `newest_row` are on the log by now."""
        self._newest_row = max(self._newest_row, newest_row)
        told = [(each, place) for row, place in places for each in self._waiters.pop(row, [])]
        if told:
            wake(told[0][0].get_loop(), (partial(answer, *each) for each in told))

    @staticmethod
    def look(connection: Connection, awaited: list[int]) -> Seen:
        """Read what is published, and where those of some outbox rows stand that are."""
        state, newest = ledger.published(connection), ledger.newest_integrated(connection)
        return Seen(state, newest, read_places(connection, [each for each in awaited if each <= newest]))

    def take_seen(self, seen: Seen) -> None:
        """Note and tell what a look has found."""
        self.take(seen.state)
        self.tell(seen.newest_row, seen.places.items())

    def fail(self) -> None:
        """Tell whoever waits for an entry to send the same again: it is not known when the log goes on."""
        for waiter in [each for waiters in self._waiters.values() for each in waiters]:
            if not waiter.done():
                waiter.set_exception(_stands_still())

    def end(self) -> None:
        """Say that nothing more will be told."""
        self._ended = True
        self.fail()

    async def integrated(self, outbox_id: int) -> Place:
        """Wait until an outbox row's entry is published; return where it stands.

        Raises ServiceError STORAGE_UNAVAILABLE if the log stands still.
        """
        if outbox_id <= self._newest_row:
            # Rows are taken in order, so this one stands on the log; only the database knows where.
            place = await self._database.read(lambda connection: read_place(connection, outbox_id))
            if place is not None:
                return place
        if self._ended:
            raise _stands_still()
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(outbox_id, []).append(future)
        self._wanted.set()
        try:
            return await future
        finally:
            self._forget(outbox_id, future)

    def _forget(self, outbox_id: int, future: "asyncio.Future[Place]") -> None:
        waiters = self._waiters.get(outbox_id, [])
        if future in waiters:
            waiters.remove(future)
        if not waiters:
            self._waiters.pop(outbox_id, None)

    async def next_after(self, size: int) -> State:
        """Wait until the published log is larger than `size`; return its state."""
        while self._state.size <= size:
            if not self._watching:
                raise ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")
            await self._changed.wait()
        return self._state

    def wake_watchers(self) -> None:
        """End the watching of checkpoints: whoever waits for the next one is told that the service ends."""
        self._watching = False
        self._changed.set()
