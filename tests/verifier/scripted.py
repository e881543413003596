"""A service that says what a test tells it to: what a dishonest or a failing one could say."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from disclosure import Directory, IssuerKeyName, SchemaName
from disclosure.policy import RegisteredPolicy
from tests.disclosure.test_disclosure_allowance import PLAIN
from tests.disclosure.world import DIRECTORY, SCHOOL, SCHOOL_KEY
from tests.verifier.composite_city import logged
from tests.verifier.log import LOG, MOMENT
from verifier.client import VerifierClient
from wire import convert
from wire.client import Endpoint
from wire.policy import policy_to
from zkproto.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    presentation_pb2,
    presentation_pb2_grpc,
)
from zkservice.config import Settings
from zkservice.tls import server_credentials

_Presentations: Any = presentation_pb2_grpc.PresentationServiceServicer
_Catalog: Any = catalog_pb2_grpc.CatalogServiceServicer
_Policies: Any = policy_pb2_grpc.PolicyServiceServicer


@dataclass
class Script(_Presentations, _Catalog, _Policies):  # type: ignore[misc]  # the rest is not implemented
    """Answers by its fields. Of `opens`, `streams` and `batches` one item a call is taken, the last again and
    again.

    A status code among them ends the call with it; a stream is a list of states, and ends where they end.
    `told` is the policy that it tells with the proof of the record of `policy`.
    """

    opens: list[Any] = field(default_factory=list)
    streams: list[list[Any]] = field(default_factory=list)
    known: Directory = DIRECTORY
    policy: RegisteredPolicy = PLAIN
    told: RegisteredPolicy | None = None
    verified: Any = None
    batches: list[Any] = field(default_factory=list)
    schema_name: SchemaName | None = None
    catalogue_fails: int = 0
    calls: list[Any] = field(default_factory=list)

    async def CreateExchange(self, request: Any, context: Any) -> Any:
        return await self._play(self._next(self.opens, request), context)

    async def WatchExchange(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for each in self._next(self.streams, request):
            yield await self._play(each, context)

    async def VerifyPresentation(self, request: Any, context: Any) -> Any:
        self.calls.append(request)
        return self.verified

    async def BatchVerifyPresentations(self, request: Any, context: Any) -> Any:
        return await self._play(self._next(self.batches, request), context)

    async def GetSchema(self, request: Any, context: Any) -> catalog_pb2.Schema:
        if self.catalogue_fails:
            self.catalogue_fails -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "as the script says")
        return convert.schema_to(self.known.schema(self.schema_name or SchemaName.parse(request.name)))

    async def GetPolicy(self, request: Any, context: Any) -> policy_pb2.Policy:
        message, entry = policy_to(self.told or self.policy), self.policy.entry()
        message.proof = logged((entry,))[entry]
        return message

    async def GetIssuerKey(self, request: Any, context: Any) -> catalog_pb2.IssuerKey:
        return convert.issuer_key_to(self.known.issuer_key(IssuerKeyName.parse(request.name)))

    def _next(self, items: list[Any], request: Any) -> Any:
        self.calls.append(request)
        return items.pop(0) if len(items) > 1 else items[0]

    async def _play(self, item: Any, context: Any) -> Any:
        if isinstance(item, grpc.StatusCode):
            await context.abort(item, "as the script says")
        return item


@asynccontextmanager
async def scripted(
    folder: Path, script: Script, clock: Callable[[], dt.datetime] = lambda: MOMENT
) -> AsyncIterator[VerifierClient]:
    """Run a script as a server with TLS; give a client of it, which pauses as long as it would anyway."""
    settings: dict[str, Any] = {"data": folder, "dev": True}
    private_key, chain = server_credentials(Settings(**settings), dt.datetime.now(dt.UTC))
    server = grpc.aio.server()
    presentation_pb2_grpc.add_PresentationServiceServicer_to_server(script, server)
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(script, server)
    policy_pb2_grpc.add_PolicyServiceServicer_to_server(script, server)
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(private_key, chain)]))
    await server.start()
    endpoint = Endpoint.at(f"localhost:{port}", folder / "ca.pem")
    try:
        with VerifierClient(endpoint, SCHOOL, SCHOOL_KEY, LOG, clock=clock) as client:
            yield client
    finally:
        await server.stop(None)


def opened(**changes: Any) -> presentation_pb2.CreateExchangeResponse:
    fields: dict[str, Any] = {
        "exchange": "exchanges/x1",
        "ticket": "ticket-1",
        "result_token": "token-1",
        "expire_time": convert.moment_to(MOMENT),
    }
    return presentation_pb2.CreateExchangeResponse(**(fields | changes))
