"""The opening of a commitment: handed from the vault of one holder to the vault of another one.

    second vault:  key = HandoverKey.generate(); shows key.public to the first one, device to device
    first vault:   sealed = hand_over(kept, request, branch, key.public, now), if its holder agrees
    second vault:  opening = key.receive(sealed, request, branch, number)

**Who receives the opening learns the number**, exactly and for good, and can prove it to anybody who has the
first presentation. The first holder agrees to that, and to the sum that the second request asks, which its
vault reads before. Nobody else learns it: not the verifier, not who carries the octets.

Sealed is by HPKE (RFC 9180, base mode: X25519, HKDF-SHA256, AES-256-GCM) to a key for this one purpose. The
key has to come from the other vault itself. If the verifier could name one, it could name its own.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bbs.ciphersuite import resolve
from bbs.engine import PairingSuite
from bbs.gadgets import commitment_bases
from disclosure import canonical
from disclosure.composite.credential import SCALAR_OCTETS, check_scalar
from disclosure.composite.foreign import CommittedNumber, ForeignNumber
from disclosure.composite.request import CompositeRequest
from disclosure.composite.scalars import OFFSET
from disclosure.errors import MalformedError, Reason, RefusedError

KEY_OCTETS: Final = 32
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_ENCAPSULATED_OCTETS: Final = 32
_TAG_OCTETS: Final = 16
SEALED_OCTETS: Final = _ENCAPSULATED_OCTETS + 2 * SCALAR_OCTETS + _TAG_OCTETS
_HANDOVER_LABEL: Final = "zk-disclosure/opening-handover/v1"
_KEPT_LABEL: Final = "zk-disclosure/kept-opening/v1"


def commitment_octets(suite: str, m: int, u: int) -> bytes:
    """Return K = m*G + u*H for secret scalars, 48 octets."""
    pairing = PairingSuite(resolve(suite))
    bases, group = commitment_bases(pairing), pairing.group
    return group.g1s_to_octets([group.msm([bases.G.point, bases.H.point], [m, u], secret=True)])


@dataclass(frozen=True, repr=False)
class CommitmentOpening:
    """The opening of one commitment; one that does not open it cannot be made. Does not show itself.

    m is the number plus 2^63, as it is signed. Raises MalformedError MALFORMED, RefusedError
    COMMITMENT_INVALID.
    """

    suite: str
    K: bytes
    m: int
    u: int

    def __post_init__(self) -> None:
        if type(self.m) is not int or not 0 <= self.m < 2 * OFFSET:
            raise MalformedError(Reason.MALFORMED, "the opening holds no integer of 64 bits", field="opening")
        check_scalar(self.u, "the blind", field="opening")
        if not compare_digest(commitment_octets(self.suite, self.m, self.u), self.K):
            detail = "the opening is not that of the commitment"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="opening")

    @property
    def number(self) -> int:
        """The number, which is the first holder's secret."""
        return self.m - OFFSET

    def to_octets_secret(self) -> bytes:
        """Return its 64 secret octets: m and u."""
        return self.m.to_bytes(SCALAR_OCTETS) + self.u.to_bytes(SCALAR_OCTETS)

    @classmethod
    def from_octets(cls, number: CommittedNumber, octets: bytes) -> "CommitmentOpening":
        """Decode what `to_octets_secret` gives, for a commitment; raises as the constructor does."""
        if len(octets) != 2 * SCALAR_OCTETS:
            detail = f"an opening has {2 * SCALAR_OCTETS} octets"
            raise MalformedError(Reason.MALFORMED, detail, field="opening")
        m, u = (int.from_bytes(each) for each in (octets[:SCALAR_OCTETS], octets[SCALAR_OCTETS:]))
        return cls(number.suite, number.K, m, u)


@dataclass(frozen=True, repr=False)
class KeptOpening:
    """What the first holder's vault keeps of a commitment of its presentation. Does not show itself.

    Raises MalformedError MALFORMED if the opening is of another commitment.
    """

    number: CommittedNumber
    opening: CommitmentOpening

    def __post_init__(self) -> None:
        if (self.number.suite, self.number.K) != (self.opening.suite, self.opening.K):
            raise MalformedError(Reason.MALFORMED, "the opening is of another commitment", field="opening")

    def to_octets_secret(self) -> bytes:
        """Return its secret octets, for the vault's own store."""
        return canonical.encode(_KEPT_LABEL, self.number.items(), self.opening.to_octets_secret())

    @classmethod
    def from_octets(cls, octets: bytes) -> "KeptOpening":
        """Decode what `to_octets_secret` gives; raises as the constructors do."""
        match canonical.decode(_KEPT_LABEL, octets):
            case [list(items), bytes(secret)]:
                number = CommittedNumber.from_items(items)
                return cls(number, CommitmentOpening.from_octets(number, secret))
        raise MalformedError(Reason.MALFORMED, "the octets are no kept opening")


