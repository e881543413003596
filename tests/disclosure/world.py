"""Two departments, their schemas and one person's credentials: what the tests of this side play with.

All keys are of these tests alone. Everything is made once and never changed.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bbs
from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    Credential,
    CredentialForm,
    CredentialPresentation,
    Directory,
    ExpiryRule,
    IssuerKey,
    KeyState,
    LocalizedText,
    PolicyName,
    Presentation,
    Query,
    Request,
    Schema,
    SchemaName,
    Shown,
    Value,
    VerifierName,
    issue,
    issuer_key_name,
    statements_of,
)
from disclosure.composite import CompositeRequest

T = TypeVar("T", Request, CompositeRequest)
NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 1)
SCHOOL = VerifierName("school-3")
BANK = VerifierName("bank-1")
SCHOOL_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PURPOSE = LocalizedText("入学资格审核", "Checking who may enrol")
POLICY = PolicyName(SCHOOL.verifier, "any", 1)
NONCE = bytes(range(100, 132))
USAGE_TAG = bytes(range(48))
NOTE_HASH = bytes(range(32))


def text(en: str) -> LocalizedText:
    return LocalizedText("名称", en)


def definition(identifier: str, kind: AttributeType, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(identifier, text(identifier), kind, **more)


ATTRIBUTES = (
    definition("name", AttributeType.TEXT, max_length=60),
    definition(
        "district", AttributeType.CODE, code_system="GB/T 2260",
        codes=(Code("370102", text("Lixia")), Code("370103", text("Shizhong"))),
    ),
    definition("continuous_since", AttributeType.DATE, minimum=0, maximum=47481),
    definition("base", AttributeType.INTEGER, unit="CNY", scale=2, minimum=0, maximum=10_000_000),
    definition("employed", AttributeType.BOOLEAN),
    definition("photo", AttributeType.HASH),
    definition("remark", AttributeType.TEXT, max_length=60, optional=True),
)  # fmt: skip
VALUES: Mapping[str, Value] = {
    "name": "王小明",
    "district": "370102",
    "continuous_since": dt.date(2019, 5, 1),
    "base": 812_300,
    "employed": True,
    "photo": bytes(range(32)),
}


def schema_named(department: str, item: str, version: int = 1) -> Schema:
    return Schema(
        SchemaName(department, item, version), text(item), CredentialForm.PLAIN, ATTRIBUTES, validity_days=90
    )


PERMIT = schema_named("public-security", "residence_permit")
PERMIT_2 = schema_named("public-security", "residence_permit", 2)
INSURANCE = schema_named("hrss", "social_insurance")


@dataclass(frozen=True)
class Issuer:
    """A department's key with its secret half."""

    key: IssuerKey
    secret: bbs.SecretKey


@cache
def issuer(department: str, seed: int = 0, suite: str = str(bbs.SHA_256)) -> Issuer:
    secret = bbs.SecretKey.generate(suite=suite, rng=lambda size: bytes([seed] * size))
    name = issuer_key_name(department, suite, secret.public_key())
    return Issuer(IssuerKey(name, suite, secret.public_key()), secret)


POLICE = issuer("public-security", 1)
POLICE_2 = issuer("public-security", 2, str(bbs.SHAKE_256))
HRSS = issuer("hrss", 3)
ISSUERS = (POLICE, POLICE_2, HRSS)


@cache
def credential(schema: Schema, by: int, today: dt.date = TODAY, remark: str = "") -> Credential:
    """The person's credential of a schema, signed by the issuer of that place in ISSUERS."""
    values = {**VALUES, **({"remark": remark} if remark else {})}
    return issue(schema, ISSUERS[by].key, ISSUERS[by].secret, values, today)


PERMIT_CREDENTIAL = credential(PERMIT, 0)
INSURANCE_CREDENTIAL = credential(INSURANCE, 2)
CREDENTIALS = {"permit": PERMIT_CREDENTIAL, "insurance": INSURANCE_CREDENTIAL}


def directory(*, police: KeyState = KeyState.ACTIVE, without_key: str = "") -> Directory:
    keys = {each.key.name: each.key for each in ISSUERS if each.key.name.department != without_key}
    keys |= {name: replace(key, state=police) for name, key in keys.items() if name == POLICE.key.name}
    return Directory({each.name: each for each in (PERMIT, PERMIT_2, INSURANCE)}, keys)


DIRECTORY = directory()
QUERIES = (
    Query("permit", PERMIT.name, ("district", "continuous_since", "remark"), ExpiryRule.SHOWN),
    Query("insurance", INSURANCE.name, ("base", "employed", "photo"), ExpiryRule.WAIVED),
)


def request(**changes: Any) -> Request:
    fields: dict[str, Any] = {
        "verifier": SCHOOL,
        "purpose": PURPOSE,
        "queries": QUERIES,
        "created": NOW,
        "expires": NOW + dt.timedelta(minutes=10),
        "nonce": NONCE,
        "policy": PolicyName(changes.get("verifier", SCHOOL).verifier, "any", 1),
    }
    return Request(**(fields | changes))


def asked_by(request: T, verifier: VerifierName) -> T:
    """The same request of another verifier's, by a policy of its own."""
    return replace(request, verifier=verifier, policy=PolicyName(verifier.verifier, "any", 1))


REQUEST = request()


def shown_of(query: Query, held: Credential) -> Shown:
    return Shown(
        query=query.id,
        schema=held.schema,
        issuer_key=held.issuer_key,
        values={name: held.values.get(name) for name in query.shown},
        expiry=held.expiry if query.expiry is ExpiryRule.SHOWN else None,
    )


def present(
    asked: Request,
    credentials: Mapping[str, Credential],
    known: Directory = DIRECTORY,
    *,
    usage_tag: bytes = USAGE_TAG,
    note_hash: bytes = NOTE_HASH,
    shown: tuple[Shown, ...] | None = None,
) -> Presentation:
    """Answer a request as a holder does; `shown` lets a dishonest one show something else."""
    held = [credentials[query.id] for query in asked.queries]
    if shown is None:
        shown = tuple(map(shown_of, asked.queries, held))
    statements = statements_of(asked, shown, usage_tag, note_hash, known, asked.created)
    parts = []
    for each, statement, what in zip(held, statements, shown, strict=True):
        schema = known.schema(each.schema)
        proof = bbs.proof_gen(
            statement.public_key, each.signature, statement.header, statement.presentation_header,
            schema.messages(each.expiry, each.values), statement.disclosed_indexes, suite=statement.suite,
        )  # fmt: skip
        parts.append(CredentialPresentation(what, proof))
    return Presentation(tuple(parts), usage_tag, note_hash, asked.digest)


@cache
def presentation() -> Presentation:
    """The answer to REQUEST."""
    return present(REQUEST, CREDENTIALS)
