"""A city of the composite form: departments with keys, tables and accumulators, two holders, two verifiers.

All keys are of these tests alone. What costs time is made once and never changed.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bbs
from bbs import SHA_256
from bbs.accumulator import AccumulatorSecret, Epoch, MembershipWitness
from bbs.ciphersuite import resolve
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import EscrowShare
from bbs.gadgets.tables import new_digits
from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    DepartmentName,
    IssuerKey,
    LocalizedText,
    PolicyName,
    Schema,
    SchemaName,
    Value,
    VerifierName,
    issuer_key_name,
)
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CompositeCredential,
    CompositeDirectory,
    CompositePresentation,
    CompositeQuery,
    CompositeRequest,
    HolderSecret,
    Holding,
    IssuanceTerms,
    OldestEpoch,
    Presented,
    PublishedAccumulator,
    PublishedDigits,
    ValidOn,
    accept_credential,
    ask_for_credential,
    check_commitment,
    issue_composite,
    prepare,
    present_composite,
    publish_codes,
)
from tests.disclosure.composite.officers import shared_by
from tests.disclosure.world import definition, text

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 1)
SUITE = SHA_256
SCHOOL, SCHOOL_2, BANK = VerifierName("school-3"), VerifierName("school-4"), VerifierName("bank-1")
VERIFIER_KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([index]) * 32)
    for index, name in enumerate((SCHOOL, SCHOOL_2, BANK))
}
PURPOSE = LocalizedText("入学资格审核", "Checking who may enrol")
NONCE, USAGE_TAG, NOTE_HASH = bytes(range(100, 132)), bytes(range(48)), bytes(range(32))

DISTRICTS = tuple(Code(each, text(each)) for each in ("370102", "370103", "370104", "370105"))


def district(identifier: str, **more: Any) -> AttributeDefinition:
    return definition(identifier, AttributeType.CODE, code_system="GB/T 2260", codes=DISTRICTS, **more)


def months(identifier: str, **more: Any) -> AttributeDefinition:
    return definition(identifier, AttributeType.INTEGER, unit="month", minimum=0, maximum=600, **more)


PERMIT = Schema(
    SchemaName("public-security", "residence_permit", 1),
    text("residence permit"),
    CredentialForm.COMPOSITE,
    (
        definition("name", AttributeType.TEXT, max_length=60),
        definition("number", AttributeType.TEXT, max_length=18),
        district("district"),
        definition("since", AttributeType.DATE, minimum=0, maximum=47481),
        months("months"),
        months("gap", optional=True),
        definition("remark", AttributeType.TEXT, max_length=60, optional=True),
    ),
    validity_days=90,
)
PERMIT_2 = replace(PERMIT, name=SchemaName("public-security", "residence_permit", 2), validity_days=180)
INSURANCE = Schema(
    SchemaName("hrss", "social_insurance", 1),
    text("social insurance"),
    CredentialForm.COMPOSITE,
    (
        definition("number", AttributeType.TEXT, max_length=18),
        district("district"),
        months("months"),
        definition("base", AttributeType.INTEGER, unit="CNY", scale=2, minimum=-500, maximum=10_000_000),
        definition("employed", AttributeType.BOOLEAN),
        definition("remark", AttributeType.TEXT, max_length=60, optional=True),
    ),
    validity_days=365,
)
HOUSEHOLD = Schema(
    SchemaName("public-security", "household", 1),
    text("household"),
    CredentialForm.COMPOSITE,
    (
        definition("child", AttributeType.TEXT, max_length=60),
        definition("child_secret", AttributeType.SECRET),
        definition("born", AttributeType.DATE, minimum=0, maximum=47481),
    ),
    validity_days=365,
)
SCHEMAS = (PERMIT, PERMIT_2, INSURANCE, HOUSEHOLD)
CHILD = bytes(range(32))
VALUES: Mapping[SchemaName, Mapping[str, Value]] = {
    PERMIT.name: {
        "name": "王小明", "number": "370102199001011234", "district": "370102",
        "since": dt.date(2019, 5, 1), "months": 82,
    },
    INSURANCE.name: {
        "number": "370102199001011234", "district": "370103", "months": 40, "base": 812_300, "employed": True,
    },
    HOUSEHOLD.name: {"child": "王一", "child_secret": CHILD, "born": dt.date(2020, 2, 29)},
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Department:
    """A department's credential key and accumulator, with their secret halves."""

    key: IssuerKey
    secret: bbs.SecretKey
    accumulator: AccumulatorSecret
    epochs: Mapping[int, Epoch]
    digits: PublishedDigits

    @property
    def owner(self) -> str:
        return str(DepartmentName(self.key.name.department))

    @property
    def published(self) -> PublishedAccumulator:
        return PublishedAccumulator(self.owner, self.accumulator.key, self.epochs)


