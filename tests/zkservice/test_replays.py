"""The same thing many times at once: one effect, and everybody gets the answer that is theirs."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests.zkservice.stored import change, dump
from tests.zkservice.support import City, Issued, aio_error, city, new_id, present
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.convert import presentation_to
from zkproto.v1 import issuance_pb2, presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
MANY = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("town")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issued(town: City) -> Issued:
    return await town.claim(await town.issue())


async def outcomes(calls: Iterable[Awaitable[Any]]) -> tuple[list[Any], Counter[str]]:
    """Make calls at once; return the answers and how often each reason was given."""
    answers, reasons = [], Counter[str]()
    for each in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(each, grpc.aio.AioRpcError):
            reasons[aio_error(each).reason] += 1
        elif isinstance(each, BaseException):
            raise each
        else:
            answers.append(each)
    return answers, reasons


def rows(town: City, table: str) -> int:
    return len(dump(town.ready.data)[table])


async def test_identical_submissions_at_once_give_one_receipt(town: City, issued: Issued) -> None:
    request = town.request()
    submission = town.submission(await town.ask(request), *town.present(request, issued))
    before = rows(town, "outbox")
    answers, reasons = await outcomes(town.presentation.SubmitPresentation(submission) for _ in range(MANY))
    assert not reasons
    assert len({each.receipt for each in answers}) == 1
    assert rows(town, "outbox") == before + 1
    verify_receipt(answers[0].receipt, Verifier.from_string(town.ready.verifier_key))


async def test_of_different_presentations_for_one_exchange_one_wins(town: City, issued: Issued) -> None:
    request = town.request()
    exchange = await town.ask(request)
    before = rows(town, "outbox")
    answers, reasons = await outcomes(
        [
            town.presentation.SubmitPresentation(town.submission(exchange, *town.present(request, issued)))
            for _ in range(MANY)
        ]
    )
    assert (len(answers), reasons) == (1, {"REPLAYED": MANY - 1})
    assert rows(town, "outbox") == before + 1


async def test_one_usage_tag_for_many_exchanges_counts_once(town: City, issued: Issued) -> None:
    submissions = []
    for _ in range(MANY):
        request = town.request()
        answer = present(request, issued, town.clock(), bytes(range(48)))
        submissions.append(town.submission(await town.ask(request), *answer))
    before = rows(town, "outbox")
    answers, reasons = await outcomes(map(town.presentation.SubmitPresentation, submissions))
    assert (len(answers), reasons) == (1, {"REPLAYED": MANY - 1})
    assert rows(town, "outbox") == before + 1


async def test_one_request_at_once_opens_one_exchange(town: City) -> None:
    message = town.create_exchange(town.request())
    before = rows(town, "exchange")
    answers, reasons = await outcomes(town.presentation.CreateExchange(message) for _ in range(MANY))
    assert not reasons
    assert len({each.SerializeToString(deterministic=True) for each in answers}) == 1
    assert rows(town, "exchange") == before + 1


async def test_one_request_id_at_once_issues_one_credential(town: City) -> None:
    request_id, before = new_id(), rows(town, "offer")
    answers, reasons = await outcomes(town.issue(request_id=request_id) for _ in range(MANY))
    assert not reasons
    assert len({each.SerializeToString(deterministic=True) for each in answers}) == 1
    assert rows(town, "offer") == before + 1


async def test_an_offer_is_given_to_one_of_many_vaults(town: City) -> None:
    offer = await town.issue()
    answers, reasons = await outcomes(
        town.issuance.ClaimCredential(
            issuance_pb2.ClaimCredentialRequest(
                offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
            )
        )
        for _ in range(MANY)
    )
    assert (len(answers), reasons) == (1, {"OFFER_TAKEN": MANY - 1})


async def test_a_key_that_only_verifies_still_verifies(town: City, issued: Issued) -> None:
    name = str(issued.key.name)
    change(town.ready.data, "update issuer_key set state = 'verify-only' where name = ?", name)
    try:
        await town.answered(issued)
    finally:
        change(town.ready.data, "update issuer_key set state = 'active' where name = ?", name)


async def test_verifying_without_state_says_what_was_shown_and_keeps_nothing(
    town: City, issued: Issued
) -> None:
    request = town.request(shown=("since", "fee", "district"))
    presentation, note = town.present(request, issued)
    message = presentation_pb2.VerifyPresentationRequest(
        signed_request=town.create_exchange(request).signed_request,
        presentation=presentation_to(presentation, lambda _: issued.schema),
    )
    before = dump(town.ready.data)
    told = await town.presentation.VerifyPresentation(message)
    assert dump(town.ready.data) == before
    (shown,) = told.credentials
    assert [each.attribute for each in shown.values] == ["district", "since", "fee"]
    assert shown.values[0].value.code == "370102"
    assert shown.values[2].value.WhichOneof("value") is None
    assert told.presentation_digest == presentation.digest
    # Having been verified so is no use: the presentation may still be submitted.
    await town.presentation.SubmitPresentation(town.submission(await town.ask(request), presentation, note))
