"""What a server depends on, looked at every second: whether each is there, and how far work is behind.

State rules: belongs to the event loop. One look at a time, and a look that hangs counts as a loss after
`_PATIENCE` seconds, while it goes on. Nothing is decided here: calls find out by themselves what fails.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Final

import structlog

from zkservice.context import Context
from zkservice.errors import ServiceError, StartError
from zkservice.storage import ledger

_EVERY: Final = 1.0
_PATIENCE: Final = 5.0
_BEHIND: Final = 10.0
"""Longer than another server takes to notice that whoever sequenced is silent, and to take over. Seconds."""


class Name(StrEnum):
    """What is depended on; the value is its name in `/ready`, in metrics, and in gRPC's health."""

    DATABASE = "database"
    SEQUENCER = "sequencer"
    WORKERS = "workers"
    CERTIFICATE = "certificate"
    WITNESSES = "witnesses"


REQUIRED: Final = frozenset({Name.DATABASE, Name.SEQUENCER, Name.WORKERS, Name.CERTIFICATE})
"""Without these callers are not served. Without a quorum of witnesses they are: receipts stay pending."""


class Lag:
    """How long the newest row that there was at a moment has been waiting for its block."""

    def __init__(self) -> None:
        self._due: tuple[int, float] | None = None
        self.seconds = 0.0

    def look(self, newest: int, integrated: int, now: float) -> None:
        """Compare the outbox's newest row with the newest that is in a block, at a time of the loop."""
        if integrated >= newest:
            self._due, self.seconds = None, 0.0
            return
        if self._due is None or integrated >= self._due[0]:
            self._due = newest, now
        self.seconds = now - self._due[1]


class Dependencies:
    """`run` looks until it is cancelled. `states` is what was found last, by name: True is well.

    `pending` is how many entries wait for a block, None while nobody knows. `ends` tells when the certificate
    does.
    """

    def __init__(self, context: Context, ends: Callable[[], dt.datetime]) -> None:
        self._context, self._ends = context, ends
        self.pending: int | None = None
        self.lag = Lag()
        self.stopping = False
        self._looking: asyncio.Task[tuple[int, int, int]] | None = None
        self._states = dict.fromkeys(self._names(), True)
        self._changed = asyncio.Event()

    def _names(self) -> list[Name]:
        witnessed = self._context.anchoring is not None
        return [each for each in Name if witnessed or each is not Name.WITNESSES]

    @property
    def ends(self) -> dt.datetime:
        """When the certificate that is shown now ends."""
        return self._ends()

    @property
    def states(self) -> dict[Name, bool]:
        """What was found last; without witnesses where no policy demands any."""
        return dict(self._states)

    @property
    def ready(self) -> bool:
        """Whether callers can be served."""
        return not self.stopping and all(self._states[each] for each in REQUIRED)

    def stop(self) -> None:
        """Say that the server ends: it is not ready any more."""
        self.stopping = True
        self._tell()

    async def other_than(self, seen: dict[Name, bool]) -> dict[Name, bool]:
        """Wait until it is not as it was seen; return what it is then."""
        while self._states == seen:
            await self._changed.wait()
        return self.states

    async def run(self) -> None:
        """Look every second."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Look once, and have workers started again that have ended while nobody asked."""
        database = await self._look_at_database()
        workers = self._context.judges, self._context.signers
        anchoring = self._context.anchoring
        self._take(Name.DATABASE, database)
        self._take(Name.SEQUENCER, database and self.lag.seconds < _BEHIND)
        self._take(Name.WORKERS, all(each.alive for each in workers))
        self._take(Name.CERTIFICATE, self._context.now() < self.ends)
        if anchoring is not None:
            self._take(Name.WITNESSES, not anchoring.lateness.late)
        for each in workers:
            with suppress(StartError):
                await each.mend()

    def _take(self, name: Name, well: bool) -> None:
        if self._states[name] == well:
            return
        self._states[name] = well
        log = structlog.get_logger()
        if well:
            log.warning("a dependency is back", dependency=name.value)
        else:
            log.error("a dependency is lost", dependency=name.value)
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _look_at_database(self) -> bool:
        """Read how much waits; return whether the database answered in time."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._context.database.read(ledger.backlog))
        await asyncio.wait((self._looking,), timeout=_PATIENCE)
        if not self._looking.done():
            self.pending = None
            return False
        looked, self._looking = self._looking, None
        try:
            self.pending, newest, integrated = looked.result()
        except ServiceError:
            self.pending = None
            return False
        self.lag.look(newest, integrated, asyncio.get_running_loop().time())
        return True
