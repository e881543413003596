"""How far a run has come, kept in the folder of its figures: a run that was broken off goes on from there.

The state changes after a part's figures are in their place, so a crash in between measures that part again.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.results import PARTS

_EXPECTED_SECONDS: Final[Mapping[str, float]] = {
    "quick": 120,
    "bbs": 480,
    "chain": 20,
    "memory": 35,
    "keyed": 60,
    "load": 300,
    "ledger": 480,
    "web": 120,
    "consortium": 3600,
    "comparing": 120,
    "others": 300,
}
"""On two cores; of the machine itself is known how long each part took the last time."""
_FILE: Final = "state.json"


@dataclass(frozen=True)
class State:
    """The parts that a begun run still has to measure, and the seconds that parts took."""

    remaining: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, raw: Path) -> "State":
        """Read the state of a folder; where there is none, nothing is begun."""
        path = raw / _FILE
        if not path.exists():
            return cls()
        found = json.loads(path.read_text())
        return cls(tuple(each for each in found["remaining"] if each in PARTS), found["seconds"])

    def save(self, raw: Path) -> None:
        """Write the state, whole or not at all."""
        new = raw / f"{_FILE}.new"
        new.write_text(json.dumps({"remaining": self.remaining, "seconds": dict(self.seconds)}))
        os.replace(new, raw / _FILE)

    def begin(self, *, fresh: bool) -> "State":
        """Go on with what is begun; with all parts if nothing is, or if it is to be `fresh`."""
        return self if self.remaining and not fresh else replace(self, remaining=PARTS)

    def done(self, part: str, seconds: float) -> "State":
        """Return the state after a part, which took so long."""
        left = tuple(each for each in self.remaining if each != part)
        return State(left, {**self.seconds, part: seconds})

    def minutes(self, parts: Sequence[str]) -> float:
        """Return how long some parts will take, as far as can be told."""
        return sum(self.seconds.get(each, _EXPECTED_SECONDS[each]) for each in parts) / 60
