"""Uses, of both forms: what was asked, what was shown and proven, how it ended; and their octets.

State rules are those of `prover.records`: a use is a value, and a later state of it another one.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from disclosure import (
    ErrandLink,
    ExchangeLink,
    LocalizedText,
    MalformedError,
    Presentation,
    Reason,
    Schema,
    SchemaName,
    SignedRequest,
    VerifierName,
    canonical,
)
from disclosure.canonical import Item
from disclosure.composite import (
    Answer,
    Branch,
    CompositePresentation,
    CompositeRequest,
    Predicate,
    is_composite,
)
from prover.composite.facts import Facts
from prover.errors import ContentError, VaultReason
from prover.records import (
    AnyRequest,
    Kind,
    head_of,
    malformed,
    milliseconds,
    moment_of,
    pack,
    request_of,
    schema_of,
    unpack,
)
from prover.sealing import VaultKeys
from tlog import HOLDER_NOTE_OCTETS

AnyPresentation = Presentation | CompositePresentation
UsageLink = ExchangeLink | ErrandLink
"""By which a use goes out: alone, or as a part of an errand."""
_ERRAND: Final = "zk://errand?"


class UsageState(StrEnum):
    """How far a use has come: perhaps sent, answered with a receipt that holds, or refused for good.

    What was sent may have been seen, whatever the service says of it.
    """

    SENT = "sent"
    ANSWERED = "answered"
    REFUSED = "refused"


@dataclass(frozen=True)
class Usage:
    """One use of either form: who asked, what was shown and proven, and how it ended.

    `facts` are there for the composite form, to tell by what was proven.
    `schemas` are those that the presentation is read with; `own_tag` tells whether the vault recognised the
    presentation's usage tag when it read the record. `receipt` is there when it was answered, `reason` (the
    service's) when it was refused.
    """

    id: str
    state: UsageState
    time: dt.datetime
    link: UsageLink = field(repr=False)
    request_id: str = field(repr=False)
    verifier_display_name: LocalizedText
    signed_request: SignedRequest = field(repr=False)
    presentation: AnyPresentation = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    holder_note: bytes = field(repr=False)
    own_tag: bool
    receipt: bytes | None = field(default=None, repr=False)
    reason: str | None = None
    facts: Facts | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.receipt is not None) != (self.state is UsageState.ANSWERED) or (self.reason is not None) != (
            self.state is UsageState.REFUSED
        ):
            raise MalformedError(Reason.MALFORMED, "an answered use has a receipt, a refused one a reason")
        if len(self.holder_note) != HOLDER_NOTE_OCTETS:
            raise MalformedError(Reason.MALFORMED, "a holder's note has another length")
        composite = is_composite(self.signed_request)
        if (
            isinstance(self.presentation, CompositePresentation) != composite
            or (self.facts is not None) != composite
        ):
            raise MalformedError(Reason.MALFORMED, "request, presentation and facts are of one form")

    @property
    def exchange(self) -> ExchangeLink:
        """The exchange that it answers by itself; ContentError USAGE_MISMATCH for a part of an errand."""
        if isinstance(self.link, ErrandLink):
            detail = "the use is part of an errand, and goes out with it"
            raise ContentError(VaultReason.USAGE_MISMATCH, detail)
        return self.link

    @cached_property
    def request(self) -> AnyRequest:
        """The request that was answered."""
        return request_of(self.signed_request)

    @property
    def answer(self) -> Presentation | Answer:
        """The answer: what is shown of each credential, usage tag, note hash, digest of the request."""
        return answer_of(self.presentation)

    @cached_property
    def branch(self) -> Branch | None:
        """The branch that was answered, of the composite form."""
        if isinstance(self.request, CompositeRequest) and isinstance(self.answer, Answer):
            return self.request.branch(self.answer.branch)[1]
        return None

    @property
    def proven(self) -> tuple[Predicate, ...]:
        """What was proven of attributes that stayed hidden; `told_of` tells it and the rest."""
        return () if self.branch is None else self.branch.predicates

    @property
    def verifier(self) -> VerifierName:
        """Who asked, which stands at the beginning: a list of many uses decodes no request for it."""
        match canonical.first(self.signed_request.payload):
            case str(name):
                return VerifierName.parse(name)
        raise MalformedError(Reason.MALFORMED, "the request names no verifier")

    @property
    def purpose(self) -> LocalizedText:
        """What for."""
        return self.request.purpose

    @property
    def shown(self) -> dict[str, tuple[str, ...]]:
        """The attributes that were shown, under each query's identifier, in the schema's order."""
        return {
            each.shown.query: self.schemas[each.shown.schema].in_order(each.shown.values)
            for each in self.answer.credentials
        }

    @property
    def request_payload(self) -> bytes:
        """The request's canonical bytes, as the verifier signed them."""
        return self.signed_request.payload

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.USAGE.value, milliseconds(self.time), self.state.value, str(self.link), self.request_id,
            self.verifier_display_name.items(), self.reason, self.receipt is not None,
        ]  # fmt: skip
        schemas = [self.schemas[name].canonical for name in sorted(self.schemas, key=str)]
        facts = [] if self.facts is None else [self.facts.to_bytes()]
        return pack(
            head, self.signed_request.payload, self.signed_request.signature, self.presentation.canonical,
            self.holder_note, self.receipt or b"", *facts, *schemas,
        )  # fmt: skip


def answer_of(presentation: AnyPresentation) -> Presentation | Answer:
    """Return everything of a presentation that both forms have."""
    return presentation.answer if isinstance(presentation, CompositePresentation) else presentation


def usages_of(keys: VaultKeys) -> Callable[[str, bytes], Usage]:
    """Return what decodes the uses of a vault of these keys, as `usage_of` does."""
    return lambda record_id, octets: usage_of(record_id, octets, keys.recognises)


def usage_of(record_id: str, octets: bytes, recognises: Callable[[bytes], bool]) -> Usage:
    """Decode a use's record; MalformedError. `recognises` tells whether a usage tag is the vault's own."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.USAGE, int(time), str(state), str(link), str(request_id), [str(zh), str(en)],
             (str() | None) as reason, bool(answered)],
            [payload, signature, presentation, note, receipt, *rest],
        ] if state in set(UsageState):  # fmt: skip
            signed = SignedRequest(payload, signature)
            answer, facts, read = _answered(signed, presentation, rest)
            return Usage(
                id=record_id,
                state=UsageState(state),
                time=moment_of(time),
                link=_usage_link(link),
                request_id=request_id,
                verifier_display_name=LocalizedText(zh, en),
                signed_request=signed,
                presentation=answer,
                schemas=read,
                holder_note=note,
                own_tag=recognises(answer_of(answer).usage_tag),
                receipt=receipt if answered else None,
                reason=reason,
                facts=facts,
            )
    raise malformed()


def _usage_link(link: str) -> UsageLink:
    return (ErrandLink if link.startswith(_ERRAND) else ExchangeLink).parse(link)


def _answered(
    signed: SignedRequest, presentation: bytes, rest: list[bytes]
) -> tuple[AnyPresentation, Facts | None, dict[SchemaName, Schema]]:
    """Decode a presentation of the request's form; in the composite form facts stand before the schemas."""
    if not is_composite(signed):
        read = {each.name: each for each in map(schema_of, rest)}
        return Presentation.from_bytes(presentation, read), None, read
    if not rest:
        raise malformed()
    read = {each.name: each for each in map(schema_of, rest[1:])}
    return CompositePresentation.from_bytes(presentation, read), Facts.from_bytes(rest[0]), read
