"""A no and an answer that come at once: one of them counts, and everybody is told the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from tests.zkservice import consenting
from tests.zkservice.support import City, aio_error, city, new_id
from zkproto.v1 import consent_pb2
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio
State = pb.WatchExchangeResponse


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as opened:
        yield opened


async def test_of_an_answer_and_a_no_exactly_one_counts(town: City) -> None:
    issued, kept = await town.claim(await town.issue()), set[int]()
    for number in range(12):
        request = town.request()
        opened = await town.ask(request)
        submission = town.submission(opened, *town.present(request, issued))
        no = await consenting.declining(town)
        no.exchange, no.ticket = opened.exchange, opened.ticket
        calls = [town.presentation.SubmitPresentation(submission), town.presentation.DeclineExchange(no)]
        # The no is quick: some are held back, so that now one comes first and now the other.
        if number % 2:
            await asyncio.sleep(0.02)
        results = await asyncio.gather(*calls, return_exceptions=True)
        refused = [each for each in results if isinstance(each, grpc.aio.AioRpcError)]
        assert len(refused) == 1
        answered = not isinstance(results[0], BaseException)
        reason = aio_error(refused[0]).reason
        assert reason == ("EXCHANGE_ANSWERED" if answered else "EXCHANGE_DECLINED")
        states = [
            each.state
            async for each in town.presentation.WatchExchange(
                pb.WatchExchangeRequest(exchange=opened.exchange, result_token=opened.result_token)
            )
        ]
        assert states == [State.STATE_VERIFIED if answered else State.STATE_DECLINED]
        kept.add(states[0])
    assert State.STATE_DECLINED in kept


async def test_a_watcher_is_woken_by_a_no(town: City) -> None:
    opened = await town.ask(town.request())
    watching = town.presentation.WatchExchange(
        pb.WatchExchangeRequest(exchange=opened.exchange, result_token=opened.result_token)
    )
    assert (await watching.read()).state == State.STATE_PENDING
    no = await consenting.declining(town)
    no.exchange, no.ticket = opened.exchange, opened.ticket
    await town.presentation.DeclineExchange(no)
    told = await asyncio.wait_for(watching.read(), 2)
    assert (told.state, told.receipt, told.WhichOneof("answer")) == (State.STATE_DECLINED, b"", None)


async def test_of_many_that_use_one_consent_at_once_no_more_than_it_allows_are_opened(town: City) -> None:
    made = await consenting.granted(town, times=3)
    uses = [town.presentation.CreateExchange(made.using()) for _ in range(10)]
    results = await asyncio.gather(*uses, return_exceptions=True)
    refused = [aio_error(each).reason for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert refused == ["CONSENT_EXHAUSTED"] * 7


async def test_a_withdrawal_among_uses_leaves_none_open(town: City) -> None:
    made = await consenting.granted(town, times=1000)
    token = await made.token()
    uses = [town.presentation.CreateExchange(made.using()) for _ in range(10)]
    stub = consenting.stub(town)
    withdrawing = stub.WithdrawConsent(made.withdrawing(), metadata=town.bearer(token))
    results = await asyncio.gather(*uses, withdrawing, return_exceptions=True)
    assert not isinstance(results[-1], BaseException)
    opened = [each for each in results[:-1] if not isinstance(each, BaseException)]
    for each in opened:
        watching = town.presentation.WatchExchange(
            pb.WatchExchangeRequest(exchange=each.exchange, result_token=each.result_token)
        )
        assert (await watching.read()).state == State.STATE_WITHDRAWN
    listed = consent_pb2.ListConsentExchangesRequest(consent=made.answer.consent)
    assert not (await stub.ListConsentExchanges(listed, metadata=town.bearer(token))).exchanges
    again = made.using()
    again.request_id = new_id()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await town.presentation.CreateExchange(again)
    assert aio_error(caught.value).reason == "CONSENT_WITHDRAWN"
