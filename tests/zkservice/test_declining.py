"""A no and an answer that come at once: one of them counts, and everybody is told the same."""

import asyncio
import datetime as dt
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from disclosure import LocalizedText, sign_request
from disclosure.standing import StandingTerms
from tests.zkservice import consenting
from tests.zkservice.stored import change, dump
from tests.zkservice.support import City, aio_error, city, new_id, refusal
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


async def test_that_a_request_asks_too_much_is_counted_if_it_does(town: City) -> None:
    """Nobody knows who declines: the word alone counts as a no. What the service let through it sees then."""
    honest = await consenting.declining(town)
    honest.why = pb.DeclineExchangeRequest.WHY_OVER_ASKED
    await town.presentation.DeclineExchange(honest)
    assert (counted(town, "declined"), counted(town, "over-asked")) == (1, 0)
    guilty = await consenting.declining(town)
    guilty.why = pb.DeclineExchangeRequest.WHY_OVER_ASKED
    request = replace(town.request(), purpose=LocalizedText("别的", "Something else"))
    signed = sign_request(request, town.verifier_keys["school"])
    change(
        town.ready.data,
        "update exchange set payload = ?, signature = ?, request_digest = ? where id = ?",
        signed.payload,
        signed.signature,
        request.digest,
        guilty.exchange.removeprefix("exchanges/"),
    )
    await town.presentation.DeclineExchange(guilty)
    assert (counted(town, "declined"), counted(town, "over-asked")) == (2, 1)


async def test_what_asks_too_much_is_counted_once_however_often_it_is_sent(town: City) -> None:
    request = replace(town.request("bank"), purpose=LocalizedText("别的", "Something else"))
    terms = consenting.terms(town, request)
    asking: list[Callable[[], Any]] = [
        lambda: town.presentation.CreateExchange(town.create_exchange(request)),
        lambda: consenting.stub(town).CreateConsent(consenting.creating(town, terms)),
    ]
    for number, ask in enumerate(asking, 1):
        for _ in range(3):
            assert (await refusal(ask())).reason == "OVER_ASKING"
        assert counted(town, "over-asked") == number
    assert len(dump(town.ready.data)["over_asking"]) == 2


async def test_what_was_counted_is_forgotten_once_it_is_accepted_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.server._TIDY_SECONDS", 0.05)
    async with city(tmp_path) as town:
        request = replace(town.request("bank"), purpose=LocalizedText("别的", "Something else"))
        message = town.create_exchange(request)
        assert (await refusal(town.presentation.CreateExchange(message))).reason == "OVER_ASKING"
        town.clock.ahead = request.expires - town.clock() + dt.timedelta(seconds=1)
        await asyncio.sleep(0.3)
        assert dump(town.ready.data)["over_asking"] == []
        assert (await refusal(town.presentation.CreateExchange(message))).reason == "REQUEST_EXPIRED"
        assert counted(town, "over-asked") == 1


def counted(town: City, what: str) -> int:
    rows = dump(town.ready.data)["statistic"]
    return sum(row[5] for row in rows if row[1] == what and row[4] == "")


async def test_terms_are_decoded_where_nobody_waits_for_it(
    town: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Terms are large if somebody likes: neither the event loop nor the one that writes decodes them.

    What anybody may send is decoded by the thread that is for strangers.
    """
    threads, decode = list[str](), StandingTerms.from_bytes.__func__  # type: ignore[attr-defined]

    def decoded(cls: type[StandingTerms], octets: bytes) -> StandingTerms:
        threads.append(threading.current_thread().name)
        found: StandingTerms = decode(cls, octets)
        return found

    monkeypatch.setattr(StandingTerms, "from_bytes", classmethod(decoded))
    consent = await consenting.granted(town)
    watch = consent_pb2.WatchConsentRequest(
        consent=consent.answer.consent, result_token=consent.answer.result_token
    )
    stream = consenting.stub(town).WatchConsent(watch)
    assert (await stream.read()).state == consent_pb2.WatchConsentResponse.STATE_GRANTED
    stream.cancel()
    await town.presentation.CreateExchange(consent.using())
    assert threads
    assert threads[0].startswith("apart")
    assert {each.split("_")[0] for each in threads} == {"apart", "asyncio"}


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
