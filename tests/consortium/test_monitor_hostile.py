"""Logs, mirrors and strangers that try to blind the monitor: by floods, slowness, what it keeps of them."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from consortium.errors import ConsortiumError
from consortium.monitor import Known, MonitorStore, Sources, gossip_app, opened_store
from consortium.monitor.alarms import shown_url
from consortium.monitor.gossip import hear_from
from consortium.monitor.states import Progress, Read
from consortium.monitor.store import MOST_NOTES
from consortium.witness.app import MOST_NOTES as MOST_IN_ANSWER
from consortium.witness.app import split_refused
from tests.consortium.making import LOG, ORIGIN, served
from tests.consortium.nonces import signed_with
from tests.consortium.watching import (
    LATE,
    NOW,
    LyingWitness,
    Shown,
    TimedLog,
    W,
    Watcher,
    forged,
    policy,
    serving,
    watcher,
)
from tests.tlog.making import record
from tlog import (
    Checkpoint,
    CosignatureSigner,
    Evidence,
    Grade,
    InputError,
    LogLine,
    Policy,
    Signer,
    WitnessLine,
    cosign,
    sign_checkpoint,
)
from tlog.tiles import TILE_WIDTH, entry_bundle


def note(size: int, root: int = 0) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root.to_bytes(32)), LOG)


def kinds(watch: Watcher) -> list[str]:
    return sorted(str(each.data["kind"]) for each in watch.alarms)


async def test_a_log_with_any_number_of_signatures_silences_nobody(tmp_path: Path) -> None:
    """More lines under one text than a note can have: all are the log's, and all verify."""
    text = Checkpoint(ORIGIN, 100, bytes(32)).text()
    async with watcher(tmp_path, [policy(None)]) as watch:
        for first in (1, 101, 201):
            watch.monitor.take(signed_with(LOG, text, range(first, first + 90)))
        (kept,) = watch.monitor.notes()
        assert kept.count(LOG.name.encode()) == 2, "the origin, and one line of the key"
        watch.monitor.take(note(100, 1))
        assert kinds(watch) == ["SPLIT_VIEW"]
        assert watch.troubles == []


async def test_of_a_witness_the_first_and_the_last_time_are_kept(tmp_path: Path) -> None:
    first = note(100)
    async with watcher(tmp_path, [policy(None, witnesses=W)]) as watch:
        for seconds in range(NOW, NOW + 300, 3):
            lines = [cosign(first, each, seconds + n) for n, each in enumerate(W) for _ in range(3)]
            watch.monitor.take(first + b"".join(lines))
        (kept,) = watch.monitor.notes()
        assert kept.count(b"\xe2\x80\x94") == 1 + 2 * len(W)
        watch.monitor.take(note(99) + cosign(note(99), W[1], NOW + 2))
        assert kinds(watch) == ["ROLLED_BACK"], "the first time of all is what convicts it"


async def test_a_kept_note_that_cannot_be_read_is_told_and_passed_over(tmp_path: Path) -> None:
    log = TimedLog().grow(2)
    other = log.fork(900).grow(2)
    log.grow(2)
    async with serving(Shown(log)) as (url,):
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds() == []
        with opened_store(tmp_path) as store, store.transaction():
            insert = "insert into seen select origin, x'00', 5, 1, x'ff', 0 from seen limit 1"
            store._connection.execute(insert)
        async with watcher(tmp_path, [policy(url)]) as watch:
            watch.monitor.take(other.note)
            assert kinds(watch) == ["SPLIT_VIEW"]
            assert await watch.rounds(2) == []
            assert [each for each in watch.troubles if "1 notes cannot be read" in each] == watch.troubles
            assert len(watch.troubles) == 1


async def test_two_roots_of_one_size_need_no_tree(tmp_path: Path) -> None:
    """The log hands out what it will never show: nobody waits for it to reach the size."""
    async with watcher(tmp_path, [policy(None, witnesses=W)]) as watch:
        watch.monitor.take(note(500, 1) + cosign(note(500, 1), W[0], NOW))
        assert watch.alarms == []
        watch.monitor.take(note(500, 2) + cosign(note(500, 2), W[0], NOW))
        assert kinds(watch) == ["DOUBLE_COSIGNED", "SPLIT_VIEW"]
        for each in watch.alarms:
            assert Evidence.parse(Path(each.data["file"]).read_bytes()).verify().grade is Grade.PROVEN
        for size in range(100):
            watch.monitor.take(note(1000 + size))
        told = [each.split(b"\n\n")[0] for each in watch.monitor.notes()]
        assert told[:2] == [note(500, 1).split(b"\n\n")[0], note(500, 2).split(b"\n\n")[0]]
        assert await watch.rounds(2) == []


