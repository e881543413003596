"""The points of a curve by petlib, which binds OpenSSL's.

How far this is constant-time is OpenSSL's business. A single multiplication, which is what petlib asks for
with `scalar * point`, takes windows of fixed size with masked look-ups on P-256 where OpenSSL has assembly
for it (x86-64 and 64-bit ARM among others), and elsewhere, as on SM2, a Montgomery ladder of fixed length. A
sum of many, `wsum`, is nothing of the kind on SM2 (interleaved wNAF): so secret scalars are multiplied one by
one, and only public ones are summed. Scalars that are Python integers are none of this, as in every other
group here.

Encodings are those of SEC 1, section 2.3.3, at fixed length: 33 octets compressed, 65 uncompressed. The
identity has as many zeros, not SEC 1's one. There is one encoding of each point: coordinates are less than p,
the hybrid form, which OpenSSL decodes as well, is refused, and the identity unless the caller allows it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn, cast

from petlib.bindings import get_errors
from petlib.bn import Bn
from petlib.ec import POINT_CONVERSION_UNCOMPRESSED, EcGroup, EcPt

from bbs.errors import DecodingError, InputError, Reason
from bbs.groups.protocol import G1Point, PreparedBases
from bbs.keyed.curves import Curve

FIELD_OCTETS = 32
POINT_OCTETS = 1 + FIELD_OCTETS
UNCOMPRESSED_OCTETS = 1 + 2 * FIELD_OCTETS
SCALAR_OCTETS = 32


class _SecretScalar:
    """A secret scalar in OpenSSL's memory, which wipes it when it is dropped."""

    __slots__ = ("_group", "_x")

    def __init__(self, group: "CurveGroup", octets: bytes) -> None:
        if len(octets) != SCALAR_OCTETS:
            raise DecodingError(Reason.INVALID_LENGTH, f"a secret key has {SCALAR_OCTETS} octets")
        x = Bn.from_binary(octets)
        if not 0 < x < group.order:
            raise DecodingError(Reason.INVALID_SCALAR, "a secret key is in [1, n)")
        self._group, self._x = group, x

    def multiply(self, C: G1Point) -> G1Point:
        """Return x*C, by a single multiplication."""
        return G1Point(self._x * cast(Any, C))

    def divide(self, B: G1Point, e: int) -> G1Point:
        """Return B / (x + e); InputError DEGENERATE if x + e is 0 modulo n."""
        n = self._group.order
        total = self._x.mod_add(self._group.scalar(e), n)
        if total == Bn(0):
            raise InputError(Reason.DEGENERATE, "the key and e add up to 0")
        # Fermat's inverse: the exponent is public, unlike the steps of Euclid's algorithm.
        return G1Point(total.mod_pow(n - Bn(2), n) * cast(Any, B))

    def to_octets_secret(self) -> bytes:
        """Return the 32 octets of x."""
        return cast(bytes, self._x.binary()).rjust(SCALAR_OCTETS, b"\x00")

    def __repr__(self) -> str:
        return "SecretScalar(<hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret key is not copied; store it with to_octets_secret()")

    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse


