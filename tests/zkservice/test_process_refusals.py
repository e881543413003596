"""A server whose workers are processes refuses what one with threads refuses, and says the same of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.zkservice import (
    cases_composite_issuance,
    cases_issuance,
    cases_presentation,
    cases_request,
    processes,
)
from tests.zkservice.batching import Member
from tests.zkservice.refusing import Case, Town, furnished, try_case
from tests.zkservice.stored import change
from tests.zkservice.support import City, refusal
from zkservice.knowledge import KEY_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
CASES: Final[list[Case]] = [
    *cases_presentation.CASES,
    *cases_issuance.CASES,
    *cases_composite_issuance.CASES,
    *cases_request.CASES,
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with furnished(tmp_path_factory.mktemp("town"), processes=2) as opened:
        assert (len(processes.workers("judge")), len(processes.workers("signer"))) == (2, 2)
        yield opened


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_refusal_is_that_of_a_server_with_threads(town: Town, case: Case) -> None:
    await try_case(town, case)


async def test_a_retired_key_stops_within_its_seconds(town: Town) -> None:
    department, folder = "departments/old", town.city.ready.data
    message = Member()
    request = town.city.request(schema=town.retired.schema.name)
    submission = await _submission(town.city, request, town.retired)
    message.signed_request.CopyFrom(town.city.create_exchange(request).signed_request)
    message.presentation.CopyFrom(submission.presentation)
    change(folder, "update issuer_key set state = 'active' where department = ?", department)
    try:
        await asyncio.sleep(KEY_SECONDS)
        await town.city.presentation.VerifyPresentation(message)
    finally:
        change(folder, "update issuer_key set state = 'retired' where department = ?", department)
    await asyncio.sleep(KEY_SECONDS)
    for _ in range(4):  # whichever judge is asked
        error = await refusal(town.city.presentation.VerifyPresentation(message))
        assert error.reason == "ISSUER_KEY_RETIRED"


async def _submission(town: City, request: Any, issued: Any) -> Any:
    return town.submission(await town.ask(request), *town.present(request, issued))