async def test_notes_far_away_drive_out_none_that_is_near(tmp_path: Path) -> None:
    """And who is not heard is told so, after what he brought was compared."""
    log = TimedLog().grow(2)
    other = log.fork(900).grow(9)
    async with (
        serving(Shown(log)) as (url,),
        watcher(tmp_path, [policy(url)]) as watch,
        served(gossip_app(watch.monitor.notes, watch.monitor.take)) as gossip,
        httpx.AsyncClient() as client,
    ):
        await watch.rounds()
        for number in range(MOST_NOTES):
            watch.monitor.take(note((1 << 40) + number))
        answer = await client.post(f"{gossip}/gossip", content=note(1 << 41))
        assert answer.status_code == 503
        answer = await client.post(f"{gossip}/gossip", content=other.note)
        assert answer.status_code == 200
        log.grow(20)
        assert await watch.rounds() == ["SPLIT_VIEW"]
    async with watcher(tmp_path / "again", [policy(None)]) as watch:
        for number in range(MOST_NOTES):
            watch.monitor.take(note(1000 + number))
        with pytest.raises(ConsortiumError, match="NOTES_FULL"):
            watch.monitor.take(note(999 + MOST_NOTES, 1))
        assert kinds(watch) == ["SPLIT_VIEW"]


async def test_a_witness_full_of_notes_does_not_hide_what_the_log_shows(tmp_path: Path) -> None:
    log, witness = TimedLog().grow(2), LyingWitness(W[0])
    flood = [note(50 + number) for number in range(MOST_NOTES + 40)]
    witness.refused = b"".join(b"%d\n%s" % (len(each), each) for each in flood)
    async with serving(Shown(log), witness) as (url, at_witness):
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url)], sources) as watch:
            for _ in range(3):
                await watch.rounds(seconds=LATE)
                log.grow(1, time_ms=watch.now * 1000)
            assert watch.monitor.summary()[0]["size"] == log.size - 2
            assert {each.data["parts"].get("what") for each in watch.alarms} <= {"UNCOVERED"}
            assert any("NOTES_FULL" in each for each in watch.troubles)


def test_an_answer_of_millions_of_empty_notes_is_none() -> None:
    began = time.monotonic()
    assert split_refused(b"0\n" * (4 << 20)) == []
    assert time.monotonic() - began < 0.1
    assert split_refused(b"1\na0\n1\nb") == [b"a"]
    assert len(split_refused(b"1\na" * (1 << 20))) == MOST_IN_ANSWER


class Endless(Shown):
    """A log that signs a size that it will never have, and gives bundle after bundle just in time."""

    def __init__(self, wait: float = 0.02, bundle: bytes = entry_bundle([b""] * TILE_WIDTH)) -> None:
        super().__init__(TimedLog())
        self.wait, self.bundle, self.asked = wait, bundle, 0
        self.checkpoint_is = note(1 << 40)

    async def entries(self, index: int, width: int) -> bytes:
        self.asked += 1
        await asyncio.sleep(self.wait)
        return self.bundle

    async def notes(self, index: int, width: int) -> bytes:
        return entry_bundle([b""] * width)


