"""What can go wrong between holder and verifier, as a small tree.

`reason` is a stable string, never reused for another meaning; it travels over gRPC as it is. `field` names
the place of a fault in the input where one can be named. No message contains an attribute's value, key
material or proof.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple, Self


class Reason(StrEnum):
    """The stable reasons; the value equals the name."""

    # malformed
    MALFORMED = "MALFORMED"
    NAME_INVALID = "NAME_INVALID"
    SCHEMA_INVALID = "SCHEMA_INVALID"
    VALUE_INVALID = "VALUE_INVALID"
    ATTRIBUTE_UNKNOWN = "ATTRIBUTE_UNKNOWN"
    ATTRIBUTE_MISSING = "ATTRIBUTE_MISSING"
    REQUEST_INVALID = "REQUEST_INVALID"
    PRESENTATION_INVALID = "PRESENTATION_INVALID"
    LINK_INVALID = "LINK_INVALID"
    PREDICATE_INVALID = "PREDICATE_INVALID"
    BOUND_INVALID = "BOUND_INVALID"
    POLICY_INVALID = "POLICY_INVALID"
    ITEM_INVALID = "ITEM_INVALID"
    DOCUMENT_INVALID = "DOCUMENT_INVALID"
    CONTEXT_UNKNOWN = "CONTEXT_UNKNOWN"
    POINTER_INVALID = "POINTER_INVALID"
    # refused
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    REQUEST_SIGNATURE_INVALID = "REQUEST_SIGNATURE_INVALID"
    REQUEST_NOT_YET_VALID = "REQUEST_NOT_YET_VALID"
    REQUEST_EXPIRED = "REQUEST_EXPIRED"
    REQUEST_MISMATCH = "REQUEST_MISMATCH"
    QUERY_MISMATCH = "QUERY_MISMATCH"
    SCHEMA_UNKNOWN = "SCHEMA_UNKNOWN"
    FORM_NOT_SUPPORTED = "FORM_NOT_SUPPORTED"
    ISSUER_KEY_UNKNOWN = "ISSUER_KEY_UNKNOWN"
    ISSUER_KEY_RETIRED = "ISSUER_KEY_RETIRED"
    CREDENTIAL_EXPIRED = "CREDENTIAL_EXPIRED"
    EXPIRY_INVALID = "EXPIRY_INVALID"
    PROOF_INVALID = "PROOF_INVALID"
    RECEIPT_MISMATCH = "RECEIPT_MISMATCH"
    COMMITMENT_INVALID = "COMMITMENT_INVALID"
    TABLE_UNKNOWN = "TABLE_UNKNOWN"
    EPOCH_UNKNOWN = "EPOCH_UNKNOWN"
    EPOCH_STALE = "EPOCH_STALE"
    REGULATOR_UNKNOWN = "REGULATOR_UNKNOWN"
    UNSATISFIED = "UNSATISFIED"
    POLICY_UNKNOWN = "POLICY_UNKNOWN"
    POLICY_DEPRECATED = "POLICY_DEPRECATED"
    OVER_ASKING = "OVER_ASKING"
    DELIVERY_INVALID = "DELIVERY_INVALID"
    DELIVERY_REPLAYED = "DELIVERY_REPLAYED"
    LOG_KEY_NOT_FOLLOWED = "LOG_KEY_NOT_FOLLOWED"


class Violation(NamedTuple):
    """One of several faults of an input: its place, and a sentence."""

    field: str
    detail: str


class DisclosureError(Exception):
    """Base of every error that this package raises on purpose.

    `violations` are there where an input has several that are told together: what a request asks too much.
    """

    def __init__(
        self, reason: Reason, detail: str, *, field: str = "", violations: Iterable[Violation] = ()
    ) -> None:
        super().__init__(reason, detail, field)
        self.reason: str = reason.value
        self.detail = detail
        self.field = field
        self.violations = tuple(violations)

    def __str__(self) -> str:
        place = f" ({self.field})" if self.field else ""
        return f"{self.reason}{place}: {self.detail}"

    def moved(self, place: Callable[[str], str]) -> Self:
        """Return the same error with its places as they are in something larger."""
        violations = (Violation(place(each.field), each.detail) for each in self.violations)
        return type(self)(Reason(self.reason), self.detail, field=place(self.field), violations=violations)


class MalformedError(DisclosureError):
    """Input that is no name, schema, value, request, presentation or link."""


class RefusedError(DisclosureError):
    """Well-formed input that does not hold, or not here, or not now."""