OTHERS = (5, 6, 7)
"""Handles of other holders, which the epochs revoke: none at 0, two at 1, all at 2."""


@cache
def department(name: str, seed: int, suite: str = str(SUITE)) -> Department:
    secret = bbs.SecretKey.generate(suite=suite, rng=lambda size: bytes([seed] * size))
    key = IssuerKey(issuer_key_name(name, suite, secret.public_key()), suite, secret.public_key())
    accumulator = AccumulatorSecret.generate(suite=suite, rng=lambda size: bytes([100 + seed] * size))
    epochs = [Epoch(0, accumulator.key.start, 1)]
    for handles in (OTHERS[:2], OTHERS[2:]):
        page = accumulator.revoke(handles, epochs[-1].position, ())
        epochs.append(epochs[-1].followed_by(epochs[-1].position.after(page), epochs[-1].time + 1))
    digits = PublishedDigits(str(DepartmentName(name)), new_digits(resolve(suite)))
    return Department(key, secret, accumulator, {each.number: each for each in epochs}, digits)


POLICE, HRSS = department("public-security", 1), department("hrss", 2)
POLICE_2, OTHER_HRSS = department("public-security", 3), department("hrss", 4)
DEPARTMENTS = (POLICE, POLICE_2, HRSS, OTHER_HRSS)
CITY_DIGITS = PublishedDigits("authorities/city", new_digits(SUITE))
DISTRICT_LIST = publish_codes("authorities/city", "GB/T 2260", ("370102", "370103", "370104"), SUITE)


def find_key(name: VerifierName) -> bytes:
    return VERIFIER_KEYS[name].public_key().public_bytes_raw()


def digits_of(by: Department) -> bytes:
    return by.digits.table.digest


def department_of(schema: Schema) -> Department:
    return HRSS if schema.name.department == "hrss" else POLICE


ALICE, BOB = HolderSecret(1234567), HolderSecret(7654321)


@cache
def issued(
    schema: Schema,
    by: Department,
    secret: HolderSecret,
    expiry: dt.date,
    changes: tuple[tuple[str, Value | None], ...],
) -> CompositeCredential:
    terms = IssuanceTerms(schema.name, by.key.name, base=True)
    commitment, pending = ask_for_credential(terms, secret, schema, by.key)
    verified = check_commitment(terms, commitment, schema, by.key)
    values = {
        name: value
        for name, value in (dict(VALUES.get(schema.name, {})) | dict(changes)).items()
        if value is not None
    }
    today = expiry - dt.timedelta(days=schema.validity_days)
    answer = issue_composite(verified, schema, by.key, by.secret, values, today)
    true = by.accumulator.witness(answer.handle, by.epochs[2].position, ())
    return accept_credential(pending, answer, secret, schema, by.key, by.published, true)


def held(
    schema: Schema,
    secret: HolderSecret = ALICE,
    *,
    by: Department | None = None,
    expiry: dt.date = TODAY + dt.timedelta(days=30),
    epoch: int = 2,
    **changes: Value | None,
) -> Holding:
    """A holder's credential, with the true witness for an epoch."""
    by = by or department_of(schema)
    credential = issued(schema, by, secret, expiry, tuple(sorted(changes.items())))
    return Holding(credential, prepared(credential, secret), witness(credential, by, epoch))


