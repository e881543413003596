"""A log restored from an old backup, brought forward from a mirror of it; and mirrors that are not of it."""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from consortium.errors import SourceError
from consortium.folder import opened_folder
from consortium.mirror import Mirror
from consortium.source import FolderSource
from tests.zkservice import upkeep_process
from tests.zkservice.damaging import Made, enqueue, grow, log_keys, now, opened, settings_of
from tlog import Policy, TlogError, Verifier
from tlog.proof_file import ProofFile
from tlog.receipt import ReceiptOpening
from zkservice import edge
from zkservice.beginning import begin
from zkservice.receipts import read_place
from zkservice.storage import ledger
from zkservice.storage.database import Database
from zkservice.upkeep import forward
from zkservice.upkeep.backup import back_up
from zkservice.upkeep.faults import UpkeepError
from zkservice.upkeep.forward import Forwarded, Step
from zkservice.upkeep.restoring import restore


async def mirrored(made: Made, folder: Path) -> None:
    """Bring a mirror of a stopped server's log to its published checkpoint."""
    await _with(made.folder, lambda database: mirrored_from(database, made.key, folder))


async def mirrored_from(database: Database, key: Verifier, folder: Path) -> None:
    """Bring a mirror of a log to its published checkpoint."""
    state = await database.read(ledger.published)
    source = edge.DatabaseSource(database, lambda: state.checkpoint)
    with opened_folder(folder) as opened_:
        await (await Mirror.opened(opened_, Policy.of_log(key))).update(source)


async def _with(folder: Path, act: Any) -> Any:
    database = opened(folder)
    try:
        return await act(database)
    finally:
        await asyncio.to_thread(database.close)


def brought(made: Made, mirror: Path, **options: Any) -> Forwarded:
    async def act(database: Database) -> Forwarded:
        keys = await log_keys(made.folder, database)
        return await forward.forward(database, keys, FolderSource(mirror), at_ms=1, **options)

    found: Forwarded = asyncio.run(_with(made.folder, act))
    return found


@dataclass
class Lost:
    """A log that went on after its backup, a mirror of it, and what was restored."""

    whole: Made
    mirror: Path
    restored: Made
    waiting: list[int]


def write_waiting(made: Made, count: int) -> list[int]:
    async def act(database: Database) -> list[int]:
        return await database.write(lambda each: enqueue(each, count))

    found: list[int] = asyncio.run(_with(made.folder, act))
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    """Back up while rows wait; then let them and others become blocks, and mirror them."""
    work = tmp_path_factory.mktemp("lost")
    made = Made(work / "server", begin(settings_of(work / "server")))
    asyncio.run(grow(made.folder, 300))
    waiting = write_waiting(made, 40)
    back_up(settings_of(made.folder).database_url, made.key, work / "backup", now=now())
    asyncio.run(grow(made.folder, 400))
    asyncio.run(mirrored(made, work / "mirror"))
    restore(work / "backup", work / "restored")
    shutil.copytree(made.folder / "keys", work / "restored" / "keys")
    return Lost(made, work / "mirror", Made(work / "restored", made.key), waiting)


@pytest.fixture
def lost(base: Lost, tmp_path: Path) -> Lost:
    return Lost(base.whole, base.mirror, base.restored.copy(tmp_path / "restored"), base.waiting)


def unmark(made: Made) -> None:
    """Let a server sign on a restored log, as who does not know better would."""
    made.change("DELETE FROM ledger_mark")


TABLES = ("ledger_entry", "ledger_tile", "ledger_block", "ledger_state")


def same_log(one: Made, other: Made) -> None:
    for table in TABLES:
        assert one.rows(f"SELECT * FROM {table} ORDER BY 1, 2") == other.rows(
            f"SELECT * FROM {table} ORDER BY 1, 2"
        ), table


def test_the_log_is_octet_for_octet_what_it_was(lost: Lost) -> None:
    """Entries, tiles, and every checkpoint's signature: whoever has a receipt of then has one of now."""
    before = lost.restored.check()
    done = brought(lost.restored, lost.mirror)
    same_log(lost.restored, lost.whole)
    report = lost.restored.check()
    assert (done.before, done.size) == (before.size, report.size)
    assert done.joined == len(lost.waiting), "what waited stands, once"
    assert done.unknown == report.receipts + report.records - before.receipts - before.records - done.joined
    assert (done.waiting, report.waiting) == (0, 0)
    assert brought(lost.restored, lost.mirror).blocks == 0, "a second time there is nothing to do"
    assert not lost.restored.rows("SELECT * FROM ledger_staged")


def test_rows_that_waited_are_where_the_lost_database_had_them(lost: Lost) -> None:
    brought(lost.restored, lost.mirror)
    query = f"SELECT id, entry_index FROM outbox WHERE id IN ({','.join(map(str, lost.waiting))}) ORDER BY id"
    assert lost.restored.rows(query) == lost.whole.rows(query)


def test_what_the_mirror_has_not_waits_on_and_is_integrated_once(lost: Lost) -> None:
    more = write_waiting(lost.restored, 4)
    done = brought(lost.restored, lost.mirror)
    assert done.waiting == len(more)
    unmark(lost.restored)
    asyncio.run(grow(lost.restored.folder, 1))
    report = lost.restored.check()
    assert report.waiting == 0
    entries = [
        entry for (entry,) in lost.restored.rows("SELECT entry FROM ledger_entry WHERE holder_note NOT NULL")
    ]
    assert len(entries) == len(set(entries)), "no receipt stands twice"


