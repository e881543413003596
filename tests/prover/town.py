"""A real server over TLS that runs in a thread of its own, and what a holder knows of it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from disclosure import ExchangeLink, OfferLink, Request, Value
from prover.client import HolderClient
from tests.zkservice.support import VALUES, City, city
from tlog import Verifier
from wire.client import Endpoint

Answer = TypeVar("Answer")


@dataclass
class Town:
    """A server that runs in another thread, and what a holder knows of it."""

    city: City
    loop: asyncio.AbstractEventLoop

    def run(self, call: Awaitable[Answer]) -> Answer:
        """Await a call in the server's thread."""

        async def awaited() -> Answer:
            return await call

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(60)

    def call(self, method: Callable[[Any], Awaitable[Answer]], message: Any) -> Answer:
        """Make a call of a stub in the server's thread: a call belongs to the loop in which it is made."""

        async def called() -> Answer:
            return await method(message)

        return self.run(called())

    @property
    def server(self) -> str:
        return self.city.ready.address

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint.at(self.server, self.city.ready.data / "ca.pem")

    @property
    def log(self) -> Verifier:
        return Verifier.from_string(self.city.ready.verifier_key)

    def client(self) -> HolderClient:
        return HolderClient(self.endpoint, clock=self.city.clock)

    def offer(self, values: Mapping[str, Value] = VALUES) -> OfferLink:
        made = self.run(self.city.issue(values))
        return OfferLink(self.server, made.offer.removeprefix("offers/"), made.claim_code)

    def ask(self, **wanted: Any) -> tuple[Request, ExchangeLink]:
        asked = self.city.request(**wanted)
        opened = self.run(self.city.ask(asked))
        return asked, ExchangeLink(self.server, opened.exchange.removeprefix("exchanges/"), opened.ticket)


Opening = Callable[[Path], AbstractAsyncContextManager[City]]


@contextmanager
def running(folder: Path, opening: Opening = city) -> Iterator[Town]:
    """Start a furnished server on an empty folder, and whatever else `opening` starts; stop it at the end."""
    started, ended = threading.Event(), asyncio.Event()
    found: list[Town] = []

    async def serve() -> None:
        async with opening(folder) as made:
            found.append(Town(made, asyncio.get_running_loop()))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    if not started.wait(60):
        raise TimeoutError("the server did not start")
    try:
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(ended.set)
        thread.join(60)
