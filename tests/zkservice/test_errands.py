"""One-chain errands over the real server: asked once, submitted once, each counter only its own part."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disclosure import ReceiptBody, RefusedError
from disclosure.errand import FormKey, PartName
from disclosure.event import EventBody, EventKind
from tests.zkservice.errands import PARTS, VALUES, Errands, Started, handed_in
from tests.zkservice.sessions import opened
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, refusal
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.convert import presentation_of, signed_request_of
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAITING, ASKED, SUBMITTED = (
    pb.ERRAND_PART_STATE_WAITING,
    pb.ERRAND_PART_STATE_ASKED,
    pb.ERRAND_PART_STATE_SUBMITTED,
)
RECEIVED, IN_PROGRESS = pb.ERRAND_PART_STATE_RECEIVED, pb.ERRAND_PART_STATE_IN_PROGRESS
DONE, REJECTED = pb.ERRAND_PART_STATE_DONE, pb.ERRAND_PART_STATE_REJECTED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def errands(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Errands]:
    async with city(tmp_path_factory.mktemp("errands")) as town:
        yield await Errands.of(town, await town.claim(await town.issue()))


async def states(started: Started) -> list[Any]:
    return [each.state for each in (await started.get()).parts]


async def test_the_whole_way(errands: Errands) -> None:
    started = await errands.start()
    assert await states(started) == [WAITING] * 3
    await started.ask()
    assert await states(started) == [ASKED] * 3
    submission = await started.submission()
    answer = await started.submit(submission)
    assert await states(started) == [SUBMITTED] * 3
    log = Verifier.from_string(errands.town.ready.verifier_key)
    for each, receipt in zip(submission.answers, answer.receipts, strict=True):
        body = ReceiptBody.from_bytes(verify_receipt(receipt, log).opening.body)
        assert body.presentation_digest == presentation_of(each.presentation).digest
    event = EventBody.from_bytes(verify_receipt(answer.receipt, log).opening.body)
    assert (event.kind, event.party) == (EventKind.ERRAND_SUBMITTED, str(errands.bundle.name))
    for part in PARTS:
        seen = await started.seen_by(part)
        assert seen.answer.receipt in answer.receipts
        assert seen.ready == (part == "birth")
    text = {"zh": "已登记", "en": "registered"}
    await started.tell("birth", RECEIVED)
    await started.tell("birth", DONE, document="370102-2026-1", message=text)
    assert (await started.seen_by("household")).ready
    await started.tell("household", IN_PROGRESS)
    await started.tell("household", DONE)
    done = await started.tell("insurance", DONE)
    assert (done.state, done.ready) == (DONE, True)
    found = await started.get()
    assert found.state == pb.Errand.STATE_DONE
    birth = found.parts[0].updates
    assert [(each.state, each.document) for each in birth] == [(RECEIVED, ""), (DONE, "370102-2026-1")]
    assert birth[1].message.zh == "已登记"


async def test_the_same_submission_again_gets_the_same_receipts(errands: Errands) -> None:
    started = await errands.start()
    await started.ask()
    submission = await started.submission()
    first = await asyncio.gather(*(started.submit(submission) for _ in range(4)))
    before = dump(errands.town.ready.data)
    assert all(each == first[0] for each in [*first, await started.submit(submission)])
    assert dump(errands.town.ready.data) == before
    submission.answers[0].sealed_form = submission.answers[0].sealed_form[:-1] + b"\x00"
    assert (await refusal(errands.stub.SubmitErrand(submission))).reason == "REQUEST_ID_REUSED"


async def test_starting_again_gives_the_same_errand(errands: Errands) -> None:
    request_id = "5d1c9e8c-6f70-4be4-9f5e-0d2b7a3c1f00"
    first, second = await errands.start(request_id), await errands.start(request_id)
    assert (first.errand, first.ticket, first.names) == (second.errand, second.ticket, second.names)
    assert request_id not in str(dump(errands.town.ready.data)["errand"])


async def test_a_form_reaches_its_counter_and_nobody_else(errands: Errands) -> None:
    started = await handed_in(errands)
    seen = await started.seen_by("insurance")
    request = signed_request_of(seen.ask.signed_request).request
    tag = presentation_of(seen.answer.presentation).usage_tag
    counter, tie = errands.bundle.counter("insurance"), started.tie("insurance", seen.ask)
    assert tie.request_digest == request.digest
    own = FormKey.of(errands.key("insurance"), PartName.parse(seen.name))
    assert own.receive(seen.sealed_form, tie, counter, tag).values == {"phone": VALUES["phone"]}
    other = FormKey.of(errands.key("birth"), PartName.parse(seen.name))
    with pytest.raises(RefusedError, match="sealed for another counter"):
        other.receive(seen.sealed_form, tie, counter, tag)
    octets = b"".join(each.read_bytes() for each in errands.town.ready.data.glob("service.sqlite3*"))
    assert VALUES["phone"].encode() not in octets


async def test_what_a_counter_sees_names_nothing_of_the_errand_or_of_others(errands: Errands) -> None:
    started = await handed_in(errands)
    seen = {part: await started.seen_by(part) for part in PARTS}
    octets = {part: each.SerializeToString() for part, each in seen.items()}
    secrets = [started.errand.removeprefix("errands/"), started.ticket]
    for part, mine in octets.items():
        others = [name for other, name in started.names.items() if other != part]
        assert not any(each.encode() in mine for each in [*secrets, *others])
        theirs = [each.answer.presentation.usage_tag for other, each in seen.items() if other != part]
        assert not any(each in mine for each in theirs)


async def test_a_rejected_part_is_asked_and_submitted_alone(errands: Errands) -> None:
    started = await handed_in(errands)
    await started.tell("birth", REJECTED, message={"zh": "日期不符", "en": "The date is wrong"})
    again = pb.RetryErrandPartRequest(**started.own, part=started.names["birth"])
    assert (await errands.stub.RetryErrandPart(again)).parts[0].state == WAITING
    await errands.stub.RetryErrandPart(again)
    await started.ask("birth")
    before = len(dump(errands.town.ready.data)["answer"])
    answer = await started.submit(await started.submission("birth"))
    assert len(answer.receipts) == 1
    assert len(dump(errands.town.ready.data)["answer"]) == before + 1
    assert await states(started) == [SUBMITTED] * 3
    await started.tell("birth", DONE)
    assert [each.state for each in (await started.get()).parts[0].updates] == [REJECTED, DONE]


async def test_a_request_that_has_ended_is_asked_anew(errands: Errands) -> None:
    started = await errands.start()
    await started.ask("household", "insurance")
    await started.ask("birth", lifetime=dt.timedelta(minutes=5))
    errands.town.clock.ahead = dt.timedelta(minutes=6)
    try:
        assert await states(started) == [WAITING, ASKED, ASKED]
        await errands_again(errands)
        await started.ask("birth")
        await started.submit()
    finally:
        errands.town.clock.ahead = dt.timedelta()
        await errands_again(errands)


async def errands_again(errands: Errands) -> None:
    """Open the sessions anew, for a clock that was set ahead or back."""
    for each in errands.bundle.counters:
        errands.tokens[each.part] = await opened(errands.town, str(each.verifier), errands.key(each.part))


async def test_the_holder_follows_live(errands: Errands) -> None:
    started = await errands.start()
    stream = errands.stub.WatchErrand(pb.WatchErrandRequest(**started.own))
    seen, begun = list[pb.Errand](), asyncio.Event()

    async def follow() -> None:
        async for each in stream:
            seen.append(each)
            begun.set()

    following = asyncio.ensure_future(follow())
    await begun.wait()
    await started.ask()
    await started.submit()
    for part in PARTS:
        await started.tell(part, DONE)
    await asyncio.wait_for(following, 10)
    assert seen[0].state == pb.Errand.STATE_OPEN
    assert seen[-1].state == pb.Errand.STATE_DONE
    assert len({each.SerializeToString() for each in seen}) == len(seen)


async def test_a_counter_follows_live_and_learns_that_an_errand_was_abandoned(errands: Errands) -> None:
    watch = pb.WatchErrandPartsRequest(bundle=str(errands.bundle.name))
    stream = errands.stub.WatchErrandParts(watch, metadata=errands.session("birth"))

    async def until(name: str, state: Any) -> None:
        async for each in stream:
            if (each.name, each.state) == (name, state):
                return

    started = await errands.start()
    name = started.names["birth"]
    await asyncio.wait_for(until(name, WAITING), 10)
    await started.ask()
    await asyncio.wait_for(until(name, ASKED), 10)
    abandon = pb.AbandonErrandRequest(
        **started.own, holder_note=bytes(1024), request_id="5d1c9e8c-6f70-4be4-9f5e-0d2b7a3c1f01"
    )
    first = await errands.stub.AbandonErrand(abandon)
    assert await errands.stub.AbandonErrand(abandon) == first
    await asyncio.wait_for(until(name, pb.ERRAND_PART_STATE_ENDED), 10)
    stream.cancel()
    log = Verifier.from_string(errands.town.ready.verifier_key)
    event = EventBody.from_bytes(verify_receipt(first.receipt, log).opening.body)
    assert (event.kind, event.party) == (EventKind.DECLINED, str(errands.bundle.name))


async def test_the_exchange_of_a_part_is_watched_by_its_counter_and_answered_by_its_errand(
    errands: Errands,
) -> None:
    started = await errands.start()
    asked = (await started.ask())["birth"]
    watch = presentation_pb2.WatchExchangeRequest(exchange=asked.exchange, result_token=asked.result_token)
    await started.submit()
    last = [each async for each in errands.town.presentation.WatchExchange(watch)][-1]
    assert last.receipt == (await started.seen_by("birth")).answer.receipt
    fetch = presentation_pb2.FetchRequestRequest(exchange=asked.exchange, ticket=asked.result_token)
    assert (await refusal(errands.town.presentation.FetchRequest(fetch))).reason == "NOT_FOUND"


async def test_an_overdue_part_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkservice.server._TIDY_SECONDS", 0.05)
    async with city(tmp_path) as town:
        errands = await Errands.of(town, await town.claim(await town.issue()))
        started = await handed_in(errands)
        await started.tell("birth", DONE)
        await asyncio.sleep(0.2)
        assert counted(town, "overdue") == 0
        town.clock.ahead = dt.timedelta(days=15)
        await asyncio.sleep(0.5)
        assert (counted(town, "submitted"), counted(town, "overdue")) == (3, 2)


def counted(town: City, what: str) -> int:
    return sum(row[5] for row in dump(town.ready.data)["statistic"] if row[1] == what and row[4] == "")
