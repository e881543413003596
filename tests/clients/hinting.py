"""A server that answers as a test tells it: with statuses, hints when to come again, or not at all."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from wire.client import ERROR_DOMAIN, Calling, Endpoint
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, ledger_pb2, ledger_pb2_grpc
from zkservice.config import Settings
from zkservice.tls import server_credentials

_Ledger: Any = ledger_pb2_grpc.LedgerServiceServicer
_Catalog: Any = catalog_pb2_grpc.CatalogServiceServicer


def refusing(
    code: grpc.StatusCode, reason: str, after: float | None = None, field_name: str = ""
) -> status_pb2.Status:
    """Return a status as the service gives it, with a hint if there is to be one."""
    details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason, domain=ERROR_DOMAIN)]
    if after is not None:
        whole = int(after)
        delay = duration_pb2.Duration(seconds=whole, nanos=round((after - whole) * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if field_name:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field_name, description="wrong")
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    packed = [any_pb2.Any() for _ in details]
    for each, detail in zip(packed, details, strict=True):
        each.Pack(detail)
    return status_pb2.Status(code=code.value[0], message="as the test wants it", details=packed)


@dataclass
class Hinting(_Ledger, _Catalog):  # type: ignore[misc]  # what it leaves out is not implemented
    """Takes the next of `refusals` for each call and then answers; `hangs` has it never answer."""

    refusals: list[status_pb2.Status] = field(default_factory=list)
    always: status_pb2.Status | None = None
    hangs: bool = False
    moments: list[float] = field(default_factory=list)
    given_up: int = 0

    async def GetCheckpoint(self, request: Any, context: Any) -> Any:
        return await self._played(context, ledger_pb2.GetCheckpointResponse())

    async def CreateDepartment(self, request: Any, context: Any) -> Any:
        return await self._played(context, catalog_pb2.CreateDepartmentResponse(access_token="x"))

    async def _played(self, context: Any, answer: Any) -> Any:
        self.moments.append(time.monotonic())
        if self.hangs:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.given_up += 1
                raise
        refusal = self.refusals.pop(0) if self.refusals else self.always
        if refusal is not None:
            await context.abort_with_status(rpc_status.to_status(refusal))
        return answer


@asynccontextmanager
async def hinting(folder: Path, script: Hinting) -> AsyncIterator[Callable[[Calling | None], Endpoint]]:
    """Run it with TLS; give what makes its endpoint."""
    wanted: dict[str, Any] = {"data": folder, "dev": True}
    folder.mkdir(exist_ok=True)
    key, chain = server_credentials(Settings(**wanted), dt.datetime.now(dt.UTC))
    server = grpc.aio.server()
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(script, server)
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(script, server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
    await server.start()
    try:
        yield lambda calling: Endpoint.at(f"localhost:{port}", folder / "ca.pem", calling)
    finally:
        await server.stop(None)
