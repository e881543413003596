"""Schemas: which attributes a data item has, in which order they are signed, and how it is shown.

In the plain form message 0 is the last day of validity and message 1 + i the attribute i. The header that is
signed with the messages names the schema and its digest, so a credential can be shown only under the schema
that it was issued under. The composite form signs the same header with scalars in slots of its own
(`disclosure.composite.scalars`).
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import (
    AttributeDefinition,
    AttributeType,
    LocalizedText,
    Value,
    expiry_message,
    is_whole,
)
from disclosure.errors import MalformedError, Reason
from disclosure.names import SchemaName

MAX_ATTRIBUTES: Final = 100
MAX_VALIDITY_DAYS: Final = 36_525
EXPIRY_INDEX: Final = 0
_LABEL: Final = "zk-disclosure/schema/v1"
_HEADER_LABEL: Final = "zk-disclosure/credential/v1"


class CredentialForm(StrEnum):
    """Which proof a schema's credentials are shown with."""

    PLAIN = "plain"
    COMPOSITE = "composite"


@dataclass(frozen=True)
class Schema:
    """One version of a data item's schema; it never changes. Raises MalformedError SCHEMA_INVALID."""

    name: SchemaName
    display_name: LocalizedText
    form: CredentialForm
    attributes: tuple[AttributeDefinition, ...]
    validity_days: int

    def __post_init__(self) -> None:
        if not 0 < len(self.attributes) <= MAX_ATTRIBUTES:
            detail = f"a schema has 1 to {MAX_ATTRIBUTES} attributes"
            raise MalformedError(Reason.SCHEMA_INVALID, detail, field="attributes")
        if len({each.id for each in self.attributes}) != len(self.attributes):
            raise MalformedError(Reason.SCHEMA_INVALID, "an attribute is defined twice", field="attributes")
        secret = any(each.type is AttributeType.SECRET for each in self.attributes)
        if secret and self.form is CredentialForm.PLAIN:
            detail = "only the composite form keeps secrets"
            raise MalformedError(Reason.SCHEMA_INVALID, detail, field="attributes")
        if not is_whole(self.validity_days) or not 0 < self.validity_days <= MAX_VALIDITY_DAYS:
            detail = f"a credential is valid for 1 to {MAX_VALIDITY_DAYS} days"
            raise MalformedError(Reason.SCHEMA_INVALID, detail, field="validity_days")
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise MalformedError(Reason.SCHEMA_INVALID, "the schema is too large", field="attributes")

    @cached_property
    def canonical(self) -> bytes:
        """The schema's canonical bytes."""
        return canonical.encode(
            _LABEL, str(self.name), self.display_name.items(), self.form.value, self.validity_days,
            [each.items() for each in self.attributes],
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Schema":
        """Decode canonical bytes; MalformedError MALFORMED, SCHEMA_INVALID, NAME_INVALID, VALUE_INVALID."""
        match canonical.decode(_LABEL, octets, most_items=canonical.MAX_OCTETS):
            case [str(name), [str(zh), str(en)], str(form), int(validity), list(attributes)] if form in set(
                CredentialForm
            ):
                parsed = cls(
                    SchemaName.parse(name), LocalizedText(zh, en), CredentialForm(form),
                    tuple(map(AttributeDefinition.from_items, attributes)), validity,
                )  # fmt: skip
                if parsed.canonical == octets:
                    return parsed
        raise MalformedError(Reason.SCHEMA_INVALID, "the octets are no schema")

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated."""
        return self.digest_of(self.canonical)

    @staticmethod
    def digest_of(octets: bytes) -> bytes:
        """Return the digest of a schema of these canonical bytes, which need not be decoded for it."""
        return canonical.digest(_LABEL, octets)

    @cached_property
    def _by_id(self) -> Mapping[str, tuple[int, AttributeDefinition]]:
        return {each.id: (index, each) for index, each in enumerate(self.attributes)}

    def __contains__(self, attribute: str) -> bool:
        return attribute in self._by_id

    def attribute(self, attribute: str) -> AttributeDefinition:
        """Return an attribute's definition; MalformedError ATTRIBUTE_UNKNOWN."""
        return self._find(attribute)[1]

    def message_index(self, attribute: str) -> int:
        """Return the index of an attribute's message; MalformedError ATTRIBUTE_UNKNOWN."""
        return self._find(attribute)[0] + 1

    def _find(self, attribute: str) -> tuple[int, AttributeDefinition]:
        if attribute not in self._by_id:
            detail = f"{self.name} has no such attribute"
            raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, detail, field=attribute)
        return self._by_id[attribute]

    def header(self) -> bytes:
        """Return the header that is signed with every credential of this schema."""
        return self._header

    @cached_property
    def _header(self) -> bytes:
        return canonical.encode(_HEADER_LABEL, str(self.name), self.digest)

    def in_order(self, attributes: Iterable[str]) -> tuple[str, ...]:
        """Return attribute identifiers in the schema's order; MalformedError ATTRIBUTE_UNKNOWN."""
        return tuple(sorted(attributes, key=self.message_index))

    def check_values(self, values: Mapping[str, Value]) -> None:
        """Raise MalformedError ATTRIBUTE_UNKNOWN, ATTRIBUTE_MISSING or VALUE_INVALID unless all fit."""
        self._check_known(values)
        for each in self.attributes:
            each.check(values.get(each.id), field=each.id)

    def _check_known(self, values: Mapping[str, Value]) -> None:
        if not values.keys() <= self._by_id.keys():
            for attribute in values:
                self.attribute(attribute)

    def messages(self, expiry: dt.date, values: Mapping[str, Value]) -> list[bytes]:
        """Return the messages that a credential signs; raises as `check_values` does."""
        self._check_known(values)
        return [expiry_message(expiry), *(each.message(values.get(each.id)) for each in self.attributes)]
