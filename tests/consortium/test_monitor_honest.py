"""Honest logs are never accused; nothing that anybody sends and no crash stops the monitor or fools it."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from consortium.errors import ConsortiumError, FolderError, Reason
from consortium.monitor import Sources, gossip_app, load_key, opened_store
from consortium.monitor.store import MonitorStore
from tests.consortium.making import LOG, ORIGIN, OTHER, served
from tests.consortium.watching import (
    LATE,
    NOW,
    LyingWitness,
    Shown,
    TimedLog,
    W,
    policy,
    serving,
    watcher,
)
from tests.tlog.making import flip
from tlog import Checkpoint, Signer, TileId, cosign, sign_checkpoint
from tlog.note import text_unverified

SECOND = Signer.from_secret(ORIGIN, bytes(range(32)))


def size_of(watch: object) -> int:
    return int(watch.monitor.summary()[0]["size"])  # type: ignore[attr-defined]


async def test_an_honest_log_with_honest_witnesses(tmp_path: Path) -> None:
    log = TimedLog()
    witness, shown = LyingWitness(W[0]), Shown(log)
    async with serving(shown, witness) as (url, at_witness):
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url, witnesses=W)], sources) as watch:
            for count in (1, 255, 1, 300, 2, 2, 2):
                log.grow(count, time_ms=watch.now * 1000)
                shown.lines = cosign(log.note, W[1], watch.now)
                witness.note = log.note + cosign(log.note, W[0], watch.now)
                assert await watch.rounds() == []
            assert size_of(watch) == log.size
            assert watch.troubles == []


async def test_a_stale_mirror_and_a_stale_witness_accuse_nobody(tmp_path: Path) -> None:
    log = TimedLog().grow(2)
    mirror, witness = Shown(log.fork(50)), LyingWitness(W[0])
    witness.note = log.note + cosign(log.note, W[0], NOW)
    log.grow(2, 2)
    async with serving(Shown(log), mirror, witness) as (url, at_mirror, at_witness):
        sources = Sources(witnesses=(at_witness,), mirrors=(at_mirror,))
        async with watcher(tmp_path, [policy(url, witnesses=W)], sources) as watch:
            assert await watch.rounds(4, seconds=LATE) == []


async def test_an_old_answer_out_of_a_cache_accuses_nobody(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2, 2)
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        for _ in range(4):
            shown.checkpoint_is = None
            assert await watch.rounds(seconds=LATE // 2) == []
            shown.checkpoint_is = log.notes_at[3]
            assert await watch.rounds(seconds=LATE // 2) == []


async def test_two_checkpoints_a_second_and_a_reader_that_was_told_more(tmp_path: Path) -> None:
    """A receipt's checkpoint may be newer than what the log showed a moment ago, and older than the next."""
    log = TimedLog().grow(2)
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        for _ in range(5):
            shown.checkpoint_is = log.note
            log.grow(1, 2)
            for note in log.notes_at.values():
                watch.monitor.take(note)
            assert await watch.rounds(seconds=0) == []
            shown.checkpoint_is = None
            assert await watch.rounds() == []
        assert size_of(watch) == log.size


async def test_a_log_that_changes_its_key(tmp_path: Path) -> None:
    log = TimedLog().grow(2)
    shown = Shown(log)

    def signed(*signers: Signer) -> bytes:
        return sign_checkpoint(Checkpoint.parse(text_unverified(log.note)), *signers)

    async with serving(shown) as (url,), watcher(tmp_path, [policy(url, LOG, SECOND)]) as watch:
        for signers in ((LOG,), (LOG, SECOND), (SECOND,), (SECOND,)):
            log.grow(2)
            shown.checkpoint_is = signed(*signers)
            assert await watch.rounds(2) == []
        assert size_of(watch) == log.size


async def test_a_stranger_with_a_key_of_the_logs_name_is_not_heard(tmp_path: Path) -> None:
    stranger, log = Signer.generate(ORIGIN), TimedLog().grow(2, 2)
    other = TimedLog(stranger, 900).grow(2, 2)
    witness = LyingWitness(W[0])
    witness.note = other.note + cosign(other.note, W[0], NOW)
    async with serving(Shown(log), witness) as (url, at_witness):
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url, witnesses=W)], sources) as watch:
            assert await watch.rounds(3) == []
            with pytest.raises(Exception, match="NOTE_UNSIGNED"):
                watch.monitor.take(other.note)


async def test_a_network_that_comes_and_goes_accuses_nobody(tmp_path: Path) -> None:
    log = TimedLog().grow(2)
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        for hidden in ({"checkpoint"}, {"entries"}, {"tile"}, {"notes"}, set[str]()):
            log.grow(200, time_ms=watch.now * 1000)
            shown.hidden = hidden
            assert await watch.rounds(2) == []
        assert size_of(watch) == log.size
        assert watch.alarms == []


