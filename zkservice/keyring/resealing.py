"""What former generations seal is sealed anew under the current one, in pieces; then the former ones go.

Each piece is a transaction of its own, so it may end anywhere and be given again: what is left is what does
not say that it is of the current generation. A former generation is retired only if every live server seals
under the current one, for long enough that whatever was sealed before is stored, and if a count of every
column of `storage.sealed` that begins then finds nothing of it. Nobody seals under it any more by then, so
the count need not hold up writers.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from zkservice.errors import StartError
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.rotating import WAIT_SECONDS, Waiting, Work, nothing
from zkservice.keys import Keys
from zkservice.storage import master_keys, sealed
from zkservice.storage.master_keys import MasterState
from zkservice.storage.sealed import SEALED, SealedColumn

PIECE: Final = 200
"""Rows in a transaction: some milliseconds, for which other writes wait."""
SETTLE_SECONDS: Final = 60.0
"""How long after the last call of before the servers' turn something may still be stored that it sealed."""


class Step(StrEnum):
    """The points after each thing that is durable; a test may end the process there."""

    PIECE = "piece"
    RESEALED = "resealed"
    RETIRED = "retired"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Resealed:
    """How many values were sealed anew, and which generation was retired; None if none had to be."""

    values: int
    retired: int | None


def counts(engine: Engine) -> Mapping[SealedColumn, Mapping[int, int]]:
    """Return of each column how many values each generation seals. Reads every row of its table."""
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        return {each: sealed.count(connection, each) for each in SEALED}


def reseal(
    work: Work,
    *,
    seconds: float = WAIT_SECONDS,
    settle: float | None = None,
    piece: int = PIECE,
    waiting: Waiting = nothing,
    progress: Callable[[int], None] = nothing,
    after: Callable[[Step], None] = nothing,
) -> Resealed:
    """Seal anew all that a former generation seals, and retire it.

    Between the servers' turn and the last count pass `settle` seconds, by default as long as a call may take
    and a minute more: until then a call may store what it sealed before.
    `progress` is told how many values were sealed since it was told last. Raises KeyringError SERVERS_BEHIND,
    ROTATION_UNDER_WAY while a generation is announced only, SEALED_BROKEN: what does not open is named, and
    stays as it is.
    """
    stored = work.take_over()
    if master_keys.of_state(stored, MasterState.ANNOUNCED) is not None:
        detail = "a generation is announced and not current yet: run zk keys rotate master again"
        raise KeyringError(KeyringReason.ROTATION_UNDER_WAY, detail)
    former, current = master_keys.of_state(stored, MasterState.FORMER), master_keys.current(stored)
    if former is None:
        return Resealed(0, None)
    work.wait(lambda each: each.sealing >= current, seconds, waiting)
    pause = work.settings.call_seconds + SETTLE_SECONDS if settle is None else settle
    settled = time.monotonic() + pause
    done = _all(work, piece, progress, after)
    after(Step.RESEALED)
    time.sleep(max(0.0, settled - time.monotonic()))
    while not _retire(work, former.number, current):
        done += _all(work, piece, progress, after)
    after(Step.RETIRED)
    work.take_over()
    after(Step.FORGOTTEN)
    return Resealed(done, former.number)


def _all(work: Work, piece: int, progress: Callable[[int], None], after: Callable[[Step], None]) -> int:
    done = 0
    for each in SEALED:
        if each.moves:
            last: tuple[Any, ...] | None = None
            while True:
                with work.writing() as connection:
                    many, last = _piece(connection, work.opened.keys, each, last, piece)
                if last is None:
                    break
                done += many
                progress(many)
                after(Step.PIECE)
    return done


def _piece(
    connection: Connection, keys: Keys, where: SealedColumn, last: tuple[Any, ...] | None, piece: int
) -> tuple[int, tuple[Any, ...] | None]:
    """Seal some values anew; return how many, and the last key that was looked at, None at the end."""
    values = sealed.page(connection, where, last, piece, but=keys.current)
    for each in values:
        try:
            label, octets = each.open(keys)
        except StartError as error:
            raise KeyringError(KeyringReason.SEALED_BROKEN, str(error)) from None
        sealed.replace(connection, each, keys.seal(label, octets))
    return len(values), values[-1].key if values else None


def _retire(work: Work, former: int, current: int) -> bool:
    """Retire a generation if nothing is sealed under it; return whether that was so."""
    left = {
        number
        for each, counted in counts(work.engine).items()
        if each.moves
        for number in counted
        if number != current
    }
    if not left:
        with work.writing() as connection:
            master_keys.change(connection, former, MasterState.RETIRED)
    return not left
