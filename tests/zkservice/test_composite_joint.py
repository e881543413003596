"""Sums across two holders at the service: it counts numbers of answers that it has accepted itself, only."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from disclosure import KeyState, ReceiptBody, RefusedError, VerifierName
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    CommittedNumber,
    Compared,
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    EscrowQuery,
    Foreign,
    ForeignNumber,
    HandoverKey,
    HolderSecret,
    Presented,
    PseudonymQuery,
    Sum,
    Term,
    VerifiedComposite,
    VerifierScope,
    hand_over,
    open_part,
    verify_composite,
)
from tests.disclosure.composite import couple
from tests.disclosure.composite.officers import parts_of
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import ALICE, DIRECTORY, HOUSEHOLD, INSURANCE, NOW, SCHOOL_2
from tests.disclosure.world import asked_by
from tests.zkservice.composite_city import BOB, OTHER_SCHOOL, SCHOOL, CompositeCity, composite_city, where
from tests.zkservice.opening import REFERENCE
from tests.zkservice.stored import dump
from tests.zkservice.support import refusal
from tests.zkservice.test_composite_judging import Catalogue, alone, job, member
from tests.zkservice.test_openings import record
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.composite import composite_presentation_to, part_to
from wire.convert import signed_request_to
from zkproto.v1 import publication_pb2
from zkservice.counterparts import MAX_SESSIONS, counterparts, session_name
from zkservice.judging import Judge
from zkservice.knowledge import Knowledge
from zkservice.tasks import Done, MissingError, Names, SessionSupply

HERS, HIS = 812_300, 640_000
NUMBER = "signed_request.branches[0].foreign[0].number"
HOLDER = "signed_request.branches[0].foreign[0].holder"
OCTETS = [bytes([each]) for each in range(MAX_SESSIONS + 1)]
SERVER = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 2], ids=["threads", "processes"])
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


@dataclass
class First:
    """Her answer, which the service has accepted: what her vault keeps, and what its verifier has."""

    town: CompositeCity
    presented: Presented
    verified: VerifiedComposite

    @property
    def number(self) -> CommittedNumber:
        return self.verified.commitments["income"]

    @classmethod
    async def accepted(cls, town: CompositeCity, **changes: Any) -> "First":
        request = town.request(mine(town), **changes)
        answer, note = town.presented(request)
        submission = town.submission(await town.ask(request), answer.presentation, note)
        await town.city.presentation.SubmitPresentation(submission)
        return cls(town, answer, verify_composite(request, answer.presentation, town.directory(), town.now))

    def answered(
        self, request: CompositeRequest, secret: HolderSecret = BOB, base: int = HIS
    ) -> tuple[CompositePresentation, bytes]:
        """Answer with the number that her vault hands over for a request."""
        key, town = HandoverKey.generate(), self.town
        sealed = hand_over(self.presented.kept["income"], request, "ours", key.public, town.now)
        openings = {"spouse": key.receive(sealed, request, "ours", "spouse")}
        held = {
            "insurance": town.held(INSURANCE, secret, base=base),
            "household": town.held(HOUSEHOLD, secret),
        }
        answer, note = town.presented(request, holdings=held, secret=secret, openings=openings)
        return answer.presentation, note


def mine(town: CompositeCity, **changes: Any) -> Branch:
    fields: dict[str, Any] = {
        "id": "mine",
        "queries": (town.query("insurance", INSURANCE), town.query("household", HOUSEHOLD)),
        "pseudonyms": (
            PseudonymQuery("me", VerifierScope("support")),
            PseudonymQuery("home", VerifierScope("support"), op("household.child_secret")),
        ),
        "commitments": (CommitmentQuery("income", op("insurance.base")),),
    }
    return Branch(**(fields | changes))


def ours(town: CompositeCity, *numbers: CommittedNumber, total: int = HERS + HIS, **changes: Any) -> Branch:
    names = ["spouse", *(f"other{index}" for index in range(1, len(numbers)))]
    foreign = tuple(
        ForeignNumber(name, each, Compared("me", "me"), (Compared("home", "home"),))
        for name, each in zip(names, numbers, strict=True)
    )
    terms = (Term(op("insurance.base")), *(Term(Foreign(each)) for each in names))
    fields: dict[str, Any] = {
        "id": "ours",
        "predicates": (Sum(terms, minimum=total),),
        "digits": town.digits.table.digest,
        "commitments": (),
        "foreign": foreign,
    }
    return mine(town, **(fields | changes))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hers(town: CompositeCity) -> First:
    return await First.accepted(town)


@SERVER
async def test_a_sum_of_what_two_holders_have_is_accepted(town: CompositeCity, hers: First) -> None:
    request = town.request(ours(town, hers.number))
    exchange = await town.ask(request)
    presentation, note = hers.answered(request)
    submission = town.submission(exchange, presentation, note)
    stored = await town.city.presentation.SubmitPresentation(submission)
    assert await town.city.presentation.SubmitPresentation(submission) == stored
    member = town.member(request, presentation)
    said = await town.verified(member)
    own = verify_composite(request, presentation, town.directory(), town.now, (hers.verified,))
    assert (said.presentation_digest, said.branch) == (own.digest, "ours")
    (verdict, plain) = await town.batch(member, town.good())
    assert verdict.verified == said
    assert plain.HasField("verified")
    copied = town.submission(exchange, presentation, note)
    assert where(await refusal(town.city.presentation.SubmitPresentation(copied)))[0] == "REPLAYED"


@SERVER
async def test_the_verifier_is_told_the_commitments(town: CompositeCity, hers: First) -> None:
    request = town.request(mine(town))
    said = await town.verified(town.member(request, presentation := town.presented(request)[0].presentation))
    own = verify_composite(request, presentation, town.directory(), town.now)
    assert [(each.id, each.commitment) for each in said.commitments] == [
        ("income", own.commitments["income"].K)
    ]
    assert len(said.commitments[0].commitment) == 48


@SERVER
async def test_one_person_for_two_is_refused_and_leaves_nothing(town: CompositeCity, hers: First) -> None:
    request = town.request(ours(town, hers.number))
    exchange = await town.ask(request)
    presentation, note = hers.answered(request, ALICE, HERS)
    before = dump(town.city.ready.data)
    error = await refusal(
        town.city.presentation.SubmitPresentation(town.submission(exchange, presentation, note))
    )
    assert where(error) == ("UNSATISFIED", HOLDER)
    assert dump(town.city.ready.data) == before


@SERVER
async def test_a_number_that_was_never_accepted_here_is_not_counted(town: CompositeCity, hers: First) -> None:
    asked = town.request(mine(town))  # answered, and never sent
    unsent = verify_composite(asked, town.presented(asked)[0].presentation, town.directory(), town.now)
    await town.ask(opened := town.request(mine(town)))  # opened, and not answered
    number = hers.number
    for wrong in (
        unsent.commitments["income"],
        replace(number, request=opened.digest),
        replace(number, presentation=bytes(32)),
        replace(number, K=unsent.commitments["income"].K),
        replace(number, id="other"),
        replace(number, minimum=number.minimum + 1),
        replace(number, departments=(*number.departments, replace(number.departments[0], department="tax"))),
    ):
        request = town.request(ours(town, wrong, total=1))
        before = dump(town.city.ready.data)
        assert where(await refusal(town.ask(request))) == ("COMMITMENT_INVALID", NUMBER)
        assert dump(town.city.ready.data) == before
        member = town.member(request, replace(good := town.presented(asked)[0].presentation, answer=replace(
            good.answer, branch="ours", request_digest=request.digest)))  # fmt: skip
        assert where(await refusal(town.verified(member))) == ("COMMITMENT_INVALID", NUMBER)


@SERVER
async def test_a_number_for_another_verifier_is_not_counted(town: CompositeCity, hers: First) -> None:
    theirs = await First.accepted(town, verifier=VerifierName(OTHER_SCHOOL))
    error = await refusal(town.ask(town.request(ours(town, theirs.number))))
    assert where(error) == ("PREDICATE_INVALID", f"{NUMBER}.verifier")
    claimed = replace(theirs.number, verifier=VerifierName(SCHOOL))
    error = await refusal(town.ask(town.request(ours(town, claimed))))
    assert where(error) == ("COMMITMENT_INVALID", NUMBER)


@SERVER
async def test_a_number_goes_back_to_an_answer_that_stands_by_itself(
    town: CompositeCity, hers: First
) -> None:
    request = town.request(
        ours(town, hers.number, commitments=(CommitmentQuery("income", op("insurance.base")),))
    )
    presentation, note = hers.answered(request)
    submission = town.submission(await town.ask(request), presentation, note)
    await town.city.presentation.SubmitPresentation(submission)
    his = verify_composite(request, presentation, town.directory(), town.now, (hers.verified,))
    error = await refusal(town.ask(town.request(ours(town, his.commitments["income"]))))
    assert where(error) == ("COMMITMENT_INVALID", NUMBER)


@SERVER
async def test_a_request_counts_numbers_of_so_many_sessions(town: CompositeCity, hers: First) -> None:
    number = hers.number
    numbers = [replace(number, request=32 * octet, presentation=32 * octet, K=48 * octet) for octet in OCTETS]
    branches = [ours(town, each, id=f"b{index}") for index, each in enumerate(numbers[:7])]
    branches.append(ours(town, *numbers[7:], id="b7"))
    error = await refusal(town.ask(town.request(*branches)))
    assert where(error) == ("REQUEST_INVALID", "signed_request")


@SERVER
async def test_an_escrow_beside_a_sum_is_opened_and_recorded(town: CompositeCity, hers: First) -> None:
    escrow = EscrowQuery("who", op("insurance.number"), town.regulator_key.digest)
    request = town.request(ours(town, hers.number, escrows=(escrow,)))
    presentation, note = hers.answered(request)
    submission = town.submission(await town.ask(request), presentation, note)
    receipt = (await town.city.presentation.SubmitPresentation(submission)).receipt
    log = Verifier.from_string(town.city.ready.verifier_key)
    moment = ReceiptBody.from_bytes(verify_receipt(receipt, log).opening.body).verified
    claim = CompositeClaim(request, presentation, town.directory(), moment, (hers.verified,))
    parts = parts_of(town.officers, claim, "who", REFERENCE)
    asked = publication_pb2.RecordOpeningRequest(
        signed_request=signed_request_to(town.sign(request)),
        presentation=submission.composite_presentation,
        receipt=receipt,
        escrow="who",
        reference=REFERENCE,
        parts=map(part_to, parts),
    )
    assert (await record(town, asked)).entry_index > 0
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        open_part(town.officers[0], replace(claim, others=()), "who", REFERENCE)


# --- one judge, with the sessions that it is told


SESSION = session_name(str(couple.FIRST.verifier), couple.FIRST.digest)


def supplied(presentation: CompositePresentation, accepted: dt.datetime = NOW) -> SessionSupply:
    message = composite_presentation_to(presentation, DIRECTORY.schema)
    return SessionSupply(couple.FIRST.canonical, message.SerializeToString(), accepted)


@pytest.fixture
def catalogue() -> Catalogue:
    found = Catalogue()
    found.sessions[SESSION] = supplied(couple.hers().presented.presentation)
    return found


def test_a_judge_asks_for_the_first_session_once(catalogue: Catalogue) -> None:
    judge = Judge()
    work = job(member(couple.ours(), couple.his()))
    assert isinstance(alone(judge, catalogue, work), Done)
    assert [each.sessions for each in catalogue.asked if each.sessions] != []
    catalogue.asked.clear()
    assert isinstance(alone(judge, catalogue, work), Done)
    assert [each.sessions for each in catalogue.asked if each.sessions] == []


def test_what_was_verified_for_one_verifier_counts_for_no_other(catalogue: Catalogue) -> None:
    """A judge keeps the answer that it has verified; another verifier's request can still not count it."""
    knowledge, request = Knowledge(), couple.ours()

    def counted(asked: CompositeRequest) -> tuple[VerifiedComposite, ...]:
        needed = Names()
        for _ in range(5):
            try:
                return counterparts(asked, asked.branches, knowledge.told(catalogue(needed)))
            except MissingError as error:
                needed |= error.names
        raise AssertionError("no end")

    assert counted(request) == (couple.hers().verified,)
    assert counted(asked_by(request, SCHOOL_2)) == ()
    foreign = session_name(str(SCHOOL_2), couple.FIRST.digest)
    assert catalogue.asked[-1].sessions == {foreign}, "nothing of another verifier's is asked for"