class Terrible:
    """Everything that a server can do to whoever asks it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{rest:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, _: Request) -> Response:
        async def forever() -> AsyncIterator[bytes]:
            while True:
                yield b"7\n1234567" * 1000
                await asyncio.sleep(0.001)

        match self.kind:
            case "silent":
                await asyncio.sleep(3)
            case "endless":
                return StreamingResponse(forever())
            case "noise":
                return Response(os.urandom(5000))
            case "frames":
                return Response(b"99\nx" * 100 + b"5\nhello3\n\xff\xff\xff")
            case "moved":
                return Response(status_code=302, headers={"Location": "http://127.0.0.1:1/"})
        return Response("no", 500)


@pytest.mark.parametrize("kind", ["silent", "endless", "noise", "frames", "moved", "error"])
async def test_a_terrible_source_stops_no_other(tmp_path: Path, kind: str) -> None:
    log, bad = TimedLog().grow(2, 2), Terrible(kind)
    async with served(bad.app()) as at_bad, serving(Shown(log)) as (url,):
        sources = Sources(
            witnesses=(at_bad,), mirrors=(at_bad, "http://127.0.0.1:1"), peers=(at_bad, "x://y")
        )
        policies = [policy(url), policy(at_bad, OTHER)]
        async with watcher(tmp_path, policies, sources) as watch:
            assert await watch.rounds(2) == []
            rows = {each["origin"]: each["size"] for each in watch.monitor.summary()}
            assert rows == {ORIGIN: log.size, OTHER.name: 0}
            told = list(watch.troubles)
            assert any(at_bad in each for each in told)
            assert await watch.rounds() == []
            if kind == "endless":
                # Too long or too slow, as the machine has time: another reason is told anew.
                assert {each.split(": ")[0] for each in watch.troubles} == {
                    each.split(": ")[0] for each in told
                }
            else:
                assert watch.troubles == told, "what fails is told when it begins to fail, not each time"


async def test_a_mirror_serves_where_the_log_is_gone(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 300, 2)
    async with serving(Shown(log)) as (at_mirror,):
        gone = policy("http://127.0.0.1:1")
        async with watcher(tmp_path, [gone], Sources(mirrors=(at_mirror,))) as watch:
            assert await watch.rounds() == []
            assert size_of(watch) == log.size


async def test_a_mirror_that_lies_says_nothing_of_the_log(tmp_path: Path) -> None:
    log, lying = TimedLog().grow(2, 2), TimedLog().grow(2, 2)
    lying.pairs[0] = (flip(lying.pairs[0][0], 300), lying.pairs[0][1])
    lying.tiles[TileId(0, 0)] = bytes(32 * 6)
    shown = Shown(log)
    async with (
        serving(shown, lying) as (url, at_mirror),
        watcher(tmp_path, [policy(url)], Sources(mirrors=(at_mirror,))) as watch,
    ):
        shown.hidden = {"checkpoint"}
        assert await watch.rounds(2) == []
        assert size_of(watch) == 0
        shown.hidden = set()
        assert await watch.rounds(2) == []
        assert size_of(watch) == log.size


async def test_what_was_read_of_a_liar_before_a_crash_is_not_held_against_the_log(tmp_path: Path) -> None:
    log, lying = TimedLog().grow(200, 16_600), TimedLog(seed=50_000).grow(200, 17_000)
    lying.note = log.note
    shown = Shown(log)
    shown.hidden = {"checkpoint"}
    async with serving(shown, lying) as (url, at_mirror):
        async with watcher(tmp_path, [policy(url)], Sources(mirrors=(at_mirror,))) as watch:
            lying.pairs = lying.pairs[:16_700]  # it breaks off when some was kept already
            assert await watch.rounds() == []
        with opened_store(tmp_path) as store:
            progress = store.progress(ORIGIN, at_mirror)
            assert store.state(ORIGIN).size == 0
            assert progress is not None, "some was kept, of this source alone"
            assert store.progress(ORIGIN, url) is None
        shown.hidden = set()
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds() == []
            assert size_of(watch) == log.size


async def test_a_restart_forgets_nothing_and_alarms_nothing_again(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    other = log.fork(900).grow(3)
    log.grow(3)
    shown = Shown(log)
    async with serving(shown) as (url,):
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds() == []
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds() == []
            shown.log = other
            assert await watch.rounds() == ["SPLIT_VIEW"]
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds(2) == []


@pytest.mark.parametrize("step", ["keep_alarm", "told"])
async def test_an_alarm_survives_a_crash_at_any_step(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there before the store has the alarm, and the store has it before anybody is told."""
    log = TimedLog().grow(2, 2)
    other = log.fork(900).grow(3)
    log.grow(3)
    shown, reached = Shown(log), list[str]()

    class CrashError(Exception):
        pass

    def crash(*_: object) -> None:
        reached.append(step)
        raise CrashError

    async with serving(shown) as (url,):
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds() == []
            shown.log = other
            with monkeypatch.context() as patched:
                patched.setattr(MonitorStore, step, crash)
                with pytest.raises(CrashError):
                    await watch.rounds()
            assert reached
            assert len(list((tmp_path / "alarms").glob("split_view-*.json"))) == 1
        async with watcher(tmp_path, [policy(url)]) as watch:
            assert await watch.rounds(2) == ["SPLIT_VIEW"]
        assert len(list((tmp_path / "alarms").glob("*.json"))) == 1


