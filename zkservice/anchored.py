"""What is anchored, as this replica knows it, and who waits for more of it.

State rules: it belongs to the event loop, and follows what is stored (`storage.anchors`): nothing is told
here before it is durable.
"""

import asyncio

from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage.ledger import State


class Anchored:
    """The newest checkpoint that reached its quorum, with the cosignatures that are known of it."""

    def __init__(self) -> None:
        self._newest: State | None = None
        self._changed = asyncio.Event()
        self._watching = True

    @property
    def newest(self) -> State | None:
        """The newest anchored checkpoint; None while there is none."""
        return self._newest

    def take(self, state: State | None) -> None:
        """Note what is stored by now. A smaller checkpoint is passed over; one of the same size replaces the
        note, which may have more cosignatures."""
        before = self._newest
        if state is None or (before is not None and state.size < before.size):
            return
        self._newest = state
        if before is None or state.size > before.size:
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def next_after(self, size: int) -> State:
        """Wait for an anchored checkpoint that is larger than `size`; ServiceError SHUTTING_DOWN."""
        while self._newest is None or self._newest.size <= size:
            if not self._watching:
                raise ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")
            await self._changed.wait()
        return self._newest

    def wake_watchers(self) -> None:
        """End the watching: whoever waits for the next one is told that the service ends."""
        self._watching = False
        self._changed.set()
