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
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    DepartmentName,
    ExpiryRule,
    LocalizedText,
    Request,
    Schema,
    SchemaName,
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
    Operand,
    ProvenEpoch,
    PseudonymQuery,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    Waiver,
    at_least,
    at_most,
    between,
)
from disclosure.composite.predicates import Predicate
from disclosure.names import IssuerKeyName, RegulatorName
from prover import composite_lines
from prover.asker import Asker, TrackRecord
from prover.composite import lacking, telling
from prover.composite.branches import BranchPlan, Lacking
from prover.composite.clauses import Reading
from prover.composite.facts import Facts
from prover.consent import ConsentLine, consent_lines
from prover.present import Consent, Lack, _consent_credential
from scripts.web_vectors import Json, text_of
from tests.disclosure import test_disclosure_allowance as asking
from tests.disclosure import world as plain_world
from tests.disclosure.composite import world
from tests.disclosure.composite.test_composite_request import joint

NAME: Final = LocalizedText("某小学\u00b7一部", "A {primary} school & Co")
_NUMBER: Final = "370102199001011234"
_LIST, _LONG, _SHORT = (bytes([each]) * 32 for each in (1, 2, 3))
_REGULATOR, _STRANGER = bytes([4]) * 32, bytes([5]) * 32
_ACCUMULATORS: Final = (bytes([6]) * 96, bytes([7]) * 96)
_EPOCH: Final = 1_772_000_000


def _name(zh: str, en: str) -> LocalizedText:
    return LocalizedText(zh, en)


