"""A witness's store: what it keeps, what it never shows, and failing files and disks."""

import os
import sqlite3
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.errors import FolderError
from consortium.witness import WitnessStore, load_keys, make_keys, opened_store, read_store
from consortium.witness.store import MAX_REFUSED, connect
from tests.consortium.making import LOG, ORIGIN, MemoryLog
from tests.consortium.witness_process import Faulty
from tests.consortium.witnesses import KNOWN, NAME, request, store_of, verified
from tlog import (
    AddCheckpoint,
    Checkpoint,
    MldsaCosignatureSigner,
    Signer,
    mldsa,
    open_checkpoint,
    sign_checkpoint,
)


def add(store: WitnessStore, body: bytes, now: int = 5) -> int:
    return store.add(body, now)[0].status


def size_of(store: WitnessStore) -> int:
    found = store.cosigned(ORIGIN)
    return found.checkpoint.size if found else 0


async def wrong_proof(log: MemoryLog, old: int) -> bytes:
    return AddCheckpoint(old, (bytes(32),), log.note).to_bytes()


async def test_two_views_of_one_size_are_kept_together(tmp_path: Path) -> None:
    log = MemoryLog().grow(4)
    fork = MemoryLog(seed=700).grow(4)
    with store_of(tmp_path) as store:
        assert add(store, await request(log, 0)) == 200
        assert add(store, AddCheckpoint(log.size, (), fork.note).to_bytes()) == 409
        assert add(store, await wrong_proof(fork, log.size)) == 422
        before, old = log.note, log.size
        log.grow(1)
        assert add(store, await request(log, old)) == 200
        assert store.refused(ORIGIN) == [before, fork.note], "what it was beside is kept with it"


async def test_a_view_that_does_not_follow_is_kept_until_it_does(tmp_path: Path) -> None:
    log = MemoryLog().grow(4)
    with store_of(tmp_path) as store:
        assert add(store, await request(log, 0)) == 200
        before, old = log.note, log.size
        log.grow(2)
        assert add(store, await wrong_proof(log, old)) == 422
        assert store.refused(ORIGIN) == [before, log.note]
        assert add(store, await request(log, old)) == 200, "only the proof had been wrong"
        assert store.refused(ORIGIN) == []


async def test_late_requests_and_forged_ones_are_not_kept(tmp_path: Path) -> None:
    log = MemoryLog().grow(4).grow(4)
    first, _ = sorted(log.notes_at)
    stranger = sign_checkpoint(Checkpoint(ORIGIN, 50, bytes(32)), Signer.from_secret(ORIGIN, bytes(32)))
    with store_of(tmp_path) as store:
        assert add(store, await request(log, 0)) == 200
        assert add(store, await request(log, 0, first)) == 409
        assert add(store, await wrong_proof(log, log.size)) == 422
        assert add(store, AddCheckpoint(log.size, (), stranger).to_bytes()) == 403
        assert store.refused(ORIGIN) == []


async def test_what_is_kept_is_bounded_and_noise_does_not_displace_a_proof(tmp_path: Path) -> None:
    log = MemoryLog().grow(4)
    with store_of(tmp_path) as store:
        add(store, await request(log, 0))
        noise = [sign_checkpoint(Checkpoint(ORIGIN, 99, bytes([n]) * 32), LOG) for n in range(40)]
        views = [sign_checkpoint(Checkpoint(ORIGIN, log.size, bytes([n]) * 32), LOG) for n in range(40)]
        for note in noise[:20]:
            assert add(store, AddCheckpoint(log.size, (), note).to_bytes()) == 422
        for note in views:
            assert add(store, AddCheckpoint(log.size, (), note).to_bytes()) == 409
        for note in noise[20:]:
            assert add(store, AddCheckpoint(log.size, (), note).to_bytes()) == 422
        assert store.refused(ORIGIN) == [log.note, *views[:MAX_REFUSED], *noise[-MAX_REFUSED:]]


async def test_a_view_that_is_proven_later_is_kept_as_proven(tmp_path: Path) -> None:
    """It came before the witness had that size, when nothing spoke against it but its proof."""
    log = MemoryLog().grow(4)
    with store_of(tmp_path) as store:
        add(store, await request(log, 0))
        old = log.size
        log.grow(2)
        fork = sign_checkpoint(Checkpoint(ORIGIN, log.size, bytes(32)), LOG)
        assert add(store, AddCheckpoint(old, (), fork).to_bytes()) == 422
        assert add(store, await request(log, old)) == 200
        assert add(store, AddCheckpoint(log.size, (), fork).to_bytes()) == 409
        for number in range(2 * MAX_REFUSED):
            noise = sign_checkpoint(Checkpoint(ORIGIN, 99, bytes([number]) * 32), LOG)
            assert add(store, AddCheckpoint(log.size, (), noise).to_bytes()) == 422
        assert store.refused(ORIGIN)[:2] == [log.note, fork]


