"""What a vault holds: credentials, claims that are under way, uses; and their octets before they are sealed.

Uses are of both forms; what else the composite form keeps is in `prover.composite.records`.

A record is a few parts, each after its length: first a canonical head with the record's kind, then what has
canonical octets of its own. Decoding accepts what encoding gives. State rules: these are values; a change is
a new value, which the vault writes in the place of the old.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final

from disclosure import (
    Credential,
    ErrandLink,
    ExchangeLink,
    IssuerKey,
    KeyState,
    LocalizedText,
    MalformedError,
    OfferLink,
    Presentation,
    Reason,
    Request,
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
from disclosure.policy import RegisteredPolicy
from prover.composite.facts import Facts
from prover.errors import ContentError, VaultReason
from tlog import HOLDER_NOTE_OCTETS

AnyRequest = Request | CompositeRequest
AnyPresentation = Presentation | CompositePresentation
UsageLink = ExchangeLink | ErrandLink
"""By which a use goes out: alone, or as a part of an errand."""

MAX_PARTS: Final = 64
REQUEST_ID_OCTETS: Final = 16
_LENGTH_OCTETS: Final = 4
_LABEL: Final = "zk-disclosure/vault-record/v1"
_ERRAND: Final = "zk://errand?"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MAX_MILLISECONDS: Final = 1 << 47


class Kind(StrEnum):
    """The kinds of records."""

    CREDENTIAL = "credential"
    CLAIM = "claim"
    USAGE = "usage"
    HOLDER_SECRET = "holder-secret"  # noqa: S105  (a kind of record)
    COMPOSITE_CREDENTIAL = "composite-credential"
    COMPOSITE_CLAIM = "composite-claim"
    CLAIM_USE = "claim-use"
    REGULATOR = "regulator"
    KEPT_NUMBER = "kept-number"
    HANDOVER_KEY = "handover-key"
    RECEIVED_NUMBER = "received-number"
    EVENT = "event"
    FOUND = "found"
    READING = "reading"
    CONSENT = "consent"
    ERRAND = "errand"
    DECLARED = "declared"
    ACCOUNT = "account"
    SENT_DELIVERY = "sent-delivery"
    RECEIVED_DELIVERY = "received-delivery"


class UsageState(StrEnum):
    """How far a use has come: perhaps sent, answered with a receipt that holds, or refused for good.

    What was sent may have been seen, whatever the service says of it.
    """

    SENT = "sent"
    ANSWERED = "answered"
    REFUSED = "refused"


def milliseconds(moment: dt.datetime) -> int:
    """Return a moment (with time zone) in milliseconds since 1970; MalformedError VALUE_INVALID."""
    if moment.tzinfo is not None:
        number = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
        if 0 <= number < _MAX_MILLISECONDS:
            return number
    raise MalformedError(Reason.VALUE_INVALID, "a time has a zone and is within what is sensible")


def moment_of(number: int) -> dt.datetime:
    """Return the moment so many milliseconds after 1970 began; MalformedError VALUE_INVALID."""
    if not 0 <= number < _MAX_MILLISECONDS:
        raise MalformedError(Reason.VALUE_INVALID, "a time is outside what is sensible")
    return _EPOCH + dt.timedelta(milliseconds=number)


@dataclass(frozen=True)
class HeldCredential:
    """A credential in the vault, with what it is read and shown by.

    `id` has 32 hexadecimal digits; the issuer key's state is what it was when the credential came.
    """

    id: str
    credential: Credential
    schema: Schema
    issuer_key: IssuerKey
    received: dt.datetime

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [Kind.CREDENTIAL.value, milliseconds(self.received), self.issuer_key.state.value]
        body = self.credential.to_bytes(self.schema)
        return pack(head, self.schema.canonical, self.issuer_key.record(), body)


@dataclass(frozen=True)
class Claim:
    """A claim that is not yet acknowledged. It goes with the same request_id however often it is sent.

    `credential` is the held credential's id once it is stored.
    """

    id: str
    link: OfferLink = field(repr=False)
    request_id: str = field(repr=False)
    begun: dt.datetime
    credential: str | None = None

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.CLAIM.value,
            milliseconds(self.begun),
            str(self.link),
            self.request_id,
            self.credential,
        ]
        return pack(head)


@dataclass(frozen=True)
class FetchedRequest:
    """A request that came by a link, its signature verified under its verifier's registered key.

    It asks no more than `policy` allows, which it names and whose record stands on the ledger.
    """

    link: ExchangeLink = field(repr=False)
    signed_request: SignedRequest = field(repr=False)
    verifier_display_name: LocalizedText
    policy: RegisteredPolicy

    @cached_property
    def request(self) -> AnyRequest:
        """The request, of the form that its label selects."""
        return request_of(self.signed_request)


def request_of(signed: SignedRequest) -> AnyRequest:
    """Return a signed request, of the form that its label selects; MalformedError."""
    return CompositeRequest.from_bytes(signed.payload) if is_composite(signed) else signed.request


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


def kind_of(octets: bytes) -> Kind:
    """Return a record's kind; MalformedError MALFORMED."""
    match canonical.first(unpack(octets)[0]):
        case str(kind) if kind in set(Kind):
            return Kind(kind)
    raise malformed()


def held_credential_of(record_id: str, octets: bytes) -> HeldCredential:
    """Decode a credential's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.CREDENTIAL, int(received), str(state)], [schema, key, credential] if state in set(
            KeyState
        ):
            read = schema_of(schema)
            issuer_key = replace(IssuerKey.from_record(key), state=KeyState(state))
            return HeldCredential(
                record_id, Credential.from_bytes(credential, read), read, issuer_key, moment_of(received)
            )
    raise malformed()


def claim_of(record_id: str, octets: bytes) -> Claim:
    """Decode a claim's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.CLAIM, int(begun), str(link), str(request_id), (str() | None) as credential],
            [],
        ]:
            return Claim(record_id, OfferLink.parse(link), request_id, moment_of(begun), credential)
    raise malformed()


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


@lru_cache(maxsize=256)
def schema_of(octets: bytes) -> Schema:
    """Decode a schema; a vault holds few, and reads each many times."""
    return Schema.from_bytes(octets)


def new_request_id(octets: bytes) -> str:
    """Return a UUID (version 4) of 16 random octets."""
    return str(uuid.UUID(bytes=octets, version=4))


def malformed() -> MalformedError:
    """Return the error of octets that are no record."""
    return MalformedError(Reason.MALFORMED, "the octets are no record of a vault")


def head_of(octets: bytes) -> list[Item]:
    """Decode a record's head; MalformedError MALFORMED."""
    return canonical.decode(_LABEL, octets)


def pack(head: Sequence[Item], *parts: bytes) -> bytes:
    """Encode a record: its head, and parts that have octets of their own."""
    every = (canonical.encode(_LABEL, *head), *parts)
    return b"".join(len(each).to_bytes(_LENGTH_OCTETS) + each for each in every)


def unpack(octets: bytes) -> list[bytes]:
    """Decode what `pack` gives: the head, still encoded, and the parts; MalformedError MALFORMED."""
    parts = list[bytes]()
    at = 0
    while at < len(octets):
        start = at + _LENGTH_OCTETS
        end = start + int.from_bytes(octets[at:start])
        if start > len(octets) or end > len(octets) or len(parts) == MAX_PARTS:
            raise malformed()
        parts.append(octets[start:end])
        at = end
    if not parts:
        raise malformed()
    return parts
