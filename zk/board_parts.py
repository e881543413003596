"""What a board of errands knows of its parts, for the threads that work and the loop that shows them."""

import asyncio
import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from disclosure import LocalizedText, MalformedError, Reason, civil_date
from disclosure.errand import Counter, ErrandBundle, FormValue
from prover.errands.screen import show_declared
from verifier.client.errands import (
    ASKED,
    DONE,
    IN_PROGRESS,
    RECEIVED,
    REJECTED,
    SUBMITTED,
    WAITING,
    CounterPart,
)
from web_edge.board import Act, Decision, Declared, Listed, Named, Row, Sheet, Step
from zk import messages
from zk.board_book import SETTLED, Noted, Told

HANDED_IN: Final = 200
OPEN: Final = 50
RECENT: Final = 50
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
_OPEN: Final = {"waiting", "asked"}
QUIET_SECONDS: Final = 30.0
"""A stream tells all parts that are active when it begins. Once it has told nothing for so long, what it did
not tell is not active any more: it was settled, or has ended, while nobody listened."""
_NOTHING: Final = Named("", "")


@dataclass
class _Stream:
    """The stream of one step: how many there were before, when it told something last, and the number of the
    last one that told everything and ended."""

    number: int
    last: float
    whole: int = 0


@dataclass
class Held:
    """One part: what is noted of it, and what the service told of it last.

    `part` is None for one that is known from the book alone; `declared` is None until what came was read;
    `stream` counts which of its step's streams has told it last.
    """

    noted: Noted
    part: CounterPart | None = None
    declared: Mapping[str, FormValue] | None = field(default=None, repr=False)
    stream: int = 0

    @property
    def asked_by(self) -> bytes:
        """What tells one ask of the part from another."""
        return b"" if self.part is None else bytes(self.part.message.ask.ask_signature)


