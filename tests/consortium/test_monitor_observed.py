"""What cannot be proven of a log is said once, after its bound, as somebody's word, and accuses nobody."""

from pathlib import Path

import pytest

from consortium.monitor import Sources
from tests.consortium.making import LOG
from tests.consortium.watching import (
    LATE,
    NOW,
    LyingWitness,
    Shown,
    TimedLog,
    W,
    Watcher,
    policy,
    serving,
    watcher,
)
from tests.tlog.making import holder_note
from tlog import (
    Evidence,
    Grade,
    TileId,
    cosign,
)
from tlog.tiles import entry_bundle

FORKED = 7_000


def not_proven(watch: Watcher, grade: Grade, what: str) -> None:
    found = Evidence.parse(watch.file().read_bytes()).verify()
    assert (found.grade, found.accused, found.concerned) == (grade, (), (LOG.verifier,))
    assert what in (found.kind.value, found.parts.get("what"))


async def test_witnesses_that_were_not_shown_a_block_in_time(tmp_path: Path) -> None:
    log = TimedLog().grow(2, time_ms=(NOW - 500) * 1000)
    old = log.note
    log.grow(2, time_ms=(NOW - 400) * 1000)
    witness = LyingWitness(W[0])
    witness.note = old + cosign(old, W[0], NOW - 100)
    async with serving(Shown(log), witness) as (url, at_witness):
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url, witnesses=W[:1])], sources) as watch:
            assert await watch.rounds(3) == ["LATE"]
            not_proven(watch, Grade.STATED, "LATE")
            assert watch.alarms[0].data["parts"]["seconds"] == 300


async def observed(watch: Watcher, expected: str) -> None:
    """What cannot be proven is said once and after the bound, and accuses nobody."""
    assert await watch.rounds(2) == []
    assert await watch.rounds(3, seconds=LATE) == [expected]
    assert await watch.rounds(3, seconds=LATE) == []
    not_proven(watch, Grade.OBSERVED, expected)


async def test_a_log_that_answers_with_an_old_checkpoint(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2, 2)
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        shown.checkpoint_is = log.notes_at[3]
        await observed(watch, "BEHIND")


@pytest.mark.parametrize("hidden", ["entries", "notes"])
async def test_a_log_that_lacks_a_block(tmp_path: Path, hidden: str) -> None:
    shown = Shown(TimedLog().grow(2, 2))
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        shown.log.grow(2)
        shown.hidden = {hidden}
        await observed(watch, "MISSING")


async def test_a_log_that_says_nothing(tmp_path: Path) -> None:
    shown = Shown(TimedLog().grow(2, 2))
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        shown.hidden = {"checkpoint"}
        await observed(watch, "SILENT")
        assert any(url in each for each in watch.troubles)
        shown.hidden = set()
        assert await watch.rounds(2) == []
        shown.hidden = {"checkpoint"}
        await observed(watch, "SILENT")


async def test_a_pending_checkpoint_that_is_never_shown(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        watch.monitor.take(log.fork(FORKED).grow(9).note)
        await observed(watch, "UNCOVERED")


async def test_a_block_that_is_shown_long_after_its_time(tmp_path: Path) -> None:
    log = TimedLog().grow(2, time_ms=NOW * 1000)
    async with serving(Shown(log)) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds(5, seconds=LATE) == []
        log.grow(2, time_ms=(NOW + 5) * 1000)
        assert await watch.rounds(2) == ["LATE"]
        not_proven(watch, Grade.OBSERVED, "LATE")


class Altered(Shown):
    """A log that serves other octets than it signed."""

    altered = ""

    async def entries(self, index: int, width: int) -> bytes:
        found = await super().entries(index, width)
        return found[:-1] + bytes([found[-1] ^ 1]) if self.altered == "entries" else found

    async def notes(self, index: int, width: int) -> bytes:
        notes = [note and holder_note(-1) for _, note in self.log.pairs[index * 256 :][:width]]
        return (
            entry_bundle([each or b"" for each in notes])
            if self.altered == "notes"
            else await super().notes(index, width)
        )

    async def tile(self, tile: TileId, width: int) -> bytes:
        found = await super().tile(tile, width)
        return bytes(len(found)) if self.altered == "tile" else found


@pytest.mark.parametrize(
    ("altered", "expected"), [("entries", "MISMATCH"), ("notes", "NOTE_WRONG"), ("tile", "UNPROVEN_SPLIT")]
)
async def test_a_log_that_serves_something_else_than_it_signed(
    tmp_path: Path, altered: str, expected: str
) -> None:
    shown = Altered(TimedLog().grow(4, 4))
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        shown.log.grow(4)
        shown.altered = altered
        assert await watch.rounds(3) == [expected]
        not_proven(watch, Grade.OBSERVED, expected)
        shown.altered = ""
        assert await watch.rounds(2) == []
        assert watch.monitor.summary()[0]["size"] == shown.log.size
