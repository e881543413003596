"""A department with keyed credentials, its holders, and a counter that asks."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from bbs.keyed import Curve, KeyedSuite, Keyring, SecretKey
from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    DisclosureError,
    LocalizedText,
    Schema,
    SchemaName,
    Value,
    VerifierName,
)
from disclosure.composite.issuance import IssuanceTerms
from disclosure.composite.predicates import Equal, NotEqual, OneOf, Operand, Predicate, Range
from disclosure.composite.query import ExpiryShown, ValidOn
from disclosure.keyed import (
    CheckKeys,
    KeyedClaim,
    KeyedHolding,
    KeyedPresentation,
    KeyedQuery,
    KeyedRequest,
    KeyedSecret,
    KeyedVerdict,
    accept_keyed,
    ask_for_keyed,
    check_keyed_commitment,
    issue_keyed,
    present_keyed,
    publish_keys,
    verify_keyed_batch,
)

DEPARTMENT = "hrss"
TEXT = LocalizedText("社保", "social insurance")
NOW = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
TODAY = NOW.date()
COUNTER = VerifierName("counter-3")


def _attribute(name: str, kind: AttributeType, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(name, TEXT, kind, **more)


def _schema(item: str, *attributes: AttributeDefinition, version: int = 1) -> Schema:
    name = SchemaName(DEPARTMENT, item, version)
    return Schema(name, TEXT, CredentialForm.COMPOSITE, attributes, 365)


PERSON = _attribute("person", AttributeType.HASH)
INSURANCE = _schema(
    "insurance",
    PERSON,
    _attribute("months", AttributeType.INTEGER, minimum=0, maximum=600),
    _attribute("since", AttributeType.DATE, minimum=0, maximum=40_000),
    _attribute("level", AttributeType.INTEGER, optional=True, minimum=0, maximum=9),
    _attribute(
        "kind", AttributeType.CODE, code_system="kinds", codes=tuple(Code(each, TEXT) for each in "abc")
    ),
)
PENSION = _schema(
    "pension", PERSON, _attribute("level", AttributeType.INTEGER, optional=True, minimum=0, maximum=9)
)
HOME = _schema("home", _attribute("home", AttributeType.SECRET))
SCHEMAS = {each.name: each for each in (INSURANCE, PENSION, HOME)}
VALUES: dict[str, Value] = {
    "person": bytes(range(32)), "months": 20, "since": dt.date(2024, 3, 1), "level": 4, "kind": "b",
}  # fmt: skip
PENSION_VALUES: dict[str, Value] = {"person": bytes(range(32)), "level": 4}


@dataclass(frozen=True)
class Office:
    """A department: its secret keys, and what it publishes."""

    key: SecretKey
    digits: SecretKey
    keys: CheckKeys

    @property
    def verifying(self) -> KeyedSuite:
        return _verifying(self)


@cache
def office(curve: Curve, seed: int = 1) -> Office:
    key, digits = (SecretKey(curve, (1000 * seed + each).to_bytes(32)) for each in (1, 2))
    return Office(key, digits, publish_keys(DEPARTMENT, key, digits))


_SUITES: dict[bytes, KeyedSuite] = {}


def _verifying(mine: Office) -> KeyedSuite:
    """One suite for an office, since its tables are checked once for it."""
    if mine.keys.digest not in _SUITES:
        _SUITES[mine.keys.digest] = KeyedSuite(mine.keys.curve, Keyring([mine.key, mine.digits]))
    return _SUITES[mine.keys.digest]


@dataclass(frozen=True)
class Holder:
    """A holder with one secret."""

    secret: KeyedSecret
    office: Office

    @classmethod
    def of(cls, mine: Office) -> "Holder":
        return cls(KeyedSecret.generate(mine.keys.curve), mine)

    def get(
        self, schema: Schema = INSURANCE, values: Mapping[str, Value] = VALUES, **more: Any
    ) -> KeyedHolding:
        """Be issued a credential."""
        keys = self.office.keys
        terms = IssuanceTerms(schema.name, keys.name, base=True)
        commitment, pending = ask_for_keyed(terms, self.secret, schema, keys)
        checked = check_keyed_commitment(terms, commitment, schema, keys)
        issued = issue_keyed(checked, schema, keys, self.office.key, values, more.get("today", TODAY))
        return accept_keyed(pending, issued, self.secret, schema, keys)


def of(attribute: str, query: str = "insurance") -> Operand:
    return Operand(query, attribute)


PREDICATES: tuple[Predicate, ...] = (
    Range(of("months"), minimum=12, maximum=100),
    OneOf(of("kind"), ("a", "b")),
    NotEqual(of("since"), dt.date(2024, 3, 2)),
    Equal((of("level"), of("level", "pension"))),
    Equal((of("person"), of("person", "pension"))),
)


def request(keys: CheckKeys, **changed: Any) -> KeyedRequest:
    """A counter's request with everything in it."""
    queries = (
        KeyedQuery.of("insurance", INSURANCE, ValidOn(TODAY + dt.timedelta(days=60))),
        KeyedQuery.of("pension", PENSION, ExpiryShown()),
    )
    asked = KeyedRequest(
        COUNTER, TEXT, keys.name, keys.digest, queries, PREDICATES, NOW, NOW + dt.timedelta(minutes=10)
    )
    return replace(asked, nonce=changed.pop("nonce", asked.nonce), **changed)


