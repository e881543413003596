"""Keyed suites: the engine over a curve without pairings, where the verifier is the issuer.

A key is x*G0, 33 octets, and stands in the log: every holder sees there that it was given the same one as
all others. "Signed under the key" means D = x*C, which only a holder of x can check. So a suite comes in two
kinds that prove the same: without a keyring for holders, and with one for the check service. The
presentations that such a service accepts convince nobody else, since it could have made them up.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point
from bbs.keyed.curves import Curve
from bbs.keyed.group import POINT_OCTETS, SCALAR_OCTETS, UNCOMPRESSED_OCTETS, CurveGroup, curve_group
from bbs.keyed.hashing import hash_to_field, hash_to_scalar, map_to_curve
from bbs.scalars import check_octets


class SecretKey:
    """A key x of one purpose: MACs on credentials, or one table, or one accumulator.

    Whoever holds it can issue: only the issuing department's own check service does. It is in OpenSSL's
    memory, does not show itself, and is neither copied nor pickled nor hashed.
    """

    def __init__(self, curve: Curve, octets: bytes) -> None:
        """Take in a stored key of 32 octets.

        Raises InputError INVALID_TYPE, UNKNOWN_GROUP; DecodingError INVALID_LENGTH, INVALID_SCALAR.
        """
        group = curve_group(curve)
        self.curve = curve
        self._scalar = group.secret_key(check_octets(octets, "the secret key"))
        self.public_key = group.g1s_to_octets((self._scalar.multiply(group.generator),))

    @classmethod
    def generate(cls, curve: Curve) -> "SecretKey":
        """Make a new key from the system's generator."""
        return cls(curve, (1 + secrets.randbelow(curve.n - 1)).to_bytes(SCALAR_OCTETS))

    def multiply(self, C: G1Point) -> G1Point:
        """Return x*C."""
        return self._scalar.multiply(C)

    def divide(self, B: G1Point, e: int) -> G1Point:
        """Return B / (x + e); InputError DEGENERATE if x + e is 0 modulo n."""
        return self._scalar.divide(B, e)

    def to_octets_secret(self) -> bytes:
        """Return the 32 secret octets, for key storage and for a proof about the key only."""
        return self._scalar.to_octets_secret()

    def __repr__(self) -> str:
        return f"SecretKey({self.curve.name}, <hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret key is not copied; store it with to_octets_secret()")

    __hash__ = None  # type: ignore[assignment]  # nothing derived from the secret leaves it
    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse


@lru_cache(maxsize=256)
def public_key_point(curve: Curve, key: bytes) -> G1Point:
    """Decode a public key, x*G0; the latest 256 are kept.

    Raises InputError UNKNOWN_GROUP; DecodingError INVALID_LENGTH, INVALID_POINT, IDENTITY_POINT.
    """
    (point,) = curve_group(curve).g1s_from_octets((key,))
    return point


class Keyring:
    """The keys of one check service, by their public keys. Equal to itself only."""

    def __init__(self, keys: Iterable[SecretKey]) -> None:
        self._keys = {key.public_key: key for key in keys}

    def key(self, public_key: bytes) -> SecretKey:
        """Return the key of a public key; InputError KEY_MISMATCH if it is not held here."""
        if public_key not in self._keys:
            raise InputError(Reason.KEY_MISMATCH, "the key is not held here: ask the department that issued")
        return self._keys[public_key]


@dataclass(frozen=True)
class KeyedSuite:
    """A suite of the engine over a curve; with a keyring it verifies, without one it only proves.

    Raises InputError UNKNOWN_GROUP if this OpenSSL does not have the curve.
    """

    curve: Curve
    keyring: Keyring | None = None
    group: CurveGroup = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "group", curve_group(self.curve))

    @property
    def identifier(self) -> bytes:
        """The curve's identifier."""
        return self.curve.identifier

    @property
    def point_octets(self) -> int:
        """33."""
        return POINT_OCTETS

    @property
    def uncompressed_octets(self) -> int:
        """65."""
        return UNCOMPRESSED_OCTETS

    def hash_to_scalar(self, octets: bytes, dst: bytes) -> int:
        """Hash octets to a scalar in [0, n); InputError INVALID_DST."""
        return hash_to_scalar(octets, dst, self.curve)

    def hash_to_points(self, messages: Sequence[bytes], dst: bytes) -> list[G1Point]:
        """Hash each of some octets to a point (RFC 9380, section 3); InputError INVALID_DST."""
        return [self._hash_to_point(message, dst) for message in messages]

    def check_key(self, key: bytes) -> None:
        """Raise DecodingError unless the octets are a point of the curve and not the identity.

        With a keyring also InputError KEY_MISMATCH unless it has the key: such a statement is refused when it
        is compiled, and never spoils a batch.
        """
        public_key_point(self.curve, check_octets(key, "the public key"))
        if self.keyring is not None:
            self.keyring.key(key)

    def signatures_hold(self, sums: Mapping[bytes, G1Point], D: G1Point) -> bool:
        """Multiply each key's sum once by the key, and compare.

        The sums are public, and so is the answer. Raises InputError KEY_MISMATCH without a keyring.
        """
        if self.keyring is None:
            raise InputError(Reason.KEY_MISMATCH, "only the holder of the secret key can verify")
        products = [self.keyring.key(key).multiply(C) for key, C in sums.items()]
        difference = self.group.msm([*products, D], [*(1 for _ in products), -1])
        return self.group.is_identity(difference)

    def _hash_to_point(self, message: bytes, dst: bytes) -> G1Point:
        u = hash_to_field(message, dst, self.curve)
        points = [self.group.point(*map_to_curve(each, self.curve)) for each in u]
        return self.group.msm(points, (1, 1))
