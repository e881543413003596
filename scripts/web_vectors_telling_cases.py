"""What the vectors of consents are told of: ways of requests, by what is special in them, and their cases."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from disclosure import DepartmentName, Schema
from disclosure.attributes import days
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentQuery,
    CommittedNumber,
    Compared,
    CompositeQuery,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    Foreign,
    ForeignNumber,
    HolderWaiver,
    InList,
    IssuanceTerms,
    NotEqual,
    OldestEpoch,
    OneOf,
    PseudonymQuery,
    Sum,
    Term,
    VerifierScope,
    Waiver,
    at_least,
    at_most,
    between,
)
from disclosure.composite.predicates import Predicate
from disclosure.names import IssuerKeyName
from prover.asker import TrackRecord
from scripts.web_vectors_telling_world import (
    ACCUMULATORS,
    DIRECTORY,
    HOUSEHOLD,
    INSURANCE,
    LIST,
    LONG,
    PERMIT,
    PERMIT_2,
    REGULATOR,
    SHORT,
    STRANGER,
    op,
    query,
)
from tests.disclosure.composite import world
from tests.disclosure.composite.test_composite_request import joint
from tlog import ReceiptState

UNKNOWN: Final = TrackRecord()


@dataclass(frozen=True)
class Case:
    """A way of a request, and what answers it: of the first accepted schema, unless `schemas` says other."""

    request: CompositeRequest
    branch: Branch
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    record: TrackRecord | None = UNKNOWN
    past: bool = False
    receipt: ReceiptState | None = None

    def schema(self, asked: CompositeQuery) -> Schema:
        """Return the schema of what answers a query."""
        return self.schemas.get(asked.id, DIRECTORY.schema(asked.schemas[0]))


_REVOCATIONS: Final = tuple(OldestEpoch(each, 1) for each in ACCUMULATORS)
_FOREIGN: Final = CommittedNumber(
    world.SCHOOL, LIST, LONG, "income", str(world.SUITE), bytes(48), "months", 0, 0, 600,
    (DepartmentName("hrss"), DepartmentName("tax")),
)  # fmt: skip
_PERMIT_KEYS: Final = tuple(IssuerKeyName("public-security", each * 32) for each in "ab")
MAIN: Final = Branch(
    "main",
    (
        query(
            "permit", PERMIT, PERMIT_2, shown=("remark", "name"),
            issuers=(
                AcceptedIssuer(_PERMIT_KEYS[0], _REVOCATIONS[0], None),
                AcceptedIssuer(_PERMIT_KEYS[1], _REVOCATIONS[1], None),
                AcceptedIssuer(_PERMIT_KEYS[1], Waiver.REVOCATION, None),
            ),
        ),
        query("insurance", INSURANCE, shown=("employed", "base", "seal"), expiry=ExpiryShown()),
        query("household", HOUSEHOLD, issuers=(AcceptedIssuer(_PERMIT_KEYS[0], Waiver.REVOCATION, None),)),
    ),
    (
        at_least(op("permit.months"), 12),
        between(op("permit.since"), dt.date(2010, 1, 1), dt.date(2024, 1, 1)),
        InList(op("permit.district"), LIST),
        OneOf(op("insurance.district"), ("370103", "370104", "370199")),
        NotEqual(op("permit.gap"), 3),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months"), 2, 60), Term(op("insurance.months"), 1)), minimum=100),
    ),
    (
        PseudonymQuery("me", VerifierScope("enrol-2026")),
        PseudonymQuery("child", joint(world.SCHOOL, world.SCHOOL_2), op("household.child_secret")),
        PseudonymQuery("again", VerifierScope("enrol-2026"), op("household.child_secret")),
    ),
    (
        EscrowQuery("who", op("permit.number"), REGULATOR),
        EscrowQuery("stranger", op("insurance.number"), STRANGER),
    ),
)  # fmt: skip
SMALL: Final = Branch(
    "small",
    (query("permit", PERMIT, shown=("name",)), query("nothing", HOUSEHOLD, expiry=ExpiryShown())),
    (at_most(op("permit.months"), 90), at_least(op("nothing.born"), days(dt.date(2015, 1, 1)))),
    (PseudonymQuery("us", joint(world.SCHOOL, world.SCHOOL_2)),),
    (EscrowQuery("who", op("permit.number"), STRANGER),),
)
LAST: Final = Branch("last", (query("household", HOUSEHOLD, shown=("child",)),))
_TWO: Final = (query("permit", PERMIT), query("insurance", INSURANCE))


def _branch(*predicates: Predicate, **more: Any) -> Branch:
    return Branch("main", _TWO, predicates, **more)


_COMPARED: Final = (Compared("us", "home"), Compared("me", "x"))
_JOINT: Final = _branch(
    Sum((Term(op("permit.months")), Term(Foreign("spouse"), 3, 9), Term(Foreign("child"))), minimum=3),
    pseudonyms=(
        PseudonymQuery("me", VerifierScope("enrol-2026")),
        PseudonymQuery("us", joint(world.SCHOOL, world.SCHOOL_2), op("insurance.number")),
    ),
    commitments=(
        CommitmentQuery("mine", op("permit.months")),
        CommitmentQuery("more", op("insurance.base")),
    ),
    foreign=(
        ForeignNumber(
            "spouse", _FOREIGN, Compared("me", "me"), (Compared("us", "home"), Compared("me", "x"))
        ),
        ForeignNumber(
            "child",
            replace(_FOREIGN, id="x", K=bytes([1] * 48), unit="CNY", scale=2),
            HolderWaiver.OTHER_HOLDER,
        ),
    ),
)
BRANCHES: Final[Mapping[str, Branch]] = {
    "numbers of other holders": _JOINT,
    "a commitment and no number": replace(
        _branch(), commitments=(CommitmentQuery("mine", op("insurance.base")),)
    ),
    "bounds": _branch(
        at_most(op("permit.months"), 9), at_least(op("permit.since"), 17_000),
        at_most(op("insurance.base"), 10_001), between(op("insurance.base"), -3, 99_999),
        at_most(op("permit.since"), 20_000), between(op("permit.gap"), 1, 2),
    ),
    "a bound that leaves one": _branch(between(op("permit.months"), 9, 9), at_least(op("permit.gap"), 600)),
    "a day that is given away": _branch(
        between(op("permit.since"), 17_000, 17_001), NotEqual(op("permit.since"), dt.date(2016, 7, 18))
    ),
    "lists": _branch(
        InList(op("permit.district"), LONG), InList(op("insurance.district"), SHORT),
    ),
    "lists of equal attributes": _branch(
        InList(op("permit.district"), LIST), OneOf(op("insurance.district"), ("370104", "370109")),
        Equal((op("insurance.district"), op("permit.district"))),
    ),
    "a no that leaves a yes": _branch(NotEqual(op("insurance.employed"), False)),
    "one of what there is": _branch(
        OneOf(op("permit.months"), (1, 2, 700)), OneOf(op("permit.gap"), (5, 900)),
        OneOf(op("insurance.district"), ("370103", "x")), NotEqual(op("insurance.base"), 812_305),
        OneOf(op("permit.name"), ("a\u00a0b", "c")),
    ),
    "sums": _branch(
        Sum((Term(op("permit.months")), Term(op("insurance.months"), -2)), maximum=5),
        Sum((Term(op("permit.gap")), Term(op("insurance.months"))), 3, 3),
        Sum((Term(op("permit.gap"), 4), Term(op("insurance.months"))), 3, 30),
    ),
    "sums of one term": _branch(
        Sum((Term(op("permit.months"), 7),), 10, 100), Sum((Term(op("permit.gap"), -7),), -100, -10),
        Sum((Term(op("insurance.months"), 3, 100),), minimum=10),
    ),
    "a sum that its greatest terms reach": _branch(
        Sum((Term(op("permit.months")), Term(op("insurance.months"))), minimum=1200),
        Sum((Term(op("permit.gap")), Term(op("insurance.months"), -1)), maximum=-600),
        Equal((op("permit.number"), op("insurance.number"))),
    ),
    "equal three times": replace(
        _branch(
            Equal((op("permit.number"), op("insurance.number"))),
            Equal((op("permit.months"), op("b.months"))),
            Equal((op("insurance.months"), op("b.months"))), at_least(op("b.months"), 600),
        ),
        queries=(*_TWO, query("b", PERMIT_2)),
    ),
}  # fmt: skip


def cases() -> Iterator[tuple[str, Case]]:
    """Give what answers are told of, by what is special in them."""
    last = dt.datetime(2026, 2, 28, 16, 5, 59, tzinfo=dt.UTC)
    asked = world.request(MAIN, SMALL, LAST)
    yield "everything", Case(asked, MAIN)
    yield (
        "another schema, behind, known",
        Case(asked, MAIN, {"permit": PERMIT_2}, ("permit", "household"), TrackRecord(3, last, 2, 1)),
    )
    yield "the second way", Case(asked, SMALL, record=TrackRecord(0, None, 1, 0))
    yield "the last way", Case(asked, LAST, record=TrackRecord(1, last, 0, 0))
    yield "a use of the past", Case(asked, LAST, record=None, past=True)
    terms = IssuanceTerms(INSURANCE.name, IssuerKeyName("hrss", "a" * 32), base=False, nonce=bytes(32))
    yield "for an issuance", Case(world.request(LAST, issuance=terms, policy=None), LAST, record=None)
    for each in ReceiptState:
        yield f"accepted once it is {each.value}", Case(asked, LAST, receipt=each)
    for name, branch in BRANCHES.items():
        yield name, Case(world.request(branch), branch)
