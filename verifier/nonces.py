"""Nonces that a verifier has given out and that wait for their document: a folder with an empty file of each.

State rules: a nonce is a file while it waits and no file once it is used up, and unlinking a file succeeds
once, whoever else tries. So of several processes one uses a nonce up. Both are durable on return; a crash
before that leaves a nonce that was told to nobody, or one that is used up or still waits, and was good for
nothing yet.

A nonce waits for `LIFETIME` after the time of its file, and then no more, whether or not its file is still
there; whoever makes the next one clears away what has expired. So what was shown and never checked is good
for nothing after that time, and the folder holds no more than what was made within it.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

from verifier import files
from verifier.w3c import NONCE_OCTETS, new_nonce

LIFETIME: Final = dt.timedelta(hours=24)
"""How long a nonce waits: what was asked in the morning may be answered in the evening."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Nonces:
    """The nonces of a folder, which has to be there once one is made; OSError where it cannot be used."""

    def __init__(self, folder: Path, clock: Callable[[], dt.datetime] = _now) -> None:
        self._folder, self._clock = folder, clock

    def make(self) -> bytes:
        """Return a fresh nonce, which waits from now on; what has expired is cleared away."""
        self._clear()
        made = new_nonce()
        files.write_new(self._path(made), b"")
        return made

    def waits(self, nonce: bytes) -> bool:
        """Tell whether a nonce was made here, is not used up and has not expired."""
        return len(nonce) == NONCE_OCTETS and self._is_fresh(self._path(nonce))

    def use_up(self, nonce: bytes) -> bool:
        """Use a nonce up; false if it does not wait, or another process was faster."""
        if not self.waits(nonce):
            return False
        try:
            files.remove(self._path(nonce))
        except FileNotFoundError:
            return False
        return True

    def _is_fresh(self, path: Path) -> bool:
        """Tell whether a file is there and was made less than `LIFETIME` ago."""
        try:
            made = path.stat().st_mtime
        except FileNotFoundError:
            return False
        return self._clock().timestamp() - made < LIFETIME.total_seconds()

    def _clear(self) -> None:
        for path in self._folder.iterdir():
            # Nothing but nonces: what somebody else put there is not ours to remove.
            if _is_nonce(path.name) and not self._is_fresh(path):
                path.unlink(missing_ok=True)  # another process may clear too; made durable with the next file

    def _path(self, nonce: bytes) -> Path:
        return self._folder / nonce.hex()


def _is_nonce(name: str) -> bool:
    return len(name) == 2 * NONCE_OCTETS and not set(name) - set("0123456789abcdef")
