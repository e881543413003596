"""The tables of the composite form: what the database itself refuses, and what other databases are told."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.zkservice.stored import change, dump
from zkservice.storage import schema_version, tables
from zkservice.storage.database import open_engine

NEW = ("composite_offer", "holder", "published_table", "regulator", "opening")
MADE = {
    "0003": ("composite_offer", "holder", "published_table", "opening"),
    "0006": ("event",),
    "0013": ("regulator", "regulator_access", "statistic", "open_exchange"),
}
"""Tables that one migration has made as they are today."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    yield opened
    opened.dispose()


def offer(connection: Connection, name: str, **columns: Any) -> None:
    values = {
        "id": name, "department": "departments/d", "schema": "s", "request_id": name,
        "request_digest": bytes(32), "state": "offered", "sealed": b"x", "created": 0, "expires": 1,
    }  # fmt: skip
    connection.execute(tables.offer.insert().values(**values))
    connection.execute(tables.composite_offer.insert().values(offer=name, terms=b"t", **columns))


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    schema_version.upgrade(engine)
    with engine.connect().execution_options(writing=True) as opened, opened.begin() as transaction:
        department = {"name": "departments/d", "zh": "x", "en": "x", "token_hash": bytes(32), "created": 0}
        opened.execute(tables.department.insert().values(**department))
        schema = {"name": "s", "department": "departments/d", "canonical": b"", "created": 0}
        opened.execute(tables.schema.insert().values(**schema))
        yield opened
        transaction.rollback()


def claimed(handle: bytes) -> dict[str, bytes]:
    return {"handle": handle, "sealed_handle": b"h", "claim_digest": bytes(32)}


def test_two_credentials_never_have_one_handle(connection: Connection) -> None:
    offer(connection, "a", person=bytes(32), **claimed(bytes(32)))
    offer(connection, "b", person=bytes(32), **claimed(b"\1" * 32))
    with pytest.raises(IntegrityError):
        offer(connection, "c", person=bytes(32), **claimed(bytes(32)))


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"person": bytes(32), "request": b"r"},
        {"person": bytes(32), "handle": bytes(32), "sealed_handle": b"h"},
        {"person": bytes(32), "handle": bytes(32), "claim_digest": bytes(32)},
        {"request": b"r", "sealed_handle": b"h"},
        {"request": b"r", "accumulator": "departments/d/accumulators/none", **claimed(bytes(32))},
    ],
)
def test_no_offer_is_half_of_something(connection: Connection, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        offer(connection, "a", **columns)


def hold(connection: Connection, pseudonym: bytes, person: bytes, replaced: int | None = None) -> None:
    values = {
        "department": "departments/d", "pseudonym": pseudonym * 32, "person": person * 32, "created": 0,
        "replaced": replaced,
    }  # fmt: skip
    connection.execute(tables.holder.insert().values(**values))


def test_a_person_has_one_pseudonym_and_any_number_that_were_replaced(connection: Connection) -> None:
    for pseudonym, replaced in ((b"a", 1), (b"b", 2), (b"c", None)):
        hold(connection, pseudonym, b"x", replaced)
    hold(connection, b"d", b"y")
    with pytest.raises(IntegrityError):
        hold(connection, b"e", b"x")


def test_a_pseudonym_is_one_persons_for_ever(connection: Connection) -> None:
    hold(connection, b"a", b"x", replaced=1)
    with pytest.raises(IntegrityError):
        hold(connection, b"a", b"y")


def test_a_database_of_the_version_before_is_upgraded_with_what_it_holds(
    engine: Engine, tmp_path: Path
) -> None:
    command.upgrade(schema_version._config(engine), "0002")
    assert not {*NEW} & {*dump(tmp_path)}
    change(tmp_path, "insert into department values ('departments/d', 'x', 'x', ?, 0)", bytes(32))
    change(tmp_path, "insert into schema values ('s', 'departments/d', x'', 0)")
    change(
        tmp_path,
        "insert into offer values ('o', 'departments/d', 's', 'r', ?, 'offered', null, x'00', 0, 1)",
        bytes(32),
    )
    before = dump(tmp_path)
    schema_version.upgrade(engine)
    schema_version.require_newest(engine)
    after = dump(tmp_path)
    assert after["schema"] == [(*row, None) for row in before["schema"]], "its record is still to be made"
    assert after["department"] == [(*row, "") for row in before["department"]], "it identifies nobody yet"
    assert after["offer"] == [(*row, None) for row in before["offer"]], "no document was asked for"
    changed = {"alembic_version", "schema", "verifier", "department", "offer"}
    assert {name: after[name] for name in before if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }
    command.downgrade(schema_version._config(engine), "0002")
    assert not {*NEW} & {*dump(tmp_path)}


def _creating(table: Table) -> Iterator[CreateTable | CreateIndex]:
    yield CreateTable(table)
    yield from map(CreateIndex, table.indexes)


def _statements(text: str) -> set[tuple[str, ...]]:
    """Return statements as sets of their lines, in whatever order a table's columns and constraints stand."""
    lines = (each.strip().rstrip(";").splitlines() for each in text.split(";"))
    return {
        tuple(sorted(line.strip().rstrip(",").strip() for line in each if line.strip()))
        for each in lines
        if each
    }


@pytest.mark.parametrize("revision", MADE)
def test_postgresql_is_told_the_same_by_migration_and_by_tables(revision: str) -> None:
    told, dialect = io.StringIO(), postgresql.dialect()  # type: ignore[no-untyped-call]
    context = MigrationContext.configure(dialect=dialect, opts={"as_sql": True, "output_buffer": told})
    migration = ScriptDirectory(str(schema_version._MIGRATIONS)).get_revision(revision)
    with Operations.context(context):
        migration.module.upgrade()
    wanted = ";".join(
        str(statement.compile(dialect=dialect))
        for table in (tables.metadata.tables[name] for name in MADE[revision])
        for statement in _creating(table)
    )
    others = _statements(told.getvalue()) - _statements(wanted)
    assert _statements(wanted) <= _statements(told.getvalue())
    assert all("TABLE regulator" in str(each) for each in others), "made by one, made anew by the other"
    assert "BYTEA" in wanted
