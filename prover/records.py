"""What a vault holds: credentials and claims that are under way; and records' octets before they are sealed.

Uses are in `prover.usages`, what else the composite form keeps in `prover.composite.records`.

A record is a few parts, each after its length: first a canonical head with the record's kind, then what has
canonical octets of its own. Decoding accepts what encoding gives. State rules: these are values; a change is
a new value, which the vault writes in the place of the old.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
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
    Reason,
    Request,
    Schema,
    SignedRequest,
    canonical,
)
from disclosure.canonical import Item
from disclosure.composite import (
    CompositeRequest,
    is_composite,
)
from disclosure.policy import RegisteredPolicy

AnyRequest = Request | CompositeRequest

MAX_PARTS: Final = 64
REQUEST_ID_OCTETS: Final = 16
_LENGTH_OCTETS: Final = 4
_LABEL: Final = "zk-disclosure/vault-record/v1"
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
    W3C_DOCUMENT = "w3c-document"
    ORDER = "order"


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
