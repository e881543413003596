"""What is not so, proven as well as a dishonest holder's library can, over a real server: refused."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from disclosure import DisclosureError
from disclosure.composite import (
    CompositeRequest,
    Equal,
    InList,
    NotEqual,
    OneOf,
    ProvenEpoch,
    Sum,
    Term,
    at_least,
    at_most,
)
from disclosure.composite.holding import Usable
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.zkservice.cases_composite import ANSWER
from tests.zkservice.composite_city import BOB, CompositeCity, composite_city, where
from tests.zkservice.stored import dump
from tests.zkservice.support import refusal
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 2], ids=["threads", "processes"])
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


LIES: dict[str, dict[str, Any]] = {
    "a number": {"predicates": (at_least(op("permit.months"), 83),)},
    "a day": {"predicates": (at_most(op("permit.since"), dt.date(2019, 4, 30)),)},
    "one of": {"predicates": (OneOf(op("insurance.district"), ("370102", "370104")),)},
    "not equal": {"predicates": (NotEqual(op("insurance.base"), 812_300),)},
    "equal": {"predicates": (Equal((op("permit.district"), op("insurance.district"))),)},
    "a sum": {
        "predicates": (Sum((Term(op("permit.months"), 1, 60), Term(op("insurance.months"))), minimum=101),)
    },
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_a_lie_is_refused(town: CompositeCity, lie: dict[str, Any]) -> None:
    request = town.request(town.main(**lie))
    await refused_lie(town, request, town.holdings())


async def test_a_code_that_is_not_in_the_list(town: CompositeCity) -> None:
    listed = InList(op("permit.district"), town.districts.table.digest)
    elsewhere = town.holdings(permit=town.held(PERMIT, district="370105"))
    await refused_lie(town, town.request(town.small(predicates=(listed,))), elsewhere)


async def test_credentials_of_two_holders(town: CompositeCity) -> None:
    pooled = town.holdings(insurance=town.held(INSURANCE, BOB))
    await refused_lie(town, town.request(town.main(predicates=())), pooled)


async def test_an_expiry_that_has_passed_in_hiding(town: CompositeCity) -> None:
    old = town.held(PERMIT, expiry=town.today - dt.timedelta(days=1))
    await refused_lie(town, town.request(town.small()), {"permit": old})


async def refused_lie(town: CompositeCity, request: CompositeRequest, holdings: Any) -> None:
    """An honest vault says that it is not so; what a lying one proves is refused, here and in an exchange."""
    with pytest.raises(DisclosureError):
        town.presented(request, holdings=holdings)
    exchange = await town.ask(request)
    answer, note = lied(town, request, holdings)
    submission = town.submission(exchange, answer.presentation, note)
    before = dump(town.city.ready.data)
    for call in (
        town.city.presentation.SubmitPresentation(submission),
        town.verified(town.member(request, answer.presentation)),
    ):
        assert where(await refusal(call)) == ("PROOF_INVALID", f"{ANSWER}.proof")
    assert dump(town.city.ready.data) == before


def lied(town: CompositeCity, request: CompositeRequest, holdings: Any, **options: Any) -> Any:
    """Answer as a holder whose library proves whatever it is told, of credentials that will not do."""
    with pytest.MonkeyPatch.context() as patch:
        lying(patch)
        patch.setattr("disclosure.composite.present.usable", _usable_all_the_same)
        return town.presented(request, holdings=holdings, **options)


def _usable_all_the_same(query: Any, holding: Any, directory: Any, *_: Any) -> Usable:
    issuer = next(each for each in query.issuers if each.key == holding.credential.issuer_key)
    latest = directory.accumulator(issuer.accumulator, field="").latest
    return Usable(issuer, ProvenEpoch(issuer.accumulator, latest.number))


async def test_a_revoked_credential_is_shown_at_old_epochs_only(town: CompositeCity) -> None:
    revoked = town.held(PERMIT, BOB)
    office, held = town.offices["public-security"], town.police
    epoch = await office.revoke(revoked.credential.handle)
    newer = replace(held, epochs={**held.epochs, epoch.number: epoch})
    known = town.directory(
        accumulators={each.accumulator.key.octets: each.published for each in (newer, town.hrss)}
    )
    query = town.query("permit", PERMIT, shown=("name",))
    rule = replace(query.issuers[0].revocation, number=epoch.number)
    recent = replace(query, issuers=(replace(query.issuers[0], revocation=rule),))
    await town.ask(town.request(town.small(queries=(recent,))))  # at once, whatever a judge has kept
    old = town.request(town.small())
    stale = town.presented(old, holdings={"permit": revoked}, secret=BOB)[0].presentation
    assert (await town.verified(town.member(old, stale))).branch == "small", "the request allows that age"
    asked = town.request(town.small(queries=(recent,)))
    answer = replace(stale.answer, request_digest=asked.digest)
    member = town.member(asked, replace(stale, answer=answer))
    assert where(await refusal(town.verified(member))) == ("EPOCH_STALE", f"{ANSWER}.credentials[0].epoch")
    assert revoked.witness is not None
    forged = replace(revoked, witness=replace(revoked.witness, at=epoch.position))
    lie = lied(town, asked, {"permit": forged}, secret=BOB, directory=known)
    member = town.member(asked, lie[0].presentation)
    assert where(await refusal(town.verified(member))) == ("PROOF_INVALID", f"{ANSWER}.proof")


async def test_two_branches_are_not_mixed_into_one_answer(town: CompositeCity) -> None:
    """Whoever fulfils half of each way fulfils none: choices, credentials and proof are of one branch."""
    request = town.request(town.small(id="first"), town.small(id="second", predicates=()))
    first = town.member(request, town.presented(request, "first")[0].presentation)
    second = town.member(request, town.presented(request, "second")[0].presentation)
    for one, other in ((first, second), (second, first)):
        assert (await town.verified(one)).branch == one.composite_presentation.branch
        for fields in (("branch",), ("proof",), ("credentials",), ("branch", "credentials"), ("usage_tag",)):
            mixed = pb.VerifyPresentationRequest()
            mixed.CopyFrom(one)
            for field in fields:
                answer: Any = mixed.composite_presentation
                answer.ClearField(field)
                taken = getattr(other.composite_presentation, field)
                if field == "credentials":
                    mixed.composite_presentation.credentials.extend(taken)
                else:
                    setattr(mixed.composite_presentation, field, taken)
            if mixed == one:
                continue
            error = await refusal(town.city.presentation.VerifyPresentation(mixed))
            assert error.reason in {"PROOF_INVALID", "PRESENTATION_INVALID", "QUERY_MISMATCH"}, fields
