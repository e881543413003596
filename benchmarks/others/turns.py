"""The other end of a comparison: a process that runs one operation when it is told to, and says how long.

First line out: what it is, as JSON. Then, for each line "NAME REPEATS" in, the processor seconds of one of as
many runs one after the other. It runs in the environment of the package that it measures, so it needs Python
only.
"""

import json
import sys
from collections.abc import Callable, Mapping
from time import process_time

COUNT = 10
SHOWN = (0, 3, 6)
MESSAGES = [f"message {i}" for i in range(COUNT)]


def serve(setting: str, operations: Mapping[str, Callable[[], object]], octets: Mapping[str, int]) -> None:
    """Run operations as told until the input ends; `octets` are sizes, `setting` one short line."""
    _say(json.dumps({"setting": setting, "octets": dict(octets), "operations": list(operations)}))
    for line in sys.stdin:
        name, repeats = line.split()
        operation, count = operations[name.replace("_", " ")], int(repeats)
        start = process_time()
        for _ in range(count):
            operation()
        _say(repr((process_time() - start) / count))


def require(holds: object) -> None:
    """Refuse to measure an operation that does not do what it should."""
    if not holds:
        raise RuntimeError("the package does not verify what it made")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
