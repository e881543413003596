"""What tests of limits over a real server share: whom a call comes from, and what it was refused with."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.zkservice.support import City, aio_error
from zkproto.v1 import ledger_pb2

CHECKPOINT = ledger_pb2.GetCheckpointRequest()
FETCH = "/zkproto.v1.PresentationService/FetchRequest"
LOOPBACK = "127.0.0.0/8, ::1/128"


def via(address: str) -> tuple[tuple[str, str], ...]:
    return (("x-forwarded-for", address),)


async def details(call: Any) -> dict[str, Any]:
    """Await a call that must be refused; return its status's details by the name of their type."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error: Any = caught.value
    told = SimpleNamespace(code=error.code, details=error.details, trailing_metadata=error.trailing_metadata)
    status = rpc_status.from_call(told)  # type: ignore[arg-type]
    assert status is not None
    found = {}
    for each in status.details:
        name = each.type_url.rpartition(".")[2]
        found[name] = getattr(error_details_pb2, name)()
        assert each.Unpack(found[name])
    return found


async def spent(town: City, metadata: Any = ()) -> int:
    """Call until a call is refused as too many; return how many were not."""
    for count in range(200):
        reason = await reason_of(town.ledger.GetCheckpoint(CHECKPOINT, metadata=metadata))
        if reason:
            assert reason == "RATE_LIMITED"
            return count
    raise AssertionError("nothing was refused")


async def reason_of(call: Any) -> str:
    """Await a call; return what it was refused with, if it was."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return aio_error(error).reason
    return ""
