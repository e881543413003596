"""Judge, composite form: what it asks for and when, what it keeps, and that verdicts do not depend on it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from disclosure import KeyState, SignedRequest, VerifierName, sign_request
from disclosure.composite import (
    Branch,
    CompositeRequest,
    OldestEpoch,
    ProvenEpoch,
    PublishedCodeList,
    at_least,
    verify_composite_batch,
)
from tests.disclosure.composite.policy import MAIN, OTHER, REQUEST, good, holdings, op
from tests.disclosure.composite.world import (
    DIRECTORY,
    NOW,
    PERMIT,
    POLICE,
    PURPOSE,
    SCHEMAS,
    SCHOOL,
    SCHOOL_2,
    VERIFIER_KEYS,
    accepted,
    held,
    presented,
    query,
    request,
)
from tests.zkservice.allowing import allowed, any_policy, scopes_of
from tests.zkservice.composite_city import SCOPES
from tests.zkservice.test_judging import KEY as PLAIN_KEY
from tests.zkservice.test_judging import NOW as PLAIN_NOW
from tests.zkservice.test_judging import Catalogue as PlainCatalogue
from tests.zkservice.test_judging import Stopwatch, reason
from tests.zkservice.test_judging import job as plain_job
from tests.zkservice.test_judging import member as plain_member
from wire.composite import composite_presentation_to
from wire.convert import signed_request_to
from zkproto.v1 import presentation_pb2 as pb
from zkservice.composite_judging import OpenedRequest
from zkservice.judging import Judge, Judgement, Matter
from zkservice.knowledge import KEY_SECONDS, epoch_name, epoch_of_name
from zkservice.tasks import (
    MAX_NAMES,
    Done,
    EpochSupply,
    Missing,
    Names,
    Outcome,
    SessionSupply,
    Supplies,
    TableSupply,
)

NAME: Final = str(SCHOOL)
SMALL: Final = request(OTHER)


def _table(published: Any) -> TableSupply:
    listed = isinstance(published, PublishedCodeList)
    return TableSupply(
        published.owner,
        published.code_system if listed else "",
        published.codes if listed else (),
        published.table.octets,
    )


POLICIES = {
    str(name): allowed(
        name,
        SCHEMAS,
        PURPOSE,
        regulators=DIRECTORY.regulators,
        lists=DIRECTORY.code_lists,
        scopes=scopes_of(SCOPES, ("enrolment-2026", ("school-3", "school-4"))),
    ).canonical
    for name in map(any_policy, VERIFIER_KEYS)
}
"""What each of the world's verifiers may ask."""


@dataclass
class Catalogue:
    """The world's directory as a catalogue, and what was asked for."""

    without: Names = field(default_factory=Names)
    states: dict[str, KeyState] = field(default_factory=dict)
    asked: list[Names] = field(default_factory=list)
    sessions: dict[str, SessionSupply] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)

    def __call__(self, names: Names) -> Supplies:
        self.asked.append(names)
        tables: dict[bytes, Any] = {**DIRECTORY.digits, **DIRECTORY.code_lists}
        keys = {str(name): each for name, each in DIRECTORY.issuer_keys.items()}
        everything: tuple[dict[str, Any], ...] = (
            {str(name): each for name, each in DIRECTORY.verifiers.items()},
            {str(name): each.canonical for name, each in DIRECTORY.schemas.items()},
            {name: replace(each, state=self.states.get(name, each.state)) for name, each in keys.items()},
            {digest.hex(): _table(each) for digest, each in tables.items()},
            {digest.hex(): each for digest, each in DIRECTORY.regulators.items()},
            {
                epoch_name(key, number): EpochSupply(each.owner, str(each.key.suite), epoch.octets)
                for key, each in DIRECTORY.accumulators.items()
                for number, epoch in each.epochs.items()
            },
            self.sessions,
            {digest.hex(): len(each.table.octets) for digest, each in tables.items()} | self.lengths,
            POLICIES,
        )
        told = [
            {name: None if name in without else found.get(name) for name in wanted}
            for found, wanted, without in zip(everything, names.kinds(), self.without.kinds(), strict=True)
        ]
        return Supplies(told[0], told[1], told[2], {}, told[3], told[4], told[5], told[6], told[7], told[8])


def signed(asked: CompositeRequest = REQUEST, by: VerifierName = SCHOOL) -> SignedRequest:
    return sign_request(asked, VERIFIER_KEYS[by])


