"""Vectors of what consents say: requests with what answers them, and the lines of Python's screens.

Written by `python -m scripts.web_vectors`. Nothing is proven for them: a screen is told from a request, from
what would be shown, and from what is published. Schemas, lists and regulators are of these vectors alone.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Final

from disclosure import (
    DepartmentName,
    ExpiryRule,
    Request,
    Schema,
    Shown,
    Value,
    canonical,
)
from disclosure.attributes import days
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentQuery,
    CommittedNumber,
    Compared,
    CompositeQuery,
    CompositeRequest,
    CredentialAnswer,
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
    ProvenEpoch,
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
from prover import composite_lines
from prover.asker import Asker, TrackRecord
from prover.composite import lacking, telling
from prover.composite.branches import BranchPlan, Lacking
from prover.composite.clauses import Reading
from prover.composite.facts import Facts
from prover.consent import ConsentLine, consent_lines
from prover.present import Consent, Lack, _consent_credential
from scripts.web_vectors import Json, text_of
from scripts.web_vectors_telling_world import (
    ACCUMULATORS,
    DEPARTMENTS,
    DIRECTORY,
    EPOCH,
    HOUSEHOLD,
    INSURANCE,
    LIST,
    LISTS,
    LONG,
    NAME,
    PERMIT,
    PERMIT_2,
    REGULATOR,
    SCHEMAS,
    SHORT,
    STRANGER,
    TRUSTED,
    VALUES,
    op,
    query,
)
from tests.disclosure import test_disclosure_allowance as asking
from tests.disclosure import world as plain_world
from tests.disclosure.composite import world
from tests.disclosure.composite.test_composite_request import joint
from tlog import ReceiptState

_UNKNOWN: Final = TrackRecord()


@dataclass(frozen=True)
class Case:
    """A way of a request, and what answers it: of the first accepted schema, unless `schemas` says other."""

    request: CompositeRequest
    branch: Branch
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    record: TrackRecord | None = _UNKNOWN
    past: bool = False
    receipt: ReceiptState | None = None

    def schema(self, asked: CompositeQuery) -> Schema:
        """Return the schema of what answers a query."""
        return self.schemas.get(asked.id, DIRECTORY.schema(asked.schemas[0]))


def case_of(case: Case) -> Json:
    """Return a case with what Python's screens say of it."""
    branch = case.branch
    answers = tuple(_answer(each, case.schema(each)) for each in branch.queries)
    facts = Facts.of(branch, answers, DIRECTORY, (TRUSTED,))
    schemas = {each.name: each for each in SCHEMAS}
    held = {each.id: f"id-{each.id}" for each in branch.queries}
    told = telling._told(case.request, branch, answers, schemas, facts, NAME, held)
    credentials = tuple(_behind(each, case.behind) for each in told.credentials)
    index, _ = case.request.branch(branch.id)
    earlier = tuple(_earlier(each, past=case.past) for each in case.request.branches[:index])
    policy = replace(asking.COMPOSITE, receipt=case.receipt)
    asker = None if case.record is None else Asker(policy, case.record)
    consent = replace(told, credentials=credentials, earlier=earlier, asker=asker)
    departments = DEPARTMENTS
    return {
        "request": case.request.canonical.hex(),
        "branch": branch.id,
        "answers": [_written(each, case.behind) for each in answers],
        "past": case.past,
        "record": case.record and _record(case.record),
        **({} if case.receipt is None else {"policy": policy.canonical.hex()}),
        "lines": both(
            composite_lines(consent, "zh", departments), composite_lines(consent, "en", departments)
        ),
    }


def both(zh: Sequence[ConsentLine], en: Sequence[ConsentLine]) -> Json:
    """Return lines in both languages."""
    return [[one.style, one.text, other.text] for one, other in zip(zh, en, strict=True)]


def _answer(asked: CompositeQuery, schema: Schema) -> CredentialAnswer:
    values = VALUES[schema.name.item]
    issuer = asked.issuers[0]
    shown = Shown(
        asked.id, schema.name, issuer.key, {each: values.get(each) for each in asked.shown},
        dt.date(2026, 9, 9) if isinstance(asked.expiry, ExpiryShown) else None,
    )  # fmt: skip
    accumulator = issuer.accumulator
    return CredentialAnswer(shown, None if accumulator is None else ProvenEpoch(accumulator, 60))


