"""The database: its schema's version, writes that are committed together, and what each caller is told."""

import asyncio
import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select

from disclosure import SchemaName
from tests.zkservice.stored import change, dump
from tests.zkservice.support import PERMIT, TEXT, reopened
from zkservice.directory import Directories
from zkservice.errors import ServiceError, StartError
from zkservice.keys import Keys
from zkservice.storage import catalog, registered, schema_version, tables
from zkservice.storage.database import Database, open_engine

Act = Callable[[Connection], Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    schema_version.require_newest(engine)
    opened = Database(engine)
    yield opened
    opened.close()


def verifier(name: str, zh: str = "x") -> Act:
    values = {"name": name, "zh": zh, "en": "x", "public_key": bytes(32), "created": 0}
    return lambda connection: connection.execute(tables.verifier.insert().values(**values)).rowcount


def count(connection: Connection) -> int:
    number: int = connection.execute(select(func.count()).select_from(tables.verifier)).scalar_one()
    return number


class Group:
    """Holds the writer back until it is released, so that what is written meanwhile forms one group."""

    def __init__(self, database: Database) -> None:
        self._database, self._gate, self._entered = database, threading.Event(), threading.Event()

    async def write(self, *acts: Act) -> list[Any]:
        held = asyncio.ensure_future(self._database.write(self._hold))
        await asyncio.to_thread(self._entered.wait)
        calls = [asyncio.ensure_future(self._database.write(act)) for act in acts]
        await asyncio.sleep(0)
        self._gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        await held
        return results

    def _hold(self, _: Connection) -> None:
        self._entered.set()
        self._gate.wait()


def raising(error: Exception) -> Act:
    def act(connection: Connection) -> None:
        verifier("half-done")(connection)
        raise error

    return act


async def test_one_that_fails_undoes_itself_only(database: Database, tmp_path: Path) -> None:
    error = RuntimeError("mine")
    one, two, three = await Group(database).write(verifier("a"), raising(error), verifier("b"))
    assert (one, two, three) == (1, error, 1)
    assert [row[0] for row in dump(tmp_path)["verifier"]] == ["a", "b"]


async def test_a_constraint_is_one_callers_own_affair(database: Database, tmp_path: Path) -> None:
    one, two, three = await Group(database).write(verifier("a"), verifier("a"), verifier("b"))
    assert (one, two.reason, three) == (1, "STORAGE_UNAVAILABLE", 1)
    assert [row[0] for row in dump(tmp_path)["verifier"]] == ["a", "b"]


async def test_one_that_raises_makes_nobody_write_twice(database: Database, tmp_path: Path) -> None:
    """The group is run again: what the first run did must be gone, or rows would stand there twice."""
    runs: list[str] = []

    def numbered(name: str) -> Act:
        def act(connection: Connection) -> int:
            runs.append(name)
            number = count(connection)
            connection.exec_driver_sql("insert into tally values (?, ?)", (name, number))
            return number

        return act

    await database.write(lambda each: each.exec_driver_sql("create table tally (name, seen)").close())
    error = RuntimeError("mine")
    acts = [numbered("a"), verifier("v"), raising(error), numbered("b"), raising(error), numbered("c")]
    results = await Group(database).write(*acts)
    assert results == [0, 1, error, 1, error, 1]
    assert dump(tmp_path)["tally"] == [("a", 0), ("b", 1), ("c", 1)]
    assert runs == ["a", "a", "b", "c"], "the first run ends at what raises; the second runs each once"
    assert [row[0] for row in dump(tmp_path)["verifier"]] == ["v"]


async def test_a_group_without_fault_is_run_once(database: Database, tmp_path: Path) -> None:
    runs = 0

    def counting(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        assert connection.get_nested_transaction() is None, "no savepoint: each costs as much as the write"
        return runs

    assert await Group(database).write(*[counting] * 5) == [1, 2, 3, 4, 5]


async def test_one_that_raises_in_its_first_run_only_is_done(database: Database, tmp_path: Path) -> None:
    """A fault that passes is nobody's: what counts is the run that was committed."""
    fresh = True

    def once(connection: Connection) -> int:
        nonlocal fresh
        if fresh:
            fresh = False
            verifier("half-done")(connection)
            raise RuntimeError
        return int(verifier("done")(connection))

    assert await Group(database).write(verifier("a"), once) == [1, 1]
    assert [row[0] for row in dump(tmp_path)["verifier"]] == ["a", "done"]


async def test_a_full_database_tells_everybody_and_keeps_nothing(database: Database, tmp_path: Path) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("pragma page_count").scalar_one()
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")
        for number in range(1000):
            verifier(f"v{number}", "x" * 1000)(connection)

    results = await Group(database).write(verifier("a"), fill, verifier("b"))
    assert [each.reason for each in results] == ["STORAGE_UNAVAILABLE"] * 3
    assert dump(tmp_path)["verifier"] == []
    await database.write(lambda each: each.exec_driver_sql("pragma max_page_count = 4294967294").scalar())
    assert await database.write(verifier("a")) == 1


async def test_a_commit_that_fails_tells_everybody(database: Database, tmp_path: Path) -> None:
    runs = 0

    def violate(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        connection.exec_driver_sql("pragma defer_foreign_keys = on")
        values = {
            "name": "departments/x/schemas/y@1",
            "department": "departments/x",
            "canonical": b"",
            "created": 0,
        }
        connection.execute(tables.schema.insert().values(**values))

    results = await Group(database).write(verifier("a"), violate, verifier("b"))
    assert [each.reason for each in results] == ["STORAGE_UNAVAILABLE"] * 3
    assert dump(tmp_path)["verifier"] == []
    assert runs == 1, "a commit that may have happened is not tried again"
    assert await database.write(verifier("a")) == 1, "the next group is not touched by it"


async def test_an_error_does_not_hold_the_values(database: Database) -> None:
    secret = "王小明的秘密"
    await database.write(verifier("a", secret))
    with pytest.raises(ServiceError) as caught:
        await database.write(verifier("a", secret))
    assert caught.value.__cause__ is not None
    assert secret not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__cause__}"


async def test_a_read_changes_nothing(database: Database, tmp_path: Path) -> None:
    assert await database.read(verifier("a")) == 1
    assert dump(tmp_path)["verifier"] == []


async def test_a_read_sees_one_state(database: Database) -> None:
    entered, gate = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[int, int]:
        first = count(connection)
        entered.set()
        gate.wait()
        return first, count(connection)

    reading = asyncio.ensure_future(database.read(twice))
    await asyncio.to_thread(entered.wait)
    await database.write(verifier("a"))
    gate.set()
    assert await reading == (0, 0)
    assert await database.read(count) == 1


async def test_whoever_gave_up_before_its_turn_has_written_nothing(
    database: Database, tmp_path: Path
) -> None:
    entered, gate = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        entered.set()
        gate.wait()

    held = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(entered.wait)
    given_up, waiting = (asyncio.ensure_future(database.write(verifier(name))) for name in "ab")
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await waiting == 1
    await held
    assert given_up.cancelled()
    assert [row[0] for row in dump(tmp_path)["verifier"]] == ["b"]


async def test_whoever_gives_up_in_its_turn_stops_nobody(database: Database, tmp_path: Path) -> None:
    entered, gate = threading.Event(), threading.Event()

    def act(connection: Connection) -> None:
        entered.set()
        gate.wait()
        verifier("a")(connection)

    call = asyncio.ensure_future(database.write(act))
    await asyncio.to_thread(entered.wait)
    call.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await database.write(verifier("b")) == 1
    assert [row[0] for row in dump(tmp_path)["verifier"]] == ["a", "b"]


async def test_closing_finishes_what_waits_and_refuses_what_comes(database: Database, tmp_path: Path) -> None:
    calls = [asyncio.ensure_future(database.write(verifier(f"v{number}"))) for number in range(600)]
    await asyncio.sleep(0)
    await asyncio.to_thread(database.close)
    assert await asyncio.gather(*calls) == [1] * 600
    assert len(dump(tmp_path)["verifier"]) == 600
    for late in (database.write, database.read):
        with pytest.raises(ServiceError) as caught:
            await late(count)
        assert caught.value.reason == "SHUTTING_DOWN"
    database.close()


async def test_of_schemas_only_the_last_used_stay_in_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.directory._KEPT_OCTETS", 2 * len(PERMIT.canonical) + 10)
    schemas = [replace(PERMIT, name=SchemaName("police", "item", number)) for number in range(1, 5)]
    now = dt.datetime.now(dt.UTC)
    await database.write(
        lambda each: registered.add_department(each, "departments/police", TEXT, "token", now)
    )
    for schema in schemas:
        await database.write(lambda each, schema=schema: catalog.add_schema(each, schema, now))  # type: ignore[misc]
    directories = Directories(database, Keys(bytes(32)))
    for schema in (*schemas, *schemas[::-1]):
        assert (await directories.load([schema.name])).schema(schema.name) == schema
        assert len(directories._schemas._things) <= 2
    # More than are kept, at once: all of them are given.
    assert set((await directories.load([each.name for each in schemas])).schemas.values()) == {*schemas}
    assert len(directories._schemas._things) == 2


def test_what_is_acknowledged_is_on_the_disk(database: Database) -> None:
    with database._engine.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("pragma foreign_keys").scalar_one() == 1


def test_migrations_make_the_schema_that_the_program_has(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    schema_version.upgrade(engine)
    assert schema_version.current(engine) == schema_version.newest()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    command.downgrade(schema_version._config(engine), "base")
    assert set(dump(tmp_path)) <= {"alembic_version", "sqlite_sequence"}
    schema_version.require_newest(engine)
    assert set(tables.metadata.tables) <= set(dump(tmp_path))
    engine.dispose()


def test_a_database_of_the_first_version_is_upgraded_with_what_it_holds(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    command.upgrade(schema_version._config(engine), "0001")
    assert "epoch" not in dump(tmp_path)
    change(tmp_path, "insert into department values ('departments/police', 'x', 'x', ?, 0)", bytes(32))
    before = dump(tmp_path)
    with pytest.raises(StartError, match="run zk serve --upgrade once"):
        schema_version.require_newest(engine)
    assert dump(tmp_path) == before
    schema_version.upgrade(engine)
    schema_version.require_newest(engine)
    (stored,) = before["department"]
    assert dump(tmp_path)["department"] == [(*stored, "")], "nobody is guessed to identify anybody"
    engine.dispose()


async def _refused(folder: Path, **settings: Any) -> str:
    with pytest.raises(StartError) as caught:
        async with reopened(folder, **settings):
            pass
    return str(caught.value)


async def test_another_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with reopened(tmp_path):
        pass
    change(tmp_path, "update alembic_version set version_num = '9999'")
    change(tmp_path, "update schema_rule set oldest_program = '9999'")
    before = dump(tmp_path)
    assert "it was written by a newer program" in await _refused(tmp_path)
    change(tmp_path, "update alembic_version set version_num = '0001'")
    assert "run zk serve --upgrade once" in await _refused(tmp_path)
    change(tmp_path, "update alembic_version set version_num = '9999'")
    assert dump(tmp_path) == before


async def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "service.sqlite3")) as connection, connection:
        connection.execute("create table recipes (name text)")
    before = dump(tmp_path)
    assert "tables of something else" in await _refused(tmp_path)
    assert dump(tmp_path) == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite3"
    path.write_bytes(b"not a database " * 500)
    assert "cannot be opened" in await _refused(tmp_path)
    assert path.read_bytes() == b"not a database " * 500


@pytest.mark.parametrize(
    "url", ["not a url", "nosuch://user:hunter2@host/x", "postgresql+none://u:hunter2@h/x"]
)
async def test_a_database_that_cannot_be_used_is_named_without_its_password(tmp_path: Path, url: str) -> None:
    told = await _refused(tmp_path, database=url)
    assert "`database`" in told
    assert "hunter2" not in told
