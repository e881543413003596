"""What is published in the composite form's test world, read as a client reads it; its ledger proves it.

The departments are those of tests/disclosure/composite/world.py, with epochs of recent days.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import tlog
from disclosure import (
    Accumulator,
    DepartmentName,
    IssuerKey,
    LocalizedText,
    PolicyName,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    VerifierName,
    epoch_entry,
    sign_request,
)
from disclosure.composite import (
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    Holding,
    JointScope,
    ProvenEpoch,
    PublishedCodeList,
    PublishedDigits,
    Regulator,
    table_entry,
)
from disclosure.names import RegulatorName
from disclosure.policy import POLICY_RECORD, RegisteredPolicy
from disclosure.registry import issuer_key_entry, schema_entry, verifier_entry
from tests.disclosure.composite import world
from tests.disclosure.composite.world import (
    CITY_DIGITS,
    DISTRICT_LIST,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    PERMIT_2,
    PURPOSE,
    REGULATOR_KEY,
    SCHEMAS,
    SCHOOL,
    SCHOOL_2,
    VERIFIER_KEYS,
    Department,
    find_key,
    held,
    presented,
)
from tests.verifier.log import LOG, SIGNER, receipt_for
from tests.zkservice.allowing import allowed, scopes_of
from tlog.entry import RecordEntry, parse_entry
from verifier import CompositePolicy, CompositeRecord, JointScopeFile, parse_policy
from verifier.composite.record_file import accumulator_entry

T = TypeVar("T")
DAY = dt.timedelta(days=1)
EPOCH_AGES = (10 * DAY, 3 * DAY, dt.timedelta(hours=1))
"""How old the epochs 0, 1 and 2 of each department are when it is NOW."""


@cache
def _recent(department: Department) -> Department:
    times = [int((NOW - age).timestamp()) for age in EPOCH_AGES]
    epochs = {number: replace(each, time=times[number]) for number, each in department.epochs.items()}
    return replace(department, epochs=epochs)


POLICE, POLICE_2, HRSS = map(_recent, (world.POLICE, world.POLICE_2, world.HRSS))
DEPARTMENTS = (POLICE, POLICE_2, HRSS)
AUTHORITY_DIGITS = replace(CITY_DIGITS, owner="departments/big-data")
AUTHORITY_LIST = replace(DISTRICT_LIST, owner="departments/big-data")
REGULATOR = Regulator(RegulatorName("education"), LocalizedText("教育监管", "Education"), REGULATOR_KEY)


PUBLISHED = 100
"""Everything stands before this entry, and the answers' receipts from there on."""