async def test_only_the_logs_own_signatures_are_kept(tmp_path: Path) -> None:
    """Whoever sends a genuine checkpoint with a hundred lines of his own does not spoil what is shown."""
    log = MemoryLog().grow(2)
    line = log.note[log.note.index("\u2014".encode()) :]
    junk = Signer.generate("junk.example").sign_line("x\n")
    with store_of(tmp_path) as store:
        body = await request(log, 0)
        decision, lines = store.add(body + junk * 90 + line * 9, 5)
        assert decision.status == 200
        found = store.cosigned(ORIGIN)
        assert found is not None
        assert (found.note, found.lines) == (log.note, lines)


async def test_a_clock_that_jumps_does_not_turn_time_back(tmp_path: Path) -> None:
    log, times = MemoryLog(), list[int]()
    for now in (1000, 5000, 10, 6000, 0):
        with store_of(tmp_path) as store:  # not over a restart either
            old = log.size
            log.grow(1)
            _, lines = store.add(await request(log, old), now)
            times.append(verified(tmp_path, log.note, lines)[1])
    assert times == [1000, 5000, 5000, 6000, 6000]


def test_two_do_not_share_a_folder_and_anybody_may_look(tmp_path: Path) -> None:
    with store_of(tmp_path) as store:
        with pytest.raises(FolderError, match="FOLDER_BUSY"), store_of(tmp_path):
            pytest.fail("two have it")
        with read_store(tmp_path) as looking:
            assert looking.all() == store.all() == []


async def test_a_store_that_is_lost_is_not_made_anew(tmp_path: Path) -> None:
    with store_of(tmp_path) as store:
        add(store, await request(MemoryLog().grow(2), 0))
    for path in tmp_path.glob("witness.sqlite3*"):
        path.unlink()
    with pytest.raises(FolderError, match="FOLDER_INVALID"), store_of(tmp_path):
        pytest.fail("it has forgotten what it cosigned")
    (tmp_path / "witness.sqlite3").touch()
    with pytest.raises(FolderError, match="FOLDER_INVALID"), store_of(tmp_path):
        pytest.fail("nor is an empty file its store")
    (tmp_path / "witness.sqlite3").write_bytes(os.urandom(8192))
    with pytest.raises(FolderError, match="FOLDER_INVALID"), store_of(tmp_path):
        pytest.fail("nor is any other")


@pytest.mark.skipif(not mldsa.is_supported(), reason="no ML-DSA in the cryptographic library")
def test_a_log_that_a_key_cannot_cosign_is_refused_at_the_start(tmp_path: Path) -> None:
    make_keys(tmp_path, NAME, MldsaCosignatureSigner)
    origin = "o" * 256
    known = {origin: (Signer.generate(origin).verifier,)}
    with (
        pytest.raises(FolderError, match="FOLDER_INVALID"),
        opened_store(tmp_path, known, load_keys(tmp_path)),
    ):
        pytest.fail("it would fail at the first request")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessStore]:
    with store_of(tmp_path_factory.mktemp("fuzzed")) as store:
        yield store


NOTE = MemoryLog().grow(3).note


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(lambda head, note: head + b"\n\n" + note, st.binary(max_size=60), st.just(NOTE)),
        st.builds(
            lambda at, octet: b"old 0\n\n" + NOTE[: at % len(NOTE)] + octet + NOTE[at % len(NOTE) + 1 :],
            st.integers(0, 1000),
            st.binary(min_size=1, max_size=1),
        ).filter(lambda body: body != b"old 0\n\n" + NOTE),
    )
)
def test_whatever_is_sent_is_answered_and_only_the_logs_own_is_stored(
    shared: WitnessStore, body: bytes
) -> None:
    status = add(shared, body)
    assert status in (200, 400, 403, 404, 409, 422)
    for found in shared.all():
        assert (
            open_checkpoint(found.note, LOG.verifier)
            == found.checkpoint
            == open_checkpoint(NOTE, LOG.verifier)
        )


def faulty_store(folder: Path, call: int, when: str) -> Any:
    def opened(path: Path) -> Any:
        return Faulty(connect(path), folder, call, when, "fails")

    return opened_store(folder, KNOWN, load_keys(folder), opened)