_PREPARED: dict[int, tuple[CompositeCredential, bbs.PreparedCredential]] = {}


def prepared(credential: CompositeCredential, secret: HolderSecret) -> bbs.PreparedCredential:
    """Prepare each credential once: its tables cost more than a proof."""
    if id(credential) not in _PREPARED:
        schema = DIRECTORY.schema(credential.schema)
        key = DIRECTORY.issuer_key(credential.issuer_key)
        _PREPARED[id(credential)] = (credential, prepare(credential, secret, schema, key))
    return _PREPARED[id(credential)][1]


def witness(credential: CompositeCredential, by: Department, epoch: int) -> MembershipWitness:
    """What the department gives for an epoch, were it asked: witnesses need its key or the pages."""
    return by.accumulator.witness(credential.handle, by.epochs[epoch].position, ())


PAIRING = PairingSuite(SUITE)
OFFICERS = tuple(EscrowShare.from_octets(PAIRING, bytes(31) + each) for each in (b"\x07", b"\x08"))
REGULATOR_KEY = shared_by(OFFICERS)
TRUSTED = frozenset({REGULATOR_KEY.digest})


def directory(**changes: Any) -> CompositeDirectory:
    fields: dict[str, Any] = {
        "schemas": {each.name: each for each in SCHEMAS},
        "issuer_keys": {each.key.name: each.key for each in DEPARTMENTS},
        "accumulators": {each.accumulator.key.octets: each.published for each in DEPARTMENTS},
        "digits": {each.table.digest: each for each in (CITY_DIGITS, *(each.digits for each in DEPARTMENTS))},
        "code_lists": {DISTRICT_LIST.table.digest: DISTRICT_LIST},
        "regulators": {REGULATOR_KEY.digest: REGULATOR_KEY},
        "verifiers": {name: find_key(name) for name in VERIFIER_KEYS},
    }
    return CompositeDirectory(**(fields | changes))


DIRECTORY = directory()


def accepted(by: Department, oldest: int = 1, **changes: Any) -> AcceptedIssuer:
    fields: dict[str, Any] = {
        "key": by.key.name,
        "revocation": OldestEpoch(by.accumulator.key.octets, oldest),
        "digits": digits_of(by),
    }
    return AcceptedIssuer(**(fields | changes))


def query(identifier: str, schema: Schema, **changes: Any) -> CompositeQuery:
    fields: dict[str, Any] = {
        "id": identifier,
        "schemas": (schema.name,),
        "issuers": (accepted(department_of(schema)),),
        "expiry": ValidOn(TODAY),
    }
    return CompositeQuery(**(fields | changes))


def request(*branches: Branch, **changes: Any) -> CompositeRequest:
    fields: dict[str, Any] = {
        "verifier": SCHOOL,
        "purpose": PURPOSE,
        "branches": branches,
        "created": NOW,
        "expires": NOW + dt.timedelta(minutes=10),
        "nonce": NONCE,
        "policy": PolicyName(changes.get("verifier", SCHOOL).verifier, "any", 1),
    }
    return CompositeRequest(**(fields | changes))


def answer_with(
    asked: CompositeRequest,
    holdings: Mapping[str, Holding],
    secret: HolderSecret = ALICE,
    *,
    branch: str = "",
    known: CompositeDirectory = DIRECTORY,
    now: dt.datetime = NOW,
    trusted: frozenset[bytes] = TRUSTED,
) -> Presented:
    """Answer a request, its first branch if none is named, as an honest holder does."""
    return present_composite(
        asked, branch or asked.branches[0].id, holdings, secret, known, now,
        usage_tag=USAGE_TAG, note_hash=NOTE_HASH, trusted_regulators=trusted,
    )  # fmt: skip


def presented(asked: CompositeRequest, holdings: Mapping[str, Holding], **more: Any) -> CompositePresentation:
    return answer_with(asked, holdings, **more).presentation
