"""What is sent unasked waits for its recipient alone, within bounds, and is gone when it is over."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disclosure.event import EventBody, EventKind
from tests.zkservice.delivering import Receiver, deliveries, later
from tests.zkservice.residents import note
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, new_id, refusal
from tests.zkservice.test_privacy import database_files, found
from tlog import Verifier, verify_receipt
from tlog.entry import note_hash
from zkproto.v1 import delivery_pb2 as pb
from zkservice.storage import deliveries as storage
from zkservice.storage.database import Database, open_engine
from zkservice.storage.tables import unasked_delivery

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("deliveries"), max_deliveries=3) as town:
        yield town


@pytest.fixture
def town(shared: City) -> Iterator[City]:
    yield shared
    shared.clock.ahead = dt.timedelta()


def body_of(town: City, receipt: bytes) -> tuple[EventBody, bytes]:
    opening = verify_receipt(receipt, Verifier.from_string(town.ready.verifier_key)).opening
    return EventBody.from_bytes(opening.body), opening.note_hash


async def test_the_sender_gets_a_receipt_and_the_recipient_the_same_one(town: City) -> None:
    mine = await Receiver.verifier(town)
    message = mine.sending()
    receipt = await mine.send(message)
    body, noted = body_of(town, receipt)
    assert (body.kind, body.party, body.digest) == (EventKind.SENT, mine.name, message.digest)
    assert noted == note_hash(message.holder_note)
    (waiting,) = (await mine.waiting()).deliveries
    assert (waiting.size, waiting.expire_time.ToDatetime() - waiting.receive_time.ToDatetime()) == (
        len(message.sealed), dt.timedelta(days=30),
    )  # fmt: skip
    fetched = await mine.fetch(waiting.name)
    assert fetched.sealed == message.sealed
    assert body_of(town, fetched.receipt) == (body, noted)


async def test_the_same_call_sent_again_is_one_delivery(town: City) -> None:
    mine = await Receiver.account(town)
    message = mine.sending()
    first, again = await asyncio.gather(mine.send(message), mine.send(message))
    assert body_of(town, first) == body_of(town, again)
    later(town, 0.2)
    assert body_of(town, await mine.send(message)) == body_of(town, first)
    town.clock.ahead = dt.timedelta()
    assert len((await mine.waiting()).deliveries) == 1


async def test_what_is_acknowledged_with_a_note_is_an_event_of_the_recipient(town: City) -> None:
    mine = await Receiver.account(town)
    name = await mine.one()
    asked: dict[str, Any] = {"holder_note": note(), "request_id": new_id()}
    body, noted = body_of(town, receipt := await mine.acknowledge(name, **asked))
    assert (body.kind, body.party, noted) == (EventKind.RECEIVED, name, note_hash(asked["holder_note"]))
    assert body_of(town, await mine.acknowledge(name, **asked)) == body_of(town, receipt)
    assert not (await mine.waiting()).deliveries
    other = await mine.one()
    assert await mine.acknowledge(other) == await mine.acknowledge(other) == b""


async def test_one_delivery_is_one_event_whatever_the_request_id(town: City) -> None:
    """Entries are for good: a recipient must not write as many of them as it likes."""
    mine = await Receiver.account(town)
    name = await mine.one()
    asked: dict[str, Any] = {"holder_note": note(), "request_id": new_id()}
    first = await mine.acknowledge(name, **asked)
    events = len(dump(town.ready.data)["event"])
    for other in (note(), asked["holder_note"]):
        again = await refusal(mine.acknowledge(name, holder_note=other, request_id=new_id()))
        assert again.reason == "NOT_FOUND"
    assert body_of(town, await mine.acknowledge(name, **asked)) == body_of(town, first)
    assert len(dump(town.ready.data)["event"]) == events
    thrown = await mine.one()
    await mine.acknowledge(thrown)
    unwanted = await refusal(mine.acknowledge(thrown, holder_note=note(), request_id=new_id()))
    assert unwanted.reason == "NOT_FOUND"


async def test_of_two_that_acknowledge_at_once_one_makes_the_event(town: City) -> None:
    mine = await Receiver.account(town)
    name = await mine.one()
    calls = [mine.acknowledge(name, holder_note=note(), request_id=new_id()) for _ in range(4)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, bytes) for each in answers) == 1


async def test_so_many_wait_for_one_recipient_and_no_more(town: City) -> None:
    mine, other = await Receiver.verifier(town), await Receiver.verifier(town)
    names = [await mine.one() for _ in range(3)]
    assert (await refusal(mine.send())).reason == "DELIVERIES_FULL"
    await other.send()
    await mine.acknowledge(names[0])
    await mine.send()


async def test_pages_list_everything_that_waits_and_nothing_of_others(town: City) -> None:
    mine, other = await Receiver.account(town), await Receiver.account(town)
    names = {await mine.one() for _ in range(3)}
    await other.one()
    listed, token = list[str](), ""
    while True:
        page = await mine.waiting(page_size=2, page_token=token)
        listed += [each.name for each in page.deliveries]
        if not (token := page.next_page_token):
            break
    assert (len(listed), set(listed)) == (3, names)


async def test_what_nobody_fetched_is_over_after_thirty_days(town: City) -> None:
    mine = await Receiver.verifier(town)
    name = await mine.one()
    later(town, 31)
    await mine.opened()
    assert not (await mine.waiting()).deliveries
    assert (await refusal(mine.fetch(name))).reason == "NOT_FOUND"
    database = Database(open_engine(f"sqlite:///{town.ready.data / 'service.sqlite3'}"))
    assert await database.write(lambda each: storage.forget_over(each, town.clock())) > 0
    database.close()
    assert name.removeprefix("deliveries/") not in str(dump(town.ready.data)["unasked_delivery"])


async def test_only_verifiers_are_found_and_only_those_that_receive(town: City) -> None:
    verifier, account = await Receiver.verifier(town), await Receiver.account(town)

    async def search(query: str) -> list[str]:
        page = await deliveries(town).ListRecipients(pb.ListRecipientsRequest(query=query))
        return [each.name for each in page.recipients]

    own = verifier.name.removeprefix("verifiers/")
    assert await search(own.upper()) == [verifier.name]
    assert await search("%") == []
    assert account.name not in await search("")
    await verifier.close()
    assert await search(own) == []


async def test_a_watcher_is_told_what_comes_and_goes(town: City) -> None:
    mine = await Receiver.account(town)
    stream = deliveries(town).WatchDeliveries(pb.WatchDeliveriesRequest(), metadata=mine.bearer)
    assert (await stream.read()).waiting == 0
    name = await mine.one()
    assert (await asyncio.wait_for(stream.read(), 4)).waiting == 1
    await mine.acknowledge(name)
    assert (await asyncio.wait_for(stream.read(), 4)).waiting == 0
    stream.cancel()


async def test_the_service_keeps_neither_name_nor_sender_and_forgets_what_was_sealed(tmp_path: Path) -> None:
    """Its files hold of a delivery who receives, how large, when, and octets that it cannot open."""
    async with city(tmp_path) as town:
        mine = await Receiver.account(town)
        message = mine.sending()
        await mine.send(message)
        (row,) = dump(tmp_path)["unasked_delivery"]
        columns = [each.name for each in unasked_delivery.columns]
        assert set(columns) == {
            "id", "recipient", "digest", "size", "sealed", "event_scope", "request_id", "created", "expires"
        }  # fmt: skip
        assert dict(zip(columns, row, strict=True))["event_scope"] == f"sent/{mine.name}"
        assert found([mine.number.encode()], *database_files(tmp_path)) == []
        (waiting,) = (await mine.waiting()).deliveries
        await mine.acknowledge(waiting.name)
        (row,) = dump(tmp_path)["unasked_delivery"]
        assert dict(zip(columns, row, strict=True))["sealed"] is None
