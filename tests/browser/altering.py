"""A service that is not true: a real one, whose answers something alters on their way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from disclosure import SignedRequest
from tests.web_edge.standing import endpoint_of
from tests.zkservice.support import City
from wire.client import Endpoint
from wire.convert import signed_request_to
from zkproto.v1 import presentation_pb2

Alter = Callable[[bytes], bytes]
_Answer = TypeVar("_Answer", bound=Message)


@dataclass
class Altering(grpc.GenericRpcHandler):
    """Hands every call of one message on as it is, and alters the answers of methods that a test names."""

    channel: grpc.aio.Channel
    address: str = ""
    alter: dict[str, Alter] = field(default_factory=dict)
    answers: dict[str, Alter] = field(default_factory=dict)
    """Answers of a test's own, made of what was asked, by method: the service is not asked then."""
    calls: list[str] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    """What came from the page, by method, whether it was handed on or not."""
    away: bool = False
    lost: set[str] = field(default_factory=set)
    """Methods whose calls arrive, and whose answers do not."""
    first: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What a test does once, before a method is handed on."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Reasons that methods are refused for, once the service has done what they ask."""

    def honest(self) -> None:
        """Hand on what the service says, with nothing noted: whatever a test has set is undone."""
        self.away = False
        self.alter.clear()
        self.answers.clear()
        self.first.clear()
        self.lost.clear()
        self.refuses.clear()
        self.calls.clear()
        self.sent.clear()

    def service(self, details: Any) -> Any:
        method = details.method.rpartition("/")[2]
        if method.startswith("Watch"):
            return grpc.unary_stream_rpc_method_handler(self._streaming(details.method))

        async def hand_on(message: bytes, context: Any) -> bytes:
            self.calls.append(method)
            self.sent.append((method, message))
            if method in self.first:
                await self.first.pop(method)()
            if self.away:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the service is away")
            if method in self.answers:
                return self.answers[method](message)
            try:
                made: Any = self.channel.unary_unary(details.method)
                shown = tuple(each for each in context.invocation_metadata() if each[0] == "authorization")
                answer: bytes = await made(message, metadata=shown, timeout=60)
            except grpc.aio.AioRpcError as error:
                await context.abort(
                    error.code(), error.details() or "", tuple(error.trailing_metadata() or ())
                )
            if method in self.lost:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
            if method in self.refuses:
                await refused(context, self.refuses[method])
            return self.alter.get(method, bytes)(answer)

        return grpc.unary_unary_rpc_method_handler(hand_on)

    def _streaming(self, path: str) -> Any:
        """Hand a stream on as it is, for as long as somebody listens."""
        method = path.rpartition("/")[2]

        async def hand_on(message: bytes, context: Any) -> AsyncIterator[bytes]:
            self.calls.append(method)
            self.sent.append((method, message))
            if self.away:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the service is away")
            made: Any = self.channel.unary_stream(path)
            answers = made(message)
            try:
                async for each in answers:
                    yield self.alter.get(method, bytes)(each)
            except grpc.aio.AioRpcError as error:
                await context.abort(
                    error.code(), error.details() or "", tuple(error.trailing_metadata() or ())
                )
            finally:
                answers.cancel()

        return hand_on

    def asks_instead(self, signed: SignedRequest) -> None:
        """Hand out another request than was asked."""

        @altered(presentation_pb2.FetchRequestResponse)
        def other(message: presentation_pb2.FetchRequestResponse) -> None:
            message.signed_request.CopyFrom(signed_request_to(signed))

        self.alter["FetchRequest"] = other

    @asynccontextmanager
    async def instead(self, town: City) -> AsyncIterator[None]:
        """Hand calls to another service for a while."""
        before = self.channel
        async with endpoint_of(town).channel_aio() as channel:
            self.channel = channel
            try:
                yield
            finally:
                self.channel = before

    def endpoint(self, town: City) -> Endpoint:
        """Where it is, under the service's own root."""
        return Endpoint(self.address, endpoint_of(town).root_certificate)


def altered(kind: type[_Answer]) -> Callable[[Callable[[_Answer], object]], Alter]:
    """Have answers of a kind changed on their way by the function that this stands above."""

    def made(change: Callable[[_Answer], object]) -> Alter:
        def alter(octets: bytes) -> bytes:
            message = kind.FromString(octets)
            change(message)
            return message.SerializeToString()

        return alter

    return made


async def refused(context: Any, reason: str) -> None:
    """End a call as the service does that refuses it for good."""
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(domain="zk-disclosure", reason=reason))
    status = status_pb2.Status(code=9, message="refused", details=[info])
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "refused", details)


@asynccontextmanager
async def altering(town: City) -> AsyncIterator[Altering]:
    """Stand before a service, with its certificate."""
    folder = town.ready.data
    pair = ((folder / "server.key").read_bytes(), (folder / "server.pem").read_bytes())
    async with endpoint_of(town).channel_aio() as channel:
        between = Altering(channel)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers([between])
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
        await server.start()
        between.address = f"localhost:{port}"
        try:
            yield between
        finally:
            await server.stop(None)
