"""For whom a city claims: the verifiers of a file, which is read again when it has changed.

As lists of revoked certificates are at a server: what is not sound is kept out and told, and the list before
counts on.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from disclosure import VerifierName
from zk.exits import CommandError, Exit
from zk.home import read_file

LOOK_SECONDS: Final = 2.0
"""So often a file is looked at."""
_Stamp: TypeAlias = tuple[int, int, int]

Tell: TypeAlias = Callable[[int | Exception], None]
"""Is told how many stand on a list that was taken, or why one was not: of each change once."""


class Listed:
    """The verifiers of a list. `look` belongs to one thread at a time, and others may ask meanwhile."""

    def __init__(self, path: Path, tell: Tell = lambda _: None) -> None:
        """Read the list; raises as `read_list` does."""
        self._path, self._tell = path, tell
        self._taken = self._seen = _stamp(path)
        self._names = read_list(path)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def look(self) -> None:
        """Take the file if it has changed, and is since the last look as it is now: nobody writes it then."""
        now = _stamp(self._path)
        if now == self._taken or now != self._seen:
            self._seen = now
            return
        self._taken = now
        try:
            self._names = read_list(self._path)
        except Exception as error:  # whatever it is: who was on the list before is served on
            self._tell(error)
        else:
            self._tell(len(self._names))


def read_list(path: Path) -> frozenset[VerifierName]:
    """Read a list of verifiers: a name on each line, and what follows a `#` is for people.

    Raises CommandError; MalformedError NAME_INVALID for what is no name.
    """
    try:
        text = read_file(path).decode()
    except UnicodeDecodeError:
        raise CommandError(Exit.USAGE, "FILE_UNREADABLE", "error.file_unreadable", path=path) from None
    written = (line.partition("#")[0].strip() for line in text.splitlines())
    listed = frozenset(VerifierName.parse(each, field="verifiers") for each in written if each)
    if not listed:
        raise CommandError(Exit.USAGE, "VERIFIERS_MISSING", "error.claims_verifiers", path=path)
    return listed


def _stamp(path: Path) -> _Stamp:
    """Return what tells a file from what was there before; zeros for none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
