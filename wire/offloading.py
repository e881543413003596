"""Asynchronous faces of clients that block: the same logic, run in threads beside the caller's loop.

What proves, verifies, or writes a vault takes from milliseconds to seconds and would hold up the loop, so it
runs in a thread whichever way it is called; its calls of the service are made there, too. An awaited call
that is cancelled ends its calls of the service and its pauses (wire.scope) and comes back when its thread
has: a vault is then as after a crash between two of its transactions, and can be gone on with.

State rules: a face has its threads, and belongs to one loop. Calls beyond its threads wait for their turn, in
order, and may be cancelled there. Whoever waits for a person should not do so in a thread: see
`verifier.aio`, where waiting for an answer takes none.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar, cast, overload

from wire import scope
from wire.scope import Scope

P = ParamSpec("P")
R = TypeVar("R")
Client = TypeVar("Client")
_END: Final = object()


class Face(Generic[Client]):
    """The asynchronous face of a client; an asynchronous context manager.

    `threads` is how many calls are made at the same time, `close` what ends the client.
    """

    def __init__(self, client: Client, threads: int = 1, close: Callable[[], object] | None = None) -> None:
        self.client, self.threads, self._close = client, threads, close
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=type(self).__name__)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for the calls under way, then close the client."""
        await asyncio.to_thread(self._pool.shutdown)
        if self._close is not None:
            self._close()

    async def run(self, work: Callable[[], R]) -> R:
        """Run blocking work of this client; cancelled, end it and wait until it has ended."""
        return await ended_with(self._pool, Scope(), work)


async def ended_with(pool: ThreadPoolExecutor, around: Scope, work: Callable[[], R]) -> R:
    """Run work in a pool within a scope, which ends when the caller is cancelled."""

    def inside() -> R:
        with scope.entered(around):
            around.check()
            return work()

    running = pool.submit(copy_context().run, inside)
    awaited = asyncio.wrap_future(running)
    try:
        return await asyncio.shield(awaited)
    except asyncio.CancelledError:
        if not running.cancel():
            around.end()
            await _ended(running)
        _look_at(awaited)
        raise


async def _ended(running: "Future[Any]") -> None:
    """Wait for a thread's work however often the waiting is cancelled."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    running.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
    while not done.is_set():
        with suppress(asyncio.CancelledError):
            await done.wait()


def _look_at(awaited: "asyncio.Future[Any]") -> None:
    """Have an outcome that nobody waits for any more not reported as lost."""

    def look(each: "asyncio.Future[Any]") -> None:
        if not each.cancelled():
            each.exception()

    awaited.add_done_callback(look)


class Offloaded(Generic[P, R]):
    """A method of a face: a client's method of the same name, awaited."""

    def __init__(self, method: Callable[Concatenate[Any, P], R]) -> None:
        self.__wrapped__, self.__doc__ = method, method.__doc__

    @overload
    def __get__(self, face: None, kind: type[Any]) -> Self: ...
    @overload
    def __get__(self, face: Face[Any], kind: type[Any]) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(
        self, face: Face[Any] | None, kind: type[Any]
    ) -> "Self | Callable[P, Coroutine[Any, Any, R]]":
        """Return the bound method."""
        if face is None:
            return self

        @functools.wraps(self.__wrapped__)
        async def called(*args: P.args, **kwargs: P.kwargs) -> R:
            return await face.run(lambda: self.__wrapped__(face.client, *args, **kwargs))

        return called


class Streamed(Generic[P, R]):
    """A method of a face: a client's iterator of the same name, as an asynchronous one.

    Each has a thread of its own while it lasts. Close it (`contextlib.aclosing`) to end its stream at once.
    """

    def __init__(self, method: Callable[Concatenate[Any, P], Iterator[R]]) -> None:
        self.__wrapped__, self.__doc__ = method, method.__doc__

    @overload
    def __get__(self, face: None, kind: type[Any]) -> Self: ...
    @overload
    def __get__(self, face: Face[Any], kind: type[Any]) -> Callable[P, AsyncGenerator[R, None]]: ...
    def __get__(
        self, face: Face[Any] | None, kind: type[Any]
    ) -> "Self | Callable[P, AsyncGenerator[R, None]]":
        """Return the bound method."""
        if face is None:
            return self

        @functools.wraps(self.__wrapped__)
        def called(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[R, None]:
            return iterated(lambda: self.__wrapped__(face.client, *args, **kwargs))

        return called


async def iterated(begin: Callable[[], Iterator[R]]) -> AsyncGenerator[R, None]:
    """Give what a blocking iterator gives, from a thread of its own; ended, end its stream and wait."""
    pool, around = ThreadPoolExecutor(1, thread_name_prefix="stream"), Scope()
    started = list[Iterator[R]]()

    def following() -> R | object:
        if not started:
            started.append(begin())
        return next(started[0], _END)

    def close() -> None:
        for each in started:
            if (closing := getattr(each, "close", None)) is not None:
                closing()

    try:
        while (item := await ended_with(pool, around, following)) is not _END:
            yield cast(R, item)
    finally:
        around.end()
        closed = pool.submit(close)
        await _ended(closed)
        pool.shutdown(wait=False)


def awaiting(ask: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Make what asks a person asynchronously into what a client calls back with, from its thread.

    Called in the loop in which `ask` will run. If the call that asks is cancelled so is the asking.
    """
    loop = asyncio.get_running_loop()

    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        pending = asyncio.run_coroutine_threadsafe(ask(*args, **kwargs), loop)
        around = scope.current()
        if around is None:
            return pending.result()
        with around.holding(pending):
            return pending.result()

    return asked
