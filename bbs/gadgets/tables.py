"""Tables: published lists of scalars, each with a weak Boneh-Boyen signature C_y = V / (a + y).

A table is made once, with a key a of its own, and is the same for everybody: the digits that ranges are
written in, or the codes of a list. V is hashed from the table's purpose and from all its scalars, so that
under one key too a signature of one list is none of another. A policy names a table by its digest, which
covers every octet of it.

Who publishes a table could sign further scalars with its key. The digits of an issuer may therefore serve for
its own attributes, which it could falsify anyway, and for nobody else's (docs/composite.md).
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from bbs.ciphersuite import Ciphersuite
from bbs.engine import Base, PairingSuite, Suite
from bbs.engine.suite import SecretScalar
from bbs.errors import DecodingError, InputError, Reason, VerificationError
from bbs.gadgets.bases import hashed_base
from bbs.groups.protocol import G1Point
from bbs.keys import SecretKey, keygen
from bbs.scalars import check_octets

KEYGEN_DST: Final = b"ZK_TABLE_V1_KEYGEN_"
DIGIT_BASE: Final = 256
DIGITS: Final = "digits"
"""The purpose of the table of 0 to 255."""

MAX_ENTRIES: Final = 4096
MAX_PURPOSE: Final = 64
SCALAR_OCTETS: Final = 32
_COUNT_OCTETS: Final = 4
_TABLE: Final = b"zk-table/v1\n"
_SCALARS: Final = b"zk-table/scalars/v1\n"
_COEFFICIENT_BITS: Final = 128


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """A purpose, 1 to 4,096 different scalars in their publisher's order, a key, and a signature on each.

    The purpose has 1 to 64 printable ASCII characters, scalars are in [0, r), the key is a public key of the
    suite. That the signatures are true is known of one that `verified` returned. Raises InputError
    INVALID_TYPE, INVALID_COUNT, SCALAR_OUT_OF_RANGE, COUNT_MISMATCH; DecodingError IDENTITY_POINT and those
    of a key.
    """

    suite: Suite
    purpose: str
    scalars: tuple[int, ...]
    key: bytes
    entries: tuple[G1Point, ...]

    def __post_init__(self) -> None:
        _check_purpose(self.purpose)
        _check_scalars(self.scalars, self.suite.group.r)
        self.suite.check_key(check_octets(self.key, "the key of a table"))
        if len(self.entries) != len(self.scalars):
            raise InputError(Reason.COUNT_MISMATCH, "a table has one signature a scalar")
        if any(map(self.suite.group.is_identity, self.entries)):
            raise DecodingError(Reason.IDENTITY_POINT, "a signature is the identity")

    @cached_property
    def V(self) -> Base:
        """The base of all its signatures, hashed from purpose and scalars."""
        return _base(self.suite, self.purpose, self.scalars)

    @cached_property
    def octets(self) -> bytes:
        """The canonical encoding: label, suite, key, purpose, count, scalars, signatures uncompressed."""
        return b"".join(
            (
                _heading(self.suite),
                _sized(self.key),
                _sized(self.purpose.encode()),
                len(self.scalars).to_bytes(_COUNT_OCTETS),
                *(scalar.to_bytes(SCALAR_OCTETS) for scalar in self.scalars),
                self.suite.group.g1s_to_octets_uncompressed(self.entries),
            )
        )

    @cached_property
    def digest(self) -> bytes:
        """What policies and statements name it by: SHA-256 of its octets."""
        return hashlib.sha256(self.octets).digest()

    @cached_property
    def is_digits(self) -> bool:
        """Whether it is a table of the digits 0 to 255, for ranges."""
        return self.purpose == DIGITS and self.scalars == tuple(range(DIGIT_BASE))

    def __contains__(self, scalar: object) -> bool:
        """Tell whether a scalar has a signature."""
        return scalar in self._places

    def signature(self, scalar: int) -> Base:
        """Return the signature on a scalar; InputError UNSATISFIED if there is none.

        Without tables of multiples: those would be built for scalars that were proven before, and the time
        of a proof would tell which ones.
        """
        if scalar not in self._places:
            raise InputError(Reason.UNSATISFIED, "the table has no signature on this value")
        return Base(self.suite, self.entries[self._places[scalar]])

    def verified(self) -> "Table":
        """Return it if every signature is true: one random sum over all, checked once.

        A false table passes with probability 2^-128. In a suite without pairings only the holder of the key
        can check so; everybody else asks for a proof (`bbs.keyed.mac`). Raises VerificationError
        SIGNATURE_INVALID.
        """
        group, r = self.suite.group, self.suite.group.r
        rho = [1 + secrets.randbits(_COEFFICIENT_BITS) for _ in self.entries]
        C = group.msm(self.entries, rho)
        factors = [-coefficient * y % r for coefficient, y in zip(rho, self.scalars, strict=True)]
        D = group.msm([self.V.point, *self.entries], [sum(rho) % r, *factors])
        if not self.suite.signatures_hold({self.key: C}, D):
            raise VerificationError(Reason.SIGNATURE_INVALID, "a signature of the table does not hold")
        return self

    @cached_property
    def _places(self) -> dict[int, int]:
        return {scalar: place for place, scalar in enumerate(self.scalars)}

    def __repr__(self) -> str:
        return f"Table({self.purpose}, {len(self.scalars)} scalars, {self.digest.hex()})"


def sign_table(suite: Suite, secret: SecretScalar, key: bytes, purpose: str, scalars: Iterable[int]) -> Table:
    """Make a table with a secret key that signs nothing else; `key` is its public key.

    Raises what `Table` does, InputError DEGENERATE (the key is minus a scalar) and VerificationError
    SIGNATURE_INVALID (the keys do not belong together).
    """
    scalars = tuple(scalars)
    _check_purpose(purpose)
    _check_scalars(scalars, suite.group.r)
    V = _base(suite, purpose, scalars).point
    entries = tuple(secret.divide(V, scalar) for scalar in scalars)
    return Table(suite, purpose, scalars, key, entries).verified()


def new_table(ciphersuite: Ciphersuite, purpose: str, scalars: Iterable[int]) -> Table:
    """Make a table with a new key, and forget the key: nobody can sign a scalar for it afterwards.

    What is lost before it is published is made anew, with another digest. Raises what `Table` does.
    """
    dst = ciphersuite.ciphersuite_id + KEYGEN_DST
    octets = keygen(secrets.token_bytes(48), key_dst=dst, suite=ciphersuite)
    secret = SecretKey.from_octets(octets, suite=ciphersuite)
    return sign_table(PairingSuite(ciphersuite), secret.group_key, secret.public_key(), purpose, scalars)


def new_digits(ciphersuite: Ciphersuite) -> Table:
    """Make a table of the digits 0 to 255, as `new_table` does."""
    return new_table(ciphersuite, DIGITS, range(DIGIT_BASE))


@lru_cache(maxsize=32)
def load_table(suite: Suite, octets: bytes) -> Table:
    """Decode a published table and check every signature; the latest 32 true ones are kept.

    Raises what `octets_to_table` does and VerificationError SIGNATURE_INVALID.
    """
    return octets_to_table(suite, octets).verified()


def octets_to_table(suite: Suite, octets: bytes) -> Table:
    """Decode a table, strictly; its signatures are points of the group, and not verified.

    Each point is checked by itself, for a holder too: one outside the subgroup would show itself, and so the
    value, in what is proven with it. Raises InputError INVALID_TYPE; DecodingError INVALID_LABEL (another
    kind or suite), INVALID_LENGTH, INVALID_COUNT, INVALID_SCALAR (not less than r, or there twice),
    INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT.
    """
    reader = _Reader(check_octets(octets, "a table"))
    if reader.take(min(len(octets), len(_heading(suite)))) != _heading(suite):
        raise DecodingError(Reason.INVALID_LABEL, "the octets are no table of this suite")
    key, purpose = reader.sized(), _octets_to_purpose(reader.sized())
    count = int.from_bytes(reader.take(_COUNT_OCTETS))
    if not 0 < count <= MAX_ENTRIES:
        raise DecodingError(Reason.INVALID_COUNT, f"a table has 1 to {MAX_ENTRIES} scalars")
    scalars = tuple([int.from_bytes(reader.take(SCALAR_OCTETS)) for _ in range(count)])
    if max(scalars) >= suite.group.r or len(set(scalars)) != count:
        raise DecodingError(Reason.INVALID_SCALAR, "a scalar is not less than r, or there twice")
    encodings = [reader.take(suite.uncompressed_octets) for _ in range(count)]
    reader.end()
    entries = suite.group.g1s_from_octets_uncompressed(encodings)
    return Table(suite, purpose, scalars, key, tuple(entries))


class _Reader:
    """Octets that are taken from the front, all of them."""

    def __init__(self, octets: bytes) -> None:
        self._octets, self._at = octets, 0

    def take(self, count: int) -> bytes:
        part = self._octets[self._at : self._at + count]
        if len(part) != count:
            raise DecodingError(Reason.INVALID_LENGTH, "the table ends too early")
        self._at += count
        return part

    def sized(self) -> bytes:
        return self.take(*self.take(1))

    def end(self) -> None:
        if self._at != len(self._octets):
            raise DecodingError(Reason.INVALID_LENGTH, "something follows the table")


def _sized(octets: bytes) -> bytes:
    return bytes([len(octets)]) + octets


def _heading(suite: Suite) -> bytes:
    return _TABLE + _sized(suite.identifier)


def _base(suite: Suite, purpose: str, scalars: tuple[int, ...]) -> Base:
    listed = b"".join(scalar.to_bytes(SCALAR_OCTETS) for scalar in scalars)
    digest = hashlib.sha256(_SCALARS + listed).digest()
    return hashed_base(suite, "table", _sized(purpose.encode()) + digest)


def _check_purpose(purpose: str) -> None:
    if not isinstance(purpose, str) or not _is_purpose(purpose):
        detail = f"the purpose of a table has 1 to {MAX_PURPOSE} printable ASCII characters"
        raise InputError(Reason.INVALID_TYPE, detail)


def _is_purpose(purpose: str) -> bool:
    return 0 < len(purpose) <= MAX_PURPOSE and purpose.isascii() and purpose.isprintable()


def _octets_to_purpose(octets: bytes) -> str:
    purpose = octets.decode("latin-1")
    if not _is_purpose(purpose):
        raise DecodingError(Reason.INVALID_LABEL, "the table has no purpose")
    return purpose


def _check_scalars(scalars: tuple[int, ...], r: int) -> None:
    if not 0 < len(scalars) <= MAX_ENTRIES:
        raise InputError(Reason.INVALID_COUNT, f"a table has 1 to {MAX_ENTRIES} scalars")
    if not all(type(scalar) is int and 0 <= scalar < r for scalar in scalars):
        raise InputError(Reason.SCALAR_OUT_OF_RANGE, "a scalar of a table is outside [0, r)")
    if len(set(scalars)) != len(scalars):
        raise InputError(Reason.INVALID_COUNT, "a scalar is in the table twice")
