"""Credentials with a MAC in place of the signature: the messages, generators and B of BBS, over a curve.

B = P1 + domain*Q_1 + sum of m_i * H_i, with e and A = B / (x + e). A presentation is that of the gadget
`bbs.gadgets.Credential`, unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.protocol import G1Point
from bbs.keyed.curves import Curve
from bbs.keyed.group import POINT_OCTETS, SCALAR_OCTETS, curve_group
from bbs.keyed.mac import Mac, make_mac, prove_macs, verify_macs
from bbs.keyed.suite import KeyedSuite, SecretKey
from bbs.scalars import check_octets

MAX_MESSAGES = 4096
_API = b"MAC_V1_"
_MAC_OCTETS = POINT_OCTETS + SCALAR_OCTETS
_PROOF_OCTETS = 2 * POINT_OCTETS + SCALAR_OCTETS
ISSUED_OCTETS = _MAC_OCTETS + _PROOF_OCTETS
"""The length of an issued MAC with its proof: 163."""


@dataclass(frozen=True, eq=False)
class Generators:
    """P1, Q_1 and H_1..H_L of a curve: hashed, each from its number, so that more of them begin the same."""

    curve: Curve
    P1: G1Point
    points: tuple[G1Point, ...]

    @property
    def L(self) -> int:
        """The number of message generators."""
        return len(self.points) - 1

    @property
    def octets(self) -> bytes:
        """P1, Q_1 and H_1..H_L, one after the other."""
        return curve_group(self.curve).g1s_to_octets((self.P1, *self.points))

    def combine(self, domain: int, messages: Sequence[int]) -> G1Point:
        """Return B; InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE."""
        if len(messages) != self.L:
            raise InputError(Reason.COUNT_MISMATCH, f"{len(messages)} messages, {self.L} generators")
        if not all(isinstance(m, int) and 0 <= m < self.curve.n for m in messages):
            raise InputError(Reason.SCALAR_OUT_OF_RANGE, "a message scalar is outside [0, n)")
        return curve_group(self.curve).msm((self.P1, *self.points), (1, domain, *messages), secret=True)


@lru_cache(maxsize=64)
def create_generators(curve: Curve, L: int) -> Generators:
    """Return the generators for L messages; InputError TOO_MANY_MESSAGES, COUNT_MISMATCH."""
    if not 0 < L <= MAX_MESSAGES:
        reason = Reason.TOO_MANY_MESSAGES if L > 0 else Reason.COUNT_MISMATCH
        raise InputError(reason, f"a credential has 1 to {MAX_MESSAGES} messages")
    numbers = [i.to_bytes(8) for i in range(L + 2)]
    P1, *points = KeyedSuite(curve).hash_to_points(numbers, curve.identifier + _API + b"GENERATORS_")
    return Generators(curve, P1, tuple(points))


def calculate_domain(public_key: bytes, generators: Generators, header: bytes) -> int:
    """Bind a public key, the generators and a header into one scalar; InputError INVALID_TYPE."""
    key, header = check_octets(public_key, "the public key"), check_octets(header, "the header")
    octets = key + generators.L.to_bytes(8) + generators.octets + len(header).to_bytes(8) + header
    curve = generators.curve
    return KeyedSuite(curve).hash_to_scalar(octets, curve.identifier + _API + b"DOMAIN_")


@dataclass(frozen=True, eq=False, repr=False)
class KeyedCredential:
    """A credential as its holder keeps it, with all that its proofs need. As secret as its messages."""

    generators: Generators
    signature: Mac
    messages: tuple[int, ...]
    domain: int

    @property
    def B(self) -> G1Point:
        """The point that the MAC is on."""
        return self.signature.B


def issue(key: SecretKey, B: G1Point) -> bytes:
    """Return the MAC of B with its proof, 163 octets: A, e, and the proof that x*A = B - e*A.

    B is `Generators.combine` of what the issuer knows, plus the holder's commitment, if there is one, which
    the issuer verified before. e follows from the key and B: no two B get the same e, which would be a
    forgery. Raises InputError DEGENERATE.
    """
    suite = KeyedSuite(key.curve)
    octets = key.to_octets_secret() + suite.group.g1s_to_octets((B,))
    e = suite.hash_to_scalar(octets, suite.identifier + _API + b"E_")
    mac = make_mac(key, B, e)
    return suite.group.g1s_to_octets((mac.A,)) + e.to_bytes(SCALAR_OCTETS) + prove_macs(key, (mac,))


def accept(
    public_key: bytes, generators: Generators, header: bytes, messages: Sequence[int], issued: bytes
) -> KeyedCredential:
    """Return the credential if what was issued is a MAC on these messages under a logged public key.

    Raises InputError INVALID_TYPE, COUNT_MISMATCH, SCALAR_OUT_OF_RANGE; DecodingError INVALID_LENGTH,
    INVALID_POINT, IDENTITY_POINT, INVALID_SCALAR; VerificationError PROOF_INVALID.
    """
    curve = generators.curve
    if len(check_octets(issued, "the issued MAC")) != ISSUED_OCTETS:
        raise DecodingError(Reason.INVALID_LENGTH, f"an issued MAC has {ISSUED_OCTETS} octets")
    (A,) = curve_group(curve).g1s_from_octets((issued[:POINT_OCTETS],))
    e = int.from_bytes(issued[POINT_OCTETS:_MAC_OCTETS])
    if not 0 < e < curve.n:
        raise DecodingError(Reason.INVALID_SCALAR, "e is 0 or not less than n")
    domain = calculate_domain(public_key, generators, header)
    mac = Mac(A, e, generators.combine(domain, messages))
    verify_macs(curve, public_key, (mac,), issued[_MAC_OCTETS:])
    return KeyedCredential(generators, mac, tuple(messages), domain)
