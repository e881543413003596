"""Pairing codes: a link that was forwarded fetches nothing, and guessing closes the exchange."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.zkservice.cases_policies import close, closed, fetching, paired, wrong_code
from tests.zkservice.consenting import a_note
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, new_id, refusal, reopened
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
Watch = presentation_pb2.WatchExchangeResponse


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("town")) as opened:
        yield opened


async def states(town: City, exchange: Any) -> list[Any]:
    asked = presentation_pb2.WatchExchangeRequest(
        exchange=exchange.exchange, result_token=exchange.result_token
    )
    return [each.state async for each in town.presentation.WatchExchange(asked)]


async def test_the_code_is_the_verifier_s_alone_and_fetches_the_request(town: City) -> None:
    request = town.request()
    message = town.create_exchange(request)
    message.pairing = True
    opened = await town.presentation.CreateExchange(message)
    assert len(opened.pairing_code) == 6
    assert opened.pairing_code.isdecimal()
    assert opened.pairing_code not in opened.exchange + opened.ticket
    assert await town.presentation.CreateExchange(message) == opened, "the same call, the same code"
    for _ in range(2):
        fetched = await town.presentation.FetchRequest(fetching(opened, opened.pairing_code))
        assert fetched.signed_request == message.signed_request


async def test_an_exchange_without_pairing_has_no_code_and_takes_none(town: City) -> None:
    opened = await town.ask(town.request())
    assert opened.pairing_code == ""
    assert (await town.presentation.FetchRequest(fetching(opened))).HasField("signed_request")


async def test_codes_of_two_exchanges_are_apart(town: City) -> None:
    codes = [(await paired(town)).pairing_code for _ in range(8)]
    assert len(set(codes)) > 6
    one, other = await paired(town), await paired(town)
    if one.pairing_code != other.pairing_code:
        error = await refusal(town.presentation.FetchRequest(fetching(one, other.pairing_code)))
        assert error.reason == "PAIRING_WRONG"


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "１２３４５６", "票", "x" * 1000])
async def test_what_is_no_code_is_a_wrong_one(town: City, code: str) -> None:
    opened = await paired(town)
    error = await refusal(town.presentation.FetchRequest(fetching(opened, code)))
    assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "PAIRING_WRONG")
    assert [each.field for each in error.violations] == ["pairing_code"]


async def test_five_wrong_codes_close_the_exchange_for_the_right_one_too(town: City) -> None:
    opened = await closed(town)
    for code in (opened.pairing_code, wrong_code(opened.pairing_code), ""):
        error = await refusal(town.presentation.FetchRequest(fetching(opened, code)))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "PAIRING_FAILED")
    assert await states(town, opened) == [Watch.STATE_PAIRING_FAILED]


async def test_four_wrong_codes_close_nothing(town: City) -> None:
    opened = await paired(town)
    for number in range(1, 5):
        wrong = fetching(opened, wrong_code(opened.pairing_code, number))
        assert (await refusal(town.presentation.FetchRequest(wrong))).reason == "PAIRING_WRONG"
    assert await town.presentation.FetchRequest(fetching(opened, opened.pairing_code))
    wrong = fetching(opened, wrong_code(opened.pairing_code, 5))
    assert (await refusal(town.presentation.FetchRequest(wrong))).reason == "PAIRING_WRONG"
    error = await refusal(town.presentation.FetchRequest(fetching(opened, opened.pairing_code)))
    assert error.reason == "PAIRING_FAILED", "a right one in between gives no more guesses"


async def test_asking_for_the_code_costs_no_guess(town: City) -> None:
    opened = await paired(town)
    before = dump(town.ready.data)["pairing"]
    for _ in range(8):
        assert (await refusal(town.presentation.FetchRequest(fetching(opened)))).reason == "PAIRING_REQUIRED"
    assert dump(town.ready.data)["pairing"] == before


async def test_guesses_that_are_sent_at_once_are_no_more_than_five(town: City) -> None:
    """Forty callers at once, the right code last: each guess is counted before it is answered."""
    opened = await paired(town)
    codes = [wrong_code(opened.pairing_code, number) for number in range(1, 40)]
    calls = [town.presentation.FetchRequest(fetching(opened, each)) for each in codes]
    reasons = [each.reason for each in await asyncio.gather(*(refusal(call) for call in calls))]
    assert reasons.count("PAIRING_WRONG") == 5
    assert reasons.count("PAIRING_FAILED") == len(codes) - 5
    error = await refusal(town.presentation.FetchRequest(fetching(opened, opened.pairing_code)))
    assert error.reason == "PAIRING_FAILED"


async def test_whoever_watches_is_told_at_once_that_the_exchange_was_closed(town: City) -> None:
    opened = await paired(town)
    watching = asyncio.create_task(states(town, opened))
    await asyncio.sleep(0.1)
    assert not watching.done()
    await close(town, opened)
    assert await asyncio.wait_for(watching, 2) == [Watch.STATE_PENDING, Watch.STATE_PAIRING_FAILED]


async def test_a_restart_gives_no_more_guesses_and_keeps_no_code(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        opened = await paired(town)
        for number in range(1, 5):
            wrong = fetching(opened, wrong_code(opened.pairing_code, number))
            await refusal(town.presentation.FetchRequest(wrong))
    rows = repr(dump(tmp_path))
    assert opened.pairing_code not in rows.replace(opened.exchange, "")
    async with reopened(tmp_path) as town:
        wrong = fetching(opened, wrong_code(opened.pairing_code, 5))
        assert (await refusal(town.presentation.FetchRequest(wrong))).reason == "PAIRING_WRONG"
        error = await refusal(town.presentation.FetchRequest(fetching(opened, opened.pairing_code)))
        assert error.reason == "PAIRING_FAILED"


async def test_what_was_fetched_before_is_not_answered_once_it_is_closed(town: City) -> None:
    """Whoever closes it with wrong codes has had the link: nobody's answer counts then."""
    issued = await town.claim(await town.issue())
    request = town.request()
    message = town.create_exchange(request)
    message.pairing = True
    opened = await town.presentation.CreateExchange(message)
    await town.presentation.FetchRequest(fetching(opened, opened.pairing_code))
    submission = town.submission(opened, *town.present(request, issued))
    submission.request_id = new_id()
    await close(town, opened)
    error = await refusal(town.presentation.SubmitPresentation(submission))
    assert error.reason == "PAIRING_FAILED"
    assert await states(town, opened) == [Watch.STATE_PAIRING_FAILED]