def failed(store: WitnessStore, body: bytes) -> bool:
    """Send a request; tell whether the store failed."""
    try:
        store.add(body, 5)
    except FolderError as error:
        return error.reason == "STORE_FAILED"
    return False


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_call_that_fails_and_one_that_persists_all_the_same(tmp_path: Path, when: str) -> None:
    """At each call of the file, of a request that is refused and of one that is cosigned: nothing leaves that
    is not stored, and all goes on."""
    log = MemoryLog().grow(2)
    first = await request(log, 0)
    other_view = AddCheckpoint(log.size, (), MemoryLog(seed=700).grow(2).note).to_bytes()
    old = log.size
    log.grow(1)
    growth = await request(log, old)
    reached = list[str]()
    for call in range(1, 30):
        folder = tmp_path / str(call)
        make_keys(folder, NAME)
        with store_of(folder) as store:
            assert add(store, first) == 200
        with faulty_store(folder, call, when) as store:
            faults = [failed(store, body) for body in (other_view, growth)]
            if not (folder / "reached").exists():
                break
            reached.append((folder / "reached").read_text())
            assert sum(faults) == 1
            persists = reached[-1] == "commit" and when == "after"
            assert size_of(store) == (old if faults[1] and not persists else log.size)
            assert store.refused(ORIGIN) or (faults[0] and not persists)
            assert add(store, await request(log, size_of(store))) == 200
            assert size_of(store) == log.size
    refusing, cosigning = ["select", "insert", "delete"], ["insert", "delete"]
    assert reached == ["begin", "select", *refusing, "commit", "begin", "select", *cosigning, "commit"]


async def test_what_could_not_be_rolled_back_is_not_shown(tmp_path: Path) -> None:
    make_keys(tmp_path, NAME)
    failing = {"commit", "rollback"}

    class Connection:
        def __init__(self, path: Path) -> None:
            self._inner = connect(path)
            self.close = self._inner.close

        @property
        def in_transaction(self) -> bool:
            return self._inner.in_transaction

        def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
            if statement in failing:
                raise sqlite3.OperationalError("as the test wants it")
            return self._inner.execute(statement, parameters)

    make: Callable[[Path], Any] = Connection
    log = MemoryLog().grow(2)
    with opened_store(tmp_path, KNOWN, load_keys(tmp_path), make) as store:
        for _ in range(2):
            with pytest.raises(FolderError, match="STORE_FAILED"):
                store.add(await request(log, 0), 5)
        with pytest.raises(FolderError, match="STORE_FAILED"):
            store.cosigned(ORIGIN)
        failing.clear()
        assert store.cosigned(ORIGIN) is None
        assert add(store, await request(log, 0)) == 200


async def test_nothing_is_shown_before_it_is_durable(tmp_path: Path) -> None:
    make_keys(tmp_path, NAME)
    committing, go_on = threading.Event(), threading.Event()

    class Connection:
        def __init__(self, path: Path) -> None:
            self._inner = connect(path)
            self.close = self._inner.close

        @property
        def in_transaction(self) -> bool:
            return self._inner.in_transaction

        def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
            if statement == "commit":
                committing.set()
                assert go_on.wait(20)
            return self._inner.execute(statement, parameters)

    make: Callable[[Path], Any] = Connection
    log, seen = MemoryLog().grow(2), list[int]()
    with opened_store(tmp_path, KNOWN, load_keys(tmp_path), make) as store:
        body = await request(log, 0)
        writer = threading.Thread(target=store.add, args=(body, 5))
        reader = threading.Thread(target=lambda: seen.append(size_of(store)))
        writer.start()
        assert committing.wait(20)
        reader.start()
        reader.join(0.3)
        assert seen == [], "a line was read that was not durable"
        with read_store(tmp_path) as looking:
            assert looking.all() == []
        go_on.set()
        writer.join()
        reader.join()
    assert seen == [log.size]


def test_what_is_committed_is_synced(tmp_path: Path) -> None:
    with store_of(tmp_path) as store:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2)):
            assert store._connection.execute(f"pragma {pragma}").fetchone() == (value,)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_stores_nothing_and_heals(small_disk: Path) -> None:
    log = MemoryLog().grow(2)
    with store_of(small_disk) as store:
        assert add(store, await request(log, 0)) == 200
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            deque(iter(lambda: file.write(bytes(4096)), None))
        for _ in range(400):  # what is left of the file's last block may take some
            old = size_of(store)
            log.grow(1)
            if failed(store, await request(log, old)):
                break
        else:
            pytest.fail("the disk was never full")
        assert size_of(store) == old
        with pytest.raises(FolderError):
            make_keys(small_disk, NAME)
        assert len(load_keys(small_disk)) == 1
        filler.unlink()
        assert add(store, await request(log, old)) == 200
    with store_of(small_disk) as store:
        assert size_of(store) == log.size


async def test_a_file_that_may_not_grow_stores_nothing_and_heals(tmp_path: Path) -> None:
    """SQLite says that the disk is full, as it does on one that is."""
    log = MemoryLog().grow(2)
    with store_of(tmp_path) as store:
        assert add(store, await request(log, 0)) == 200
        (pages,) = store._connection.execute("pragma page_count").fetchone()
        store._connection.execute(f"pragma max_page_count = {pages}")
        roots = [bytes([number]) * 32 for number in range(60)]  # views that do not go together fill the file
        notes = [sign_checkpoint(Checkpoint(ORIGIN, log.size, root), LOG) for root in roots]
        assert any(failed(store, AddCheckpoint(log.size, (), note).to_bytes()) for note in notes)
        assert size_of(store) == log.size
        store._connection.execute("pragma max_page_count = 1000000")
        assert add(store, await request(log, log.size)) == 200
