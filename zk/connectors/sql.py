"""A read-only query over SQLAlchemy: one snapshot, read in pieces, so that memory stays as it is.

PostgreSQL and SQLite enforce that nothing is written; any other database is asked by the SQL standard's SET
TRANSACTION READ ONLY, and is not read if it refuses.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from disclosure import MalformedError, Reason, Schema
from zk.clients.records import Record, Subject
from zk.connectors.base import MAX_MISFITS, Misfit
from zk.connectors.conversion import Row, cell, text_of, values_of
from zk.connectors.plan import Plan
from zk.exits import CommandError, Exit
from zk.service import Required

_AT_ONCE: Final = 1000
_MAX_RECORD_ID: Final = 200


class SqlConnector:
    """Reads what a plan says; `find` returns the schema of a credential that holders show first."""

    def __init__(self, plan: Plan, find: Callable[[str], Schema]) -> None:
        self._plan, self._find = plan, find

    @contextmanager
    def open(self, schema: Schema, since: str | None) -> "Iterator[SqlRows]":
        """Connect and hold one snapshot; CommandError USAGE. Nothing of the URL is ever told."""
        url = os.environ.get(self._plan.database)
        if not url:
            raise _unusable(self._plan, "the variable is not set")
        shown = self._find(self._plan.requires.schema_) if self._plan.requires is not None else None
        try:
            # The rows are read by the thread that sends them.
            sqlite: dict[str, Any] = {"check_same_thread": False} if url.startswith("sqlite") else {}
            engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=sqlite)
        except (SQLAlchemyError, ImportError) as error:
            raise _unusable(self._plan, type(error).__name__) from None
        try:
            with engine.connect() as connection:
                _only_read(connection)
                yield SqlRows(self._plan, schema, shown, connection, since)
                connection.rollback()
        except SQLAlchemyError as error:
            raise _unusable(self._plan, type(getattr(error, "orig", None) or error).__name__) from None
        finally:
            engine.dispose()


def _only_read(connection: Connection) -> None:
    """Make the transaction read-only before anything is read."""
    match connection.dialect.name:
        case "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        case "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
        case _:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")


class SqlRows:
    """The rows of one snapshot."""

    def __init__(
        self, plan: Plan, schema: Schema, shown: Schema | None, connection: Connection, since: str | None
    ) -> None:
        self._plan, self._schema, self._shown = plan, schema, shown
        self._connection, self._since = connection, since
        self._newest: Any = None
        self._begin()

    def _begin(self) -> None:
        self.misfits: list[Misfit] = []
        self.misfit = self.unnamed = 0

    def read(self, first: int) -> Iterator[Record]:
        """Give the records from a place on. A row that does not fit is a misfit, and if it can be named it is
        said to be there."""
        self._begin()
        place = 0
        for number, row in enumerate(self._rows(), 1):
            record = self._record(number, row)
            if record is None:
                continue
            if place >= first:
                yield record
            place += 1

    def newest(self) -> str | None:
        """Return the greatest value of the column `since`, as it is given to the next run."""
        return None if self._newest is None else str(self._newest)

    def _rows(self) -> Iterator[Row]:
        since = self._plan.since
        order = f"{since}, {self._plan.record}" if since else self._plan.record
        # The columns' names were checked to be names, and the query is the department's own.
        wrapped = f"SELECT * FROM ({self._plan.query}) AS rows_of_connector"  # noqa: S608
        bound = {}
        if since and self._since is not None:
            wrapped += f" WHERE {since} >= :since"
            bound["since"] = self._since
        statement = text(f"{wrapped} ORDER BY {order}").execution_options(
            stream_results=True, yield_per=_AT_ONCE
        )
        with self._connection.execute(statement, bound) as result:
            for row in result.mappings():
                yield dict(row)

    def _record(self, number: int, row: Row) -> Record | None:
        plan = self._plan
        if plan.since is not None and (at := cell(row, plan.since)) is not None:
            self._newest = at
        record_id: bytes | None = None
        try:
            record_id = _name(row, plan.record)
            values = values_of(self._schema, plan.attributes, row)
            subject = Subject(plan.subject.kind, text_of(row, plan.subject.column)) if plan.subject else None
            return Record(record_id, values, subject, self._identified(row))
        except MalformedError as error:
            self._note(Misfit(number, error.reason, error.field, record_id is not None))
        return None if record_id is None else Record(record_id, None)

    def _identified(self, row: Row) -> bytes | Required | None:
        if self._plan.person is not None:
            return text_of(row, self._plan.person).encode()
        if self._plan.requires is None or self._shown is None:
            return None
        return Required(self._shown, values_of(self._shown, self._plan.requires.values, row, partly=True))

    def _note(self, misfit: Misfit) -> None:
        self.misfit += 1
        self.unnamed += not misfit.named
        if len(self.misfits) < MAX_MISFITS:
            self.misfits.append(misfit)


def _name(row: Row, column: str) -> bytes:
    octets = text_of(row, column).encode()
    if len(octets) > _MAX_RECORD_ID:
        detail = f"a record's name has at most {_MAX_RECORD_ID} octets"
        raise MalformedError(Reason.VALUE_INVALID, detail, field=column)
    return octets


def _unusable(plan: Plan, problem: str) -> CommandError:
    return CommandError(
        Exit.USAGE,
        "CONNECTOR_UNUSABLE",
        "error.connector_unusable",
        variable=plan.database,
        problem=problem,
    )