def _behind(told: telling.ToldCredential, behind: tuple[str, ...]) -> telling.ToldCredential:
    return replace(told, behind=told.query.id in behind)


def _earlier(branch: Branch, *, past: bool) -> telling.Earlier:
    if past:
        return telling.Earlier(branch)
    schemas = {each.id: DIRECTORY.schema(each.schemas[0]) for each in branch.queries}
    facts = Facts.of(branch, (), DIRECTORY, (TRUSTED,))
    return telling.Earlier(branch, Reading(schemas, facts, {each.id: each.number for each in branch.foreign}))


def _written(answer: CredentialAnswer, behind: tuple[str, ...]) -> Json:
    shown = answer.shown
    return {
        "query": shown.query,
        "schema": str(shown.schema),
        "values": {name: None if each is None else item(each) for name, each in shown.values.items()},
        "expiry": shown.expiry and days(shown.expiry),
        "epoch": answer.epoch and EPOCH + answer.epoch.number,
        "behind": shown.query in behind,
    }


def item(value: Value) -> str:
    """Return a value as it stands in a credential, in canonical encoding."""
    return canonical.encode("x", days(value) if isinstance(value, dt.date) else value).hex()


def _record(record: TrackRecord) -> Json:
    last = record.last and int(record.last.timestamp())
    return {
        "answers": record.answers, "last": last, "declined": record.declined, "overAsked": record.over_asked,
    }  # fmt: skip