def member(
    asked: CompositeRequest = REQUEST, presentation: Any = None, by: VerifierName = SCHOOL
) -> pb.VerifyPresentationRequest:
    return pb.VerifyPresentationRequest(
        signed_request=signed_request_to(signed(asked, by)),
        composite_presentation=composite_presentation_to(presentation or good(), DIRECTORY.schema),
    )


def job(message: Any, *, opened: bool = False, matter: Matter = Matter.PRESENTATION) -> Judgement:
    return Judgement(message.SerializeToString(), NOW, opened, matter=matter)


def asking(asked: CompositeRequest) -> Judgement:
    return job(signed_request_to(signed(asked)), matter=Matter.REQUEST)


def judged(judge: Judge, catalogue: Catalogue, *jobs: Judgement) -> list[Outcome]:
    """Have jobs judged as the desk does: with all that each missed so far, until nothing is missing."""
    outcomes, needed = judge.work(jobs, Supplies()), [Names() for _ in jobs]
    for _ in range(5):
        missing = {place: each for place, each in enumerate(outcomes) if isinstance(each, Missing)}
        if not missing:
            return outcomes
        for place, each in missing.items():
            needed[place] |= each.names
        supplies = catalogue(Names.union(needed[place] for place in missing))
        again = judge.work([jobs[place] for place in missing], supplies)
        for place, outcome in zip(missing, again, strict=True):
            outcomes[place] = outcome
    raise AssertionError("no end")


def alone(judge: Judge, catalogue: Catalogue, work: Judgement) -> Outcome:
    return judged(judge, catalogue, work)[0]


def test_a_cold_judge_asks_for_the_verifier_and_then_for_all_of_one_branch() -> None:
    judge, catalogue = Judge(), Catalogue()
    assert isinstance(alone(judge, catalogue, job(member())), Done)
    first, lengths, second = catalogue.asked
    assert first == Names(verifiers=frozenset({NAME}))
    assert lengths == first | Names(lengths=second.tables), "what tables would take, before any is loaded"
    assert second.verifiers == {NAME, str(SCHOOL_2)}, "the members of a joint scope"
    assert len(second.schemas) == 4
    assert len(second.issuer_keys) == 3
    assert len(second.tables) == 5
    assert len(second.regulators) == 1
    numbers = {epoch_of_name(each)[1] for each in second.epochs}
    assert numbers == {0, 1, 2}, "the first, the oldest that is asked for, the one that was chosen"
    assert isinstance(alone(judge, catalogue, job(member())), Done)
    assert len(catalogue.asked) == 3, "what is kept is asked for again"


def test_an_answer_to_one_branch_has_nothing_of_another_looked_up() -> None:
    catalogue = Catalogue()
    other = presented(REQUEST, {"permit": held(PERMIT)}, branch="other")
    assert isinstance(alone(Judge(), catalogue, job(member(presentation=other))), Done)
    assert len(catalogue.asked[-1].schemas) == 1
    assert not catalogue.asked[-1].regulators


def test_without_a_verifiers_signature_nothing_is_looked_up() -> None:
    catalogue = Catalogue()
    outcome = alone(Judge(), catalogue, job(member(by=SCHOOL_2)))
    assert reason(outcome)[0] == "REQUEST_SIGNATURE_INVALID"
    assert catalogue.asked == [Names(verifiers=frozenset({NAME}))]


def test_a_request_whose_signature_did_not_hold_is_not_taken_for_one_whose_did() -> None:
    judge, catalogue = Judge(), Catalogue()
    for _ in range(2):
        assert isinstance(alone(judge, catalogue, job(member())), Done)
        assert reason(alone(judge, catalogue, job(member(by=SCHOOL_2))))[0] == "REQUEST_SIGNATURE_INVALID"


def test_what_was_opened_when_it_was_stored_needs_no_verifier() -> None:
    catalogue, message = Catalogue(), member(SMALL, presented(SMALL, {"permit": held(PERMIT)}))
    message.signed_request.signature = bytes(64)
    assert isinstance(alone(Judge(), catalogue, job(message, opened=True)), Done)
    assert not any(each.verifiers for each in catalogue.asked)
    again = alone(Judge(), catalogue, job(message))
    assert reason(again)[0] == "REQUEST_SIGNATURE_INVALID"


def test_an_answer_to_another_request_has_nothing_looked_up() -> None:
    catalogue, message = Catalogue(), member(SMALL)
    outcome = alone(Judge(), catalogue, job(message, opened=True))
    assert reason(outcome) == ("REQUEST_MISMATCH", "composite_presentation.request_digest")
    assert catalogue.asked == []