def test_a_judge_believes_no_store_that_something_was_verified(catalogue: Catalogue) -> None:
    work = job(member(couple.ours(), couple.his()))
    first = couple.hers().presented.presentation
    for presentation, accepted in (
        (replace(first, proof=first.proof[:-1] + bytes([first.proof[-1] ^ 1])), NOW),
        (replace(first, proof=first.proof[:-1]), NOW),
        (couple.committed().presented.presentation, NOW),
        (first, NOW - dt.timedelta(days=400)),
    ):
        catalogue.sessions[SESSION] = supplied(presentation, accepted)
        outcome = alone(Judge(), catalogue, work)
        assert isinstance(outcome, RefusedError)
        assert (outcome.reason, outcome.field) == ("COMMITMENT_INVALID", NUMBER)
    catalogue.sessions.clear()
    outcome = alone(judge := Judge(), catalogue, work)
    assert isinstance(outcome, RefusedError)
    assert outcome.reason == "COMMITMENT_INVALID"
    # That there was none is not remembered: the next may have come meanwhile.
    catalogue.sessions[SESSION] = supplied(first)
    assert isinstance(alone(judge, catalogue, work), Done)


def test_a_key_that_was_retired_since_the_first_answer_was_in_use(catalogue: Catalogue) -> None:
    catalogue.states = {str(name): KeyState.RETIRED for name in DIRECTORY.issuer_keys}
    needed, request = Names(), couple.ours()
    for _ in range(5):
        try:
            found = counterparts(request, request.branches, Knowledge().told(catalogue(needed)))
        except MissingError as error:
            needed |= error.names
    assert found == (couple.hers().verified,)
    outcome = alone(Judge(), catalogue, job(member(request, couple.his())))
    assert isinstance(outcome, RefusedError)  # his own key is in use no more
    assert (outcome.reason, outcome.field) == (
        "ISSUER_KEY_RETIRED", "composite_presentation.credentials[0].issuer_key",
    )  # fmt: skip