@pytest.mark.parametrize(
    ("step", "times"),
    [
        (Step.TAKEN, 1),
        (Step.SETTLED, 1),
        (Step.SIGNED, 1),
        (Step.WRITTEN, 1),
        (Step.SIGNED, 3),
        (Step.WRITTEN, 3),
        (Step.ENDED, 1),
    ],
)
def test_a_kill_at_any_step_leaves_a_sound_log_that_goes_on(lost: Lost, step: Step, times: int) -> None:
    lost.restored.change("INSERT INTO ledger_mark VALUES ('behind', 'a witness knows more')")
    before = lost.restored.check().size
    upkeep_process.run("forward", lost.restored.folder, lost.mirror, step, times)
    between = lost.restored.check().size
    assert (between > before) == (step is Step.WRITTEN or times > 1 or step is Step.ENDED)
    upkeep_process.run("forward", lost.restored.folder, lost.mirror)
    same_log(lost.restored, lost.whole)
    report = lost.restored.check()
    assert report.waiting == 0
    assert list(report.marks) == ["restored"], "the next start asks the witnesses"


def test_a_block_that_was_locked_before_the_backup_is_finished_first(lost: Lost) -> None:
    """The backup may have been taken between lock and publication."""
    made = lost.restored
    ((size, note),) = lost.whole.rows(
        "SELECT size, checkpoint FROM ledger_block WHERE first_index = ?", made.check().size
    )
    ((header, first),) = lost.whole.rows("SELECT header, first_index FROM ledger_block WHERE size = ?", size)
    rows = lost.whole.rows(
        "SELECT id FROM outbox WHERE entry_index >= ? AND entry_index < ? ORDER BY entry_index", first, size
    )
    packed = b"".join(row.to_bytes(8) for (row,) in rows)
    made.change("INSERT INTO ledger_staged VALUES (?, ?, ?)", size, header, packed)
    made.change("UPDATE ledger_state SET size = ?, checkpoint = ? WHERE role = 'lock'", size, note)
    assert made.check().locked == size - first
    brought(made, lost.mirror)
    same_log(made, lost.whole)


async def test_receipts_given_out_after_the_backup_verify_at_the_forwarded_log(lost: Lost) -> None:
    """A receipt of the lost server's, and the one that the service gives out now, are the same octets."""
    await asyncio.to_thread(brought, lost.restored, lost.mirror)
    for outbox in lost.waiting[::7]:
        there, here = [
            await _with(made.folder, partial(_proven, row=outbox, key=made.key))
            for made in (lost.whole, lost.restored)
        ]
        assert there == here


async def _proven(database: Database, row: int, key: Verifier) -> tuple[bytes, bytes]:
    """Return the proof file of an outbox row's entry once it is verified, and the receipt file."""
    place = await database.read(lambda each: read_place(each, row))
    assert place is not None
    found = await database.read(lambda each: ledger.entry(each, place.index))
    assert found is not None
    ProofFile.parse(place.proof()).verify(found[0], key)
    return place.proof(), place.receipt(ReceiptOpening(bytes(32), b"body", bytes(32)))


def test_a_mirror_that_has_less_is_refused(lost: Lost, tmp_path: Path) -> None:
    asyncio.run(mirrored(lost.restored, tmp_path / "old"))
    brought(lost.restored, lost.mirror)
    with pytest.raises(UpkeepError, match="MIRROR_BEHIND"):
        brought(lost.restored, tmp_path / "old")
    same_log(lost.restored, lost.whole)


def test_a_log_that_went_on_by_itself_is_not_brought_forward(lost: Lost) -> None:
    """A forked log: the same key has signed two histories. Nothing more is signed, and nothing changed."""
    unmark(lost.restored)
    asyncio.run(grow(lost.restored.folder, 20))
    lost.restored.change("INSERT INTO ledger_mark VALUES ('behind', 'a witness knows more')")
    before = lost.restored.check()
    with pytest.raises(UpkeepError, match="MIRROR_CONTRADICTS"):
        brought(lost.restored, lost.mirror)
    after = lost.restored.check()
    assert (after.size, after.root) == (before.size, before.root)
    assert after.marks.keys() == {"behind", "restored"}


def test_another_logs_mirror_is_refused(lost: Lost, tmp_path: Path) -> None:
    other = Made(tmp_path / "other", begin(settings_of(tmp_path / "other")))
    asyncio.run(grow(other.folder, 500))
    asyncio.run(mirrored(other, tmp_path / "mirror"))
    before = lost.restored.check()
    with pytest.raises(TlogError, match="NOTE_UNSIGNED"):
        brought(lost.restored, tmp_path / "mirror")
    assert lost.restored.check() == before


@pytest.mark.parametrize("family", ["tile/entries", "notes", "tile/0", "checkpoint"])
def test_a_mirror_that_lies_makes_the_log_sign_nothing_false(lost: Lost, tmp_path: Path, family: str) -> None:
    """Each file of the mirror changed by one bit, one after the other: what stands "
    "afterwards is the true log."""
    shutil.copytree(lost.mirror, tmp_path / "mirror")
    files = [each for each in (tmp_path / "mirror").rglob("*") if each.is_file()]
    chosen = [each for each in files if str(each.relative_to(tmp_path / "mirror")).startswith(family)]
    assert chosen
    for number, path in enumerate(chosen):
        octets = path.read_bytes()
        changed = bytearray(octets)
        changed[-3] ^= 1
        path.write_bytes(bytes(changed))
        made = lost.restored.copy(tmp_path / f"copy-{number}")
        with suppress(TlogError, UpkeepError, SourceError):
            brought(made, tmp_path / "mirror")
        size = made.check().size
        query = "SELECT height, checkpoint FROM ledger_block WHERE size <= ? ORDER BY height"
        assert made.rows(query, size) == lost.whole.rows(query, size), "nothing else was ever signed"
        path.write_bytes(octets)
