"""The relying party's clients for asyncio: what `verifier.client` offers, awaited.

Everything is the blocking clients' own logic. What verifies runs in a few threads of the client's and never
in the loop; waiting for a holder, which may take minutes, takes no thread, so one client waits for as many
holders as there are. A client belongs to the loop that it was entered in. Cancelling a call ends it at the
service.
"""

import datetime as dt
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import suppress
from typing import Any, Final, overload

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import Request, VerifierName
from disclosure.composite import CompositeRequest
from verifier.anchoring import AKept
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange, VerifierClient
from verifier.client.consents import VerifierConsents
from verifier.client.deliveries import VerifierDeliveries
from verifier.client.errands import ErrandCounter
from verifier.client.waiting import AnyAnswered, AnyExchange, done_aio, watching
from verifier.composite.foreign import Counterpart
from wire.client import Endpoint, service_error
from wire.offloading import Face, Offloaded, Streamed
from zkproto.v1 import presentation_pb2, presentation_pb2_grpc

THREADS: Final = 4
_State = presentation_pb2.WatchExchangeResponse


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class AsyncVerifierClient(Face[VerifierClient]):
    """One relying party at one service, for any number of tasks of one loop; see VerifierClient.

    `threads` is how many answers are verified, and other calls made, at the same time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log_verifier: tlog.Verifier,
        *,
        clock: Callable[[], dt.datetime] = _now,
        threads: int = THREADS,
    ) -> None:
        client = VerifierClient(endpoint, name, key, log_verifier, clock=clock)
        super().__init__(client, threads, client.close)
        self._endpoint, self._channel = endpoint, list[grpc.aio.Channel]()

    async def aclose(self) -> None:
        """Close the channels; calls under way are waited for, and whoever waits for a holder is told."""
        for each in self._channel:
            await each.close()
        await super().aclose()

    @overload
    async def ask(self, request: Request, *, pairing: bool = False) -> OpenExchange: ...
    @overload
    async def ask(self, request: CompositeRequest, *, pairing: bool = False) -> CompositeExchange: ...
    async def ask(
        self, request: Request | CompositeRequest, *, pairing: bool = False
    ) -> OpenExchange | CompositeExchange:
        """Sign a request and open an exchange for it; see VerifierClient.ask."""
        return await self.run(lambda: self.client.ask(request, pairing=pairing))

    @overload
    async def wait(
        self,
        exchange: OpenExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> Answered: ...
    @overload
    async def wait(
        self,
        exchange: CompositeExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> CompositeAnswered: ...
    async def wait(
        self,
        exchange: AnyExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> AnyAnswered:
        """Wait until the exchange is answered and verify the answer; see VerifierClient.wait.

        Waiting takes no thread; verifying takes one.
        """
        waiting = self.client.waiting(exchange, timeout, counterparts, policy, sees_to)
        states = _States(self._presentations(), exchange)
        try:
            return await done_aio(waiting.steps(), states.look, self.run)
        finally:
            states.close()

    async def anchor(self, kept: AKept, policy: tlog.Policy) -> AKept | None:
        """Return a record as it is anchored, None while it is pending; see VerifierClient.anchor."""
        return await self.run(lambda: self.client.anchor(kept, policy))

    demands = Offloaded(VerifierClient.demands)
    directory_for = Offloaded(VerifierClient.directory_for)
    verify_remote = Offloaded(VerifierClient.verify_remote)
    verify_remote_batch = Offloaded(VerifierClient.verify_remote_batch)
    relay = Offloaded(VerifierClient.relay)
    accept = Offloaded(VerifierClient.accept)

    def _presentations(self) -> Any:
        if not self._channel:
            self._channel.append(self._endpoint.channel_aio())
        return presentation_pb2_grpc.PresentationServiceStub(self._channel[0])


class _States:
    """An exchange's states over as many streams as it takes, in a loop."""

    def __init__(self, presentations: Any, exchange: AnyExchange) -> None:
        self._watch, self._message = presentations.WatchExchange, watching(exchange)
        self._call: Any = None
        self._states: AsyncIterator[_State] | None = None

    async def look(self, seconds: float) -> _State | None:
        """Do a Look; ServiceError."""
        if self._states is None:
            self._call = self._watch(self._message, timeout=seconds)
            self._states = aiter(self._call)
        told = None
        with suppress(StopAsyncIteration):
            try:
                told = await anext(self._states)
            except grpc.RpcError as error:
                raise service_error(error) from None
            finally:
                if told is None:
                    self.close()
        return told

    def close(self) -> None:
        """End the stream, if there is one."""
        if self._call is not None:
            self._call.cancel()
        self._call = self._states = None


class AsyncVerifierConsents(Face[VerifierConsents]):
    """One relying party's standing consents at one service; see VerifierConsents."""

    def __init__(self, endpoint: Endpoint, name: VerifierName, key: Ed25519PrivateKey) -> None:
        client = VerifierConsents(endpoint, name, key, time.sleep)
        super().__init__(client, THREADS, lambda: client.__exit__(None, None, None))

    ask = Offloaded(VerifierConsents.ask)
    status = Offloaded(VerifierConsents.status)
    use = Offloaded(VerifierConsents.use)


class AsyncVerifierDeliveries(Face[VerifierDeliveries]):
    """One relying party that receives at one service; see VerifierDeliveries."""

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log: tlog.Verifier,
        *,
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        client = VerifierDeliveries(endpoint, name, key, log, clock=clock)
        super().__init__(client, close=lambda: client.__exit__(None, None, None))

    open = Offloaded(VerifierDeliveries.open)
    shut = Offloaded(VerifierDeliveries.shut)
    receive = Offloaded(VerifierDeliveries.receive)
    watch = Streamed(VerifierDeliveries.watch)


class AsyncErrandCounter(Face[ErrandCounter]):
    """One counter at one service, over a client of its verifier's own; see ErrandCounter."""

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log_verifier: tlog.Verifier,
        client: AsyncVerifierClient,
        *,
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        counter = ErrandCounter(endpoint, name, key, log_verifier, client.client, clock=clock)
        super().__init__(counter, close=counter.close)

    bundle = Offloaded(ErrandCounter.bundle)
    parts = Streamed(ErrandCounter.parts)
    ask = Offloaded(ErrandCounter.ask)
    receive = Offloaded(ErrandCounter.receive)
    tell = Offloaded(ErrandCounter.tell)
