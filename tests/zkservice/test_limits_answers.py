"""What answers weigh over a real server: a listing costs by what it returns, and is answered all the same."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from tests.zkservice.centre import creating_list
from tests.zkservice.support import City, aio_error, city
from zkproto.v1 import catalog_pb2, centre_pb2, ledger_pb2

BURST = 120


async def large_list(town: City) -> int:
    """Register a list of a thousand codes; return how many octets its message has."""
    asked = creating_list()
    asked.code_list.ClearField("codes")
    for number in range(1000):
        code = asked.code_list.codes.add(code=f"code-{number:04}")
        code.display_name.zh, code.display_name.en = "名称" * 5, "A name of some length"
    made = await town.catalog.CreateCodeList(asked, metadata=town.bearer(town.admin))
    return int(made.ByteSize())


async def page_of_lists(town: City) -> catalog_pb2.ExportCatalogueRequest:
    """Return what asks for the page of the export with the large list: each kind has pages of its own."""
    asked = catalog_pb2.ExportCatalogueRequest(page_size=500)
    while (page := await town.catalog.ExportCatalogue(asked)).ByteSize() < 48 << 10:
        asked.page_token = page.next_page_token
        assert asked.page_token
    return asked


async def spent(call: Any) -> int:
    """Call until a call is refused as too many; return how many were answered."""
    for count in range(2 * BURST):
        try:
            await call()
        except grpc.aio.AioRpcError as error:
            refused = aio_error(error).reason
            return count if refused == "RATE_LIMITED" else -1
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize("how", ["one", "page", "export"])
async def test_large_answers_use_up_what_small_ones_do_not(tmp_path: Path, how: str) -> None:
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=BURST) as town:
        assert (await town.issue()).offer, "the department has a bucket of its own from now on"
        octets = await large_list(town)
        assert octets > 48 << 10
        listed = await town.catalog.ListCodeLists(centre_pb2.ListCodeListsRequest())
        name = listed.code_lists[0].name
        exported = await page_of_lists(town) if how == "export" else None
        calls: dict[str, Any] = {
            "one": lambda: town.catalog.GetCodeList(centre_pb2.GetCodeListRequest(name=name)),
            "export": lambda: town.catalog.ExportCatalogue(exported),
            "page": lambda: town.catalog.ListCodeLists(centre_pb2.ListCodeListsRequest()),
        }
        weighs = (await calls[how]()).ByteSize()
        assert weighs > 48 << 10
        answered = await spent(calls[how])
        assert answered <= BURST // ((weighs - (16 << 10)) // (4 << 10)) + 1
        # The debt holds up the same address's small calls too, and nobody else's.
        with pytest.raises(grpc.aio.AioRpcError):
            await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
        assert (await town.issue()).offer


async def test_small_answers_cost_their_call(tmp_path: Path) -> None:
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=BURST) as town:

        def small() -> Any:
            return town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())

        assert await spent(small) > BURST * 0.8


async def test_an_answer_that_costs_more_than_is_left_is_given(tmp_path: Path) -> None:
    """Whoever has asked in time is answered whole; who comes again waits."""
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=60) as town:
        octets = await large_list(town)
        answer = await town.catalog.ListCodeLists(centre_pb2.ListCodeListsRequest())
        assert answer.ByteSize() >= octets


async def test_each_answer_of_a_stream_is_charged_by_its_weight(tmp_path: Path) -> None:
    """One call of reflection asks for file after file, and is answered; what comes after it pays."""
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol="zkproto.v1.CatalogService")
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=BURST) as town:
        stream: Any = town.channel.stream_stream(
            path,
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )()
        octets = 0
        for _ in range(40):
            await stream.write(asked)
            octets += (await stream.read()).ByteSize()
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
        assert aio_error(caught.value).reason == "RATE_LIMITED"
        assert octets > 0
