"""`python -m benchmarks.bulk [--records N]`: a push of so many records; a million takes ten minutes or more.

How far it is goes to standard error, with the memory of the server's processes; the figures, with the memory
after 10,000, 100,000 and 1,000,000 records, are JSON on standard output.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

from zk.bench.load.bulk import Bulk, bulk
from zk.bench.load.processes import resident_octets
from zk.local_server import UNLIMITED, running_server


class Progress:
    """Writes a line for each part of a push, so that who waits sees that it goes on and what it takes."""

    def __init__(self, process: int, records: int, out: TextIO) -> None:
        self._process, self._records, self._out = process, records, out
        self._step = max(1, min(records // 20, 10_000))
        self._next, self._began = self._step, (time.monotonic(), 0)

    def advance(self, done: int) -> None:
        """Tell how far it is, if it is a part further than it was."""
        if done < min(self._next, self._records):
            return
        self._next = done + self._step
        now = time.monotonic()
        each_second = (done - self._began[1]) / max(now - self._began[0], 1e-9)
        self._began = now, done
        octets = resident_octets(self._process)
        line = f"{done:,} of {self._records:,} records, {each_second:,.0f}/s, {octets >> 20} MiB\n"
        self._out.write(line)
        self._out.flush()


def measured(folder: Path, records: int, out: TextIO) -> Bulk:
    """Push so many records to a server of its own."""
    with running_server(
        folder / "server", folder / "server.log", log_level="error", settings=UNLIMITED
    ) as server:
        return bulk(server, records, Progress(server.process, records, out).advance)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="default 100,000")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        made = measured(Path(name), given.records, sys.stderr)
    sys.stdout.write(json.dumps(made.document(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
