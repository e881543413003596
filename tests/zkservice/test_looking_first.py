"""What a read can tell an unknown caller is told before the writer is asked: a refused write costs its group.

The writer's queue is looked at over the real server: what is refused puts nothing into it.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from tests.zkservice.delivering import Receiver, deliveries
from tests.zkservice.errands import Errands
from tests.zkservice.support import City, city, new_id, refusal
from zkproto.v1 import errand_pb2 as pb
from zkservice.services import errands as errand_service
from zkservice.storage.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("looking"), max_deliveries=1) as town:
        yield town


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return which of the two services' methods have queued a write; each is queued as ever."""
    queued, write = list[str](), Database.write

    async def watched(database: Database, act: Callable[[Connection], Any]) -> Any:
        queued.extend(name for name in ("SendDelivery", "StartErrand") if name in act.__qualname__)
        return await write(database, act)

    monkeypatch.setattr(Database, "write", watched)
    return queued


async def test_a_delivery_that_cannot_be_kept_is_refused_by_a_read(town: City, written: list[str]) -> None:
    mine, closed = await Receiver.verifier(town), await Receiver.verifier(town)
    kept = mine.sending()
    receipt = await mine.send(kept)
    assert written == ["SendDelivery"]
    await closed.close()
    for message, reason in (
        (mine.sending(recipient="verifiers/nobody"), "NOT_FOUND"),
        (closed.sending(), "RECEIVING_CLOSED"),
        (mine.sending(), "DELIVERIES_FULL"),
        (mine.sending(request_id=kept.request_id), "REQUEST_ID_REUSED"),
    ):
        assert (await refusal(deliveries(town).SendDelivery(message))).reason == reason
    (name,) = [each.name for each in (await mine.waiting()).deliveries]
    await mine.acknowledge(name)
    again = mine.sending(digest=kept.digest)
    assert (await refusal(deliveries(town).SendDelivery(again))).reason == "REPLAYED"
    assert (await mine.send(kept))[:64] == receipt[:64]
    assert written == ["SendDelivery"]


async def test_an_errand_that_cannot_begin_is_refused_by_a_read(
    town: City, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    errands = await Errands.of(town, await town.claim(await town.issue()))
    request_id = new_id()
    first = await errands.start(request_id)
    assert written == ["StartErrand"]
    nothing = pb.StartErrandRequest(bundle="errandBundles/nothing@1", request_id=new_id())
    assert (await refusal(errands.stub.StartErrand(nothing))).reason == "NOT_FOUND"
    monkeypatch.setattr(errand_service, "MAX_WAITING", 1)
    assert (await refusal(errands.start(new_id()))).reason == "OVERLOADED"
    assert (await errands.start(request_id)).errand == first.errand
    assert written == ["StartErrand"]
