"""For whom a city claims: the verifiers of a file, which is read again when it has changed.

What is not sound, or cannot be read, is an accident: it is kept out and the list before counts on, as lists
of revoked certificates do at a server. A sound list of nobody, or none any more, is an order: who takes
everybody off it wants nobody served. A claim is never taken back, and one that was refused may be asked for
again.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from disclosure import VerifierName
from zk.exits import CommandError, Exit
from zk.home import read_file, unreadable

LOOK_SECONDS: Final = 2.0
"""So often a file is looked at."""
AGAIN_SECONDS: Final = 60.0
"""So often what is wrong is told again."""
_Stamp: TypeAlias = tuple[int, ...]
_GONE: Final[_Stamp] = ()
_UNKNOWN: Final[_Stamp] = (0,)

News: TypeAlias = int | Exception
Tell: TypeAlias = Callable[[News], None]
"""Is told how many stand on a list that was taken, or why one was not: once of each change, and again and
again while nobody stands on it or it is not as it has to be."""


class Listed:
    """The verifiers of a list. `look` belongs to one thread at a time, and others may ask meanwhile."""

    def __init__(
        self, path: Path, tell: Tell = lambda _: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read the list, on which somebody has to stand; raises as `read_list` does."""
        self._path, self._tell, self._clock = path, tell, clock
        self._taken = self._seen = _stamp(path)
        self._names = read_list(path)
        if not self._names:
            raise CommandError(Exit.USAGE, "VERIFIERS_MISSING", "error.claims_verifiers", path=path)
        self._stands: News = len(self._names)
        self._told, self._again = (self._taken, repr(self._stands)), 0.0

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def look(self) -> None:
        """Take the file if it has changed, and is since the last look as it is now: nobody writes it then.

        Nothing is raised, whatever the file is, and whether or not anybody can be told.
        """
        now = _stamp(self._path)
        rests, self._seen = now == self._seen, now
        if now == self._taken:
            self._say(now, self._stands)
        elif rests:
            self._say(now, self._take(now))

    def _take(self, now: _Stamp) -> News:
        try:
            octets = b"" if now == _GONE else read_file(self._path)
        except Exception as error:  # the system's word, which may be another one at the next look
            return error
        self._taken = now
        try:
            self._names = _parsed(octets, self._path)
        except Exception as error:  # whatever it is: who was on the list before is served on
            self._stands = error
        else:
            self._stands = len(self._names)
        return self._stands

    def _say(self, of: _Stamp, news: News) -> None:
        told, now = (of, repr(news)), self._clock()
        wrong = not news or isinstance(news, Exception)
        if told == self._told and not (wrong and now >= self._again):
            return
        self._told, self._again = told, now + AGAIN_SECONDS
        with suppress(Exception):  # whoever read what is told may be gone: the list counts all the same
            self._tell(news)


def read_list(path: Path) -> frozenset[VerifierName]:
    """Read a list of verifiers: a name on each line, and what follows a `#` is for people.

    Its last line has an end as well: without it the list may have been cut, inside a name. Raises
    CommandError; MalformedError NAME_INVALID for what is no name.
    """
    return _parsed(read_file(path), path)


def _parsed(octets: bytes, path: Path) -> frozenset[VerifierName]:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise unreadable(path) from None
    if text and not text.endswith("\n"):
        raise CommandError(Exit.USAGE, "VERIFIERS_CUT", "error.claims_verifiers_cut", path=path)
    written = (line.partition("#")[0].strip() for line in text.splitlines())
    return frozenset(VerifierName.parse(each, field="verifiers") for each in written if each)


def _stamp(path: Path) -> _Stamp:
    """Return what tells a file from what was there before, and from the same one with other rights."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return _GONE
    except OSError:
        return _UNKNOWN
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
