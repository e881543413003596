"""The demo's stopwatch: how long things took and how large they are, under names of zk.messages."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from zk.demo.result import Size, Time

Result = TypeVar("Result")


@dataclass
class Stopwatch:
    """Collects times, in multiples of one pairing check too, and sizes."""

    pairing_check_ms: float
    times: list[Time] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)

    def time(self, name: str, action: Callable[[], Result]) -> Result:
        """Do something and note how long it took."""
        start = time.perf_counter()
        result = action()
        milliseconds = (time.perf_counter() - start) * 1000
        self.times.append(Time(name, milliseconds, milliseconds / self.pairing_check_ms))
        return result

    def size(self, name: str, octets: int) -> None:
        """Note a size."""
        self.sizes.append(Size(name, octets))