def test_an_epoch_of_an_accumulator_that_was_not_asked_for_is_not_looked_up() -> None:
    catalogue, answer = Catalogue(), good().answer
    foreign = replace(answer.credentials[0], epoch=ProvenEpoch(bytes(96), 5))
    changed = replace(good(), answer=replace(answer, credentials=(foreign, *answer.credentials[1:])))
    outcome = alone(Judge(), catalogue, job(member(presentation=changed)))
    assert reason(outcome)[0] == "QUERY_MISMATCH"
    assert not any(epoch_of_name(each)[1] == 5 for names in catalogue.asked for each in names.epochs)


FORGET: Final[dict[str, tuple[Callable[[Names], Names], str]]] = {
    "verifier": (lambda _: Names(verifiers=frozenset({NAME})), "VERIFIER_UNKNOWN"),
    "member": (lambda _: Names(verifiers=frozenset({str(SCHOOL_2)})), "REQUEST_SIGNATURE_INVALID"),
    "schemas": (lambda each: Names(schemas=each.schemas), "SCHEMA_UNKNOWN"),
    "keys": (lambda each: Names(issuer_keys=each.issuer_keys), "ISSUER_KEY_UNKNOWN"),
    "tables": (lambda each: Names(tables=each.tables), "TABLE_UNKNOWN"),
    "regulators": (lambda each: Names(regulators=each.regulators), "REGULATOR_UNKNOWN"),
    "epochs": (lambda each: Names(epochs=each.epochs), "EPOCH_UNKNOWN"),
    "newer epochs": (
        lambda each: Names(epochs=frozenset(name for name in each.epochs if not name.endswith("/0"))),
        "EPOCH_UNKNOWN",
    ),
    "the chosen epoch": (
        lambda each: Names(epochs=frozenset(name for name in each.epochs if name.endswith("/2"))),
        "EPOCH_UNKNOWN",
    ),
}


@pytest.mark.parametrize(("forget", "expected"), FORGET.values(), ids=FORGET.keys())
def test_what_is_not_published_is_refused_and_not_remembered(
    forget: Callable[[Names], Names], expected: str
) -> None:
    full = Catalogue()
    alone(Judge(), full, job(member()))
    judge, without = Judge(), Catalogue(forget(full.asked[-1]))
    for _ in range(2):
        assert reason(alone(judge, without, job(member())))[0] == expected
    assert isinstance(alone(judge, Catalogue(), job(member())), Done), "published meanwhile"


def test_a_key_that_was_retired_stops_within_its_seconds() -> None:
    clock, catalogue, message = Stopwatch(), Catalogue(), job(member())
    judge = Judge(clock)
    assert isinstance(alone(judge, catalogue, message), Done)
    catalogue.states[str(POLICE.key.name)] = KeyState.RETIRED
    clock.seconds += KEY_SECONDS * 0.9
    assert isinstance(alone(judge, catalogue, message), Done)
    clock.seconds += KEY_SECONDS * 0.2
    outcome = alone(judge, catalogue, message)
    assert reason(outcome) == ("ISSUER_KEY_RETIRED", "composite_presentation.credentials[0].issuer_key")
    refused = alone(judge, catalogue, asking(REQUEST))
    assert reason(refused) == ("ISSUER_KEY_RETIRED", "signed_request.branches[0].queries[0].issuers[0].key")


def test_an_epoch_that_was_made_just_now_counts_at_once() -> None:
    """No age is kept: what a request names is asked for by its number, whatever was the newest before."""
    judge, without = Judge(), Catalogue()
    newest = epoch_name(POLICE.accumulator.key.octets, 2)
    without.without = Names(epochs=frozenset({newest}))
    issuer = accepted(POLICE, revocation=OldestEpoch(POLICE.accumulator.key.octets, 2))
    asked = request(Branch("b", (query("permit", PERMIT, issuers=(issuer,)),)))
    assert reason(alone(judge, without, asking(asked)))[0] == "EPOCH_UNKNOWN"
    assert isinstance(alone(judge, Catalogue(), asking(asked)), Done)


def test_a_judge_that_keeps_nothing_comes_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCHEMAS", "TABLES", "KEYS", "REQUESTS"):
        monkeypatch.setattr(f"zkservice.knowledge._KEPT_{name}", 0)
    forgetful, catalogue = Judge(), Catalogue()
    jobs = [job(member()), job(member(by=SCHOOL_2)), asking(REQUEST), job(member())]
    for _ in range(2):
        one, bad, asked, two = judged(forgetful, catalogue, *jobs)
        assert isinstance(one, Done)
        assert one == two
        assert isinstance(asked, Done)
        assert reason(bad)[0] == "REQUEST_SIGNATURE_INVALID"
    knowledge = forgetful._knowledge
    for kept in (knowledge._tables, knowledge._epochs, knowledge._requests, knowledge._regulators):
        assert len(kept._things) == 0


