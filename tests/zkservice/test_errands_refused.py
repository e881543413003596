"""A counter of an errand that asks too much: counted, an event of the holder's, and nothing is submitted."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from disclosure import LocalizedText, PolicyName, Request, sign_request
from disclosure.event import EventBody, EventKind
from tests.zkservice.allowing import allowed
from tests.zkservice.errands import PARTS, Errands, Started, handed_in, newborn
from tests.zkservice.stored import change, dump
from tests.zkservice.support import PERMIT, TEXT, City, city, refusal
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNTER = "verifiers/birth-counter"
REJECTED, ASKED = pb.ERRAND_PART_STATE_REJECTED, pb.ERRAND_PART_STATE_ASKED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def errands(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Errands]:
    async with city(tmp_path_factory.mktemp("refused")) as town:
        yield await Errands.of(town, await town.claim(await town.issue()))


async def narrow(town: City, version: int) -> Errands:
    """A bundle whose counters may see the district and nothing else."""
    bundle = newborn(50_000 + version, policy="narrow")
    only = replace(PERMIT, attributes=PERMIT.attributes[2:3])
    for part in PARTS:
        name = f"{part}-counter"
        if name not in town.verifier_keys:
            await town.add_verifier(name)
        await town.add_policy(allowed(PolicyName(name, "narrow", 1), [only], TEXT))
    return await Errands.of(town, await town.claim(await town.issue()), bundle)


def counted(town: City, what: str) -> dict[tuple[str, str], int]:
    """How often something of the first counter's was counted, by policy and department."""
    rows = dump(town.ready.data)["statistic"]
    return {(row[3], row[4]): row[5] for row in rows if (row[1], row[2]) == (what, COUNTER)}


def too_much(errands: Errands, started: Started) -> pb.AskErrandPartRequest:
    """What the first counter may not ask: the name besides the district."""
    asked: Request = errands.town.request("birth-counter", shown=("district", "name"))
    asked = replace(asked, policy=PolicyName("birth-counter", "narrow", 1))
    return errands.asking("birth", started.names["birth"], asked)


async def test_the_service_counts_a_counter_that_asks_too_much_and_ties_nothing(tmp_path: Any) -> None:
    async with city(tmp_path) as town:
        errands = await narrow(town, 1)
        started = await errands.start()
        asking = too_much(errands, started)
        for _ in range(2):
            call = errands.stub.AskErrandPart(asking, metadata=errands.session("birth"))
            error = await refusal(call)
            assert error.reason == "OVER_ASKING"
            assert [each.field for each in error.violations] == ["ask.signed_request.queries[0].shown[1]"]
            policy = f"{COUNTER}/policies/narrow@1"
            once = {(policy, ""): 1, (policy, "departments/police"): 1}
            assert counted(town, "over-asked") == once, "the same request, sent again"
        assert counted(town, "asked") == {}
        assert (await started.get()).parts[0].state == pb.ERRAND_PART_STATE_WAITING


async def test_what_a_vault_refuses_is_recorded_and_ends_the_errand(errands: Errands) -> None:
    """It is counted as a no. Nobody knows the holder: the word alone is no over-asking of the counter's."""
    started = await errands.start()
    asks = await started.ask()
    before = counted(errands.town, "over-asked"), counted(errands.town, "declined")
    message, submission = await started.refusing(), await started.submission()
    answer = await errands.stub.RefuseErrandPart(message)
    assert await errands.stub.RefuseErrandPart(message) == answer, "the same call, the same receipt"
    log = Verifier.from_string(errands.town.ready.verifier_key)
    body = EventBody.from_bytes(verify_receipt(answer.receipt, log).opening.body)
    body.check(EventKind.OVER_ASKED, COUNTER, message.request_digest)
    after = counted(errands.town, "over-asked"), counted(errands.town, "declined")
    assert after[0] == before[0]
    assert {key: n - before[1].get(key, 0) for key, n in after[1].items()} == {
        (f"{COUNTER}/policies/any@1", ""): 1,
        (f"{COUNTER}/policies/any@1", "departments/police"): 1,
    }
    assert (await started.get()).state == pb.Errand.STATE_ABANDONED
    assert (await refusal(errands.stub.SubmitErrand(submission))).reason == "ERRAND_ENDED"
    watched = presentation_pb2.WatchExchangeRequest(
        exchange=asks["birth"].exchange, result_token=asks["birth"].result_token
    )
    last = [each async for each in errands.town.presentation.WatchExchange(watched)][-1]
    assert last.state == presentation_pb2.WatchExchangeResponse.STATE_DECLINED


async def test_what_a_service_let_through_is_counted_when_a_vault_refuses_it(errands: Errands) -> None:
    started = await errands.start()
    exchange = (await started.ask())["birth"].exchange.removeprefix("exchanges/")
    request = replace(errands.town.request("birth-counter"), purpose=LocalizedText("别的", "Something else"))
    signed = sign_request(request, errands.key("birth"))
    change(
        errands.town.ready.data,
        "update exchange set payload = ?, signature = ?, request_digest = ? where id = ?",
        signed.payload,
        signed.signature,
        request.digest,
        exchange,
    )
    before = counted(errands.town, "over-asked")
    await errands.stub.RefuseErrandPart(started.refusal("birth", request.digest))
    policy = f"{COUNTER}/policies/any@1"
    assert counted(errands.town, "over-asked")[policy, ""] == before.get((policy, ""), 0) + 1


async def test_of_what_was_submitted_the_part_alone_is_rejected_that_was_asked_anew(errands: Errands) -> None:
    started = await handed_in(errands)
    text = {"zh": "否", "en": "no"}
    await started.tell("birth", REJECTED, message=text)
    retry = pb.RetryErrandPartRequest(**started.own, part=started.names["birth"])
    await errands.stub.RetryErrandPart(retry)
    await started.ask("birth")
    message = await started.refusing()
    answer = await errands.stub.RefuseErrandPart(message)
    found = await started.get()
    assert (found.state, found.parts[0].state) == (pb.Errand.STATE_SUBMITTED, REJECTED)
    await errands.stub.RetryErrandPart(retry)
    await started.ask("birth")
    assert (await started.get()).parts[0].state == ASKED
    assert await errands.stub.RefuseErrandPart(message) == answer, "what is asked since is another matter"
    assert (await started.get()).parts[0].state == ASKED
    await started.submit(await started.submission("birth"))


async def test_what_was_asked_of_another_is_not_refused(errands: Errands) -> None:
    started, other = await errands.start(), await errands.start()
    await started.ask()
    await other.ask()
    theirs = (await other.refusing()).request_digest
    assert theirs != (await started.refusing()).request_digest
    error = await refusal(errands.stub.RefuseErrandPart(started.refusal("birth", theirs)))
    assert error.reason == "PART_STATE_INVALID"
    assert (await started.get()).state == pb.Errand.STATE_OPEN
