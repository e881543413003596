"""A figure and what it is called, in the reader's language for a person and in English for a machine."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from zk.messages import Language, text

PROMISED: Final = "blst"
"""The group that the limits are for; another one's figures have another unit."""


@dataclass(frozen=True)
class Message:
    """A message of zk.messages with what fills it."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, lang: Language) -> str:
        """Return it in a language."""
        return text(lang, self.key, **self.values)


class Measure(StrEnum):
    """What a figure counts: multiples of the unit (less is better), or of what one thread does (more is)."""

    UNITS = "P"
    TIMES = "times"


@dataclass(frozen=True)
class Row:
    """One figure, for one operation; `milliseconds` too.

    Without a limit, the most that it may be, it is for information. `holds` is False where the figure was not
    measured under the conditions that its limit is for.
    """

    label: Message
    measured: float
    milliseconds: float
    measure: Measure = Measure.UNITS
    limit: float | None = None
    remark: Message | None = None
    holds: bool = True

    @property
    def verdict(self) -> str:
        """Say `pass` or `miss`; nothing without a limit."""
        if self.limit is None:
            return ""
        return "pass" if self.holds and self.measured <= self.limit else "miss"

    def document(self) -> dict[str, Any]:
        """Return the row for a machine to read; `name` is the same in every run and language."""
        return {
            "name": self.label.text("en"),
            "measured": self.measured,
            "measure": self.measure.value,
            "milliseconds": self.milliseconds,
            "limit": self.limit,
            "note": self.remark.text("en") if self.remark else "",
            "figures": dict(self.remark.values) if self.remark else {},
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Scale:
    """How long the rows run: rounds of each operation at most, calls of one caller."""

    rounds: int = 400
    calls: int = 1000

    @property
    def batches(self) -> int:
        """Rounds of a batch."""
        return max(3, self.rounds // 16)

    @property
    def slices(self) -> int:
        """Rounds of what measures wall-clock time in slices."""
        return max(3, self.rounds // 16)


Watch = Callable[[Message, int | None], AbstractContextManager[Callable[[int], object]]]
"""Shows that something is under way, of so many rounds (None: it cannot be told); gives what is called with
the rounds done."""

UNWATCHED: Final[Watch] = lambda *_: nullcontext(lambda _: None)  # noqa: E731
"""Shows nothing."""
