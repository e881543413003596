"""The generations of the master key as the database has them, and how far each server is with them.

State rules: a generation is announced, then current, then former, then retired. One is current at a time; at
most one is announced, and none while another is former. Who changes a state does so in one write transaction,
in which it has seen the states before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, delete, select, update

from zkservice.keys import FIRST
from zkservice.storage import running, tables
from zkservice.storage.rows import put_all


class MasterState(StrEnum):
    """What is done with a generation now."""

    ANNOUNCED = "announced"
    """Servers take it over; nothing is sealed under it."""
    CURRENT = "current"
    FORMER = "former"
    """Something may still be sealed under it."""
    RETIRED = "retired"
    """Nothing is, and nobody keeps it."""


@dataclass(frozen=True)
class StoredMaster:
    """A generation: its check value, and sealed what hands it over to servers that do not have it."""

    number: int
    check: str
    state: MasterState
    sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Progress:
    """The newest generation that a server opens, and the one that it seals under."""

    known: int
    sealing: int


def listed(connection: Connection) -> tuple[StoredMaster, ...]:
    """Return the generations, oldest first; none before the first rotation."""
    table = tables.master_key
    rows = connection.execute(select(table).order_by(table.c.number))
    return tuple(
        StoredMaster(number, check, MasterState(state), sealed) for number, check, state, sealed in rows
    )


def current(stored: tuple[StoredMaster, ...]) -> int:
    """Return the generation that seals."""
    return next((each.number for each in stored if each.state is MasterState.CURRENT), FIRST)


def of_state(stored: tuple[StoredMaster, ...], state: MasterState) -> StoredMaster | None:
    """Return a generation of a state, if there is one."""
    return next((each for each in stored if each.state is state), None)


def add(connection: Connection, made: StoredMaster) -> None:
    """Keep a generation."""
    values = {
        "number": made.number,
        "check_value": made.check,
        "state": made.state.value,
        "sealed": made.sealed,
    }
    connection.execute(tables.master_key.insert().values(**values))


def change(connection: Connection, number: int, state: MasterState) -> None:
    """Give a generation another state; one that is retired hands nothing over, and nobody needs what came
    after it to be handed over.
    """
    table = tables.master_key
    connection.execute(update(table).where(table.c.number == number).values(state=state.value))
    if state is MasterState.RETIRED:
        connection.execute(update(table).where(table.c.number <= number + 1).values(sealed=None))


def tell(connection: Connection, server: str, progress: Progress) -> None:
    """Say how far a server is; forget those that do not run any more."""
    table = tables.server_keys
    live = {each.id for each in running.live(connection)} | {server}
    connection.execute(delete(table).where(table.c.server.not_in(live)))
    put_all(connection, table, [(server, progress.known, progress.sealing)])


def told(connection: Connection) -> Mapping[str, Progress]:
    """Return how far each server has said that it is."""
    return {
        server: Progress(known, sealing)
        for server, known, sealing in connection.execute(select(tables.server_keys))
    }
