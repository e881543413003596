"""What a ledger file says of its own keys, before anything in it is verified.

Nothing of it is proven. A file that says that its key has taken the place of the pinned one is a reason to
ask for the proof, and no more.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from disclosure import MalformedError
from disclosure.registry import LOG_KEY_RECORD, log_keys_of_record
from tlog import RecordEntry, TlogError, Verifier, parse_entry
from tlog.archive import read_lines
from tlog.encoding import from_base64

_HEAD_LINES = 2


def stated_key(path: Path) -> Verifier | None:
    """Return the log's key that a ledger file names; None if it names none. OSError."""
    with path.open("rb") as file:
        line = next(islice(read_lines(file), 1, None), b"")
    try:
        return Verifier.from_string(line.decode().removesuffix("\n"))
    except (UnicodeDecodeError, TlogError):
        return None


def states_change(path: Path, pinned: Verifier) -> bool:
    """Tell whether the records in a ledger file lead from the pinned key to the one of its head. OSError."""
    reached = pinned
    for old, new in _changes(path):
        if old == reached:
            reached = new
    return reached != pinned and reached == stated_key(path)


def _changes(path: Path) -> Iterator[tuple[Verifier, Verifier]]:
    """Give the changes of the log's key that a file has records of, in its order."""
    with path.open("rb") as file:
        for line in islice(read_lines(file), _HEAD_LINES, None):
            try:
                entry = parse_entry(from_base64(line.decode().split(" ")[1], "an entry"))
                if isinstance(entry, RecordEntry) and entry.kind == LOG_KEY_RECORD:
                    yield log_keys_of_record(entry.payload)
            except (ValueError, IndexError, TlogError, MalformedError):
                continue
