"""What the models share: a real server that outlives the examples, and how a call ended.

A model says of each call, from what was done before, with which reason it ends. After each call the log has
exactly the entries of what was acknowledged: one that is refused leaves none, and one that is repeated no
second. The service tidies all the while, which nobody may notice.
"""

import asyncio
import datetime as dt
import logging
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar
from unittest.mock import patch

import grpc
import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.zkservice.support import City, Issued, aio_error, city
from tlog.block import BlockHeader
from tlog.entry import parse_entry
from zkproto.v1 import ledger_pb2

_Result = TypeVar("_Result")
SECONDS: Final = 60.0
MOST_DELIVERIES: Final = 3
"""So many deliveries wait for a recipient."""
seldom: Final = st.sampled_from((False, False, False, True))
"""Of what is refused at once, so that a run gets on."""
_MEMORY: Final = Path("/dev/shm")


@contextmanager
def _quiet() -> Iterator[None]:
    """Log errors only: a failure's run is long enough."""
    configured = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**configured)


class Running:
    """A server in a loop that runs while somebody calls.

    `opened` starts and furnishes it; `patches` are what of the service's is another thing meanwhile.
    """

    def __init__(
        self,
        opened: Callable[..., AbstractAsyncContextManager[City]] = city,
        patches: Mapping[str, Any] = MappingProxyType({}),
        **settings: Any,
    ) -> None:
        asyncio.set_event_loop(None)  # a call made outside of the loop fails here too, not only after others
        self._loop, self._stack = asyncio.new_event_loop(), AsyncExitStack()
        for place, instead in {"zkservice.server._TIDY_SECONDS": 0.5, **patches}.items():
            self._stack.enter_context(patch(place, instead))
        self._stack.enter_context(_quiet())
        where = _MEMORY if _MEMORY.is_dir() and "database" not in settings else None
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(dir=where)))
        self._read = self._found = 0
        self.town: City = self.do(
            self._stack.enter_async_context(opened(folder, max_deliveries=MOST_DELIVERIES, **settings))
        )
        self._issued: tuple[dt.timedelta, Issued] | None = None

    @property
    def issued(self) -> Issued:
        """A credential to show, another one once it grows old; neither stands on the log."""
        ahead = self.town.clock.ahead
        if self._issued is None or ahead - self._issued[0] > dt.timedelta(days=100):
            self._issued = ahead, self.do(self._claimed())
        return self._issued[1]

    async def _claimed(self) -> Issued:
        return await self.town.claim(await self.town.issue())

    def do(self, act: Coroutine[Any, Any, _Result]) -> _Result:
        """Run something, and what the server does meanwhile."""
        return self._loop.run_until_complete(act)

    def entries(self) -> int:
        """Return how many entries the log has, beside the headers of its blocks."""
        return self.do(self._counted())

    async def _counted(self) -> int:
        asked = ledger_pb2.ListEntriesRequest(start_index=self._read, page_size=1000)
        try:
            page = await self.town.ledger.ListEntries(asked)
        except grpc.aio.AioRpcError as error:
            if aio_error(error).reason != "RANGE_INVALID":
                raise
            return self._found
        self._read += len(page.entries)
        kinds = [parse_entry(each.entry) for each in page.entries]
        self._found += sum(not isinstance(each, BlockHeader) for each in kinds)
        return await self._counted() if page.next_page_token else self._found

    def close(self) -> None:
        """End the server."""
        self.do(self._stack.aclose())
        self._loop.close()


class Machine(RuleBasedStateMachine):
    """The base of the models. Each is made on a server on which others may have been."""

    longest: ClassVar = dt.timedelta(days=200)
    """How long one run waits in all: the credential that it shows lasts for a year."""

    @classmethod
    def home(cls, **settings: Any) -> Running:
        """Start a server that this model can be run on."""
        return Running(**settings)

    def __init__(self, server: Running) -> None:
        super().__init__()
        self.server, self.town = server, server.town
        self._waited = dt.timedelta()
        self.entries = server.entries()
        """How many entries the log has to have."""

    @property
    def now(self) -> dt.datetime:
        """The time by the service's clock."""
        return self.town.clock()

    def do(self, act: Coroutine[Any, Any, _Result]) -> _Result:
        """Run something that is not refused."""
        return self.server.do(act)

    def told(self, call: Callable[[], Any]) -> tuple[str, Any]:
        """Make a call; return the reason it was refused with and None, or "" and the answer."""

        async def made() -> tuple[str, Any]:
            try:
                return "", await asyncio.wait_for(call(), SECONDS)
            except grpc.aio.AioRpcError as error:
                return aio_error(error).reason, None

        return self.server.do(made())

    def granted(self, call: Callable[[], Any]) -> Any:
        """Make a call that is not refused; return the answer."""
        reason, answer = self.told(call)
        assert reason == ""
        return answer

    def first(self, call: Callable[[], Any]) -> Any:
        """Return the first answer of a stream."""

        async def made() -> Any:
            stream = call()
            try:
                return await asyncio.wait_for(stream.read(), SECONDS)
            finally:
                stream.cancel()

        return self.server.do(made())

    def ahead(self, span: dt.timedelta) -> bool:
        """Set the service's clock ahead by so much more, unless the run has waited for long enough."""
        if self._waited + span > self.longest:
            return False
        self._waited += span
        self.town.clock.ahead += span
        return True

    @invariant()
    def the_log_has_what_was_acknowledged_and_nothing_else(self) -> None:
        assert self.server.entries() == self.entries
