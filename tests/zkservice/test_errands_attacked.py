"""What strangers, and counters that compare what they have, cannot do with errands, over the real server."""

import asyncio
import datetime as dt
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disclosure import ReceiptBody
from tests.zkservice.errands import PARTS, Errands, Started, handed_in
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, new_id, refusal
from tlog.entry import HOLDER_NOTE_OCTETS
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
IN_A_DAY = dt.timedelta(hours=25)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def errands(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Errands]:
    async with city(tmp_path_factory.mktemp("attacked")) as town:
        yield await Errands.of(town, await town.claim(await town.issue()))


async def begin(errands: Errands) -> pb.StartErrandResponse:
    """Begin an errand as a stranger does: no credential, nothing else."""
    asked = pb.StartErrandRequest(bundle=str(errands.bundle.name), request_id=new_id())
    answer: pb.StartErrandResponse = await errands.stub.StartErrand(asked)
    return answer


async def abandon(errands: Errands, begun: pb.StartErrandResponse) -> None:
    message = pb.AbandonErrandRequest(
        errand=begun.errand,
        ticket=begun.ticket,
        request_id=new_id(),
        holder_note=secrets.token_bytes(HOLDER_NOTE_OCTETS),
    )
    await errands.stub.AbandonErrand(message)


async def test_many_errands_of_strangers_hide_none_and_come_after_what_was_submitted(
    errands: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.storage.errand_parts._AT_ONCE", 4)
    for _ in range(9):
        await begin(errands)
    submitted = await handed_in(errands)
    later = await errands.start()
    watch = pb.WatchErrandPartsRequest(bundle=str(errands.bundle.name))
    stream = errands.stub.WatchErrandParts(watch, metadata=errands.session("birth"))
    seen = list[str]()
    async with asyncio.timeout(10):
        while later.names["birth"] not in seen:
            seen.append((await stream.read()).name)
    stream.cancel()
    assert seen[0] == submitted.names["birth"]
    assert len(set(seen)) == len(seen) >= 11


def moments(errands: Errands, receipts: Any) -> list[dt.datetime]:
    log = Verifier.from_string(errands.town.ready.verifier_key)
    return [ReceiptBody.from_bytes(verify_receipt(each, log).opening.body).verified for each in receipts]


async def test_receipts_of_one_errand_share_no_moment_finer_than_the_minute(errands: Errands) -> None:
    quick = await errands.start()
    await quick.ask()
    opened = {row[0]: row for row in dump(errands.town.ready.data)["exchange"]}
    asked = {_ms(each) for row in opened.values() for each in row if isinstance(each, int)}
    for each in moments(errands, (await quick.submit()).receipts):
        assert each.replace(second=0, microsecond=0) == each or each in asked, (
            "the counter's own ask, at most"
        )
    late = await errands.start()
    await late.ask()
    errands.town.clock.ahead = dt.timedelta(minutes=3)
    try:
        found = moments(errands, (await late.submit()).receipts)
        assert all((each.second, each.microsecond) == (0, 0) for each in found)
        assert all(dt.timedelta() <= errands.town.clock() - each < dt.timedelta(minutes=2) for each in found)
    finally:
        errands.town.clock.ahead = dt.timedelta()


def _ms(value: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=value)


async def test_no_counter_gets_the_ticket_of_what_only_its_errand_answers(errands: Errands) -> None:
    started = await errands.start()
    await started.ask("household", "insurance")
    asking = errands.asking("birth", started.names["birth"])
    await errands.stub.AskErrandPart(asking, metadata=errands.session("birth"))
    message = presentation_pb2.CreateExchangeRequest(
        signed_request=asking.ask.signed_request, request_id=asking.request_id
    )
    error = await refusal(errands.town.presentation.CreateExchange(message))
    assert error.reason == "REQUEST_ID_REUSED"
    again = await errands.stub.AskErrandPart(asking, metadata=errands.session("birth"))
    assert again.exchange
    assert len((await started.submit()).receipts) == len(PARTS)


async def test_what_was_begun_and_ended_counts_for_a_day_and_what_was_submitted_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.services.errands.MAX_WAITING", 3)
    async with city(tmp_path) as town:
        errands = await Errands.of(town, await town.claim(await town.issue()))
        for _ in range(2):
            await handed_in(errands)
        before = events_of(town)
        for _ in range(3):
            await abandon(errands, await begin(errands))
        assert (await refusal(begin(errands))).reason == "OVERLOADED"
        assert events_of(town) == before + 3
        town.clock.ahead = IN_A_DAY
        assert (await begin(errands)).errand


def events_of(town: City) -> int:
    return len(dump(town.ready.data)["event"])


async def test_what_ended_unsubmitted_is_forgotten_once_nothing_of_it_can_be_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.server._TIDY_SECONDS", 0.05)
    async with city(tmp_path) as town:
        errands = await Errands.of(town, await town.claim(await town.issue()))
        submitted = await handed_in(errands)
        await abandon(errands, await begin(errands))
        asked: Started = await errands.start()
        await asked.ask(lifetime=dt.timedelta(days=7))
        town.clock.ahead = dt.timedelta(days=7)
        await asyncio.sleep(0.3)
        assert len(dump(town.ready.data)["errand"]) == 3
        town.clock.ahead = dt.timedelta(days=10)
        await asyncio.sleep(0.5)
        rows = dump(town.ready.data)
        assert [f"errands/{row[0]}" for row in rows["errand"]] == [submitted.errand]
        assert len(rows["errand_part"]) == len(rows["errand_ask"]) == len(PARTS)
        assert (await submitted.get()).state == pb.Errand.STATE_SUBMITTED