async def test_a_store_that_fails_is_told_and_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TimedLog().grow(2, 2)

    def fails(*_: object, **__: object) -> None:
        raise ConsortiumError(Reason.STORE_FAILED, "no space is left")

    async with serving(Shown(log)) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        with monkeypatch.context() as patched:
            patched.setattr(MonitorStore, "keep_state", fails)
            assert await watch.rounds(2) == []
            assert any("no space" in each for each in watch.troubles)
        assert await watch.rounds() == []
        assert size_of(watch) == log.size


async def test_gossip_takes_what_a_followed_log_signed_and_nothing_else(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    stranger = TimedLog(OTHER).grow(2)
    async with (
        serving(Shown(log)) as (url,),
        watcher(tmp_path, [policy(url)]) as watch,
        served(gossip_app(watch.monitor.notes, watch.monitor.take)) as gossip,
        httpx.AsyncClient() as client,
    ):
        await watch.rounds()
        for body, status in (
            (log.notes_at[3], 200),
            (stranger.note, 404),
            (flip(log.note, 8 * len(log.note) - 400), 403),
            (log.note[:-1], 400),
            (log.note.replace(b"\n6\n", b"\n7\n"), 403),
            (b"", 400),
            (os.urandom(500), 400),
            (bytes(1_000_001), 413),
        ):
            answer = await client.post(f"{gossip}/gossip", content=body)
            assert answer.status_code == status, (body[:50], answer.text)
        answer = await client.get(f"{gossip}/gossip")
        assert log.notes_at[3] in answer.content
        assert stranger.note not in answer.content
        assert (await client.request("DELETE", f"{gossip}/gossip")).status_code == 405
        assert await watch.rounds() == []


async def test_a_flood_of_notes_is_bounded_and_drives_nothing_out(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    fork = log.fork(900)
    async with serving(Shown(log)) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        await watch.rounds()
        first = fork.grow(40).note
        watch.monitor.take(first)
        for size in range(300):
            # Those for which there is no room are refused.
            with contextlib.suppress(ConsortiumError):
                watch.monitor.take(sign_checkpoint(Checkpoint(ORIGIN, 10_000 + size, bytes(32)), LOG))
        assert len(list(watch.monitor.notes())) < 60
        log.grow(50)
        assert await watch.rounds() == ["SPLIT_VIEW"]


def test_one_monitor_a_folder_and_one_key(tmp_path: Path) -> None:
    with opened_store(tmp_path), pytest.raises(FolderError, match="FOLDER_BUSY"), opened_store(tmp_path):
        pass
    key = load_key(tmp_path, "monitor.example")
    assert load_key(tmp_path, "another").verifier == key.verifier
    assert (tmp_path / "monitor.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "monitor.key").write_text("monitor.example 00ff\n")
    with pytest.raises(FolderError, match="FOLDER_INVALID") as caught:
        load_key(tmp_path, "monitor.example")
    assert "00ff" not in str(caught.value)


async def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    """A real process, killed while it reads, several times; the log grows meanwhile."""
    log = TimedLog().grow(20_000)
    shown = Shown(log)
    async with serving(shown) as (url,):
        (tmp_path / "policy").write_bytes(policy(url).to_bytes())
        command = [sys.executable, "-c", "from zk.cli import main; main()", "--json", "ledger", "monitor"]
        command += [
            "--policy",
            str(tmp_path / "policy"),
            "--folder",
            str(tmp_path / "m"),
            "--interval",
            "0.1",
        ]
        for wait in (0.05, 0.3, 0.6):
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
            assert process.stdout is not None
            assert json.loads(await process.stdout.readline())["event"] == "ready"
            await asyncio.sleep(wait)
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
            log.grow(500)
        process = await asyncio.create_subprocess_exec(*command, "--once", stdout=subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0, out
        assert json.loads(out.splitlines()[-1])["logs"][0]["size"] == log.size