async def test_what_wrong_codes_have_closed_is_not_declined(town: City) -> None:
    """Its verifier was told how it ended: nothing comes after that, on the ledger neither."""
    opened = await closed(town)
    before = dump(town.ready.data)
    message = presentation_pb2.DeclineExchangeRequest(
        exchange=opened.exchange,
        ticket=opened.ticket,
        why=presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
        holder_note=a_note(),
        request_id=new_id(),
    )
    error = await refusal(town.presentation.DeclineExchange(message))
    assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "PAIRING_FAILED")
    assert dump(town.ready.data) == before
    assert await states(town, opened) == [Watch.STATE_PAIRING_FAILED]


async def test_an_answer_that_was_accepted_stays_whatever_is_guessed_after(town: City) -> None:
    issued = await town.claim(await town.issue())
    request = town.request()
    message = town.create_exchange(request)
    message.pairing = True
    opened = await town.presentation.CreateExchange(message)
    submission = town.submission(opened, *town.present(request, issued))
    await town.presentation.SubmitPresentation(submission)
    wrong = fetching(opened, wrong_code(opened.pairing_code))
    assert (await refusal(town.presentation.FetchRequest(wrong))).reason == "EXCHANGE_ANSWERED"
    assert await states(town, opened) == [Watch.STATE_VERIFIED]
