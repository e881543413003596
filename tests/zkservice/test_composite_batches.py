"""Both forms at one server: batches of both, and an answer of the one form to a request of the other."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

from tests.zkservice import processes
from tests.zkservice.batching import refused, told
from tests.zkservice.cases_composite import ANSWER, MUTATIONS
from tests.zkservice.composite_city import CompositeCity, composite_city, where
from tests.zkservice.support import City, Issued, refusal
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 2], ids=["threads", "processes"])
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def permit(town: CompositeCity) -> Issued:
    """A credential of the plain form."""
    return await town.city.claim(await town.city.issue())


def plain_member(city: City, permit: Issued) -> pb.VerifyPresentationRequest:
    request = city.request()
    member = pb.VerifyPresentationRequest(signed_request=city.create_exchange(request).signed_request)
    exchange = pb.CreateExchangeResponse()
    member.presentation.CopyFrom(city.submission(exchange, *city.present(request, permit)).presentation)
    return member


async def test_an_answer_of_the_other_form_is_refused(town: CompositeCity, permit: Issued) -> None:
    composite, city = town.good("small"), town.city
    plain = plain_member(city, permit)
    crossed = pb.VerifyPresentationRequest(signed_request=composite.signed_request)
    crossed.presentation.CopyFrom(plain.presentation)
    assert where(await refusal(town.verified(crossed))) == ("REQUEST_MISMATCH", "presentation")
    crossed = pb.VerifyPresentationRequest(signed_request=plain.signed_request)
    crossed.composite_presentation.CopyFrom(composite.composite_presentation)
    assert where(await refusal(town.verified(crossed))) == ("REQUEST_MISMATCH", ANSWER)
    composite.ClearField(ANSWER)
    assert where(await refusal(town.verified(composite))) == ("FIELD_MISSING", ANSWER)
    submission = await town.submitting()
    submission.presentation.CopyFrom(plain.presentation)
    error = await refusal(city.presentation.SubmitPresentation(submission))
    assert where(error) == ("REQUEST_MISMATCH", "presentation")
    submission.ClearField("presentation")
    error = await refusal(city.presentation.SubmitPresentation(submission))
    assert where(error) == ("FIELD_MISSING", "presentation")
    exchange = await city.ask(asked := city.request())
    other = city.submission(exchange, *city.present(asked, permit))
    other.composite_presentation.CopyFrom(town.good("small").composite_presentation)
    error = await refusal(city.presentation.SubmitPresentation(other))
    assert where(error) == ("REQUEST_MISMATCH", ANSWER)


async def test_a_batch_of_both_forms_gives_each_the_verdict_that_it_gets_alone(
    town: CompositeCity, permit: Issued
) -> None:
    members = [plain_member(town.city, permit) for _ in range(6)]
    members += [town.good(branch) for branch in ("main", "small") for _ in range(4)]
    for mutation in MUTATIONS[::5]:
        member = town.good()
        mutation.change(member.composite_presentation)
        members.append(member)
    false = plain_member(town.city, permit)
    false.presentation.usage_tag = bytes(48)
    crossed = pb.VerifyPresentationRequest(signed_request=town.good().signed_request)
    crossed.presentation.CopyFrom(false.presentation)
    members += [false, crossed, pb.VerifyPresentationRequest()]
    members = members[::2] + members[1::2]
    verdicts = await town.batch(*members)
    for member, verdict in zip(members, verdicts, strict=True):
        try:
            assert verdict.verified == await town.verified(member)
        except grpc.aio.AioRpcError:
            assert told(verdict) == refused(await refusal(town.verified(member)))
    assert sum(each.HasField("verified") for each in verdicts) == 14


async def test_a_false_member_hurts_no_other_wherever_it_stands(town: CompositeCity) -> None:
    good = [town.good("small") for _ in range(5)]
    false = town.good("small")
    false.composite_presentation.usage_tag = bytes(48)
    for place in range(6):
        verdicts = await town.batch(*good[:place], false, *good[place:])
        assert [told(each)[0] == "OK" for each in verdicts] == [at != place for at in range(6)]


@pytest.mark.parametrize("town", [2], ids=["processes"], indirect=True)
async def test_workers_that_are_killed_amid_a_batch_cost_nobody_a_verdict(town: CompositeCity) -> None:
    judges = processes.workers("judge")
    assert judges
    members = [town.good() for _ in range(25)]
    waiting = asyncio.create_task(town.batch(*members))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    for pid in judges:
        os.kill(pid, signal.SIGKILL)
    assert [told(each)[0] for each in await waiting] == ["OK"] * 25
    assert not judges & processes.workers("judge")
