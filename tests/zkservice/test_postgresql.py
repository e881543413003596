"""The database on PostgreSQL: one write at a time of however many servers, and connections that end."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from tests import postgres
from tests.zkservice.stores import Store
from tests.zkservice.test_storage import Act, Group, count
from tests.zkservice.test_storage import verifier as inserting
from zkservice.errors import ServiceError
from zkservice.storage import schema_version, tables
from zkservice.storage.database import Database, open_engine
from zkservice.storage.ledger import New, enqueue_all


@pytest.fixture
def url(postgresql: postgres.Server) -> str:
    return str(Store.on(postgresql).settings["database"])


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    schema_version.require_newest(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    opened = Database(engine)
    yield opened
    opened.close()


def verifier(name: str, zh: str = "x") -> Act:
    def act(connection: Connection) -> int:
        inserting(name, zh)(connection)
        return 1

    return act


def end_connections(engine: Engine) -> int:
    """End all sessions of the database but the one that does it, as a restart of PostgreSQL does."""
    with engine.connect() as connection:
        ended = connection.exec_driver_sql(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        number: int = ended.scalar_one()
    engine.dispose()
    return number


def test_migrations_make_the_schema_that_the_program_has(url: str) -> None:
    engine = open_engine(url)
    schema_version.upgrade(engine)
    assert schema_version.current(engine) == schema_version.newest()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    command.downgrade(schema_version._config(engine), "base")
    schema_version.require_newest(engine)
    engine.dispose()


def test_of_servers_that_start_at_once_on_an_empty_database_one_makes_the_schema(url: str) -> None:
    program = (
        "import sys; from zkservice.storage import database, schema_version; "
        "schema_version.require_newest(database.open_engine(sys.argv[1]))"
    )
    starting = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(3)]
    assert [each.wait(60) for each in starting] == [0, 0, 0]
    engine = open_engine(url)
    assert schema_version.current(engine) == schema_version.newest()
    engine.dispose()


async def test_writes_of_several_servers_come_one_after_the_other(url: str, engine: Engine) -> None:
    """Each reads, decides and writes: what two would do at once is lost or done twice."""
    servers = [Database(open_engine(url)) for _ in range(3)]
    await servers[0].write(lambda each: each.exec_driver_sql("create table tally (n bigint)").close())
    await servers[0].write(lambda each: each.exec_driver_sql("insert into tally values (0)").close())

    def add(connection: Connection) -> int:
        seen: int = connection.exec_driver_sql("select n from tally").scalar_one()
        connection.exec_driver_sql("update tally set n = %s", (seen + 1,))
        return seen

    seen = await asyncio.gather(*(servers[at % 3].write(add) for at in range(300)))
    assert sorted(seen) == list(range(300))
    for each in servers:
        each.close()


async def test_outbox_rows_are_seen_in_the_order_of_their_numbers(url: str, engine: Engine) -> None:
    """The sequencer takes the oldest and drops all up to the newest: none may come in between later."""
    servers = [Database(open_engine(url)) for _ in range(2)]

    def put(connection: Connection) -> list[int]:
        newest = connection.exec_driver_sql("select coalesce(max(id), 0) from outbox").scalar_one()
        ids = enqueue_all(connection, [New(bytes([at]), None) for at in range(5)])
        assert ids == sorted(ids)
        assert ids[0] > newest
        return ids

    found = await asyncio.gather(*(servers[at % 2].write(put) for at in range(60)))
    assert len({row for ids in found for row in ids}) == 300
    for each in servers:
        each.close()


async def test_connections_that_have_ended_are_replaced_and_nobody_is_told(
    database: Database, engine: Engine
) -> None:
    other = open_engine(str(engine.url.render_as_string(hide_password=False)))
    assert await database.write(verifier("a")) == 1
    await asyncio.gather(*(database.read(count) for _ in range(8)))
    assert end_connections(other) >= 2
    assert await asyncio.gather(*(database.read(count) for _ in range(8))) == [1] * 8
    assert end_connections(other) >= 1
    assert await database.write(verifier("b")) == 1
    assert await database.read(count) == 2


async def test_a_connection_that_ends_within_a_group_makes_nobody_write_twice(
    database: Database, engine: Engine
) -> None:
    runs = 0

    def ended_once(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            pid = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
            with engine.connect() as other:
                other.exec_driver_sql("select pg_terminate_backend(%s)", (pid,))
        return int(verifier("b")(connection))

    assert await Group(database).write(verifier("a"), ended_once, verifier("c")) == [1, 1, 1]
    assert runs == 2
    assert await database.read(count) == 3


@pytest.mark.parametrize("text", ["x" * 1001, "nul \0"])
async def test_a_value_that_no_column_holds_is_one_callers_own_affair(database: Database, text: str) -> None:
    one, two, three = await Group(database).write(verifier("a"), verifier("b", text), verifier("c"))
    assert (one, two.reason, three) == (1, "STORAGE_UNAVAILABLE", 1)
    assert await database.read(count) == 2


async def test_a_read_cannot_write_and_sees_one_state(database: Database) -> None:
    with pytest.raises(ServiceError):
        await database.read(verifier("a"))
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
    assert await database.write(verifier("b")) == 1, "a connection that has read writes again"


@pytest.mark.parametrize("several", [False, True], ids=["after one statement", "after one for many rows"])
def test_who_idles_in_a_transaction_is_thrown_out(engine: Engine, several: bool) -> None:
    """After a pipeline PostgreSQL would wait for ever: what psycopg makes of a statement for several rows."""
    with engine.connect().execution_options(writing=True) as connection:
        rows = [{"name": name, "zh": "x", "en": "x", "public_key": bytes(32), "created": 0} for name in "ab"]
        connection.execute(tables.verifier.insert(), rows if several else rows[0])
        begun = time.monotonic()
        with engine.connect().execution_options(writing=True) as waiting:
            waiting.exec_driver_sql("select 1")
        assert 2 < time.monotonic() - begun < 6
        with pytest.raises(SQLAlchemyError):
            connection.exec_driver_sql("select 1")
        connection.invalidate()


def test_what_is_acknowledged_is_on_the_disk(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("show synchronous_commit").scalar_one() == "on"
