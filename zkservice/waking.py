"""Those who waited for the same thing are woken a few at a time.

A group that is committed, a batch that is judged, a block that is published: each answers dozens of calls at
once. Woken at once they all go on in one turn of the event loop, and whoever only asks for a checkpoint waits
for all of them, once for each step of its own call. So a turn wakes a few, and looks at what has arrived.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

_Result = TypeVar("_Result")

AT_ONCE: Final = 2
"""Each of them goes on for some tenths of a millisecond."""
MOST_TURNS: Final = 16
"""Of more than twice so many each turn wakes more: where turns are long, the last must not wait for many."""


def wake(loop: asyncio.AbstractEventLoop, wakings: Iterable[Callable[[], None]]) -> None:
    """Call each of some callbacks, in their order, a few in each of the loop's next turns.

    Called on the loop's thread. What one of them raises keeps no other from its turn.
    """
    left = deque(wakings)
    _some(loop, left, max(AT_ONCE, -(-len(left) // MOST_TURNS)))


def _some(loop: asyncio.AbstractEventLoop, left: deque[Callable[[], None]], at_once: int) -> None:
    for _ in range(min(at_once, len(left))):
        loop.call_soon(left.popleft())
    if left:
        loop.call_soon(_some, loop, left, at_once)


def answer(future: "asyncio.Future[_Result]", result: _Result) -> None:
    """Give a future its result, unless nobody waits for it any more."""
    if not future.done():
        future.set_result(result)