@dataclass
class Publications:
    """Everything published, and what `verifier.client` reads of it."""

    schemas: tuple[Schema, ...] = SCHEMAS
    departments: tuple[Department, ...] = DEPARTMENTS
    keys: tuple[IssuerKey, ...] = tuple(each.key for each in DEPARTMENTS)
    digits: tuple[PublishedDigits, ...] = (AUTHORITY_DIGITS, POLICE.digits, HRSS.digits)
    lists: tuple[PublishedCodeList, ...] = (AUTHORITY_LIST,)
    regulators: tuple[Regulator, ...] = (REGULATOR,)
    purpose: LocalizedText = PURPOSE
    receipt: tlog.ReceiptState | None = None

    def schema(self, name: SchemaName) -> Schema:
        return self._found([each for each in self.schemas if each.name == name], Reason.SCHEMA_UNKNOWN)

    def issuer_keys(self, department: DepartmentName) -> list[IssuerKey]:
        return [each for each in self.keys if each.name.department == department.department]

    def accumulators(self, department: DepartmentName) -> list[Accumulator]:
        return [
            Accumulator.of(department.department, each.accumulator.key)
            for each in self.departments
            if each.owner == str(department)
        ]

    def oldest_since(self, accumulator: Accumulator, since: dt.datetime) -> int | None:
        found = next(each for each in self.departments if each.accumulator.key == accumulator.key)
        young = [number for number, each in found.epochs.items() if each.time >= since.timestamp()]
        return min(young, default=None)

    def newest_digits(self, owner: str) -> PublishedDigits:
        return self._found([each for each in self.digits if each.owner == owner], Reason.TABLE_UNKNOWN)

    def newest_list(self, owner: str, code_system: str) -> PublishedCodeList | None:
        found = (each for each in self.lists if (each.owner, each.code_system) == (owner, code_system))
        return next(found, None)

    def first_list(self, owner: str, code_system: str, contents: bytes) -> PublishedCodeList | None:
        found = [each for each in reversed(self.lists) if each.contents == contents]
        return next((each for each in found if (each.owner, each.code_system) == (owner, code_system)), None)

    def regulator(self, digest: bytes) -> Regulator:
        found = [each for each in self.regulators if each.key.digest == digest]
        return self._found(found, Reason.REGULATOR_UNKNOWN)

    def regulator_named(self, name: RegulatorName) -> Regulator:
        found = [each for each in self.regulators if each.name == name]
        return self._found(found, Reason.REGULATOR_UNKNOWN)

    def policy(self, name: PolicyName) -> RegisteredPolicy:
        """One of whatever name, that allows all that the world's schemas have."""
        labels = ("enrolment-2026", "other", "support-2026")
        joint = ("enrolment-2026", map(str, (each.verifier for each in (SCHOOL, SCHOOL_2))))
        scopes = scopes_of(labels, joint)
        regulators = [each.key.digest for each in self.regulators]
        lists = [each.table.digest for each in self.lists]
        made = allowed(name, self.schemas, self.purpose, scopes=scopes, regulators=regulators, lists=lists)
        return replace(made, receipt=self.receipt)

    def verifier_key(self, name: VerifierName) -> bytes:
        return find_key(name)

    def directory(self, request: CompositeRequest, proven: Iterable[ProvenEpoch] = ()) -> CompositeDirectory:
        return CompositeDirectory(
            schemas={each.name: each for each in self.schemas},
            issuer_keys={each.name: each for each in self.keys},
            digits={each.table.digest: each for each in self.digits},
            code_lists={each.table.digest: each for each in self.lists},
            accumulators={each.accumulator.key.octets: each.published for each in self.departments},
            regulators={each.key.digest: each.key for each in self.regulators},
            verifiers={name: find_key(name) for name in VERIFIER_KEYS},
        )

    def proof(self, entry: bytes) -> bytes:
        known, parsed = self._proofs, parse_entry(entry)
        if isinstance(parsed, RecordEntry) and parsed.kind == POLICY_RECORD:
            return logged((entry,))[entry]
        return known[entry]

    @property
    def _proofs(self) -> Mapping[bytes, bytes]:
        entries = [
            *map(table_entry, self.digits),
            *map(table_entry, self.lists),
            *(each.entry() for each in self.regulators),
            *map(schema_entry, self.schemas),
            *map(issuer_key_entry, self.keys),
            *(verifier_entry(name, find_key(name)) for name in VERIFIER_KEYS),
            *(accumulator_entry(each.published) for each in self.departments),
            *(epoch_entry(epoch) for each in self.departments for epoch in each.epochs.values()),
        ]
        return logged(tuple(entries))

    def _found(self, found: list[T], reason: Reason) -> T:
        if not found:
            raise RefusedError(reason, "it is not published")
        return found[0]


@cache
def logged(entries: tuple[bytes, ...]) -> Mapping[bytes, bytes]:
    """Put entries on a log, and return for each the file that proves its place."""
    leaves = [tlog.leaf_hash(entry) for entry in entries]

    def node(level: int, index: int) -> bytes:
        return tlog.root_of(leaves[index << level : (index + 1) << level])

    note = tlog.sign_checkpoint(tlog.Checkpoint(SIGNER.name, len(leaves), tlog.root_of(leaves)), SIGNER)
    return {
        entry: tlog.ProofFile(index, tuple(tlog.inclusion_proof(index, len(leaves), node)), note).to_bytes()
        for index, entry in enumerate(entries)
    }