def test_a_request_is_opened_for_what_it_says() -> None:
    outcome = alone(Judge(), Catalogue(), asking(REQUEST))
    assert isinstance(outcome, Done)
    opened = OpenedRequest.from_bytes(outcome.octets)
    schemas = [schema for each in REQUEST.branches for query in each.queries for schema in query.schemas]
    asked = tuple(sorted({f"departments/{schema.department}" for schema in schemas}))
    assert opened == OpenedRequest(SCHOOL, REQUEST.digest, REQUEST.expires, asked, any_policy(SCHOOL))
    late = replace(asking(REQUEST), moment=NOW + dt.timedelta(days=1))
    assert reason(alone(Judge(), Catalogue(), late)) == ("REQUEST_EXPIRED", "")


def test_a_request_that_names_too_much_is_refused_before_anything_is_looked_up() -> None:
    """Distinct tables and epochs without end: 16 issuers to a query, 16 queries to a branch."""
    names = iter(range(1 << 20))

    def issuer(key: Any) -> Any:
        at = OldestEpoch(next(names).to_bytes(96), 7)
        return replace(accepted(POLICE), key=key, digits=next(names).to_bytes(32), revocation=at)

    def branch(name: str) -> Branch:
        queries = tuple(
            query(f"q{at}", PERMIT, issuers=tuple(issuer(POLICE.key.name) for _ in range(16)))
            for at in range(10)
        )
        return Branch(name, queries)

    greedy = request(branch("b"))
    catalogue = Catalogue()
    outcome = alone(Judge(), catalogue, asking(greedy))
    assert reason(outcome) == ("REQUEST_INVALID", "signed_request")
    assert len(catalogue.asked) == 1
    assert len(catalogue.asked[0]) == 1
    assert MAX_NAMES < 16 * 10 * 4


def test_a_batch_of_both_forms_is_verified_once_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def counting(claims: Any) -> Any:
        sizes.append(len(claims))
        return verify_composite_batch(claims)

    monkeypatch.setattr("zkservice.judging.verify_composite_batch", counting)
    judge, catalogue, small = Judge(), Catalogue(), presented(SMALL, {"permit": held(PERMIT)})
    alone(judge, catalogue, job(member()))
    alone(judge, catalogue, asking(REQUEST))
    plain, plainly = plain_job(plain_member()), PlainCatalogue()
    judged(judge, plainly, plain)  # type: ignore[arg-type]
    sizes.clear()
    jobs = [job(member()), replace(plain, moment=PLAIN_NOW), job(member(SMALL, small)), asking(REQUEST)]
    outcomes = judge.work(jobs, plainly(Names(issuer_keys=frozenset({str(PLAIN_KEY.name)}))))
    done = [each.octets for each in outcomes if isinstance(each, Done)]
    assert len(done) == 4
    assert sizes == [2]
    answers = map(pb.VerifyPresentationResponse.FromString, done[:3])
    assert [each.branch for each in answers] == ["main", "", "other"]


def test_messages_that_are_none() -> None:
    judge, catalogue = Judge(), Catalogue()
    for matter in Matter:
        (outcome,) = judge.work([Judgement(b"\xff", NOW, matter=matter)], Supplies())
        assert reason(outcome)[0] == "MESSAGE_MALFORMED"
    half = pb.SignedRequest(payload=REQUEST.canonical, signature=b"short")
    outcome = alone(judge, catalogue, job(half, matter=Matter.REQUEST))
    assert reason(outcome) == ("REQUEST_INVALID", "signed_request.signature")
    assert catalogue.asked == []


def test_the_holders_of_one_request_share_what_is_decoded() -> None:
    judge, catalogue = Judge(), Catalogue()
    for _ in range(3):
        alone(judge, catalogue, job(member()))
    assert len(judge._knowledge._requests._things) == 1
    assert len(judge._knowledge._tables._things) == 5


def test_a_range_in_one_branch_and_a_lie_in_another_are_told_apart() -> None:
    judge, catalogue = Judge(), Catalogue()
    asked = request(MAIN, Branch("bad", MAIN.queries[:1], (at_least(op("permit.months"), 601),)))
    outcome = alone(judge, catalogue, asking(asked))
    assert reason(outcome) == ("BOUND_INVALID", "signed_request.branches[1].predicates[0].minimum")
    answer = presented(asked, holdings())
    assert isinstance(alone(judge, catalogue, job(member(asked, answer), opened=True)), Done)
