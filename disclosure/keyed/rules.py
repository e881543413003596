"""What a keyed request may ask: refused before anything is stated, with the place in the request.

The rules are those of the composite form for one department and one schema a query. There is no question
whose digits a range uses: all credentials are of the department whose table it is.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from disclosure.attributes import AttributeType
from disclosure.composite.credential import require_composite
from disclosure.composite.equality import equality_classes
from disclosure.composite.kinds import Kind
from disclosure.composite.predicates import (
    Equal,
    NotEqual,
    OneOf,
    Operand,
    Predicate,
    Range,
    invalid,
    out_of_bounds,
)
from disclosure.composite.query import ValidOn
from disclosure.composite.scalars import NUMBERS
from disclosure.credential import civil_date
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.keyed.keys import CheckKeys
from disclosure.keyed.request import KeyedQuery, KeyedRequest, Schemas
from disclosure.request import MAX_LIFETIME
from disclosure.schema import Schema


@dataclass(frozen=True)
class KeyedRules:
    """A request with the keys and schemas that it is read with."""

    request: KeyedRequest
    keys: CheckKeys
    schemas: Schemas

    def check(self) -> None:
        """Raise unless the request can be proven.

        Reasons: ISSUER_KEY_UNKNOWN, SCHEMA_UNKNOWN, FORM_NOT_SUPPORTED, ATTRIBUTE_UNKNOWN,
        PREDICATE_INVALID, BOUND_INVALID.
        """
        if self.request.issuer_key != self.keys.name or self.request.keys != self.keys.digest:
            raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "the request is for other keys", field="keys")
        for index, query in enumerate(self.request.queries):
            self._check_query(query, f"queries[{index}]")
        for index, predicate in enumerate(self.request.predicates):
            self._check_predicate(predicate, f"predicates[{index}]")

    @cached_property
    def equal(self) -> Mapping[Operand, Operand]:
        """The classes of attributes that are proven equal."""
        return equality_classes(each for each in self.request.predicates if isinstance(each, Equal))

    def schema(self, query: KeyedQuery) -> Schema:
        """Return the schema of a query; RefusedError SCHEMA_UNKNOWN."""
        schema = self.schemas.get(query.schema)
        if schema is None or schema.digest != query.schema_digest:
            raise RefusedError(
                Reason.SCHEMA_UNKNOWN, "the schema of this digest is not there", field="schemas"
            )
        return schema

    def kind(self, operand: Operand, place: str) -> Kind:
        """Return what an attribute is; MalformedError PREDICATE_INVALID, ATTRIBUTE_UNKNOWN."""
        for query in self.request.queries:
            if query.id == operand.query:
                schema = self.schema(query)
                if operand.attribute not in schema:
                    detail = f"{schema.name} has no attribute {operand.attribute}"
                    raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, detail, field=place)
                if operand.attribute in query.shown:
                    raise invalid("the attribute is shown", place)
                return Kind((schema.attribute(operand.attribute),))
        raise invalid(f"there is no query {operand.query}", place)

    def validity_span(self, query: KeyedQuery, day: dt.date, place: str) -> int:
        """Return the span of days that a hidden expiry is proven within; MalformedError BOUND_INVALID.

        Not before the last day of the request: who was valid when it was asked could answer later.
        """
        created, last = civil_date(self.request.created), civil_date(self.request.expires)
        latest = created + MAX_LIFETIME + dt.timedelta(days=self.schema(query).validity_days + 1)
        if not last <= day <= latest:
            raise out_of_bounds("a day from the request's last to the last that a credential may have", place)
        return (latest - day).days

    def _check_query(self, query: KeyedQuery, place: str) -> None:
        schema = self.schema(query)
        require_composite(schema, field=f"{place}.schema")
        for attribute in query.shown:
            if schema.attribute(attribute).type is AttributeType.SECRET:
                raise invalid("a secret is never shown", f"{place}.shown")
        if isinstance(query.expiry, ValidOn):
            self.validity_span(query, query.expiry.day, f"{place}.expiry")

    def _check_predicate(self, predicate: Predicate, place: str) -> None:
        kinds = [self.kind(operand, place) for operand in predicate.operands]
        if not isinstance(predicate, Equal) and kinds[0].type is AttributeType.SECRET:
            raise invalid("of a secret only equality is proven", place)
        if len({each.meaning for each in kinds}) > 1:
            raise invalid("the attributes do not have one type, unit, scale and code system", place)
        match predicate:
            case Range():
                if kinds[0].type not in NUMBERS:
                    raise invalid("integers and dates only have bounds", place)
                kinds[0].check_bound(predicate.minimum, f"{place}.minimum")
                kinds[0].check_bound(predicate.maximum, f"{place}.maximum")
            case OneOf():
                for index, value in enumerate(predicate.values):
                    kinds[0].definition_of(value, f"{place}.values[{index}]")
            case NotEqual():
                kinds[0].definition_of(predicate.value, f"{place}.value")