POLICY = f"""\
form: composite
id: enrolment-2026
purpose: {{zh: 入学资格审核, en: Checking who may enrol}}
lifetime: 600
branches:
  - id: main
    queries:
      - id: permit
        schemas: [{PERMIT.name}, {PERMIT_2.name}]
        shown: [name, remark]
        expiry: today
        revocation: {{max_epoch_age: 4 days}}
      - id: insurance
        schemas: [{INSURANCE.name}]
        shown: [employed]
        expiry: 10 days from today
        revocation: waived
      - id: household
        schemas: [{HOUSEHOLD.name}]
        shown: []
        expiry: shown
        revocation: {{max_epoch_age: 2 hours}}
    predicates:
      - {{of: permit.months, at_least: 12}}
      - {{of: permit.since, between: [2010-01-01, 2 years ago]}}
      - {{of: permit.district, in_list: {{owner: departments/big-data, code_system: GB/T 2260}}}}
      - {{of: insurance.district, one_of: ["370103", "370104"]}}
      - {{of: insurance.base, not_equal: 0.01}}
      - {{equal: [permit.number, insurance.number]}}
      - {{sum: [{{of: permit.months, cap: 60}}, {{of: insurance.months}}], at_least: 100}}
      - {{of: insurance.base, at_least: 8000}}
    pseudonyms:
      - {{id: me, scope: enrolment-2026}}
      - {{id: child, of: household.child_secret, scope: {{file: joint.yaml}}}}
    escrows:
      - {{id: who, of: permit.number, regulator: regulators/education}}
    digits: departments/big-data
  - id: other
    queries:
      - id: household
        schemas: [{HOUSEHOLD.name}]
        shown: []
        expiry: today
        revocation: {{max_epoch_age: 2 hours}}
    pseudonyms:
      - {{id: child, of: household.child_secret, scope: {{file: joint.yaml}}}}
unique: [child]
"""


@cache
def joint_scope() -> JointScopeFile:
    """The scope that two schools have signed."""
    scope = JointScope("enrolment-2026", world.PURPOSE, (SCHOOL, SCHOOL_2), str(world.SUITE))
    begun = JointScopeFile(scope, {})
    return begun.signed_by(SCHOOL, VERIFIER_KEYS[SCHOOL]).signed_by(SCHOOL_2, VERIFIER_KEYS[SCHOOL_2])


def policy_of(text: str, folder: Path) -> CompositePolicy:
    """Read a policy with the joint scope beside it."""
    (folder / "joint.yaml").write_bytes(joint_scope().to_bytes())
    policy = parse_policy(text.encode(), folder)
    assert isinstance(policy, CompositePolicy)
    return policy


@cache
def holdings() -> dict[str, Holding]:
    return {
        "permit": held(PERMIT, by=POLICE),
        "insurance": held(INSURANCE, by=HRSS),
        "household": held(HOUSEHOLD, by=POLICE),
    }


def answered(request: CompositeRequest, branch: str = "main", **more: Any) -> CompositePresentation:
    """Answer a request as an honest holder does."""
    known = Publications().directory(request)
    _, asked = request.branch(branch)
    own = {each.id: holdings()[each.id] for each in asked.queries}
    return presented(request, own, branch=branch, known=known, **more)


def composite_record(
    request: CompositeRequest, presentation: CompositePresentation, **changes: Any
) -> CompositeRecord:
    """The record of an answer."""
    fields: dict[str, Any] = {
        "signed_request": sign_request(request, VERIFIER_KEYS[SCHOOL]),
        "presentation": presentation,
        "receipt": receipt_for(request, presentation, before=PUBLISHED),
        "directory": Publications().directory(request),
        "ledger": Publications(purpose=request.purpose),
        "verifier_key": find_key(SCHOOL),
        "log_verifier": LOG,
    }
    return CompositeRecord.of(**(fields | changes))
