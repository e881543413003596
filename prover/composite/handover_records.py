"""What a vault keeps for sums across two holders, and its octets before they are sealed.

The first vault keeps the opening of each commitment of a use. The second one keeps its key for a request, and
what was handed over for it, until the request has ended.
"""

import datetime as dt
from dataclasses import dataclass, field

from disclosure import SignedRequest
from disclosure.canonical import Item
from disclosure.composite import CompositeRequest, HandoverKey, KeptOpening
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, unpack


@dataclass(frozen=True, repr=False)
class KeptNumber:
    """The opening of a commitment in a use of this vault. Does not show itself."""

    id: str
    usage: str
    kept: KeptOpening

    def octets(self) -> bytes:
        """Return what is sealed."""
        return pack([Kind.KEPT_NUMBER.value, self.usage], self.kept.to_octets_secret())


def kept_number_of(record_id: str, octets: bytes) -> KeptNumber:
    """Decode its record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.KEPT_NUMBER, str(usage)], [kept]:
            return KeptNumber(record_id, usage, KeptOpening.from_octets(kept))
    raise malformed()


@dataclass(frozen=True)
class KeptKey:
    """The key that a vault receives openings with, for one request that was opened."""

    id: str
    signed_request: SignedRequest = field(repr=False)
    key: HandoverKey = field(repr=False)

    @property
    def request(self) -> CompositeRequest:
        """The request."""
        return CompositeRequest.from_bytes(self.signed_request.payload)

    def octets(self) -> bytes:
        """Return what is sealed."""
        signed = self.signed_request
        return pack([Kind.HANDOVER_KEY.value], signed.payload, signed.signature, self.key.to_octets_secret())


def kept_key_of(record_id: str, octets: bytes) -> KeptKey:
    """Decode its record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.HANDOVER_KEY], [payload, signature, key]:
            return KeptKey(record_id, SignedRequest(payload, signature), HandoverKey.from_octets(key))
    raise malformed()


@dataclass(frozen=True, repr=False)
class ReceivedNumber:
    """A number of another holder's, for one branch of one request. Does not show itself.

    `number` is its identifier in the branch; `ends` when the request does.
    """

    id: str
    request: bytes
    branch: str
    number: str
    ends: dt.datetime
    kept: KeptOpening

    @property
    def place(self) -> tuple[bytes, str, str]:
        """What it is for: of each place there is one."""
        return self.request, self.branch, self.number

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [Kind.RECEIVED_NUMBER.value, *self.place, milliseconds(self.ends)]
        return pack(head, self.kept.to_octets_secret())


def received_number_of(record_id: str, octets: bytes) -> ReceivedNumber:
    """Decode its record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.RECEIVED_NUMBER, bytes(request), str(branch), str(number), int(ends)], [kept]:
            opened = KeptOpening.from_octets(kept)
            return ReceivedNumber(record_id, request, branch, number, moment_of(ends), opened)
    raise malformed()
