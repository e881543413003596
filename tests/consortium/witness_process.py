"""A witness in a process of its own, whose store may fail, or end the process, at any one of its calls.

    python -m tests.consortium.witness_process FOLDER POLICY [CALL before|after killed|fails]

CALL counts what the store does in its file from the first request on: begin, select, insert, delete, commit
and so on. `before` or `after` that call the process leaves the file `reached` behind, with the call's first
word, and kills itself; or the call reports a fault, with `after` one of a write that is there all the same.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from consortium.witness.process import Address, serve
from consortium.witness.store import Connect, connect
from tlog import Policy


class Faulty:
    """A connection that counts its calls."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, call: int, when: str, kind: str) -> None:
        self._connection, self._folder, self._when, self._kind = connection, folder, when, kind
        self._left = call
        self._counts = False

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        word = statement.split(maxsplit=1)[0]
        self._counts = self._counts or word == "begin"
        here = self._counts and self._left == 1
        self._left -= self._counts
        if here and self._when == "before":
            self._reached(word)
        cursor = self._connection.execute(statement, parameters)
        if here and self._when == "after":
            self._reached(word)
        return cursor

    def close(self) -> None:
        self._connection.close()

    def _reached(self, word: str) -> None:
        (self._folder / "reached").write_text(word)
        if self._kind == "fails":
            raise sqlite3.OperationalError("as the test wants it")
        os.kill(os.getpid(), signal.SIGKILL)


def faulty(folder: Path, call: str, when: str, kind: str) -> Connect:
    def opened(path: Path) -> Any:
        return Faulty(connect(path), folder, int(call), when, kind)

    return opened


def main(folder: Path, policy: Path, *fault: str) -> None:
    serve(
        folder,
        [Policy.parse(policy.read_bytes())],
        Address("127.0.0.1", 0),
        on_ready=lambda ready: print(ready.port, flush=True),  # noqa: T201
        connect=faulty(folder, *fault) if fault else connect,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
