"""How much is claimed for one verifier: at once, in a minute, in a day.

A verifier's key may be stolen, and what stands on the chain stands there for ever: so whoever has the key
fills no more of it than a day's budget.
"""

import contextlib
import datetime as dt
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from disclosure import VerifierName, canonical
from disclosure.credential import civil_date
from ordering.transactions import Claim
from verifier import files
from zk.claims.reasons import ClaimReason, ClaimRefusedError

_MAX_OCTETS: Final = 1 << 20
_CLAIM: Final = "zk-disclosure/claimed-in-a-day/v1"


class Rates:
    """So many claims a minute of one verifier, as many at once after a pause, and so many under way."""

    def __init__(
        self, per_minute: int, under_way: int = 4, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._under_way, self._clock = per_minute, under_way, clock
        self._left = dict[VerifierName, tuple[float, float]]()
        self._running = dict[VerifierName, int]()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one(self, verifier: VerifierName) -> Iterator[None]:
        """Count one claim while the block runs; ClaimRefusedError CLAIM_TOO_MANY."""
        self._enter(verifier)
        try:
            yield
        finally:
            with self._lock:
                self._running[verifier] -= 1

    def _enter(self, verifier: VerifierName) -> None:
        with self._lock:
            now = self._clock()
            left, seen = self._left.get(verifier, (float(self._most), now))
            left = min(self._most, left + (now - seen) * self._most / 60)
            running = self._running.get(verifier, 0)
            if left < 1 or running >= self._under_way:
                self._left[verifier] = left, now
                raise ClaimRefusedError(ClaimReason.CLAIM_TOO_MANY, verifier=str(verifier))
            self._left[verifier], self._running[verifier] = (left - 1, now), running + 1


class Budget:
    """So many different claims of one verifier in a day of the cities.

    A claim that is asked for again counts once, as what comes of it stands once: who tries until a node
    answers uses up nothing. How many there were stands in `file`, written before a claim is made, so that
    another process goes on counting; which they were is known to this one alone. State rules: a day that has
    begun never ends by a clock that goes back.
    """

    def __init__(self, per_day: int, file: Path, now: Callable[[], float] = time.time) -> None:
        """Go on with what stands in the file; OSError, ValueError, TypeError if that is no count of a day."""
        self._most, self._file, self._now = per_day, file, now
        self._day, self._counts = _read(file)
        self._known = dict[VerifierName, set[bytes]]()
        self._lock = threading.Lock()

    def take(self, verifier: VerifierName, claim: Claim) -> None:
        """Count a claim that is about to be made; ClaimRefusedError CLAIM_TOO_MANY, CLAIM_NOT_NOW."""
        made = _digest(claim)
        with self._lock:
            self._begin_day()
            known, name = self._known.setdefault(verifier, set()), str(verifier)
            if made in known:
                return
            count = self._counts.get(name, 0)
            if count >= self._most:
                detail = f"all {self._most} of this day are used up"
                raise ClaimRefusedError(ClaimReason.CLAIM_TOO_MANY, detail, name)
            self._keep({**self._counts, name: count + 1}, name)
            known.add(made)

    def _begin_day(self) -> None:
        today = civil_date(dt.datetime.fromtimestamp(self._now(), dt.UTC)).isoformat()
        if today > self._day:
            self._day, self._counts = today, {}
            self._known.clear()

    def _keep(self, counts: dict[str, int], name: str) -> None:
        octets = json.dumps({"day": self._day, "claims": counts}, sort_keys=True).encode()
        try:
            files.replace(self._file, octets)
        except OSError as error:
            detail = f"the day's count cannot be kept: {error.strerror}"
            raise ClaimRefusedError(ClaimReason.CLAIM_NOT_NOW, detail, name) from None
        self._counts = counts


def _read(file: Path) -> tuple[str, dict[str, int]]:
    try:
        found: Any = json.loads(files.read(file, _MAX_OCTETS))
    except FileNotFoundError:
        return "", {}
    if not isinstance(found, dict) or set(found) != {"day", "claims"}:
        raise ValueError("it is no count of a day's claims")
    day, counts = dt.date.fromisoformat(found["day"]).isoformat(), dict[str, int](found["claims"])
    if not all(type(each) is int and each > 0 for each in counts.values()):
        raise ValueError("it is no count of a day's claims")
    return day, counts


def _digest(claim: Claim) -> bytes:
    return hashlib.sha256(canonical.encode(_CLAIM, claim.scope, claim.tag, claim.reference)).digest()