def _attribute(identifier: str, kind: AttributeType, zh: str, en: str, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(identifier, _name(zh, en), kind, **more)


_CODES: Final = tuple(Code(f"3701{each:02}", _name(f"第{each}区", f"District {each}")) for each in range(12))
_DISTRICT: Final = {"code_system": "GB/T 2260", "codes": _CODES}
_MONTHS: Final = {"unit": "months", "minimum": 0, "maximum": 600}
_DAYS: Final = {"minimum": 0, "maximum": 47481}
PERMIT: Final = Schema(
    SchemaName("public-security", "residence_permit", 1),
    _name("居住证", "residence permit"),
    CredentialForm.COMPOSITE,
    (
        _attribute("name", AttributeType.TEXT, "姓名", "Name", max_length=60),
        _attribute("number", AttributeType.TEXT, "身份证号", "ID number", max_length=18),
        _attribute("district", AttributeType.CODE, "区县", "District", **_DISTRICT),
        _attribute("since", AttributeType.DATE, "居住起始日", "Resident since", **_DAYS),
        _attribute("months", AttributeType.INTEGER, "居住月数", "Months of residence", **_MONTHS),
        _attribute("gap", AttributeType.INTEGER, "中断月数", "Months away", optional=True, **_MONTHS),
        _attribute("remark", AttributeType.TEXT, "备注", "Remark", max_length=60, optional=True),
    ),
    validity_days=90,
)
PERMIT_2: Final = replace(PERMIT, name=replace(PERMIT.name, version=2), validity_days=180)
INSURANCE: Final = Schema(
    SchemaName("hrss", "social_insurance", 1),
    _name("社会保险", "social insurance"),
    CredentialForm.COMPOSITE,
    (
        _attribute("number", AttributeType.TEXT, "身份证号", "ID number", max_length=18),
        _attribute("district", AttributeType.CODE, "参保区县", "Insured in", **_DISTRICT),
        _attribute("months", AttributeType.INTEGER, "缴费月数", "Months paid", **_MONTHS),
        _attribute(
            "base", AttributeType.INTEGER, "缴费基数", "Monthly base", unit="CNY", scale=2, minimum=-500,
            maximum=10_000_000,
        ),
        _attribute("employed", AttributeType.BOOLEAN, "在职", "Employed"),
        _attribute("seal", AttributeType.HASH, "印章", "Seal"),
    ),
    validity_days=365,
)  # fmt: skip
HOUSEHOLD: Final = Schema(
    SchemaName("public-security", "household", 1),
    _name("户口", "household register"),
    CredentialForm.COMPOSITE,
    (
        _attribute("child", AttributeType.TEXT, "子女", "Child", max_length=60),
        _attribute("child_secret", AttributeType.SECRET, "子女的秘密", "The child's secret"),
        _attribute("born", AttributeType.DATE, "出生日期", "Born", **_DAYS),
    ),
    validity_days=365,
)
SCHEMAS: Final = (PERMIT, PERMIT_2, INSURANCE, HOUSEHOLD)
_VALUES: Final[Mapping[str, Mapping[str, Value]]] = {
    "residence_permit": {
        "name": "王小明 {x} <b>", "number": _NUMBER, "district": "370102", "since": dt.date(2019, 5, 1),
        "months": 82,
    },
    "social_insurance": {
        "number": _NUMBER, "district": "370103", "months": 40, "base": 812_305, "employed": True,
        "seal": bytes(range(32)),
    },
    "household": {"child": "王一", "child_secret": bytes(32), "born": dt.date(2020, 2, 29)},
}  # fmt: skip
DEPARTMENTS: Final = {"departments/hrss": _name("人社局", "The social security office")}
LISTS: Final = {
    _LIST: ("authorities/city", (*(each.code for each in _CODES[2:5]), "999999")),
    _LONG: ("authorities/city", tuple(each.code for each in _CODES)),
    _SHORT: ("departments/hrss", ("370104", "888888")),
}
"""Published lists by digest: whose they are, and their codes."""
_TRUSTED: Final[Any] = SimpleNamespace(
    name=RegulatorName("prosecutor"),
    display_name=_name("检察院", "The prosecutor"),
    key=SimpleNamespace(digest=_REGULATOR),
)


class _Directory:
    """As much of a directory as screens are told from."""

    def schema(self, name: SchemaName, field: str = "") -> Schema:
        return next(each for each in SCHEMAS if each.name == name)

    def code_list(self, digest: bytes, field: str = "") -> Any:
        owner, codes = LISTS[digest]
        return SimpleNamespace(owner=owner, codes=codes)

    def epoch(self, accumulator: bytes, number: int, field: str = "") -> Any:
        return SimpleNamespace(time=_EPOCH + number)


_DIRECTORY: Final[Any] = _Directory()


def op(name: str) -> Operand:
    """Return an operand of its name."""
    return Operand(*name.split("."))


def query(identifier: str, *schemas: Schema, **changes: Any) -> CompositeQuery:
    """Return a query that accepts schemas of one department."""
    key = IssuerKeyName(schemas[0].name.department, "a" * 32)
    revocation = OldestEpoch(_ACCUMULATORS[0], 1, 86_400)
    fields: dict[str, Any] = {
        "schemas": tuple(each.name for each in schemas),
        "issuers": (AcceptedIssuer(key, revocation, None),),
        "expiry": ValidOn(world.TODAY),
    }
    return CompositeQuery(identifier, **(fields | changes))


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

    def schema(self, asked: CompositeQuery) -> Schema:
        """Return the schema of what answers a query."""
        return self.schemas.get(asked.id, _DIRECTORY.schema(asked.schemas[0]))


def case_of(case: Case) -> Json:
    """Return a case with what Python's screens say of it."""
    branch = case.branch
    answers = tuple(_answer(each, case.schema(each)) for each in branch.queries)
    facts = Facts.of(branch, answers, _DIRECTORY, (_TRUSTED,))
    schemas = {each.name: each for each in SCHEMAS}
    held = {each.id: f"id-{each.id}" for each in branch.queries}
    told = telling._told(case.request, branch, answers, schemas, facts, NAME, held)
    credentials = tuple(_behind(each, case.behind) for each in told.credentials)
    index, _ = case.request.branch(branch.id)
    earlier = tuple(_earlier(each, past=case.past) for each in case.request.branches[:index])
    asker = None if case.record is None else Asker(asking.COMPOSITE, case.record)
    consent = replace(told, credentials=credentials, earlier=earlier, asker=asker)
    departments = DEPARTMENTS
    return {
        "request": case.request.canonical.hex(),
        "branch": branch.id,
        "answers": [_written(each, case.behind) for each in answers],
        "past": case.past,
        "record": case.record and _record(case.record),
        "lines": both(
            composite_lines(consent, "zh", departments), composite_lines(consent, "en", departments)
        ),
    }


def both(zh: Sequence[ConsentLine], en: Sequence[ConsentLine]) -> Json:
    """Return lines in both languages."""
    return [[one.style, one.text, other.text] for one, other in zip(zh, en, strict=True)]


def _answer(asked: CompositeQuery, schema: Schema) -> CredentialAnswer:
    values = _VALUES[schema.name.item]
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
    schemas = {each.id: _DIRECTORY.schema(each.schemas[0]) for each in branch.queries}
    facts = Facts.of(branch, (), _DIRECTORY, (_TRUSTED,))
    return telling.Earlier(branch, Reading(schemas, facts, {each.id: each.number for each in branch.foreign}))


def _written(answer: CredentialAnswer, behind: tuple[str, ...]) -> Json:
    shown = answer.shown
    return {
        "query": shown.query,
        "schema": str(shown.schema),
        "values": {name: None if each is None else item(each) for name, each in shown.values.items()},
        "expiry": shown.expiry and days(shown.expiry),
        "epoch": answer.epoch and _EPOCH + answer.epoch.number,
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


_REVOCATIONS: Final = tuple(OldestEpoch(each, 1) for each in _ACCUMULATORS)
_FOREIGN: Final = CommittedNumber(
    world.SCHOOL, _LIST, _LONG, "income", str(world.SUITE), bytes(48), "months", 0, 0, 600,
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
        InList(op("permit.district"), _LIST),
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
        EscrowQuery("who", op("permit.number"), _REGULATOR),
        EscrowQuery("stranger", op("insurance.number"), _STRANGER),
    ),
)  # fmt: skip
_SMALL: Final = Branch(
    "small",
    (query("permit", PERMIT, shown=("name",)), query("nothing", HOUSEHOLD, expiry=ExpiryShown())),
    (at_most(op("permit.months"), 90), at_least(op("nothing.born"), days(dt.date(2015, 1, 1)))),
    (PseudonymQuery("us", joint(world.SCHOOL, world.SCHOOL_2)),),
    (EscrowQuery("who", op("permit.number"), _STRANGER),),
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
        InList(op("permit.district"), _LONG), InList(op("insurance.district"), _SHORT),
    ),
    "lists of equal attributes": _branch(
        InList(op("permit.district"), _LIST), OneOf(op("insurance.district"), ("370104", "370109")),
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
    for name, branch in _BRANCHES.items():
        yield name, Case(_request(branch), branch)


def lacked(branch: Branch, missing: Sequence[Lacking], chosen: Mapping[str, Schema]) -> Json:
    """Return what a branch lacks, with what Python says of it."""
    nearest: Any = {each: SimpleNamespace(schema=schema) for each, schema in chosen.items()}
    planned = BranchPlan(0, branch, nearest, {}, tuple(missing))
    plan: Any = SimpleNamespace(
        directory=_DIRECTORY, contents=SimpleNamespace(regulators=(_TRUSTED,)), branches=(planned,)
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
        regulator = _STRANGER if lack is Lack.REGULATOR_NOT_TRUSTED else None
        yield lacked(_MAIN, (Lacking("x", lack, accepted, None, regulator), Lacking("y", lack)), {})
    for branch in (_MAIN, *_BRANCHES.values()):
        chosen = {each.id: _DIRECTORY.schema(each.schemas[0]) for each in branch.queries}
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
        "regulators": [[str(_TRUSTED.name), _TRUSTED.display_name.items(), _REGULATOR.hex()]],
        "departments": {name: each.items() for name, each in DEPARTMENTS.items()},
        "policy": asking.COMPOSITE.canonical.hex(),
    }


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    told = [{"name": name, **case_of(case)} for name, case in cases()]
    made = {"published": published(), "cases": told, "lacking": list(_lacking()), "plain": list(_plain())}
    return {"telling.json": text_of(made)}
