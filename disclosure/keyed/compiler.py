"""One function states what an answer must prove, for the holder and for the check service alike.

Each calls it on what it knows itself: the request, what is shown (checked against the request first), keys
and schemas. Nothing of a statement comes from the other side.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from bbs import BbsError
from bbs.engine import Builder, Context, Statement, Values, Witness
from bbs.gadgets import Credential, Different, NoneOf
from bbs.gadgets import OneOf as OneOfFew
from bbs.gadgets import Range as InRange
from bbs.gadgets.ranges import Quantity
from bbs.gadgets.tables import Table, load_table
from bbs.keyed import KeyedCredential, KeyedSuite
from disclosure import canonical
from disclosure.attributes import Value
from disclosure.composite import scalars
from disclosure.composite.predicates import Equal, NotEqual, OneOf, Operand, Predicate, Range, invalid
from disclosure.composite.query import ExpiryShown, ValidOn
from disclosure.credential import civil_date
from disclosure.errors import Reason, RefusedError
from disclosure.keyed.credential import domain_of, generators_of
from disclosure.keyed.keys import CheckKeys
from disclosure.keyed.request import KeyedQuery, KeyedRequest, Schemas
from disclosure.keyed.rules import KeyedRules
from disclosure.presentation import Shown

_SHOWN_LABEL: Final = "zk-disclosure/keyed-shown/v1"
_OUT_OF_DATE: Final = "the credential has expired"

Held = Mapping[str, KeyedCredential]
"""A holder's credentials for one answer, by query."""


@dataclass(frozen=True)
class Part:
    """One part of what is proven: its place in the request, and how the holder gives its secrets."""

    place: str
    assign: Callable[[Values, Held], None] = field(repr=False)


@dataclass(frozen=True)
class CompiledKeyed:
    """A statement, what its proof is bound to, and its parts."""

    statement: Statement
    context: Context = field(repr=False)
    parts: tuple[Part, ...]


def compile_keyed(
    request: KeyedRequest,
    shown: Sequence[Shown],
    keys: CheckKeys,
    schemas: Schemas,
    suite: KeyedSuite,
    now: dt.datetime,
) -> CompiledKeyed:
    """State what an answer that shows this must prove, over the suite of whoever asks.

    Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, QUERY_MISMATCH, CREDENTIAL_EXPIRED;
    MalformedError (values), and what `KeyedRules.check` does.
    """
    request.check_time(now)
    rules = KeyedRules(request, keys, schemas)
    rules.check()
    if len(shown) != len(request.queries):
        raise _mismatch("one answer for each query", "shown")
    known = [
        _known(rules, query, each, now, f"shown[{index}]")
        for index, (query, each) in enumerate(zip(request.queries, shown, strict=True))
    ]
    try:
        composer = _Composer(rules, suite, known)
        composer.state()
        statement = composer.builder.build()
    except BbsError as error:
        raise invalid(error.detail) from None
    context = (
        ("request", request.canonical),
        ("keys", keys.record),
        ("shown", canonical.encode(_SHOWN_LABEL, *(each.items() for each in shown))),
    )
    return CompiledKeyed(statement, context, tuple(composer.parts))


def _known(
    rules: KeyedRules, query: KeyedQuery, shown: Shown, now: dt.datetime, field: str
) -> Mapping[int, int]:
    """Return the scalars of what is shown by slot, after it was compared with what was asked."""
    schema = rules.schema(query)
    if (shown.query, shown.schema, shown.issuer_key) != (query.id, query.schema, rules.keys.name):
        raise _mismatch("the query, its schema, the department's key", field)
    if set(shown.values) != set(query.shown):
        raise _mismatch("the attributes that were asked for", f"{field}.values")
    if (shown.expiry is None) == isinstance(query.expiry, ExpiryShown):
        raise _mismatch("the expiry", f"{field}.expiry")
    known = {
        scalars.slot(schema, name): scalars.scalar(schema.attribute(name), value, rules.keys.suite)
        for name, value in shown.values.items()
    }
    if shown.expiry is not None:
        if shown.expiry < civil_date(now):
            raise RefusedError(Reason.CREDENTIAL_EXPIRED, _OUT_OF_DATE, field=f"{field}.expiry")
        known[scalars.EXPIRY] = scalars.number(shown.expiry)
    return known


