"""A service between a holder and the real one: hands everything on, but what a test has it alter."""

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from prover.client import HolderClient
from tests.prover.town import Town
from wire.client import Endpoint
from zkservice.config import Settings
from zkservice.tls import server_credentials

Alter = Callable[[bytes, bytes], bytes]
"""Gets what was asked and what was answered; returns what the holder gets."""


class HasTown(Protocol):
    """Whatever has a town with the service before which the proxy stands."""

    @property
    def town(self) -> Town: ...


_Message = TypeVar("_Message", bound=Message)


@dataclass
class Proxy(grpc.GenericRpcHandler):
    """What it alters, answers and refuses without asking, by method; it is honest at first."""

    real: grpc.Channel
    endpoint: Endpoint
    alter: dict[str, Alter] = field(default_factory=dict)
    instead: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    refuse: dict[str, grpc.StatusCode] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method
        method = path.rpartition("/")[2]
        token = [each for each in handler_call_details.invocation_metadata if each[0] == "authorization"]

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.asked.append((method, request))
            if method in self.refuse:
                context.abort(self.refuse[method], "refused")
            if method in self.instead:
                return self.instead[method](request)
            call: Any = self.real.unary_unary(path)
            try:
                true: bytes = call(request, metadata=token, timeout=20)
            except grpc.RpcError as refusal:
                error: Any = refusal
                context.set_trailing_metadata(tuple(error.trailing_metadata()))
                context.abort(error.code(), error.details())
                raise
            alter = self.alter.get(method)
            return true if alter is None else alter(request, true)

        return grpc.unary_unary_rpc_method_handler(answer)

    def change(self, method: str, kind: type[_Message], change: Callable[[_Message], object]) -> None:
        """Have the answers of a method altered in place."""

        def altered(_: bytes, answered: bytes) -> bytes:
            message = kind()
            message.ParseFromString(answered)
            change(message)
            return message.SerializeToString()

        self.alter[method] = altered

    def client(self, town: HasTown) -> HolderClient:
        return HolderClient(self.endpoint, clock=town.town.city.clock)


@contextmanager
def proxied(town: HasTown, folder: Path) -> Iterator[Proxy]:
    """Start a proxy before a town's service, with a certificate of its own."""
    wanted: dict[str, Any] = {"data": folder, "dev": True}
    key, chain = server_credentials(Settings(**wanted), dt.datetime.now(dt.UTC))
    server = grpc.server(ThreadPoolExecutor(2))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
    with town.town.endpoint.channel() as real:
        made = Proxy(real, Endpoint.at(f"localhost:{port}", folder / "ca.pem"))
        server.add_generic_rpc_handlers((made,))
        server.start()
        yield made
        server.stop(None).wait()