class Parts:
    """The parts of a board. Every method may be called in any thread, but `changed`.

    `recalled` returns what the book has of a part.
    """

    def __init__(
        self,
        recalled: Callable[[str], Noted | None],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recalled, self._now, self._ticks, self._lock = recalled, now, ticks, threading.RLock()
        self._held: dict[str, Held] = {}
        self._bundle: ErrandBundle | None = None
        self._here: Collection[str] = ()
        self._failed: dict[str, Named] = {}
        self._streams: dict[str, _Stream] = {}
        self._loop, self._rung = asyncio.get_running_loop(), asyncio.Event()
        self.revision = 0

    async def changed(self, since: int) -> None:
        """Wait until the revision is another one."""
        while self.revision == since:
            await self._rung.wait()

    def opened(self, bundle: ErrandBundle, here: Collection[str]) -> None:
        """Note which bundle it is, and which of its parts are on this board."""
        with self._lock:
            self._bundle, self._here = bundle, here
            self._ring()

    @property
    def is_open(self) -> bool:
        """Whether the bundle is known."""
        return self._bundle is not None

    def counter(self, part: str) -> Counter:
        """Return whose a step is; MalformedError before the bundle is known."""
        with self._lock:
            if self._bundle is None:
                raise MalformedError(Reason.NAME_INVALID, "the bundle is not known yet", field="part")
            return self._bundle.counter(part)

    def known(self, noted: Noted) -> None:
        """Take up a part that was settled before this board was opened."""
        with self._lock:
            if noted.part in self._here:
                self._held.setdefault(noted.name, Held(noted))
            self._ring()

    def failed(self, step: str, why: Named | None) -> None:
        """Note why the service is not heard about a step, or that it is heard."""
        with self._lock:
            if self._failed.get(step) != why:
                self._failed = {name: text for name, text in self._failed.items() if name != step}
                self._failed |= {} if why is None else {step: why}
                self._ring()

    def heard(self, step: str) -> None:
        """Note that a stream of a step begins."""
        with self._lock:
            before = self._streams.get(step)
            self._streams[step] = (
                _Stream(1, self._ticks())
                if before is None
                else _Stream(before.number + 1, self._ticks(), before.whole)
            )
            self.failed(step, None)

    def told_all(self, step: str) -> None:
        """Note that the stream of a step has told everything and ends: what it did not tell is inactive."""
        with self._lock:
            self._streams[step].whole = self._streams[step].number

    def saw(self, part: CounterPart) -> None:
        """Take a part as the service tells it."""
        with self._lock:
            name, state = part.name.id, STATES.get(part.state, "")
            stream = self._streams.setdefault(part.part, _Stream(1, 0))
            stream.last = self._ticks()
            before = self._held.get(name)
            was = None if before is None else (before.noted, before.part)
            if not state:
                self._held.pop(name, None)
            elif before is None:
                noted = self._recalled(name)
                if noted is None or noted.part != part.part:
                    noted = Noted(name, part.part, state, self._now())
                self._held[name] = Held(noted, part)
                self._come_to(self._held[name], state)
            else:
                if before.asked_by not in (b"", bytes(part.message.ask.ask_signature)):
                    _forget_answer(before)
                before.part = part
                self._come_to(before, state)
            if (held := self._held.get(name)) is not None:
                held.stream = stream.number
            if state in SETTLED:
                self._forget()
            if was != (None if held is None else (held.noted, held.part)):
                self._ring()  # a stream that is opened anew tells all again

    def _come_to(self, held: Held, state: str) -> None:
        before = held.noted
        if before.state == state or (before.state, state) == ("received", "submitted"):
            return
        if state in SETTLED:  # why it was rejected is noted before; and nobody needs the form any more
            held.noted, held.declared = replace(before, state=state, since=self._now()), None
            return
        intended = None if state in _OPEN else before.intended  # it was of what came before
        held.noted = replace(before, state=state, since=self._now(), reason="", intended=intended)
        if before.state in SETTLED:  # it was opened again
            _forget_answer(held)

    def refused(self, part: CounterPart, reason: str, state: str = "") -> Noted | None:
        """Note why a part cannot be accepted, or, with a state, what became of it then."""
        with self._lock:
            if (held := self._held.get(part.name.id)) is None or held.noted.reason == reason:
                return None
            held.noted = replace(held.noted, reason=reason)
            if state:
                self._come_to(held, state)
            self._ring()
            return held.noted

    def is_read(self, part: CounterPart) -> bool:
        """Tell whether what was declared of a part is known already."""
        with self._lock:
            held = self._held.get(part.name.id)
            return held is not None and held.declared is not None

    def read(
        self,
        part: CounterPart,
        came: dt.datetime,
        record: str,
        kept: dt.datetime,
        declared: Mapping[str, FormValue],
    ) -> None:
        """Note what came of a part: when, in which record's file, kept here when, and what was declared."""
        with self._lock:
            if (held := self._held.get(part.name.id)) is None:
                return
            held.noted, held.declared = replace(held.noted, came=came, record=record, reason=""), declared
            if held.noted.state in {"submitted", "received"}:
                held.noted = replace(held.noted, state="received", since=kept)
            self._ring()

    def get(self, name: str) -> Held | None:
        """Return a part as it is now."""
        with self._lock:
            held = self._held.get(name)
            return None if held is None else replace(held)

    def intends(self, name: str, act: Act | None) -> None:
        """Note that an act is about to be told, or that none is."""
        with self._lock:
            if (held := self._held.get(name)) is not None:
                intended = None if act is None else Told(act, self._now())
                held.noted = replace(held.noted, intended=intended)

    def told(self, name: str, act: Act) -> None:
        """Note that an act was told; the stream says the same a moment later.

        The part may have gone on since the act was tried first: then only the act is noted.
        """
        with self._lock:
            if (held := self._held.get(name)) is None:
                return
            intended, told = held.noted.intended, Told(act, self._now())
            held.noted = replace(held.noted, told=(*held.noted.told, told), intended=None)
            if intended is not None and intended.act == act and held.noted.state == act.seen:
                self._come_to(held, act.state)
            self._ring()

    def sheet(self, held: Held) -> Sheet:
        """Return one part as a clerk reads it, but for what stands in its record."""
        with self._lock:
            bundle, declared = self._bundle, held.declared or {}
            fields = () if bundle is None else bundle.counter(held.noted.part).fields
            shown = [
                Declared(
                    _named(each.display_name),
                    Named(show_declared(each, value, "zh"), show_declared(each, value, "en")),
                )
                for each in fields
                if (value := declared.get(each.id)) is not None
            ]
            told = [
                Decision(each.act.state, _iso(each.time), each.act.message, each.act.document)
                for each in held.noted.told
            ]
            return Sheet(self._row(held), declared=shown, decisions=told, record=bool(held.noted.record))

    def listed(self) -> Listed:
        """Return the list: what was submitted, the oldest first, then what is open, then what is settled."""
        with self._lock:
            self._sweep()
            settled = [each for each in self._held.values() if each.noted.state in SETTLED]
            waiting = [each for each in self._held.values() if each.noted.state in _OPEN]
            here = [each for each in self._held.values() if each.noted.state not in SETTLED | _OPEN]
            here.sort(key=self._order)
            for group in (waiting, settled):
                group.sort(key=lambda each: each.noted.since, reverse=True)
            chosen = [*here[:HANDED_IN], *waiting[:OPEN], *settled[:RECENT]]
            rows, more = [self._row(each) for each in chosen], len(self._held) - len(chosen)
            failed = [*dict.fromkeys(self._failed.values())]
            if (bundle := self._bundle) is None:
                return Listed(_NOTHING, _NOTHING, (), rows, more, failed)
            steps = [_step(each, self._here) for each in bundle.counters]
            about = _named(bundle.description)
            return Listed(_named(bundle.display_name), about, steps, rows, more, failed)

    def _order(self, held: Held) -> tuple[dt.datetime, int]:
        """Return where a part stands among those that are here: by the minute that it came in, then its step.

        Within a minute receipts tell when a counter asked, which orders nothing for a clerk.
        """
        came = held.noted.came or held.noted.since
        steps = () if self._bundle is None else self._bundle.counters
        place = next((at for at, each in enumerate(steps) if each.part == held.noted.part), len(steps))
        return came.replace(second=0, microsecond=0), place

    def _row(self, held: Held) -> Row:
        noted, bundle = held.noted, self._bundle
        days = 0 if bundle is None else bundle.counter(noted.part).settle_days
        due = civil_date(noted.came) + dt.timedelta(days=days) if noted.came and days else None
        why = _why(noted.reason) if noted.reason else None
        return Row(
            noted.name, noted.part, noted.state, _iso(noted.since), _iso(noted.came),
            "" if due is None else due.isoformat(), held.part is not None and held.part.ready,
            noted.reason, why,
        )  # fmt: skip

    def _sweep(self) -> None:
        """Drop what is not active any more, and was not noted as settled here."""
        for step, stream in self._streams.items():
            if step in self._failed:
                continue
            here = [each for each in self._held.values() if each.noted.part == step]
            for each in here:
                if each.noted.state not in SETTLED and self._is_gone(each, stream):
                    del self._held[each.noted.name]

    def _is_gone(self, held: Held, stream: _Stream) -> bool:
        """Tell whether a stream that told everything has not told a part, or one that is quiet by now."""
        quiet = self._ticks() - stream.last >= QUIET_SECONDS
        return held.stream < stream.whole or (held.stream < stream.number and quiet)

    def _forget(self) -> None:
        settled = [each.noted for each in self._held.values() if each.noted.state in SETTLED]
        settled.sort(key=lambda each: each.since)
        for each in settled[: max(0, len(settled) - RECENT)]:
            del self._held[each.name]

    def _ring(self) -> None:
        self.revision += 1
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()


def _step(counter: Counter, here: Collection[str]) -> Step:
    name, there = _named(counter.display_name), counter.part in here
    return Step(counter.part, name, counter.depends_on, counter.settle_days, there)


def _named(text: LocalizedText) -> Named:
    return Named(text.zh, text.en)


def _iso(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")


def _forget_answer(held: Held) -> None:
    """Drop what came before a part was opened again; its record stays where records are."""
    held.noted, held.declared = replace(held.noted, came=None, record="", intended=None), None


def _why(reason: str) -> Named:
    return Named(messages.reason_text("zh", reason, reason), messages.reason_text("en", reason, reason))