def hand_over(
    kept: KeptOpening, request: CompositeRequest, branch: str, to: bytes, now: dt.datetime
) -> bytes:
    """Return the opening, sealed to another vault's key of 32 octets, for one branch of one request.

    The caller has opened that request itself, under the key of the verifier that it names, and its holder has
    agreed to what the module says. The request lives, and counts this very number with the bounds, unit and
    departments that the first request gave it. Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID,
    COMMITMENT_INVALID (the branch does not count it so); MalformedError PRESENTATION_INVALID (branch),
    MALFORMED (`to`).
    """
    request.check_time(now)
    _, asked = request.branch(branch)
    for foreign in asked.foreign:
        if foreign.number == kept.number:
            return _seal(kept.opening.to_octets_secret(), to, _info(request, branch, foreign))
    detail = "the request does not count this number as it was committed to"
    raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="foreign")


@dataclass(frozen=True, eq=False, repr=False)
class HandoverKey:
    """The second vault's key for openings, good for one sum. Does not show itself."""

    private: X25519PrivateKey

    @classmethod
    def generate(cls) -> "HandoverKey":
        """Draw one from the system's generator."""
        return cls(X25519PrivateKey.generate())

    @cached_property
    def public(self) -> bytes:
        """What the first vault seals to: 32 octets."""
        return self.private.public_key().public_bytes_raw()

    def to_octets_secret(self) -> bytes:
        """Return its 32 secret octets, for the vault's own store."""
        return self.private.private_bytes_raw()

    @classmethod
    def from_octets(cls, octets: bytes) -> "HandoverKey":
        """Decode what `to_octets_secret` gives; MalformedError MALFORMED."""
        if len(octets) != KEY_OCTETS:
            raise MalformedError(Reason.MALFORMED, f"a key has {KEY_OCTETS} octets", field="key")
        return cls(X25519PrivateKey.from_private_bytes(octets))

    def receive(
        self, sealed: bytes, request: CompositeRequest, branch: str, number: str
    ) -> CommitmentOpening:
        """Return the opening of a number of another holder's, by its identifier in a branch.

        Raises MalformedError PRESENTATION_INVALID (branch), MALFORMED; RefusedError QUERY_MISMATCH (no such
        number), COMMITMENT_INVALID (sealed for another vault, request, branch or number, or no opening).
        """
        _, asked = request.branch(branch)
        foreign = next((each for each in asked.foreign if each.id == number), None)
        if foreign is None:
            detail = "the branch counts no such number"
            raise RefusedError(Reason.QUERY_MISMATCH, detail, field="foreign")
        if len(sealed) != SEALED_OCTETS:
            detail = f"a sealed opening has {SEALED_OCTETS} octets"
            raise MalformedError(Reason.MALFORMED, detail, field="sealed")
        try:
            secret = _SUITE.decrypt(sealed, self.private, _info(request, branch, foreign))
        except (InvalidTag, ValueError):
            detail = "the opening was sealed for another vault, or another sum"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="sealed") from None
        return CommitmentOpening.from_octets(foreign.number, secret)


def _seal(secret: bytes, to: bytes, info: bytes) -> bytes:
    if len(to) != KEY_OCTETS:
        raise MalformedError(Reason.MALFORMED, f"a key has {KEY_OCTETS} octets", field="to")
    try:
        return _SUITE.encrypt(secret, X25519PublicKey.from_public_bytes(to), info)
    except ValueError:  # a point of small order: everybody would know the shared secret
        raise MalformedError(Reason.MALFORMED, "the key is none", field="to") from None


def _info(request: CompositeRequest, branch: str, foreign: ForeignNumber) -> bytes:
    """Return what an opening is sealed for: the second request, and in the number the first one's digests."""
    return canonical.encode(_HANDOVER_LABEL, request.digest, branch, foreign.items())
