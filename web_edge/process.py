"""The process of an edge: one port, until SIGINT or SIGTERM."""

import asyncio
import signal
from collections.abc import Callable

from web_edge.app import Edge, serving


def serve(edge: Edge, *, on_ready: Callable[[int], None] = lambda _: None) -> None:
    """Run an edge; `on_ready` is told its port. Raises OSError if it cannot listen."""
    asyncio.run(_serve(edge, on_ready))


async def _serve(edge: Edge, on_ready: Callable[[int], None]) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, told.set)
    async with serving(edge) as port:
        on_ready(port)
        await told.wait()