class CurveGroup:
    """The group of a curve, as the engine wants it (`bbs.engine.PointGroup`). Shared between threads."""

    def __init__(self, curve: Curve) -> None:
        """Take the curve from OpenSSL, which must mean the same by its number as we do."""
        if curve.nid not in EcGroup.list_curves():
            raise InputError(Reason.UNKNOWN_GROUP, f"this OpenSSL has no {curve.name}")
        self.curve = curve
        self._group = EcGroup(curve.nid, optimize_mult=False)
        self.order: Any = self._group.order()
        self.identity: Any = self._group.infinite()
        self.generator = G1Point(self._group.generator())
        parameters = self._group.parameters()
        found = (*(int(parameters[name]) for name in ("p", "a", "b")), int(self.order))
        if found != (curve.p, curve.a, curve.b, curve.n):
            raise InputError(Reason.UNKNOWN_GROUP, f"this OpenSSL has another {curve.name}")

    @property
    def r(self) -> int:
        """The order of the group."""
        return self.curve.n

    def scalar(self, scalar: int) -> Any:
        """Return a scalar modulo n as OpenSSL has it."""
        return Bn.from_binary((scalar % self.curve.n).to_bytes(SCALAR_OCTETS))

    def point(self, x: int, y: int) -> G1Point:
        """Return a point by its coordinates; DecodingError INVALID_POINT if it is not on the curve."""
        octets = b"\x04" + x.to_bytes(FIELD_OCTETS) + y.to_bytes(FIELD_OCTETS)
        return self.g1s_from_octets_uncompressed((octets,))[0]

    def g1s_from_octets(self, encodings: Sequence[bytes], *, identity: bool = False) -> list[G1Point]:
        """Decode compressed points, checked; all or none.

        Raises DecodingError INVALID_LENGTH, INVALID_POINT, IDENTITY_POINT.
        """
        return [self._decode(each, POINT_OCTETS, b"\x02\x03", identity) for each in encodings]

    def g1s_from_octets_uncompressed(
        self, encodings: Sequence[bytes], *, identity: bool = False
    ) -> list[G1Point]:
        """Decode uncompressed points, checked; all or none. Raises the same."""
        return [self._decode(each, UNCOMPRESSED_OCTETS, b"\x04", identity) for each in encodings]

    def g1s_to_octets(self, points: Sequence[G1Point]) -> bytes:
        """Encode points compressed, one after the other."""
        return b"".join(cast(Any, point).export().ljust(POINT_OCTETS, b"\x00") for point in points)

    def g1s_to_octets_uncompressed(self, points: Sequence[G1Point]) -> bytes:
        """Encode points uncompressed, one after the other."""
        encoded = (cast(Any, point).export(POINT_CONVERSION_UNCOMPRESSED) for point in points)
        return b"".join(octets.ljust(UNCOMPRESSED_OCTETS, b"\x00") for octets in encoded)

    def is_identity(self, point: G1Point) -> bool:
        """Tell whether a point is the identity."""
        return bool(point == self.identity)

    def prepare(self, bases: Sequence[G1Point]) -> PreparedBases:
        """Keep points together: OpenSSL has no tables for points of others."""
        return PreparedBases(tuple(bases))

    def msm(
        self,
        points: Sequence[G1Point],
        scalars: Sequence[int],
        prepared: PreparedBases | None = None,
        prepared_scalars: Sequence[int] = (),
        *,
        secret: bool = False,
    ) -> G1Point:
        """Add up points times scalars; each by a multiplication of its own if the scalars are secret.

        Raises InputError COUNT_MISMATCH.
        """
        bases = cast(tuple[G1Point, ...], prepared or ())
        if len(points) != len(scalars) or len(prepared_scalars) > len(bases):
            raise InputError(Reason.COUNT_MISMATCH, "points and scalars are not equally many")
        every = [*points, *bases[: len(prepared_scalars)]]
        factors = [self.scalar(each) for each in (*scalars, *prepared_scalars)]
        if not every:
            return G1Point(self.identity)
        if not secret:
            return G1Point(self._group.wsum(factors, every))
        products = (factor * point for factor, point in zip(factors, every, strict=True))
        return G1Point(sum(products, self.identity))

    def secret_key(self, octets: bytes) -> _SecretScalar:
        """Take in a secret scalar of 32 octets; DecodingError INVALID_LENGTH, INVALID_SCALAR."""
        return _SecretScalar(self, octets)

    def _decode(self, octets: bytes, length: int, forms: bytes, identity: bool) -> G1Point:
        if len(octets) != length:
            raise DecodingError(Reason.INVALID_LENGTH, f"a point has {length} octets, not {len(octets)}")
        if not any(octets):
            if not identity:
                raise DecodingError(Reason.IDENTITY_POINT, "the identity is not allowed here")
            return G1Point(self.identity)
        if octets[0] not in forms:
            raise DecodingError(Reason.INVALID_POINT, "the point is not in the form that is expected")
        try:
            return G1Point(EcPt.from_binary(octets, self._group))
        except Exception:  # petlib raises no class of its own
            get_errors()  # and leaves OpenSSL's errors for whoever asks next in this thread
            raise DecodingError(Reason.INVALID_POINT, "the point is not on the curve") from None


@cache
def curve_group(curve: Curve) -> CurveGroup:
    """Return the group of a curve, of which there is one; InputError UNKNOWN_GROUP."""
    return CurveGroup(curve)
