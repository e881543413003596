"""Faults of a server's database, at the commit that a test names, in the server's own process.

The file `fault` in its folder says "WHERE HOW". At the next commit of that kind it goes away, the file
`reached` comes, and the commit fails, or fails though it persists, or the process freezes within the
transaction. The file `commits` has the kinds of all commits so far; the file `signed` every checkpoint that
was signed, in hex, whether it was ever published or not.
"""

import os
import signal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from zkservice import blocks, databases
from zkservice.log_keys import LogKeys
from zkservice.storage.database import open_engine
from zkservice.storage.ledger import State


class Where(StrEnum):
    """The kinds of commits that a submission takes, in their order."""

    SUBMISSION = "submission"
    STAGE = "stage"
    LOCK = "lock"
    APPLY = "apply"
    PUBLISH = "publish"


class How(StrEnum):
    """What becomes of the commit."""

    FAILS = "fails"
    PERSISTS = "persists"
    FREEZES = "freezes"


_BY: Final = {
    Where.PUBLISH: "DELETE FROM outbox_content",
    Where.APPLY: "INSERT INTO ledger_block",
    Where.STAGE: "INSERT INTO ledger_staged",
    Where.LOCK: "UPDATE ledger_state",
    Where.SUBMISSION: "INSERT INTO answer",
}
"""The statements that tell them apart; the first that was run counts."""


def install(folder: Path) -> None:
    """Let the servers of this process do as the folder says."""
    sign = blocks.sign

    def opened(url: str) -> Engine:
        engine = open_engine(url)
        watch(engine, folder)
        return engine

    def signed(keys: LogKeys, size: int, root: bytes) -> State:
        state = sign(keys, size, root)
        _note(folder / "signed", state.checkpoint.hex())
        return state

    databases.open_engine = opened  # type: ignore[attr-defined]
    blocks.sign = signed


def watch(engine: Engine, folder: Path) -> None:
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.info["ran"] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _ran(connection: Connection, _: object, statement: str, *rest: Any) -> None:
        connection.info.setdefault("ran", []).append(statement)

    @event.listens_for(engine, "commit")
    def _commit(connection: Connection) -> None:
        ran = connection.info["ran"]
        kind = next((each for each, by in _BY.items() if any(one.startswith(by) for one in ran)), None)
        if kind is None:
            return
        _note(folder / "commits", kind)
        fault = folder / "fault"
        if fault.exists() and fault.read_text().split()[0] == kind:
            how = How(fault.read_text().split()[1])
            fault.rename(folder / "reached")
            _happen(how, connection)


def _happen(how: How, connection: Connection) -> None:
    if how is How.FREEZES:
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    (driver.commit if how is How.PERSISTS else driver.rollback)()
    raise OperationalError("COMMIT", None, OSError("as the test wants it"))


def _note(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")
