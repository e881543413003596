"""What answers weigh over a real server: a listing costs by what it returns, and is answered all the same."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.zkservice.centre import creating_list
from tests.zkservice.support import City, aio_error, city
from zkproto.v1 import centre_pb2, ledger_pb2

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


async def spent(call: Any) -> int:
    """Call until a call is refused as too many; return how many were answered."""
    for count in range(2 * BURST):
        try:
            await call()
        except grpc.aio.AioRpcError as error:
            refused = aio_error(error).reason
            return count if refused == "RATE_LIMITED" else -1
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize("how", ["one", "page"])
async def test_large_answers_use_up_what_small_ones_do_not(tmp_path: Path, how: str) -> None:
    async with city(tmp_path, rate_anonymous=0.001, burst_anonymous=BURST) as town:
        assert (await town.issue()).offer, "the department has a bucket of its own from now on"
        octets = await large_list(town)
        assert octets > 48 << 10
        listed = await town.catalog.ListCodeLists(centre_pb2.ListCodeListsRequest())
        name = listed.code_lists[0].name
        calls: dict[str, Any] = {
            "one": lambda: town.catalog.GetCodeList(centre_pb2.GetCodeListRequest(name=name)),
            "page": lambda: town.catalog.ListCodeLists(centre_pb2.ListCodeListsRequest()),
        }
        answered = await spent(calls[how])
        assert 1 <= answered <= BURST // ((octets - (16 << 10)) // (4 << 10)) + 1
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
