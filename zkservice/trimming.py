"""Memory that was freed goes back to the system, so that a server is as small after a flood as before.

glibc keeps what was freed for the next allocation: after a flood of header blocks that unpack to much, some
hundreds of MiB. It is told to give it back (malloc_trim) while the process is much larger than it has been.
Where there is no glibc, nothing is done.
"""

import asyncio
import ctypes
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

EVERY_SECONDS: Final = 2.0
WORTH: Final = 32 << 20
"""Octets by which the process must be larger than it has been: less is not worth the looking through."""
MOST_LOOKS: Final = 150
"""After so many looks it is tried again where trimming gave nothing back: what is kept may be in use."""
_STATM: Final = Path("/proc/self/statm")


def trimmer() -> Callable[[], None] | None:
    """Return what gives freed memory back, None where the C library has no such function."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int

    def give_back() -> None:
        trim(0)

    return give_back


def resident() -> int:
    """Return how many octets of memory the process has; OSError where the system does not say."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Trimming:
    """Decides when to trim. `look` is called again and again, by one thread at a time.

    It trims while the process is larger than it has been, at every look as long as that gives something back
    or the process grows, and ever more rarely where it does not.
    """

    def __init__(self, trim: Callable[[], None], size: Callable[[], int] = resident) -> None:
        self._trim, self._size = trim, size
        self._least = self._seen = size()
        self._pause = self._left = 0

    def look(self) -> bool:
        """Trim if it is time to; tell whether it was."""
        before = self._size()
        self._least = min(self._least, before)
        if before - self._seen >= WORTH:
            self._pause = self._left = 0
        self._seen = min(self._seen, before)
        if before - self._least < WORTH:
            self._pause = self._left = 0
            return False
        if self._left > 0:
            self._left -= 1
            return False
        self._trim()
        self._seen = self._size()
        gave = before - self._seen >= WORTH
        self._pause = 0 if gave else min(2 * self._pause + 1, MOST_LOOKS)
        self._left = self._pause
        return True


@asynccontextmanager
async def trimming() -> AsyncIterator[None]:
    """Look every two seconds until the block ends, in a thread: a look that trims takes some milliseconds."""
    trim = trimmer()
    looking = None
    with suppress(OSError):
        if trim is not None:
            looking = asyncio.create_task(_looking(Trimming(trim)))
    try:
        yield
    finally:
        if looking is not None:
            looking.cancel()
            await asyncio.wait((looking,))


async def _looking(state: Trimming) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        await asyncio.to_thread(state.look)
