"""A consent that was given for one thing, used for another: refused, and the honest answer still counts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio

from disclosure import Presentation, Request
from tests.attack.target import Target, attacked
from tests.zkservice import consenting
from tests.zkservice.support import new_id
from zkproto.v1 import presentation_pb2

in_module = pytest.mark.asyncio(loop_scope="module")
NOT_ITS_OWN: Final = ("NOT_FOUND", "NOT_FOUND")
"""Whoever shows what is not its own learns no more than that there is nothing."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("consent")) as opened:
        yield opened


async def carried_over(target: Target, given: Request, wanted: Request) -> None:
    """Present for one request, and submit it for another: as it is, and said to be for the other."""
    town = target.city
    own, other = await town.ask(given), await town.ask(wanted)
    presentation, note = town.present(given, target.issued)
    for sent, code, reason in (
        (presentation, "INVALID_ARGUMENT", "REQUEST_MISMATCH"),
        (replace(presentation, request_digest=wanted.digest), "INVALID_ARGUMENT", "PROOF_INVALID"),
    ):
        submission = town.submission(other, sent, note)
        await target.refuses(partial(town.presentation.SubmitPresentation, submission), code, reason)
    answer = await town.presentation.SubmitPresentation(town.submission(own, presentation, note))
    assert answer.receipt, "what the holder has agreed to still counts, once"


@in_module
async def test_a_presentation_is_for_one_verifier(target: Target) -> None:
    town = target.city
    await carried_over(target, town.request("school"), town.request("bank"))


@in_module
async def test_a_presentation_is_for_one_request_of_the_same_verifier(target: Target) -> None:
    """The same question asked again has another nonce."""
    await carried_over(target, target.city.request(), target.city.request())


@in_module
async def test_a_relayed_link_gives_the_relay_nothing(target: Target) -> None:
    """A bank shows the school's link as its own: what comes back is the school's, under its ticket."""
    town = target.city
    schools, banks = town.request("school"), town.request("bank")
    shown, own = await town.ask(schools), await town.ask(banks)
    presentation, note = town.present(schools, target.issued)
    submission = town.submission(shown, presentation, note)
    for alter in ({"exchange": own.exchange}, {"ticket": own.ticket}):
        relayed = type(submission)()
        relayed.CopyFrom(submission)
        for name, value in alter.items():
            setattr(relayed, name, value)
        await target.refuses(partial(town.presentation.SubmitPresentation, relayed), *NOT_ITS_OWN)
    assert (await town.presentation.SubmitPresentation(submission)).receipt
    watch = {"exchange": shown.exchange, "result_token": own.result_token}
    await target.refuses(partial(read_first, target, watch), *NOT_ITS_OWN)


async def read_first(target: Target, watch: dict[str, Any]) -> Any:
    stream = target.city.presentation.WatchExchange(presentation_pb2.WatchExchangeRequest(**watch))
    return await stream.read()


@in_module
async def test_nothing_is_added_to_what_was_consented_to(target: Target) -> None:
    """Neither the service nor whoever stands between adds an attribute, or says another value."""
    town = target.city
    request = town.request()
    exchange = await town.ask(request)
    presentation, note = town.present(request, target.issued)
    part = presentation.credentials[0]

    def showing(**values: Any) -> Presentation:
        shown = replace(part.shown, values={**part.shown.values, **values})
        return replace(presentation, credentials=(replace(part, shown=shown),))

    for sent, reason in (
        (showing(student=False), "QUERY_MISMATCH"),
        (showing(district="370103"), "PROOF_INVALID"),
        (replace(presentation, note_hash=bytes(32)), "NOTE_MISMATCH"),
        (replace(presentation, usage_tag=bytes(48)), "PROOF_INVALID"),
    ):
        submission = town.submission(exchange, sent, note)
        await target.refuses(
            partial(town.presentation.SubmitPresentation, submission), "INVALID_ARGUMENT", reason
        )
    honest = town.submission(exchange, presentation, note)
    assert (await town.presentation.SubmitPresentation(honest)).receipt
    again = town.submission(exchange, *town.present(request, target.issued))
    again.request_id = new_id()
    error = await target.refuses(
        partial(town.presentation.SubmitPresentation, again), "ALREADY_EXISTS", "REPLAYED"
    )
    assert error.detail


@in_module
async def test_a_standing_consent_of_one_verifier_serves_no_other(target: Target) -> None:
    town = target.city
    consent = await consenting.granted(town)
    for request in (town.request("school"), town.request("bank", shown=("district", "student"))):
        await target.refuses(
            partial(town.presentation.CreateExchange, consent.using(request)),
            "INVALID_ARGUMENT",
            "CONSENT_MISMATCH",
        )
    stolen = consent.using()
    stolen.consent_token = (await consenting.granted(town)).answer.result_token
    await target.refuses(partial(town.presentation.CreateExchange, stolen), *NOT_ITS_OWN)
    await consent.withdraw()
    await target.refuses(
        partial(town.presentation.CreateExchange, consent.using()), "FAILED_PRECONDITION", "CONSENT_WITHDRAWN"
    )
