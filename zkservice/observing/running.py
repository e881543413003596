"""Puts together what observes a server, and ends it last, so that the end is seen too."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zkservice.config import Settings
from zkservice.context import Context
from zkservice.observing import http
from zkservice.observing.collecting import Parts
from zkservice.observing.dependencies import Dependencies
from zkservice.observing.interceptor import Observing
from zkservice.observing.metrics import CallMetrics
from zkservice.observing.tracing import NO_TRACING, Tracing, tracing


@dataclass(frozen=True)
class Observed:
    """The outermost interceptor, what the server depends on, and the port of the metrics."""

    interceptor: Observing
    dependencies: Dependencies
    port: int | None


@asynccontextmanager
async def observed(
    settings: Settings, context: Context, ends: Callable[[], dt.datetime], *, shared: bool = False
) -> AsyncIterator[Observed]:
    """Observe a server whose parts are there until the block ends. Raises StartError.

    `ends` tells when the certificate that it shows does.
    """
    dependencies = Dependencies(context, ends)
    metrics = CallMetrics() if settings.metrics_port is not None else None
    async with tracing(settings) as spans:
        if spans is not NO_TRACING:
            _follow(context, spans)
        await dependencies.look()
        looking = asyncio.create_task(dependencies.run())
        try:
            interceptor = Observing(metrics, spans)
            if metrics is None:
                yield Observed(interceptor, dependencies, None)
                return
            metrics.registry.register(Parts(context, dependencies))
            async with http.telling(settings, context, metrics.registry, dependencies, shared=shared) as port:
                yield Observed(interceptor, dependencies, port)
        finally:
            looking.cancel()
            await asyncio.wait((looking,))


def _follow(context: Context, spans: Tracing) -> None:
    """Have spans made of what is done for several calls at once, and of what a call waits for."""
    kinds = context.judges, context.signers
    timings = (
        context.database.groups,
        context.sequencer.blocks,
        *(each.jobs for each in kinds),
        *(each.batches for each in kinds),
    )
    for each in timings:
        each.told = spans.work
