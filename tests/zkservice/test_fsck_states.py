"""fsck of what a crash leaves, of octets changed by chance, of a large log, and of PostgreSQL."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.ledger.making import make as make_big
from tests import postgres
from tests.zkservice.damaging import NAME, Made, enqueue, grow, log_keys, make, now, opened, settings_of
from zkservice.beginning import begin
from zkservice.errors import StartError
from zkservice.sequencer import Sequencer, Step
from zkservice.storage import reading
from zkservice.upkeep import fsck
from zkservice.upkeep.faults import FaultError, FaultReason
from zkservice.upkeep.fsck import Report


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("ledger") / "server")


class EndError(Exception):
    pass


async def crash(folder: Path, step: Step) -> None:
    """End a sequencer at the first time that it reaches a step."""

    def end(reached: Step) -> None:
        if reached is step:
            raise EndError

    database = opened(folder)
    try:
        sequencer = Sequencer(database, await log_keys(folder, database), now, max_batch=3, after=end)
        await sequencer.start()
        await database.write(lambda each: enqueue(each, 8))
        sequencer.stop()
        with pytest.raises(EndError):
            await sequencer.run()
    finally:
        await asyncio.to_thread(database.close)


@pytest.mark.parametrize("step", list(Step))
def test_what_a_crash_leaves_is_no_fault_and_its_damage_is_one(tmp_path: Path, step: Step) -> None:
    made = Made(tmp_path / "server", begin(settings_of(tmp_path / "server")))
    asyncio.run(grow(made.folder, 10))
    before = made.check()
    asyncio.run(crash(made.folder, step))
    report = made.check()
    locked = step in {Step.LOCKED, Step.APPLIED}
    assert (report.locked > 0) == locked
    assert (report.size > before.size) == (step is Step.PUBLISHED)
    if step is Step.PUBLISHED:
        return
    other = made.copy(tmp_path / "other")
    other.change("UPDATE ledger_staged SET outbox_ids = substr(outbox_ids, 9) || substr(outbox_ids, 1, 8)")
    assert other.fault().reason == FaultReason.STAGED_INVALID
    if locked:
        other = made.copy(tmp_path / "dropped")
        other.change("DELETE FROM ledger_staged")
        assert other.fault().reason == FaultReason.STAGED_INVALID
    if step is Step.APPLIED:
        other = made.copy(tmp_path / "applied")
        other.change('DELETE FROM ledger_entry WHERE "index" = (SELECT max("index") FROM ledger_entry)')
        assert other.fault().reason == FaultReason.ENTRY_MISSING
    asyncio.run(grow(made.folder, 1))
    assert made.check().size > report.size, "and the log goes on"


def test_a_log_that_was_never_begun_is_sound_and_has_nothing(tmp_path: Path) -> None:
    made = Made(tmp_path / "server", begin(settings_of(tmp_path / "server")))
    assert made.check().size == 0
    made.change("INSERT INTO ledger_entry VALUES (0, x'00', NULL)")
    assert made.fault().reason == FaultReason.STATE_INVALID


def _verdict(made: Made) -> Report | str:
    try:
        return made.check(made.policy)
    except FaultError as fault:
        return fault.reason
    except StartError:
        return "no database"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_octets_changed_by_chance_are_faults_or_change_nothing(
    sound: Made, tmp_path: Path, data: st.DataObject
) -> None:
    """Anywhere in the file: in a page's head, an index, a row. What is found is a fault or the same log."""
    expected = sound.check(sound.policy)
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    made = sound.copy(folder)
    octets = bytearray((folder / NAME).read_bytes())
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        at = data.draw(st.integers(0, len(octets) - 1), label="at")
        octets[at] ^= data.draw(st.integers(1, 255), label="bits")
    (folder / NAME).write_bytes(octets)
    found = _verdict(made)
    if isinstance(found, Report):
        assert (found.size, found.root, found.receipts) == (expected.size, expected.root, expected.receipts)


TIME_OCTETS = 8
COLUMNS = {
    "ledger_entry": ("entry", "holder_note"),
    "ledger_tile": ("hashes",),
    "ledger_block": ("header", "checkpoint"),
    "ledger_state": ("checkpoint",),
    "ledger_staged": ("header", "outbox_ids"),
    "ledger_anchor": ("checkpoint",),
    "outbox_content": ("entry", "holder_note"),
}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_octet_changed_in_any_row_is_a_fault_of_its_table(
    sound: Made, tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    made = sound.copy(folder)
    table = data.draw(st.sampled_from(sorted(COLUMNS)), label="table")
    column = data.draw(st.sampled_from(COLUMNS[table]), label="column")
    rows = made.rows(f"SELECT rowid, length({column}) FROM {table} WHERE {column} NOT NULL")
    row, length = data.draw(st.sampled_from(rows), label="row")
    at = data.draw(st.integers(0, length - 1), label="at")
    made.flip(table, column, f"rowid = {row}", at)
    staged_time = (table, column) == ("ledger_staged", "header") and at >= length - TIME_OCTETS
    if staged_time and not isinstance(_verdict(made), str):
        return  # nothing says yet when a block was made that is not locked
    if (table, column) == ("outbox_content", "entry") and not isinstance(_verdict(made), str):
        return  # nothing says yet what an entry is that waits
    fault = made.fault(made.policy)
    if fault.place.table != table:  # what waits does not fit to what was staged, whichever of the two changed
        assert (table, fault.place.table) == ("outbox_content", "ledger_staged"), fault


def test_upper_tiles_of_a_large_log_are_compared(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / NAME}"
    made = Made(tmp_path, make_big(url, 70_000, batch=1024))
    with reading.read_only(url) as connection:
        assert fsck.check(connection, [made.key]).size > 70_000
    for where, at, key in (
        ('(level, "index") = (1, 0)', 5000, "1/0"),
        ('(level, "index") = (1, 1)', 40, "1/1"),
        ("level = 2", 1, "2/0"),
        ('(level, "index") = (0, 200)', 64, "0/200"),
    ):
        made.flip("ledger_tile", "hashes", where, at)
        fault = made.fault()
        assert (fault.reason, fault.place.key) == (FaultReason.TILE_CHANGED, key)
        made.flip("ledger_tile", "hashes", where, at)
    made.flip("ledger_entry", "entry", '"index" = 65000', 50)
    fault = made.fault()
    assert (fault.reason, fault.place.index) == (FaultReason.ENTRY_CHANGED, 65000)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


def test_a_log_on_postgresql_is_checked_too(server: postgres.Server) -> None:
    url = server.create("checked")
    key = make_big(url, 3000)
    with reading.read_only(url) as connection:
        report = fsck.check(connection, [key])
    assert report.receipts >= 3000
    with server.connect("checked") as connection:
        connection.execute(
            "UPDATE ledger_entry SET holder_note = set_byte(holder_note, 5, 7) WHERE index = 77"
        )
    with reading.read_only(url) as connection, pytest.raises(FaultError) as raised:
        fsck.check(connection, [key])
    assert (raised.value.reason, raised.value.place.index) == (FaultReason.NOTE_CHANGED, 77)
