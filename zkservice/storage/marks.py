"""What has to be remembered about the log as a whole, across starts, until it is dealt with.

A mark is read before anything is signed and removed by what deals with it.
"""

from enum import StrEnum

from sqlalchemy import Connection, select

from zkservice.storage import tables
from zkservice.storage.rows import insert_new


class Mark(StrEnum):
    """The marks there are."""

    RESTORED = "restored"
    """The database comes from a backup: a quorum of the witnesses has to be asked before the log goes on."""
    BEHIND = "behind"
    """The witnesses know a larger log, or another one: it does not go on before it is brought forward."""


def read(connection: Connection, mark: Mark) -> str | None:
    """Return what a mark says; None if it is not there."""
    value: str | None = connection.execute(
        select(tables.ledger_mark.c.value).where(tables.ledger_mark.c.name == mark.value)
    ).scalar()
    return value


def read_all(connection: Connection) -> dict[Mark, str]:
    """Return what each mark that is there says."""
    rows = connection.execute(select(tables.ledger_mark.c.name, tables.ledger_mark.c.value))
    return {Mark(name): value for name, value in rows}


def write(connection: Connection, mark: Mark, value: str) -> None:
    """Set a mark, at most 1,000 characters; one that is there already stays as it is."""
    insert_new(connection, tables.ledger_mark, {"name": mark.value, "value": value})


def remove(connection: Connection, mark: Mark) -> None:
    """Remove a mark; nothing happens if it is not there."""
    connection.execute(tables.ledger_mark.delete().where(tables.ledger_mark.c.name == mark.value))