def simple(keys: CheckKeys, predicates: tuple[Predicate, ...] = (), **changed: Any) -> KeyedRequest:
    """A request for one credential, the kind shown."""
    asked = request(keys)
    query = KeyedQuery.of("insurance", INSURANCE, ExpiryShown(), ("kind", "level"))
    if predicates:
        query = replace(query, shown=())
    return replace(asked, queries=(query,), predicates=predicates, **changed)


@dataclass(frozen=True)
class Case:
    """A holder with both credentials, and a request that they answer."""

    holder: Holder
    holdings: Mapping[str, KeyedHolding]
    request: KeyedRequest = field(repr=False)

    def present(self, asked: KeyedRequest | None = None, now: dt.datetime = NOW) -> KeyedPresentation:
        asked = asked or self.request
        return present_keyed(asked, self.holdings, self.holder.office.keys, SCHEMAS, now)


def case(mine: Office) -> Case:
    holder = Holder.of(mine)
    holdings = {"insurance": holder.get(), "pension": holder.get(PENSION, PENSION_VALUES)}
    return Case(holder, holdings, request(mine.keys))


def checked(
    mine: Office, asked: KeyedRequest, presented: KeyedPresentation, now: dt.datetime = NOW, **changed: Any
) -> KeyedVerdict:
    """Return the check service's verdict, which a presentation gets alone and with a good one beside it."""
    claim = KeyedClaim(asked, presented, changed.get("keys", mine.keys), changed.get("schemas", SCHEMAS), now)
    (alone,) = verify_keyed_batch([claim], mine.verifying)
    _, beside = verify_keyed_batch([_good(mine), claim], mine.verifying)
    if isinstance(alone, DisclosureError):
        assert isinstance(beside, DisclosureError)
        assert (alone.reason, alone.field) == (beside.reason, beside.field)
        raise alone
    assert alone == beside
    return alone


_GOOD: dict[bytes, KeyedClaim] = {}


def _good(mine: Office) -> KeyedClaim:
    if mine.keys.digest not in _GOOD:
        good = case(mine)
        _GOOD[mine.keys.digest] = KeyedClaim(good.request, good.present(), mine.keys, SCHEMAS, NOW)
    return _GOOD[mine.keys.digest]


def refusal(mine: Office, *claim: Any, **more: Any) -> str:
    """Return why a presentation is refused, "OK" if it is not."""
    try:
        checked(mine, *claim, **more)
    except DisclosureError as error:
        return error.reason
    return "OK"
