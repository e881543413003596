"""Presentations of the composite form: the holder's choices, what is shown, and one proof of everything else.

Pseudonyms, escrowed identities and the commitment of an issuance are points that the proof sends: they are
read from the verified proof, so there is nothing beside it that could say something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import date_of, is_whole
from disclosure.canonical import Item
from disclosure.composite.query import ACCUMULATOR_OCTETS, MAX_EPOCH_NUMBER
from disclosure.errors import MalformedError, Reason
from disclosure.names import IssuerKeyName, SchemaName
from disclosure.presentation import DIGEST_OCTETS, USAGE_TAG_OCTETS, Shown, shown_value
from disclosure.request import MAX_QUERIES
from disclosure.schema import Schema

MAX_PROOF_OCTETS: Final = 48 * 1024
_LABEL: Final = "zk-disclosure/composite-presentation/v1"


def malformed(detail: str, field: str = "") -> MalformedError:
    """Return the error of a presentation that is none."""
    return MalformedError(Reason.PRESENTATION_INVALID, detail, field=field)


@dataclass(frozen=True)
class ProvenEpoch:
    """The epoch at which a credential is proven not to be revoked: the accumulator's key, and a number."""

    accumulator: bytes
    number: int

    def __post_init__(self) -> None:
        numbered = is_whole(self.number) and 0 <= self.number < MAX_EPOCH_NUMBER
        if len(self.accumulator) != ACCUMULATOR_OCTETS or not numbered:
            raise malformed("an epoch has an accumulator's key and a number", "epoch")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.accumulator, self.number]


@dataclass(frozen=True)
class CredentialAnswer:
    """Which credential answers a query, what is shown of it, and at which epoch it was not revoked."""

    shown: Shown
    epoch: ProvenEpoch | None = None

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.shown.items(), None if self.epoch is None else self.epoch.items()]


@dataclass(frozen=True)
class Answer:
    """Everything of a presentation but the proof: the branch, and a credential for each of its queries.

    `usage_tag` lets the vault, and nobody else, recognise its own use; `note_hash` commits to the note that
    stands beside the ledger's entry; `request_digest` says what is answered. Raises MalformedError
    PRESENTATION_INVALID.
    """

    branch: str
    credentials: tuple[CredentialAnswer, ...]
    usage_tag: bytes = field(repr=False)
    note_hash: bytes = field(repr=False)
    request_digest: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.credentials) <= MAX_QUERIES:
            raise malformed(f"a presentation has 1 to {MAX_QUERIES} credentials", "credentials")
        for name, octets, size in (
            ("usage_tag", self.usage_tag, USAGE_TAG_OCTETS),
            ("note_hash", self.note_hash, DIGEST_OCTETS),
            ("request_digest", self.request_digest, DIGEST_OCTETS),
        ):
            if len(octets) != size:
                raise malformed(f"it has {size} octets", name)


@dataclass(frozen=True)
class CompositePresentation:
    """An answer with its proof, whose points are compressed: one encoding for a proof."""

    answer: Answer
    proof: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.proof) <= MAX_PROOF_OCTETS:
            raise malformed(f"a proof has 1 to {MAX_PROOF_OCTETS} octets", "proof")
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise malformed("what is shown is too large", "credentials")

    @cached_property
    def canonical(self) -> bytes:
        """The presentation's canonical bytes."""
        answer = self.answer
        return canonical.encode(
            _LABEL, answer.request_digest, answer.branch, answer.usage_tag, answer.note_hash,
            [each.items() for each in answer.credentials], self.proof,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes, schemas: Mapping[SchemaName, Schema]) -> "CompositePresentation":
        """Decode canonical bytes with the schemas of what is shown; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [
                bytes(request), str(branch), bytes(usage_tag), bytes(note_hash), list(credentials),
                bytes(proof),
            ]:  # fmt: skip
                parts = tuple(_credential(each, schemas) for each in credentials)
                parsed = cls(Answer(branch, parts, usage_tag, note_hash, request), proof)
                if parsed.canonical == octets:
                    return parsed
        raise malformed("the octets are no composite presentation of these schemas")

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated: what its receipt commits to."""
        return canonical.digest(_LABEL, self.canonical)


def _credential(item: Item, schemas: Mapping[SchemaName, Schema]) -> CredentialAnswer:
    match item:
        case [[str(query), str(name), str(key), (int() | None) as expiry, list(pairs)], epoch]:
            schema = schemas.get(SchemaName.parse(name))
            if schema is not None:
                values = dict(shown_value(pair, schema) for pair in pairs)
                last_day = None if expiry is None else date_of(expiry)
                shown = Shown(query, schema.name, IssuerKeyName.parse(key), values, last_day)
                return CredentialAnswer(shown, _epoch(epoch))
    raise malformed("the octets hold no answer of these schemas", "credentials")


def _epoch(item: Item) -> ProvenEpoch | None:
    match item:
        case None:
            return None
        case [bytes(accumulator), int(number)]:
            return ProvenEpoch(accumulator, number)
    raise malformed("the octets hold no epoch", "epoch")