_REVOCATIONS: Final = tuple(OldestEpoch(each, 1) for each in ACCUMULATORS)
_FOREIGN: Final = CommittedNumber(
    world.SCHOOL, LIST, LONG, "income", str(world.SUITE), bytes(48), "months", 0, 0, 600,
    (DepartmentName("hrss"), DepartmentName("tax")),
)  # fmt: skip
_PERMIT_KEYS: Final = tuple(IssuerKeyName("public-security", each * 32) for each in "ab")
_MAIN: Final = Branch(
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
_SMALL: Final = Branch(
    "small",
    (query("permit", PERMIT, shown=("name",)), query("nothing", HOUSEHOLD, expiry=ExpiryShown())),
    (at_most(op("permit.months"), 90), at_least(op("nothing.born"), days(dt.date(2015, 1, 1)))),
    (PseudonymQuery("us", joint(world.SCHOOL, world.SCHOOL_2)),),
    (EscrowQuery("who", op("permit.number"), STRANGER),),
)
_LAST: Final = Branch("last", (query("household", HOUSEHOLD, shown=("child",)),))
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
_BRANCHES: Final[Mapping[str, Branch]] = {
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


def _request(*branches: Branch, **changes: Any) -> CompositeRequest:
    return world.request(*branches, **changes)


def cases() -> Iterator[tuple[str, Case]]:
    """Give what answers are told of, by what is special in them."""
    last = dt.datetime(2026, 2, 28, 16, 5, 59, tzinfo=dt.UTC)
    asked = _request(_MAIN, _SMALL, _LAST)
    yield "everything", Case(asked, _MAIN)
    yield (
        "another schema, behind, known",
        Case(asked, _MAIN, {"permit": PERMIT_2}, ("permit", "household"), TrackRecord(3, last, 2, 1)),
    )
    yield "the second way", Case(asked, _SMALL, record=TrackRecord(0, None, 1, 0))
    yield "the last way", Case(asked, _LAST, record=TrackRecord(1, last, 0, 0))
    yield "a use of the past", Case(asked, _LAST, record=None, past=True)
    terms = IssuanceTerms(INSURANCE.name, IssuerKeyName("hrss", "a" * 32), base=False, nonce=bytes(32))
    yield "for an issuance", Case(_request(_LAST, issuance=terms, policy=None), _LAST, record=None)
    for each in ReceiptState:
        yield f"accepted once it is {each.value}", Case(asked, _LAST, receipt=each)
    for name, branch in _BRANCHES.items():
        yield name, Case(_request(branch), branch)


def lacked(branch: Branch, missing: Sequence[Lacking], chosen: Mapping[str, Schema]) -> Json:
    """Return what a branch lacks, with what Python says of it."""
    nearest: Any = {each: SimpleNamespace(schema=schema) for each, schema in chosen.items()}
    planned = BranchPlan(0, branch, nearest, {}, tuple(missing))
    plan: Any = SimpleNamespace(
        directory=DIRECTORY, contents=SimpleNamespace(regulators=(TRUSTED,)), branches=(planned,)
    )
    return {
        "request": _request(branch).canonical.hex(),
        "chosen": {each: str(schema.name) for each, schema in chosen.items()},
        "missing": [
            {
                "lack": each.lack,
                "applyFor": [str(name) for name in each.apply_for],
                "predicate": None if each.predicate is None else branch.predicates.index(each.predicate),
                "regulator": each.regulator and each.regulator.hex(),
            }
            for each in missing
        ],
        "lines": both(
            lacking.lacking_lines(plan, "zh", DEPARTMENTS), lacking.lacking_lines(plan, "en", DEPARTMENTS)
        )[1:],
    }


def _lacking() -> Iterator[Json]:
    accepted = (PERMIT.name, INSURANCE.name, HOUSEHOLD.name)
    for lack in Lack:
        if lack is Lack.UNMET:
            continue
        regulator = STRANGER if lack is Lack.REGULATOR_NOT_TRUSTED else None
        yield lacked(_MAIN, (Lacking("x", lack, accepted, None, regulator), Lacking("y", lack)), {})
    for branch in (_MAIN, *_BRANCHES.values()):
        chosen = {each.id: DIRECTORY.schema(each.schemas[0]) for each in branch.queries}
        unmet = [Lacking("p", Lack.UNMET, (PERMIT.name,), each) for each in branch.predicates]
        if unmet:
            yield lacked(branch, unmet, chosen)


def _plain() -> Iterator[Json]:
    first, second = plain_world.REQUEST.queries
    yield _plainly(plain_world.REQUEST, {"remark": "遷入 2019"}, _UNKNOWN)
    everything = tuple(each.id for each in plain_world.PERMIT.attributes)
    whole = replace(first, shown=everything[::-1], expiry=ExpiryRule.SHOWN)
    record = TrackRecord(7, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 0, 2)
    yield _plainly(plain_world.request(queries=(whole, second)), {}, record)
    nothing = replace(first, shown=(), expiry=ExpiryRule.WAIVED)
    yield _plainly(plain_world.request(queries=(nothing,)), {}, None)


def _plainly(request: Request, more: Mapping[str, Value], record: TrackRecord | None) -> Json:
    schemas = {each.name: each for each in (plain_world.PERMIT, plain_world.INSURANCE)}
    values = {**plain_world.VALUES, **more}
    held: list[Any] = []
    for each in request.queries:
        schema = schemas[each.schema]
        own = {one.id: values[one.id] for one in schema.attributes if one.id in values}
        credential = SimpleNamespace(expiry=dt.date(2027, 3, 1), values=own)
        key = SimpleNamespace(name=IssuerKeyName(each.schema.department, "a" * 32))
        held.append(SimpleNamespace(id="id", schema=schema, credential=credential, issuer_key=key))
    credentials = tuple(map(_consent_credential, request.queries, held))
    asker = None if record is None else Asker(asking.COMPOSITE, record)
    consent = Consent(request.verifier, NAME, request.purpose, credentials, request.expires, asker)
    return {
        "request": request.canonical.hex(),
        "schemas": [each.canonical.hex() for each in schemas.values()],
        "answers": [
            {
                "values": {name: item(value) for name, value in each.credential.values.items()},
                "expiry": days(each.credential.expiry),
            }
            for each in held
        ],
        "record": record and _record(record),
        "lines": both(consent_lines(consent, "zh", DEPARTMENTS), consent_lines(consent, "en", DEPARTMENTS)),
    }


def published() -> Json:
    """Return what all cases are told from."""
    return {
        "name": NAME.items(),
        "schemas": [each.canonical.hex() for each in SCHEMAS],
        "lists": {digest.hex(): [owner, codes] for digest, (owner, codes) in LISTS.items()},
        "regulators": [[str(TRUSTED.name), TRUSTED.display_name.items(), REGULATOR.hex()]],
        "departments": {name: each.items() for name, each in DEPARTMENTS.items()},
        "policy": asking.COMPOSITE.canonical.hex(),
    }


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    told = [{"name": name, **case_of(case)} for name, case in cases()]
    made = {"published": published(), "cases": told, "lacking": list(_lacking()), "plain": list(_plain())}
    return {"telling.json": text_of(made)}
