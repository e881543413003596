"""What a department was shown before it issued: a use like any other, but on no ledger and without a receipt.

The holder has nothing to prove it by; but the vault tells it as it tells every use, from request and answer.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from disclosure import LocalizedText, Schema, SchemaName, VerifierName
from disclosure.canonical import Item
from disclosure.composite import CompositePresentation, CompositeRequest
from prover.composite.facts import Facts
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, schema_of, unpack


@dataclass(frozen=True)
class Showing:
    """A department's request with what an answer to it is told by."""

    display_name: LocalizedText
    request: CompositeRequest = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    facts: Facts = field(repr=False)


@dataclass(frozen=True)
class ClaimUse:
    """A presentation that went to a department with a claim. Its fields are those of a `Usage`."""

    id: str
    time: dt.datetime
    showing: Showing
    presentation: CompositePresentation = field(repr=False)

    @property
    def request(self) -> CompositeRequest:
        """What was asked; nobody signed it."""
        return self.showing.request

    @property
    def verifier(self) -> VerifierName:
        """The department, under the name by which it asks."""
        return self.request.verifier

    @property
    def verifier_display_name(self) -> LocalizedText:
        """The department's name for people."""
        return self.showing.display_name

    @property
    def purpose(self) -> LocalizedText:
        """What for."""
        return self.request.purpose

    @property
    def schemas(self) -> Mapping[SchemaName, Schema]:
        """The schemas that the presentation is read with."""
        return self.showing.schemas

    @property
    def facts(self) -> Facts:
        """What else it is told by."""
        return self.showing.facts

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.CLAIM_USE.value, milliseconds(self.time), self.verifier_display_name.items(),
        ]  # fmt: skip
        schemas = [self.schemas[name].canonical for name in sorted(self.schemas, key=str)]
        return pack(
            head, self.request.canonical, self.presentation.canonical, self.facts.to_bytes(), *schemas
        )


def claim_use_of(record_id: str, octets: bytes) -> ClaimUse:
    """Decode its record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.CLAIM_USE, int(time), [str(zh), str(en)]],
            [request, presentation, facts, *schemas],
        ]:
            read = {each.name: each for each in map(schema_of, schemas)}
            showing = Showing(
                LocalizedText(zh, en), CompositeRequest.from_bytes(request), read, Facts.from_bytes(facts)
            )
            answer = CompositePresentation.from_bytes(presentation, read)
            return ClaimUse(record_id, moment_of(time), showing, answer)
    raise malformed()