async def test_a_log_without_an_end_stops_nothing_and_is_told(tmp_path: Path) -> None:
    witness, log = LyingWitness(W[0]), Endless()
    async with serving(log, witness) as (url, at_witness):
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url)], sources, reading=0.3) as watch:
            reached = []
            for number in range(4):
                witness.note = note(50, number)
                began = time.monotonic()
                await asyncio.wait_for(watch.rounds(seconds=LATE // 2), 20)
                assert time.monotonic() - began < 5
                progress = watch.monitor._store.progress(ORIGIN, url)
                assert progress is not None
                reached.append(progress.read)
            assert reached == sorted(set(reached)), "each round goes on where the last one ended"
            assert kinds(watch) == ["OBSERVATION", "SPLIT_VIEW"]
            (observed,) = (each.data for each in watch.alarms if each.data["kind"] == "OBSERVATION")
            assert observed["parts"]["what"] == "MISSING"
            assert str(1 << 40) in observed["parts"]["detail"]


async def test_a_log_that_is_read_over_many_rounds_is_read_and_not_blamed(tmp_path: Path) -> None:
    class Slow(Shown):
        async def entries(self, index: int, width: int) -> bytes:
            await asyncio.sleep(0.05)
            return await super().entries(index, width)

    log = TimedLog().grow(400, 3000, 3000)
    async with serving(Slow(log)) as (url,), watcher(tmp_path, [policy(url)], reading=0.15) as watch:
        rounds = 0
        while watch.monitor.summary()[0]["size"] < log.size and rounds < 60:
            assert await watch.rounds(seconds=LATE // 3) == []
            rounds += 1
        assert 1 < rounds < 60
        assert watch.monitor.summary()[0]["chain_holds"]
        log.grow(3, time_ms=watch.now * 1000)
        assert await watch.rounds() == []
        assert watch.monitor.summary()[0]["size"] == log.size


async def test_tiles_that_come_just_in_time_stop_nothing(tmp_path: Path) -> None:
    class Slow(Shown):
        async def tile(self, tile: object, width: int) -> bytes:
            await asyncio.sleep(0.4)
            return bytes(32 * width)

    log = TimedLog().grow(2)
    shown = Slow(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)], reading=0.6) as watch:
        assert await watch.rounds() == []
        shown.checkpoint_is = note((1 << 40) + 12345)
        began = time.monotonic()
        await watch.rounds()
        assert time.monotonic() - began < 3
        assert await watch.rounds(4, seconds=LATE // 2) == ["MISSING"]


@pytest.mark.parametrize("breaks_at", [0, 700])
async def test_a_chain_that_breaks_fills_no_memory_and_convicts_after_many_rounds(
    tmp_path: Path, breaks_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it breaks is kept: the log cannot have it forgotten by being slow."""
    kept = list[int]()
    keep = MonitorStore.keep_progress

    def counted(store: MonitorStore, origin: str, progress: Progress, read: Read, *, apart: bool) -> None:
        kept.append(len(read.tiles))
        keep(store, origin, progress, read, apart=apart)

    class Slow(Shown):
        async def entries(self, index: int, width: int) -> bytes:
            await asyncio.sleep(0.05)
            return await super().entries(index, width)

    monkeypatch.setattr(MonitorStore, "keep_progress", counted)
    monkeypatch.setattr("consortium.monitor.following._KEEP_EVERY", 4)
    good = [entry for entry, _ in TimedLog().records(200).records(498).pairs] if breaks_at else []
    broken = forged([*good, b"what is this", *[record(n) for n in range(9000)]])
    async with serving(Slow(broken)) as (url,), watcher(tmp_path, [policy(url)], reading=0.2) as watch:
        rounds = 0
        while not watch.alarms and rounds < 60:
            await watch.rounds()
            rounds += 1
        assert rounds > 1
        assert max(kept) <= 4 + 2, "four bundles, and the tiles above them"
        assert kinds(watch) == ["BROKEN_CHAIN"]
        found = Evidence.parse(watch.file().read_bytes()).verify()
        assert found.parts["index"] == len(good)
        assert watch.monitor.summary()[0]["chain_holds"] is False


async def test_a_mirror_with_wrong_entries_undoes_nothing_of_the_log(tmp_path: Path) -> None:
    class Slow(Shown):
        async def entries(self, index: int, width: int) -> bytes:
            await asyncio.sleep(0.05)
            return await super().entries(index, width)

    log, lying = TimedLog().grow(300, 6000), TimedLog(seed=70_000).grow(300, 6000)
    lying.note = log.note
    async with serving(Slow(log), lying) as (url, at_mirror):
        sources = Sources(mirrors=(at_mirror,))
        async with watcher(tmp_path, [policy(url)], sources, reading=0.25) as watch:
            reached = list[int]()
            while watch.monitor.summary()[0]["size"] < log.size and len(reached) < 60:
                await watch.rounds()
                progress = watch.monitor._store.progress(ORIGIN, url)
                reached.append(progress.read if progress else log.size)
            assert 1 < len(reached) < 60
            assert reached == sorted(reached)
            assert watch.alarms == []
            assert await watch.rounds(2) == []


async def test_a_peer_that_answers_with_nothing_in_many_octets(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    async with serving(Shown(log)) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        taken = list[bytes]()
        many = (log.note for _ in range(100_000))
        async with served(gossip_app(lambda: many, taken.append)) as peer:
            assert len(await hear_from(peer, watch.monitor._fetcher)) == MOST_IN_ANSWER


@pytest.mark.parametrize("kind", ["one key, two names", "a log's key"])
def test_policies_with_one_key_under_two_names_are_refused(kind: str) -> None:
    """Its lines under one of the names would be dropped unseen."""
    witness = CosignatureSigner.from_secret("w.example", bytes(range(32)))
    again = CosignatureSigner.from_secret("other.example", bytes(range(32)))
    log = Signer.from_secret("log.example", bytes(range(32)))
    first = Policy((LogLine(LOG.verifier),), (WitnessLine("w", witness.verifier),), (), "w")
    logs = (LogLine(log.verifier),)
    second = Policy((), (WitnessLine("w", again.verifier),), (), "w") if "names" in kind else Policy(logs)
    assert Known.of([first, first]).witnesses == (witness.verifier,)
    with pytest.raises(InputError, match="KEY_AMBIGUOUS"):
        Known.of([first, second])


async def test_what_is_signed_shows_no_password(tmp_path: Path) -> None:
    secret = "http://user:pass@word@127.0.0.1:1/log"
    assert shown_url(secret) == "http://127.0.0.1:1/log"
    assert shown_url("http://a.example/x@y") == "http://a.example/x@y"
    async with watcher(tmp_path, [policy(secret)]) as watch:
        assert await watch.rounds(3, seconds=LATE) == ["SILENT"]
        told = watch.file().read_text() + str(watch.alarms[0].data)
    assert "127.0.0.1" in told
    assert "user" not in told
    assert "pass" not in told
