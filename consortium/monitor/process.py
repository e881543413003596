"""The monitor: one task for each log and for each other monitor, each going round by itself.

No source can stop another: every answer is bounded in time and octets, so is the reading of a log in each
round, a task waits for its own sources only, and what fails is told and tried again in the next round. What a
source says counts for what it has signed.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from consortium.errors import ConsortiumError, Reason, SourceError
from consortium.fetching import Fetcher
from consortium.monitor.alarms import Alarm, Alarms, shown_url
from consortium.monitor.comparing import Comparing
from consortium.monitor.following import Following
from consortium.monitor.gossip import MAX_GOSSIP_OCTETS, hear_from
from consortium.monitor.notes import Known, Seen, open_seen
from consortium.monitor.states import Standing
from consortium.monitor.store import MonitorStore
from consortium.origins import origin_hash
from consortium.source import HttpSource
from consortium.witness.app import split_refused
from tlog import Signer, TlogError, What
from tlog.note import MAX_NOTE_OCTETS

_MOST_TOLD: Final = 16
_MILLISECONDS: Final = 1000
_LONGEST: Final = 6 * 3600
"""A tree that would take more seconds to read than this, at the pace at which it comes, is not served."""


@dataclass(frozen=True)
class Bounds:
    """How long a log may take for what it owes, how long a round waits, and how long it reads at each source,
    in seconds."""

    late: int = 60
    interval: float = 10.0
    reading: float = 10.0


@dataclass(frozen=True)
class Sources:
    """Where else checkpoints are to be had: witnesses, mirrors and other monitors, by their URLs."""

    witnesses: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()


@dataclass
class _Log:
    """One log: what compares and reads it, when the log itself was last seen at which size, and since when
    and from where on its entries have been read that no checkpoint has vouched for yet."""

    comparing: Comparing
    following: Following
    looked: tuple[int, int] | None = None
    begun: tuple[int, int] | None = None
    troubles: dict[str, str] = field(default_factory=dict)


class Monitor:
    """Belongs to one event loop. `tell` gets each alarm, `trouble` what is not reached, when that changes."""

    def __init__(
        self,
        folder: Path,
        store: MonitorStore,
        known: Known,
        sources: Sources,
        signer: Signer,
        fetcher: Fetcher,
        bounds: Bounds = Bounds(),
        *,
        tell: Callable[[Alarm], None] = lambda _: None,
        trouble: Callable[[str, str], None] = lambda *_: None,
        clock: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        self._store, self._known, self._sources, self._fetcher = store, known, sources, fetcher
        self._bounds, self._clock, self._trouble = bounds, clock, trouble
        self._alarms = Alarms(folder, store, signer, tell)
        self._failing = dict[str, str]()
        self._silent = set[str]()
        self._logs = dict[str, _Log]()
        for origin in known.logs:
            comparing = Comparing(origin, known, store, self._alarms)
            following = Following(origin, store, self._alarms, comparing, bounds.reading)
            self._logs[origin] = _Log(comparing, following)

    async def once(self) -> None:
        """Go round once: what others have first, so that nothing waits for the next round."""
        with self._minding("store"):
            self._alarms.tell_untold()
        await asyncio.gather(*(self._hear(url) for url in self._sources.peers))
        await asyncio.gather(*(self._look(origin) for origin in self._logs))

    async def forever(self) -> None:
        """Go round until cancelled."""
        with self._minding("store"):
            self._alarms.tell_untold()
        rounds = [lambda url=url: self._hear(url) for url in self._sources.peers]
        rounds += [lambda origin=origin: self._look(origin) for origin in self._logs]
        async with asyncio.TaskGroup() as group:
            for each in rounds:
                group.create_task(self._repeat(each))

    async def _repeat(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await step()
            await asyncio.sleep(self._bounds.interval)

    def take(self, note: bytes) -> None:
        """Take a note from anywhere.

        Raises TlogError if it is none that a followed log signed; ConsortiumError NOTES_FULL, STORE_FAILED if
        it was not kept.
        """
        self._take(open_seen(note, self._known))

    def _take(self, seen: Seen) -> None:
        try:
            self._logs[seen.checkpoint.origin].comparing.take(seen, self._clock())
        except sqlite3.Error as error:
            raise ConsortiumError(Reason.STORE_FAILED, f"the store failed ({type(error).__name__})") from None

    def notes(self) -> Iterator[bytes]:
        """Give what others should know of each log: of all of them first what contradicts something."""
        seen = {each: self._store.seen(each) for each in self._logs}
        for choose in (_contradicting, _settled, _pending):
            for notes in seen.values():
                yield from (each.note for each in choose(notes)[-_MOST_TOLD:])

    @property
    def silent(self) -> frozenset[str]:
        """The origins of the logs that showed no checkpoint of their own when they were asked last."""
        return frozenset(self._silent)

    def summary(self) -> list[dict[str, Any]]:
        """Return where each log stands, for the operator."""
        rows = []
        for origin in self._logs:
            state = self._store.state(origin)
            rows.append(
                {"origin": origin, "size": state.size, "root": state.root.hex(), "chain_holds": state.sound}
            )
        return rows

    async def _hear(self, url: str) -> None:
        with self._minding(f"{shown_url(url)}/gossip"):
            await self._take_all(await hear_from(url, self._fetcher))

    async def _look(self, origin: str) -> None:
        """Go round for one log: what everybody shows of it, its own entries, and what is late by now."""
        asked = asyncio.gather(*(self._ask(each) for each in self._places(origin)))
        own, others = await asyncio.gather(self._own(origin), asked)
        (self._silent.discard if own is not None else self._silent.add)(origin)
        with self._minding(f"{origin} (notes)"):
            await self._take_all([each for notes in others for each in notes])
        with self._minding(f"{origin} (kept notes)"):
            if count := self._store.unreadable(origin):
                detail = f"{count} notes cannot be read and are passed over"
                raise ConsortiumError(Reason.STORE_FAILED, detail)
        with self._minding("store"):
            await self._follow(origin, own)
            now, log = self._clock(), self._logs[origin]
            log.comparing.settle(now)
            log.comparing.find_late(self._bounds.late, now)
            self._watch(origin, own, now)

    async def _own(self, origin: str) -> Seen | None:
        """Return the checkpoint that the log itself shows."""
        if origin not in self._known.urls:
            return None
        url = self._known.urls[origin]
        seen = None
        with self._minding(f"{origin} at {shown_url(url)}"):
            found = open_seen(await HttpSource(url, self._fetcher).checkpoint(), self._known)
            if found.checkpoint.origin != origin:
                raise SourceError(Reason.ANSWER_MALFORMED, f"{shown_url(url)} shows another log")
            seen = found
        if seen is not None:
            # It was shown, whether or not there is room to keep it.
            with self._minding(f"{origin} (notes)"):
                self._take(seen)
        return seen

    def _places(self, origin: str) -> list[tuple[str, bool]]:
        """Return where notes of a log are asked for, and whether several come at once."""
        at_witnesses = [f"{url.rstrip('/')}/{origin_hash(origin)}" for url in self._sources.witnesses]
        shown = [(f"{place}/checkpoint", False) for place in at_witnesses]
        refused = [(f"{place}/refused", True) for place in at_witnesses]
        return [
            *shown,
            *refused,
            *((f"{url.rstrip('/')}/checkpoint", False) for url in self._sources.mirrors),
        ]

    async def _ask(self, place: tuple[str, bool]) -> list[bytes]:
        url, several = place
        with self._minding(shown_url(url), but=Reason.NOT_FOUND):
            body = await self._fetcher.get(url, MAX_GOSSIP_OCTETS if several else MAX_NOTE_OCTETS)
            return split_refused(body) if several else [body]
        return []

    async def _take_all(self, notes: list[bytes]) -> None:
        """Take notes; ConsortiumError if some were not kept. What a stranger shows and no followed log has
        signed is passed over: it says nothing about anybody."""
        full: ConsortiumError | None = None
        for each in notes:
            try:
                self.take(each)
            except ConsortiumError as error:
                full = error
            except TlogError:
                pass
            # Verifying takes its time, and everybody else waits for this loop.
            await asyncio.sleep(0)
        if full is not None:
            raise full

    async def _follow(self, origin: str, own: Seen | None) -> None:
        """Read on, at the log itself and else at a mirror that has more."""
        log, url = self._logs[origin], self._known.urls.get(origin)
        if own is not None and url is not None and own.checkpoint.size > self._store.state(origin).size:
            log.troubles.pop("missing", None)
            before = self._read(origin, url)
            try:
                source = HttpSource(url, self._fetcher)
                await log.following.follow(source, url, own, self._clock(), own=True)
            except (SourceError, TlogError) as error:
                if self._read(origin, url) <= before:
                    log.troubles["missing"] = error.detail
        for mirror in self._sources.mirrors:
            with self._minding(f"{shown_url(mirror)} (entries)"):
                source = HttpSource(mirror, self._fetcher)
                seen = open_seen(await source.checkpoint(), self._known)
                here, size = seen.checkpoint, self._store.state(origin).size
                if here.origin == origin and here.size > size:
                    await log.following.follow(source, mirror, seen, self._clock(), own=False)

    def _read(self, origin: str, source: str) -> int:
        """Return how far a source was read."""
        progress = self._store.progress(origin, source)
        return progress.read if progress is not None else self._store.state(origin).size

    def _watch(self, origin: str, own: Seen | None, now: int) -> None:
        """Say what has lasted too long to be the network's fault, and when a block came too late."""
        log, state, url = self._logs[origin], self._store.state(origin), self._known.urls.get(origin)
        if url is None:
            return
        shown = own.checkpoint.size if own is not None else None
        pending = [
            seen
            for seen, _, at in self._store.seen(origin, Standing.PENDING)
            if shown is not None and seen.checkpoint.size > shown and at + self._bounds.late <= now
        ]
        behind = shown is not None and shown < state.size
        self._last(What.SILENT, origin, url, "no checkpoint that the log signed", now, own is None)
        if own is not None:
            detail = f"it shows size {shown} and has signed size {state.size}"
            self._last(What.BEHIND, origin, url, detail, now, behind)
            missing = log.troubles.get("missing", "") if shown != state.size and not behind else ""
            self._last(What.MISSING, origin, url, missing, now, bool(missing))
            self._check_pace(origin, url, own.checkpoint.size, now)
            largest = max((each.checkpoint.size for each in pending), default=0)
            detail = f"it has signed size {largest} and shows size {shown}"
            # The bound has passed already since the note was seen.
            self._last(What.UNCOVERED, origin, url, detail, now, bool(pending), bound=0)
        if log.looked is not None and own is not None:
            self._check_shown(origin, url, log.looked, now)
        if shown is not None:
            # What was shown before counts as shown: an old answer out of a cache makes no block late.
            log.looked = (now, max(shown, state.size))

    def _check_pace(self, origin: str, url: str, shown: int, now: int) -> None:
        """Say that a tree that the log signed comes so slowly that it is as good as not served.

        A log that is read for the first time, or over a slow line, comes to its end; one that signs any size
        and gives each answer just in time does not.
        """
        log, progress = self._logs[origin], self._store.progress(origin, url)
        if progress is None or shown <= progress.read:
            log.begun = None
            return
        log.begun = log.begun or (now, progress.read)
        since, first = log.begun
        seconds, came, left = now - since, progress.read - first, shown - progress.read
        if seconds >= self._bounds.late and seconds * (came + left) > _LONGEST * came:
            detail = f"of the {shown} entries that it signed {came} came in {seconds} seconds"
            self._observe(What.MISSING, origin, url, detail, since, now)

    def _check_shown(self, origin: str, url: str, looked: tuple[int, int], now: int) -> None:
        """Say that a block was not shown when it was looked for, so long after its time."""
        at, size = looked
        for header in self._store.headers(origin):
            if header.index >= size:
                seconds = at - header.time_ms // _MILLISECONDS
                if seconds > self._bounds.late:
                    detail = f"block {header.height} was not shown {seconds} seconds after its time"
                    self._observe(What.LATE, origin, url, detail, header.height, now)
                return

    def _last(
        self, what: What, origin: str, url: str, detail: str, now: int, so: bool, bound: int | None = None
    ) -> None:
        since = self._store.lasting(f"{what.value} {origin}", now, so=so)
        if so and now - since >= (self._bounds.late if bound is None else bound):
            self._observe(what, origin, url, detail, since, now)

    def _observe(self, what: What, origin: str, url: str, detail: str, since: int, now: int) -> None:
        about = self._logs[origin].comparing.keys[0]
        self._alarms.observe(what, about, url, detail, since=since, now=now)

    @contextlib.contextmanager
    def _minding(self, what: str, but: Reason | None = None) -> Iterator[None]:
        """Tell the operator what fails, once until it goes again or fails otherwise; nothing is raised."""
        try:
            yield
        except (ConsortiumError, TlogError, sqlite3.Error) as error:
            reason = getattr(error, "reason", Reason.STORE_FAILED.value)
            if reason != but and self._failing.get(what) != reason:
                self._failing[what] = reason
                self._trouble(what, str(error))
        else:
            self._failing.pop(what, None)


def _contradicting(seen: list[tuple[Seen, Standing, int]]) -> list[Seen]:
    """Return the notes that contradict the tree, and those of which one size has several roots."""
    roots = dict[int, set[bytes]]()
    for each, _, _ in seen:
        roots.setdefault(each.checkpoint.size, set()).add(each.checkpoint.root)
    return [
        each
        for each, standing, _ in seen
        if standing is Standing.FORKED or len(roots[each.checkpoint.size]) > 1
    ]


def _settled(seen: list[tuple[Seen, Standing, int]]) -> list[Seen]:
    return [each for each, standing, _ in seen if standing is Standing.SETTLED]


def _pending(seen: list[tuple[Seen, Standing, int]]) -> list[Seen]:
    return [each for each, standing, _ in seen if standing is Standing.PENDING]
