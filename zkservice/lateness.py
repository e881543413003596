"""Whether what is published is anchored in time, as one replica sees it, whoever asks the witnesses.

A log that grows all the time is never anchored to its end, and one that rests for hours is not late: what
counts is how long the size that was published at a moment waits until that much is anchored.
"""

import asyncio


class Lateness:
    """Late is whoever has waited longer than `patience` seconds. Belongs to the event loop."""

    def __init__(self, patience: float) -> None:
        self._patience, self._late = patience, False
        self._due: tuple[int, float] | None = None
        self._changed = asyncio.Event()

    @property
    def late(self) -> bool:
        """Whether the quorum has been missing for too long."""
        return self._late

    def look(self, published: int, anchored: int, now: float) -> None:
        """Compare the size that is published with the size that is anchored, at a time of the loop."""
        if self._due is None or anchored >= self._due[0]:
            self._due = published, now
        late = now - self._due[1] > self._patience
        if late != self._late:
            self._late = late
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def other_than(self, late: bool) -> bool:
        """Wait until it is not as it was seen; return what it is then."""
        while self._late == late:
            await self._changed.wait()
        return self._late
