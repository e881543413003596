"""What a board of errands knows of its parts, for the thread that works and the loop that shows them."""

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from disclosure import LocalizedText, civil_date
from disclosure.errand import Counter, ErrandBundle, FormValue
from verifier.client.errands import (
    ASKED,
    DONE,
    ENDED,
    IN_PROGRESS,
    RECEIVED,
    REJECTED,
    SUBMITTED,
    WAITING,
    CounterPart,
)
from web_edge.board import Act, Listed, Named, Row, Sheet

HANDED_IN: Final = 200
OPEN: Final = 50
SETTLED: Final = 20
"""So many parts are listed that were submitted, that were not yet, and that are settled. Anybody may begin
errands, and what a stranger likes to begin must not hide what a person has submitted."""
STATES: Final = {
    WAITING: "waiting",
    ASKED: "asked",
    SUBMITTED: "submitted",
    RECEIVED: "received",
    IN_PROGRESS: "in-progress",
    DONE: "done",
    REJECTED: "rejected",
}
_SETTLED: Final = {"done", "rejected"}
_OPEN: Final = {"waiting", "asked"}
NOBODY: Final = Named("", "")


@dataclass(frozen=True)
class Read:
    """What was proven and declared of a part, as a clerk reads it."""

    came: dt.datetime
    zh: Sequence[str] = field(repr=False)
    en: Sequence[str] = field(repr=False)
    values: Mapping[str, FormValue] = field(repr=False)


@dataclass
class Held:
    """One part. `acts` are those that a clerk has made of it."""

    part: CounterPart
    state: str
    since: dt.datetime
    read: Read | None = field(default=None, repr=False)
    note: str = ""
    document: str = field(default="", repr=False)
    acts: dict[UUID, Act] = field(default_factory=dict, repr=False)

    @property
    def asked_by(self) -> bytes:
        """What tells one ask of the part from another."""
        return bytes(self.part.message.ask.ask_signature)


class Parts:
    """The parts of one counter of a bundle. Every method may be called in any thread, but `changed`."""

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._now, self._lock = now, threading.RLock()
        self._held: dict[str, Held] = {}
        self._bundle: ErrandBundle | None = None
        self._counter: Counter | None = None
        self._failed: Named | None = None
        self._loop, self._rung = asyncio.get_running_loop(), asyncio.Event()
        self.revision = 0

    async def changed(self, since: int) -> None:
        """Wait until the revision is another one."""
        while self.revision == since:
            await self._rung.wait()

    def opened(self, bundle: ErrandBundle, part: str) -> None:
        """Note that the service is heard, and which part of which bundle it is."""
        with self._lock:
            self._bundle, self._counter, self._failed = bundle, bundle.counter(part), None
            self._ring()

    def failed(self, why: Named) -> None:
        """Note that the service is not heard, and why."""
        with self._lock:
            if self._failed != why:
                self._failed = why
                self._ring()

    def saw(self, part: CounterPart) -> None:
        """Take a part as the service tells it."""
        with self._lock:
            before, state = self._held.get(part.name.id), STATES.get(part.state, "")
            if part.state == ENDED or not state:
                self._held.pop(part.name.id, None)
            elif before is None:
                self._held[part.name.id] = Held(part, state, self._now())
            else:
                self._move(before, part, state)
            self._forget()
            self._ring()

    def _move(self, held: Held, part: CounterPart, state: str) -> None:
        if held.asked_by != bytes(part.message.ask.ask_signature):  # it was opened again
            held.read, held.document = None, ""
        if held.state != state:
            held.state, held.since, held.note = state, self._now(), held.note if state in _SETTLED else ""
        held.part = part
        if state in _SETTLED:  # what is settled needs nobody's values any more
            held.read = None

    def noted(self, part: CounterPart, reason: str) -> None:
        """Note why a part cannot be accepted, or was rejected."""
        with self._lock:
            if (held := self._held.get(part.name.id)) is not None and held.note != reason:
                held.note = reason
                self._ring()

    def is_read(self, part: CounterPart) -> bool:
        """Tell whether what was proven and declared of a part is known already."""
        with self._lock:
            held = self._held.get(part.name.id)
            return held is not None and held.read is not None

    def read(self, part: CounterPart, read: Read, kept: dt.datetime) -> None:
        """Note what was proven and declared, and when that was kept here."""
        with self._lock:
            if (held := self._held.get(part.name.id)) is None:
                return
            held.read = read
            if held.state in {"submitted", "received"}:
                held.state, held.since = "received", kept
            self._ring()

    def get(self, name: str) -> Held | None:
        """Return a part."""
        with self._lock:
            return self._held.get(name)

    def told(self, name: str, act: Act) -> None:
        """Note that an act was told; the stream says the same a moment later."""
        with self._lock:
            if (held := self._held.get(name)) is None:
                return
            held.acts[act.id] = act
            held.state, held.since, held.document = act.state, self._now(), act.document or held.document
            if act.state in _SETTLED:
                held.read = None
            self._ring()

    def sheet(self, name: str) -> Sheet | None:
        """Return one part as a clerk reads it."""
        with self._lock:
            if (held := self._held.get(name)) is None:
                return None
            row, read = self._row(name, held), held.read
            if read is None or self._counter is None:
                return Sheet(row)
            declared = [
                (_named(each.display_name), _shown(read.values[each.id]))
                for each in self._counter.fields
                if each.id in read.values
            ]
            return Sheet(row, read.zh, read.en, declared)

    def listed(self) -> Listed:
        """Return the list: what was submitted, the oldest first, then what is open, then what is settled."""
        with self._lock:
            settled = [each for each in self._held.items() if each[1].state in _SETTLED]
            waiting = [each for each in self._held.items() if each[1].state in _OPEN]
            here = [each for each in self._held.items() if each[1].state not in _SETTLED | _OPEN]
            here.sort(key=lambda each: _came(each[1]))
            for group in (waiting, settled):
                group.sort(key=lambda each: each[1].since, reverse=True)
            chosen = [*here[:HANDED_IN], *waiting[:OPEN], *settled[:SETTLED]]
            rows = [self._row(name, held) for name, held in chosen]
            more = len(self._held) - len(rows)
            bundle, counter = self._bundle, self._counter
            if bundle is None or counter is None:
                return Listed(NOBODY, NOBODY, (), 0, rows, more, holds=False, failed=self._failed)
            names = {each.part: _named(each.display_name) for each in bundle.counters}
            return Listed(
                _named(bundle.display_name), names[counter.part],
                [names[each] for each in counter.depends_on], counter.settle_days,
                rows, more, holds=self._failed is None, failed=self._failed,
            )  # fmt: skip

    def _row(self, name: str, held: Held) -> Row:
        came = held.read.came if held.read else None
        days = self._counter.settle_days if self._counter else 0
        due = civil_date(came) + dt.timedelta(days=days) if came and days else None
        return Row(
            name, held.state, _iso(held.since), _iso(came), due.isoformat() if due else "",
            ready=held.part.ready, note=held.note, document=held.document,
        )  # fmt: skip

    def _forget(self) -> None:
        settled = [name for name, each in self._held.items() if each.state in _SETTLED]
        settled.sort(key=lambda name: self._held[name].since)
        for name in settled[: max(0, len(settled) - SETTLED)]:
            del self._held[name]

    def _ring(self) -> None:
        self.revision += 1
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()


def _named(text: LocalizedText) -> Named:
    return Named(text.zh, text.en)


def _came(held: Held) -> dt.datetime:
    return held.read.came if held.read else held.since


def _iso(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")


def _shown(value: FormValue) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)
