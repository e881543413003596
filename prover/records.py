"""What a vault holds: credentials, claims that are under way, uses; and their octets before they are sealed.

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
from tlog import HOLDER_NOTE_OCTETS

MAX_PARTS: Final = 64
_LENGTH_OCTETS: Final = 4
_LABEL: Final = "zk-disclosure/vault-record/v1"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MAX_MILLISECONDS: Final = 1 << 47


class Kind(StrEnum):
    """The kinds of records."""

    CREDENTIAL = "credential"
    CLAIM = "claim"
    USAGE = "usage"


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
        return _pack(head, self.schema.canonical, self.issuer_key.record(), body)


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
        return _pack(head)


@dataclass(frozen=True)
class FetchedRequest:
    """A request that came by a link, its signature verified under its verifier's registered key."""

    link: ExchangeLink = field(repr=False)
    signed_request: SignedRequest = field(repr=False)
    verifier_display_name: LocalizedText

    @cached_property
    def request(self) -> Request:
        """The request."""
        return self.signed_request.request


@dataclass(frozen=True)
class Usage:
    """One use: who asked, what was shown, and how it ended.

    `schemas` are those that the presentation is read with; `own_tag` tells whether the vault recognised the
    presentation's usage tag when it read the record. `receipt` is there when it was answered, `reason` (the
    service's) when it was refused.
    """

    id: str
    state: UsageState
    time: dt.datetime
    link: ExchangeLink = field(repr=False)
    request_id: str = field(repr=False)
    verifier_display_name: LocalizedText
    signed_request: SignedRequest = field(repr=False)
    presentation: Presentation = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    holder_note: bytes = field(repr=False)
    own_tag: bool
    receipt: bytes | None = field(default=None, repr=False)
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.receipt is not None) != (self.state is UsageState.ANSWERED) or (self.reason is not None) != (
            self.state is UsageState.REFUSED
        ):
            raise MalformedError(Reason.MALFORMED, "an answered use has a receipt, a refused one a reason")
        if len(self.holder_note) != HOLDER_NOTE_OCTETS:
            raise MalformedError(Reason.MALFORMED, "a holder's note has another length")

    @cached_property
    def request(self) -> Request:
        """The request that was answered."""
        return self.signed_request.request

    @property
    def verifier(self) -> VerifierName:
        """Who asked."""
        return self.request.verifier

    @property
    def purpose(self) -> LocalizedText:
        """What for."""
        return self.request.purpose

    @property
    def shown(self) -> dict[str, tuple[str, ...]]:
        """The attributes that were shown, under each query's identifier, in the schema's order."""
        return {
            each.shown.query: self.schemas[each.shown.schema].in_order(each.shown.values)
            for each in self.presentation.credentials
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
        return _pack(
            head, self.signed_request.payload, self.signed_request.signature, self.presentation.canonical,
            self.holder_note, self.receipt or b"", *schemas,
        )  # fmt: skip


Record = HeldCredential | Claim | Usage


def kind_of(octets: bytes) -> Kind:
    """Return a record's kind; MalformedError MALFORMED."""
    match canonical.decode(_LABEL, _unpack(octets)[0]):
        case [str(kind), *_] if kind in set(Kind):
            return Kind(kind)
    raise _malformed()


def held_credential_of(record_id: str, octets: bytes) -> HeldCredential:
    """Decode a credential's record; MalformedError."""
    head, *parts = _unpack(octets)
    match canonical.decode(_LABEL, head), parts:
        case [Kind.CREDENTIAL, int(received), str(state)], [schema, key, credential] if state in set(
            KeyState
        ):
            read = _schema(schema)
            issuer_key = replace(IssuerKey.from_record(key), state=KeyState(state))
            return HeldCredential(
                record_id, Credential.from_bytes(credential, read), read, issuer_key, moment_of(received)
            )
    raise _malformed()


def claim_of(record_id: str, octets: bytes) -> Claim:
    """Decode a claim's record; MalformedError."""
    head, *parts = _unpack(octets)
    match canonical.decode(_LABEL, head), parts:
        case [
            [Kind.CLAIM, int(begun), str(link), str(request_id), (str() | None) as credential],
            [],
        ]:
            return Claim(record_id, OfferLink.parse(link), request_id, moment_of(begun), credential)
    raise _malformed()


def usage_of(record_id: str, octets: bytes, recognises: Callable[[bytes], bool]) -> Usage:
    """Decode a use's record; MalformedError. `recognises` tells whether a usage tag is the vault's own."""
    head, *parts = _unpack(octets)
    match canonical.decode(_LABEL, head), parts:
        case [
            [Kind.USAGE, int(time), str(state), str(link), str(request_id), [str(zh), str(en)],
             (str() | None) as reason, bool(answered)],
            [payload, signature, presentation, note, receipt, *schemas],
        ] if state in set(UsageState):  # fmt: skip
            read = {each.name: each for each in map(_schema, schemas)}
            answer = Presentation.from_bytes(presentation, read)
            return Usage(
                id=record_id,
                state=UsageState(state),
                time=moment_of(time),
                link=ExchangeLink.parse(link),
                request_id=request_id,
                verifier_display_name=LocalizedText(zh, en),
                signed_request=SignedRequest(payload, signature),
                presentation=answer,
                schemas=read,
                holder_note=note,
                own_tag=recognises(answer.usage_tag),
                receipt=receipt if answered else None,
                reason=reason,
            )
    raise _malformed()


@lru_cache(maxsize=256)
def _schema(octets: bytes) -> Schema:
    """Decode a schema; a vault holds few, and reads each many times."""
    return Schema.from_bytes(octets)


def new_request_id(octets: bytes) -> str:
    """Return a UUID (version 4) of 16 random octets."""
    return str(uuid.UUID(bytes=octets, version=4))


def _malformed() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the octets are no record of a vault")


def _pack(head: Sequence[Item], *parts: bytes) -> bytes:
    every = (canonical.encode(_LABEL, *head), *parts)
    return b"".join(len(each).to_bytes(_LENGTH_OCTETS) + each for each in every)


def _unpack(octets: bytes) -> list[bytes]:
    parts = list[bytes]()
    at = 0
    while at < len(octets):
        start = at + _LENGTH_OCTETS
        end = start + int.from_bytes(octets[at:start])
        if start > len(octets) or end > len(octets) or len(parts) == MAX_PARTS:
            raise _malformed()
        parts.append(octets[start:end])
        at = end
    if not parts:
        raise _malformed()
    return parts
