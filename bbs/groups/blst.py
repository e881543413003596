"""BLS12-381 by blst (C and assembly), through the distribution zk-native that is built from `native/`.

The preferred group. Secret keys stay inside it; operations on them, and multiplications that are marked as
secret, are constant-time. Scalars that are Python integers are not: their arithmetic outside the group is
that of Python. Threads compute at the same time.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn, ParamSpec, TypeVar, cast

import zk_native as native

from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.bls12_381 import G1_OCTETS, SCALAR_OCTETS, r
from bbs.groups.protocol import (
    Expander,
    G1Point,
    G2Point,
    Group,
    GroupSecretKey,
    Hashing,
    PreparedBases,
    PreparedG2,
    Terms,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")

_REFUSALS: dict[str, tuple[type[DecodingError] | type[InputError], str]] = {
    Reason.INVALID_LENGTH: (DecodingError, "octets of the wrong length"),
    Reason.INVALID_POINT: (DecodingError, "octets that are the encoding of no point of the curve"),
    Reason.NOT_IN_SUBGROUP: (DecodingError, "the point is outside the subgroup of order r"),
    Reason.IDENTITY_POINT: (DecodingError, "the identity is not allowed here"),
    Reason.INVALID_SCALAR: (DecodingError, "a secret key is in [1, r)"),
    Reason.COUNT_MISMATCH: (InputError, "points and scalars are not equally many"),
    Reason.INVALID_DST: (InputError, "a domain separation tag has 1 to 255 octets"),
    Reason.INPUT_TOO_LONG: (InputError, "more octets are asked for than the hash expands to"),
    Reason.DEGENERATE: (InputError, "the key and e add up to 0"),
}


def _translate(error: native.NativeError) -> NoReturn:
    reason = Reason(error.args[0])
    kind, detail = _REFUSALS[reason]
    raise kind(reason, detail) from None


def _call(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    try:
        return function(*args, **kwargs)
    except native.NativeError as error:
        _translate(error)


def _octets(scalars: Sequence[int]) -> bytes:
    return b"".join([(scalar % r).to_bytes(SCALAR_OCTETS) for scalar in scalars])


class _SecretKey:
    """A secret key whose scalar stays in the native module, which wipes it."""

    __slots__ = ("_key",)

    def __init__(self, key: native.SecretKey) -> None:
        self._key = key

    def public_key(self) -> G2Point:
        """Return x times the generator of G2."""
        return G2Point(self._key.public_key())

    def divide(self, B: G1Point, e: int) -> G1Point:
        """Return B / (x + e), constant-time; InputError DEGENERATE if x + e is 0 modulo r."""
        return G1Point(_call(self._key.divide, cast(native.G1Point, B), (e % r).to_bytes(SCALAR_OCTETS)))

    def to_octets_secret(self) -> bytes:
        """Return the 32 octets of x."""
        return self._key.to_octets_secret()

    def __repr__(self) -> str:
        return "SecretKey(<hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret key is not copied; store it with to_octets_secret()")

    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse


class _Hashing:
    """Hashing of lists in one call."""

    def hash_to_scalars(self, messages: Sequence[bytes], dst: bytes, expander: Expander) -> bytes:
        """Hash each message to a scalar of 32 octets, one after the other; InputError INVALID_DST."""
        return _call(native.hash_to_scalars, messages, dst, expander)

    def hash_to_g1s(self, messages: Sequence[bytes], dst: bytes, expander: Expander) -> list[G1Point]:
        """Hash each message to a point; InputError INVALID_DST."""
        return cast(list[G1Point], _call(native.hash_to_g1s, messages, dst, expander))


class Blst:
    """BLS12-381 by blst."""

    name = "blst"
    r = r
    hashing: Hashing | None = _Hashing()

    def __init__(self) -> None:
        self.BP1 = G1Point(native.g1_generator())
        generator = native.g2_generator()
        self.BP2 = PreparedG2(native.PreparedG2(generator))
        self.BP2_negated = PreparedG2(native.PreparedG2(generator.negated()))

    def g1_from_octets(self, octets: bytes, *, identity: bool = False) -> G1Point:
        """Decode one point of G1, checked."""
        return self.g1s_from_octets((octets,), identity=identity)[0]

    def g1s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G1Point]:
        """Decode many points of G1, checked."""
        return cast(list[G1Point], _call(native.g1s_from_octets, encodings, identity))

    def g1s_from_octets_uncompressed(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many uncompressed points of G1, checked."""
        return cast(list[G1Point], _call(native.g1s_from_octets_uncompressed, encodings, identity, True))

    def g1s_from_octets_uncompressed_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many uncompressed points of the curve, which somebody else found to be in G1."""
        return cast(list[G1Point], _call(native.g1s_from_octets_uncompressed, encodings, identity, False))

    def g1s_from_octets_unchecked_subgroup(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode many points of the curve that need not be in G1."""
        return cast(list[G1Point], _call(native.g1s_from_octets, encodings, identity, False))

    def clear_cofactor(self, points: Sequence[G1Point]) -> list[G1Point]:
        """Multiply each point of the curve by 1 - z."""
        return cast(list[G1Point], native.g1s_clear_cofactor(cast(Sequence[native.G1Point], points)))

    def g2_from_octets(self, octets: bytes, *, identity: bool = False) -> G2Point:
        """Decode one point of G2, checked."""
        return self.g2s_from_octets((octets,), identity=identity)[0]

    def g2s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G2Point]:
        """Decode many points of G2, checked."""
        return cast(list[G2Point], _call(native.g2s_from_octets, encodings, identity))

    def g1_to_octets(self, point: G1Point) -> bytes:
        """Encode a point of G1."""
        return native.g1s_to_octets((cast(native.G1Point, point),))

    def g1s_to_octets(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 one after the other, with one inversion for all."""
        return native.g1s_to_octets(cast(Sequence[native.G1Point], points))

    def g1s_to_octets_uncompressed(self, points: Sequence[G1Point]) -> bytes:
        """Encode points of G1 in uncompressed form, one after the other, with one inversion for all."""
        return native.g1s_to_octets_uncompressed(cast(Sequence[native.G1Point], points))

    def g2_to_octets(self, point: G2Point) -> bytes:
        """Encode a point of G2."""
        return native.g2_to_octets(cast(native.G2Point, point))

    def is_identity(self, point: G1Point) -> bool:
        """Tell whether a point of G1 is the identity."""
        return cast(native.G1Point, point).is_identity()

    def map_to_g1(self, u0: int, u1: int) -> G1Point:
        """Finish hash_to_curve."""
        return G1Point(native.map_to_g1(u0.to_bytes(G1_OCTETS), u1.to_bytes(G1_OCTETS)))

    def prepare(self, bases: Sequence[G1Point]) -> PreparedBases:
        """Prepare points for `msm`; their tables are built when they are first needed."""
        return PreparedBases(native.PreparedBases(cast(Sequence[native.G1Point], bases)))

    def prepare_g2(self, point: G2Point) -> PreparedG2:
        """Prepare a point for `pairing_product_is_one`: compute its lines."""
        return PreparedG2(native.PreparedG2(cast(native.G2Point, point)))

    def msm(
        self,
        points: Sequence[G1Point],
        scalars: Sequence[int],
        prepared: PreparedBases | None = None,
        prepared_scalars: Sequence[int] = (),
        *,
        secret: bool = False,
    ) -> G1Point:
        """Add up points times scalars and prepared bases times theirs; constant-time if `secret`."""
        return G1Point(
            _call(
                native.msm,
                cast(Sequence[native.G1Point], points),
                _octets(scalars),
                cast(native.PreparedBases | None, prepared),
                _octets(prepared_scalars),
                secret,
            )
        )

    def msms(self, sums: Sequence[Terms], *, secret: bool = False) -> list[G1Point]:
        """Compute many sums in one call, which share their inversions; constant-time if `secret`."""
        terms = [
            (
                cast(Sequence[native.G1Point], each.points),
                _octets(each.scalars),
                cast(native.PreparedBases | None, each.prepared),
                _octets(each.prepared_scalars),
            )
            for each in sums
        ]
        return cast(list[G1Point], _call(native.msms, terms, secret))

    def invert(self, scalar: int) -> int:
        """Return 1 / scalar modulo r, constant-time; InputError DEGENERATE for 0."""
        if not scalar % r:
            raise InputError(Reason.DEGENERATE, "0 has no inverse")
        return int.from_bytes(_call(native.invert_scalar, (scalar % r).to_bytes(SCALAR_OCTETS)))

    def pairing_product_is_one(self, pairs: Sequence[tuple[G1Point, PreparedG2]]) -> bool:
        """Tell whether the product of the pairings is the identity of GT."""
        return native.pairing_product_is_one(
            [cast(native.G1Point, first) for first, _ in pairs],
            [cast(native.PreparedG2, second) for _, second in pairs],
        )

    def secret_key(self, octets: bytes) -> GroupSecretKey:
        """Take in a secret scalar of 32 octets."""
        return _SecretKey(_call(native.SecretKey.from_octets, octets))


GROUP: Group = Blst()