class _Composer:
    """A statement in the making: one holder's credentials, and the parts about them."""

    def __init__(self, rules: KeyedRules, suite: KeyedSuite, known: Sequence[Mapping[int, int]]) -> None:
        self.rules, self.suite, self.parts = rules, suite, list[Part]()
        self.queries = {each.id: each for each in rules.request.queries}
        self.builder = Builder(suite)
        secret = self.builder.scope("holder").witness("secret")
        equal = self._equal()
        self.credentials = {
            query.id: self._credential(index, query, scalars_, secret, equal)
            for index, (query, scalars_) in enumerate(zip(rules.request.queries, known, strict=True))
        }

    def state(self) -> None:
        """State everything that the request asks, in its order."""
        for index, query in enumerate(self.rules.request.queries):
            if isinstance(query.expiry, ValidOn):
                self._valid(query, query.expiry.day, f"life {index}", f"queries[{index}].expiry")
        self._distinct()
        for index, predicate in enumerate(self.rules.request.predicates):
            self._predicate(predicate, f"predicate {index}", f"predicates[{index}]")
        self._presence()

    def _equal(self) -> Mapping[Operand, Witness]:
        scope = self.builder.scope("equal")
        roots = dict.fromkeys(self.rules.equal.values())
        witnesses = {root: scope.witness(f"m{index}") for index, root in enumerate(roots)}
        return {operand: witnesses[root] for operand, root in self.rules.equal.items()}

    def _credential(
        self,
        index: int,
        query: KeyedQuery,
        known: Mapping[int, int],
        secret: Witness,
        equal: Mapping[Operand, Witness],
    ) -> Credential:
        schema, keys = self.rules.schema(query), self.rules.keys
        shared = {scalars.HOLDER_SECRET: secret} | {
            scalars.slot(schema, each.attribute): witness
            for each, witness in equal.items()
            if each.query == query.id
        }
        gadget = Credential.add_to(
            self.builder.scope(f"credential {index}"), keys.public_key, generators_of(schema, keys.curve),
            domain_of(schema, keys), known, shared,
        )  # fmt: skip
        self._part(f"queries[{index}]", lambda values, held: gadget.assign(values, held[query.id]))
        return gadget

    def _valid(self, query: KeyedQuery, day: dt.date, name: str, place: str) -> None:
        witness = self.credentials[query.id].messages[scalars.EXPIRY]
        first = scalars.number(day)
        expiry = Quantity.attribute(witness, 0, first + self.rules.validity_span(query, day, place))
        gadget = InRange.add_to(self.builder.scope(name), expiry, self._digits, minimum=first)
        self._part(
            place,
            lambda values, held: gadget.assign(values, {witness: _slot(held, query.id, scalars.EXPIRY)}),
        )

    def _distinct(self) -> None:
        """State that no credential answers two queries, wherever one could: else it would count twice."""
        pairs = [
            (first, second)
            for first, second in combinations(self.rules.request.queries, 2)
            if first.schema == second.schema
        ]
        for number, (first, second) in enumerate(pairs):
            handles = [self.credentials[each.id].messages[scalars.HANDLE] for each in (first, second)]
            gadget = Different.add_to(self.builder.scope(f"distinct {number}"), *handles)
            self._part(second.id, _assign_distinct(gadget, first.id, second.id))

    def _predicate(self, predicate: Predicate, name: str, place: str) -> None:
        match predicate:
            case Range():
                self._range(predicate, name, place)
            case OneOf():
                self._one_of(predicate, name, place)
            case NotEqual():
                excluded = [self._scalar(predicate.operand, predicate.value, place)]
                if self.rules.kind(predicate.operand, place).optional:
                    excluded.append(scalars.absent(self.rules.keys.suite))
                self._none_of(predicate.operand, excluded, name, place)
            case Equal():
                pass  # the credentials have one witness for it

    def _range(self, predicate: Range, name: str, place: str) -> None:
        operand, kind = predicate.operand, self.rules.kind(predicate.operand, place)
        witness = self._witness(operand)
        quantity = Quantity.attribute(witness, kind.minimum, kind.maximum, scalars.OFFSET)
        gadget = InRange.add_to(
            self.builder.scope(name), quantity, self._digits,
            minimum=predicate.minimum, maximum=predicate.maximum,
        )  # fmt: skip
        self._part(place, lambda values, held: gadget.assign(values, {witness: self._value(held, operand)}))

    def _one_of(self, predicate: OneOf, name: str, place: str) -> None:
        operand = predicate.operand
        few = [self._scalar(operand, each, place) for each in predicate.values]
        gadget = OneOfFew.add_to(self.builder.scope(name), self._witness(operand), few)
        self._part(place, lambda values, held: gadget.assign(values, self._value(held, operand)))

    def _none_of(self, operand: Operand, excluded: list[int], name: str, place: str) -> None:
        gadget = NoneOf.add_to(self.builder.scope(name), self._witness(operand), excluded)
        self._part(place, lambda values, held: gadget.assign(values, self._value(held, operand)))

    def _presence(self) -> None:
        """State m != ABSENT once for each class of equal attributes that all are optional."""
        classes: dict[Operand, list[Operand]] = {}
        for operand, root in self.rules.equal.items():
            classes.setdefault(root, []).append(operand)
        for index, operands in enumerate(classes.values()):
            if all(self.rules.kind(each, "predicates").optional for each in operands):
                absent = [scalars.absent(self.rules.keys.suite)]
                self._none_of(operands[0], absent, f"present {index}", "predicates")

    @property
    def _digits(self) -> Table:
        """The department's table over this suite; whoever holds its key checks it, the first time."""
        keys = self.rules.keys
        return keys.digits if self.suite == keys.suite else load_table(self.suite, keys.digits.octets)

    def _part(self, place: str, assign: Callable[[Values, Held], None]) -> None:
        self.parts.append(Part(place, assign))

    def _slot_of(self, operand: Operand) -> int:
        return scalars.slot(self.rules.schema(self.queries[operand.query]), operand.attribute)

    def _witness(self, operand: Operand) -> Witness:
        return self.credentials[operand.query].messages[self._slot_of(operand)]

    def _value(self, held: Held, operand: Operand) -> int:
        return _slot(held, operand.query, self._slot_of(operand))

    def _scalar(self, operand: Operand, value: Value, place: str) -> int:
        definition = self.rules.kind(operand, place).definition_of(value, place)
        return scalars.scalar(definition, value, self.rules.keys.suite)


def _slot(held: Held, query: str, slot: int) -> int:
    return held[query].messages[slot]


def _assign_distinct(gadget: Different, first: str, second: str) -> Callable[[Values, Held], None]:
    return lambda values, held: gadget.assign(
        values, _slot(held, first, scalars.HANDLE), _slot(held, second, scalars.HANDLE)
    )


def _mismatch(detail: str, field: str) -> RefusedError:
    return RefusedError(Reason.QUERY_MISMATCH, f"not what was asked: {detail}", field=field)
