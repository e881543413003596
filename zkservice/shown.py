"""Whose tokens and certificates were seen to hold, so that their next calls are charged to a name.

Nothing is let pass by this: each call is checked all the same, and what was refused is forgotten.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

KEPT: Final = 10_000
"""So many are remembered."""
OF_A_NAME: Final = 64
"""So many of one name: whoever has tokens made without end gets nobody else's forgotten."""
_SECONDS: Final = 300.0
"""How long one stands for its name without having been checked again."""
_CERTIFICATE: Final = b"zk certificate\0"


def mark_of_certificate(pem: bytes) -> bytes:
    """Return what a certificate is remembered by; no token has the same."""
    return hashlib.sha256(_CERTIFICATE + pem).digest()


class Shown:
    """Belongs to the event loop. Tokens and certificates are known by hashes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._names: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._of: dict[str, OrderedDict[bytes, None]] = {}

    def __len__(self) -> int:
        return len(self._names)

    def name_of(self, mark: bytes | None) -> str | None:
        """Return whom it stands for, if it was checked not long ago."""
        if mark is None or mark not in self._names:
            return None
        name, until = self._names[mark]
        return name if self._monotonic() < until else None

    def held(self, mark: bytes, name: str) -> None:
        """Remember that it was checked and is that of `name`."""
        self.forget(mark)
        own = self._of.setdefault(name, OrderedDict())
        if len(own) >= OF_A_NAME:
            self.forget(next(iter(own)))
        elif len(self._names) >= KEPT:
            self.forget(next(iter(self._names)))
        self._names[mark] = name, self._monotonic() + _SECONDS
        self._of.setdefault(name, OrderedDict())[mark] = None

    def forget(self, mark: bytes) -> None:
        """Forget it, if it is known: it was refused."""
        name, _ = self._names.pop(mark, ("", 0.0))
        own = self._of.get(name)
        if own is not None:
            own.pop(mark, None)
            if not own:
                del self._of[name]
