"""The check service's limits: whoever floods it is refused, counters that have shown their token are not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import VerifierName
from wire.client import service_error
from zkproto.v1 import keyed_pb2 as pb
from zkproto.v1.keyed_pb2_grpc import KeyedCheckServiceStub
from zkservice.keyed.counters import admit
from zkservice.keyed.process import running
from zkservice.keyed.settings import CheckSettings

BANK, SHOP = VerifierName("bank"), VerifierName("shop")


@asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Any]:
    """Run a check service in this process; give a stub."""
    chosen = CheckSettings(data=folder, department="hrss", dev=True, port=0, **settings)
    async with running(chosen) as ready:
        root = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes())
        async with grpc.aio.secure_channel(ready.address, root) as channel:
            yield KeyedCheckServiceStub(channel)


def bearing(token: str) -> Any:
    return (("authorization", f"Bearer {token}"),)


async def reason(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return service_error(error).reason
    return "OK"


def checking(stub: Any, token: str) -> Any:
    return stub.CheckKeyedPresentation(pb.CheckKeyedPresentationRequest(), metadata=bearing(token))


async def test_a_flood_is_refused_and_a_counter_that_is_known_is_not(tmp_path: Path) -> None:
    bank, shop = (admit(tmp_path, each) for each in (BANK, SHOP))
    limits = {"rate_anonymous": 0.001, "burst_anonymous": 60, "rate_named": 0.001, "burst_named": 35}
    async with serving(tmp_path, **limits) as stub:
        assert await reason(checking(stub, bank)) == "FIELD_MISSING", "its token holds"
        told = [await reason(stub.GetCheckKeys(pb.GetCheckKeysRequest())) for _ in range(60)]
        assert "OK" in told
        assert told[-1] == "RATE_LIMITED"
        # A token that is made up is charged by address, like one that was never shown.
        assert await reason(checking(stub, "x" * 43)) == "RATE_LIMITED"
        assert await reason(checking(stub, shop)) == "RATE_LIMITED"
        of_bank = [await reason(checking(stub, bank)) for _ in range(5)]
        assert of_bank == ["FIELD_MISSING"] * 3 + ["RATE_LIMITED"] * 2, "it has a bucket of its own"


async def test_members_of_a_batch_are_charged(tmp_path: Path) -> None:
    bank = admit(tmp_path, BANK)
    async with serving(tmp_path, rate_named=0.001, burst_named=75) as stub:
        assert await reason(checking(stub, bank)) == "FIELD_MISSING"

        def batch(members: int) -> Any:
            empty = [pb.CheckKeyedPresentationRequest()] * members
            asked = pb.BatchCheckKeyedPresentationsRequest(requests=empty)
            return stub.BatchCheckKeyedPresentations(asked, metadata=bearing(bank))

        assert await reason(batch(11)) == "OK", "10, and 4 for each further member"
        assert await reason(batch(11)) == "RATE_LIMITED"
        assert await reason(batch(1)) == "OK", "what is refused after its call was paid costs the call alone"


async def test_so_many_calls_of_an_address_at_a_time(tmp_path: Path) -> None:
    async with serving(tmp_path, calls_anonymous=1) as stub:
        first = stub.CheckKeyedPresentation(pb.CheckKeyedPresentationRequest())
        assert await reason(first) == "TOKEN_MISSING"
        assert await reason(stub.GetCheckKeys(pb.GetCheckKeysRequest())) == "OK", "its place was given back"


async def test_beyond_so_many_connections_new_ones_are_closed(tmp_path: Path) -> None:
    chosen = CheckSettings(data=tmp_path, department="hrss", dev=True, port=0, max_connections=2)
    async with running(chosen) as ready, AsyncExitStack() as stack:
        root = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
        # Channels of the same arguments would share one connection.
        own = [("grpc.use_local_subchannel_pool", 1)]
        opened = [grpc.aio.secure_channel(ready.address, root, options=own) for _ in range(4)]
        first, second, beyond, later = [await stack.enter_async_context(each) for each in opened]

        def keys(channel: grpc.aio.Channel) -> Any:
            asked = pb.GetCheckKeysRequest()
            stub: Any = KeyedCheckServiceStub(channel)
            return stub.GetCheckKeys(asked, wait_for_ready=channel is not beyond, timeout=60)

        for channel in (first, second):
            assert await keys(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await keys(beyond)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert await keys(first)
        await second.close()
        await beyond.close()
        assert await keys(later)
