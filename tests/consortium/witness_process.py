"""A witness in a process of its own, which may end itself without warning at a point of its store.

    python -m tests.consortium.witness_process FOLDER POLICY [POINT N [fails]] [CLOCK]

POINT is one of `begun`, `stored`, `committed`: just after the transaction began, before its commit, after it.
For the N-th time the process leaves the file `reached` behind and kills itself; with `fails` the database
reports an error there instead, before the commit or after it, when it persists.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from consortium.witness.process import Address, serve
from consortium.witness.store import WitnessStore
from tlog import Policy

POINTS = ("begun", "stored", "committed")


def faulty(folder: Path, point: str, times: int, *, fails: bool) -> type[WitnessStore]:
    left = times

    def reached(here: str) -> None:
        nonlocal left
        if here != point or left == 0:
            return
        left -= 1
        if left:
            return
        (folder / "reached").write_text(point)
        if fails:
            raise sqlite3.OperationalError("as the test wants it")
        os.kill(os.getpid(), signal.SIGKILL)

    class Faulty(WitnessStore):
        def _checkpoint(self, origin: str) -> Any:
            if self._connection.in_transaction:
                reached("begun")
            return super()._checkpoint(origin)

        def _commit(self) -> None:
            reached("stored")
            super()._commit()
            reached("committed")

    return Faulty


def main(
    folder: Path, policy: Path, point: str = "", times: str = "0", kind: str = "", clock: str = ""
) -> None:
    given: dict[str, Any] = {}
    if point:
        given["make"] = faulty(folder, point, int(times), fails=kind == "fails")
    if clock:
        given["clock"] = lambda: int(Path(clock).read_text())
    serve(
        folder,
        [Policy.parse(policy.read_bytes())],
        Address("127.0.0.1", 0),
        on_ready=lambda ready: print(ready.port, flush=True),  # noqa: T201
        **given,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
