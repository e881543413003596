"""From every schema that there was to the one that there is, with rows in every table: none is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.zkservice.rows_of_then import WANTED, Stored, fill, projected, read
from tests.zkservice.stores import Store
from zkservice.storage import schema_version, tables
from zkservice.storage.database import open_engine

REVISIONS: Final = list(schema_version._steps(schema_version._MIGRATIONS))
BEFORE: Final = REVISIONS[:-1]
MOVED: Final = {("outbox", "entry"), ("outbox", "holder_note")}
"""Columns that went; `moved` says where what they held is now."""
WRITTEN: Final = {"schema_rule"}
"""What migrations write themselves."""
ANEW: Final = {"regulator"}
"""What 0013 does away with on purpose: a key that one officer has alone is no regulator's any more."""
OF_FEW_ROWS: Final = {"schema_rule", "ledger_lease", "ledger_state", "ledger_mark"}
"""Their key is one of one or two words."""


def upgraded(url: str, revision: str) -> tuple[Stored, Stored]:
    """Make a schema, fill it, bring it to this program's; return what stood there before and after."""
    engine = open_engine(url)
    try:
        command.upgrade(schema_version._config(engine), revision)
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            before = fill(connection)
        schema_version.upgrade(engine)
        assert schema_version.require_newest(engine) == REVISIONS[-1]
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, tables.metadata) == []
            return before, read(connection)
    finally:
        engine.dispose()


def check(before: Stored, after: Stored) -> None:
    for table, rows in before.items():
        assert table in after, f"{table} has gone"
        if table in WRITTEN or (table in ANEW and "regulator_access" not in before):
            continue
        assert len(rows) >= 1, f"nothing stood in {table}: its rows have to be thought of"
        gone = set(rows[0]) - set(after[table][0])
        assert {(table, column) for column in gone} <= MOVED
        kept = set(rows[0]) - gone
        assert list(projected(after[table], kept)) == list(projected(rows, kept)), table
    moved(before, after)


def moved(before: Stored, after: Stored) -> None:
    """What waited for a block has rows of its own since 0015; what had its block is on the ledger."""
    columns = {"outbox", "entry", "holder_note"}
    waiting: list[dict[str, Any]] = [
        row | {"outbox": row["id"]}
        for row in before["outbox"]
        if "entry" in row and row["entry_index"] is None
    ]
    if "outbox_content" not in before:
        assert waiting
        assert list(projected(after["outbox_content"], columns)) == list(projected(waiting, columns))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/service.sqlite3"
    server = request.getfixturevalue("postgresql")
    return lambda: str(Store.on(server).settings["database"])


def test_rows_of_the_first_schema_survive(empty: Callable[[], str]) -> None:
    check(*upgraded(empty(), BEFORE[0]))


def test_rows_of_the_last_schema_survive_and_hardly_a_table_has_few(empty: Callable[[], str]) -> None:
    """A constraint that no row of ours satisfies would leave a table out."""
    before, after = upgraded(empty(), BEFORE[-1])
    check(before, after)
    few = {table for table, rows in before.items() if len(rows) < WANTED}
    assert few <= OF_FEW_ROWS, few


@pytest.mark.long
@pytest.mark.parametrize("revision", BEFORE[1:-1])
def test_rows_of_every_schema_survive(empty: Callable[[], str], revision: str) -> None:
    check(*upgraded(empty(), revision))
