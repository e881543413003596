"""Presentations of the keyed form: what is shown, and one proof of everything else, points compressed."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import date_of
from disclosure.canonical import Item
from disclosure.composite.presentation import MAX_PROOF_OCTETS, malformed
from disclosure.keyed.request import MAX_QUERIES, Schemas
from disclosure.names import IssuerKeyName, SchemaName
from disclosure.presentation import DIGEST_OCTETS, Shown, shown_value

_LABEL: Final = "zk-disclosure/keyed-presentation/v1"


@dataclass(frozen=True)
class KeyedPresentation:
    """An answer to the request of a digest. Raises MalformedError PRESENTATION_INVALID."""

    request_digest: bytes = field(repr=False)
    shown: tuple[Shown, ...]
    proof: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.request_digest) != DIGEST_OCTETS:
            raise malformed(f"a digest has {DIGEST_OCTETS} octets", "request_digest")
        if not 0 < len(self.shown) <= MAX_QUERIES:
            raise malformed(f"a presentation has 1 to {MAX_QUERIES} credentials", "shown")
        if not 0 < len(self.proof) <= MAX_PROOF_OCTETS:
            raise malformed(f"a proof has 1 to {MAX_PROOF_OCTETS} octets", "proof")
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise malformed("what is shown is too large", "shown")

    @cached_property
    def canonical(self) -> bytes:
        """The presentation's canonical bytes."""
        shown = [each.items() for each in self.shown]
        return canonical.encode(_LABEL, self.request_digest, shown, self.proof)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes, schemas: Schemas) -> "KeyedPresentation":
        """Decode canonical bytes with the schemas of what is shown; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [bytes(request), list(shown), bytes(proof)]:
                parsed = cls(request, tuple(shown_of(each, schemas) for each in shown), proof)
                if parsed.canonical == octets:
                    return parsed
        raise malformed("the octets are no keyed presentation of these schemas")


def shown_of(item: Item, schemas: Schemas) -> Shown:
    """Decode what `Shown.items` gives; MalformedError."""
    match item:
        case [str(query), str(name), str(key), (int() | None) as expiry, list(pairs)]:
            schema = schemas.get(SchemaName.parse(name))
            if schema is not None:
                values = dict(shown_value(pair, schema) for pair in pairs)
                last_day = None if expiry is None else date_of(expiry)
                return Shown(query, schema.name, IssuerKeyName.parse(key), values, last_day)
    raise malformed("the octets hold no answer of these schemas", "shown")
