"""A regulator's escrow: a hidden identifier, encrypted to one regulator, and how that regulator opens it.

E1 = u*G and E2 = id*K0 + u*Y for the regulator's key Y, which the holder takes from its trust list and never
from a request. The secret key is held as x with Y = G / x, so that a decryption is a division E1 / x inside
the native key, as a signature is. What comes out is id*K0: the identifier itself the regulator finds among
the candidates of its register.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, NoReturn, TypeVar

from bbs.dleq import Logarithms
from bbs.engine import Base, Context, Point, Scope, Sent, Suite, Values, Verified, Witness
from bbs.engine.proof import scalar_octets
from bbs.engine.suite import SecretScalar
from bbs.errors import InputError, Reason, VerificationError
from bbs.gadgets.bases import hashed_base
from bbs.scalars import check_octets

_T = TypeVar("_T")
_PURPOSE = "escrow-opening"
_DIGEST_OCTETS = 32


class EscrowBases(NamedTuple):
    """G of keys and E1, K0 of identifiers; nobody knows the discrete logarithm of one to the other."""

    G: Base
    K0: Base


def escrow_bases(suite: Suite) -> EscrowBases:
    """Return the bases of all escrow in a suite."""
    return EscrowBases(hashed_base(suite, "escrow-key"), hashed_base(suite, "escrow-identifier"))


@lru_cache(maxsize=64)
def escrow_key_base(suite: Suite, key: bytes) -> Base:
    """Decode a regulator's public key, one compressed point; the latest 64 are kept.

    Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP,
    IDENTITY_POINT.
    """
    (Y,) = suite.group.g1s_from_octets((check_octets(key, "the escrow key"),))
    return Base(suite, Y, fixed=True)


@dataclass(frozen=True)
class Escrow:
    """Proves that E1 and E2, which are sent, encrypt the witness id to a regulator's key.

    The identifier must not be 0, for which there is nothing to look up: attributes never map to 0.
    """

    E1: Sent
    E2: Sent
    identifier: Witness
    u: Witness
    Y: Base

    @classmethod
    def add_to(cls, scope: Scope, identifier: Witness, key: bytes) -> "Escrow":
        """State it about a witness of another gadget, under a public key; raises what the key does."""
        G, K0 = escrow_bases(scope.suite)
        E1, E2, u = scope.sent("E1"), scope.sent("E2"), scope.witness("u")
        gadget = cls(E1, E2, identifier, u, escrow_key_base(scope.suite, key))
        scope.equation("E1", {E1: 1}, [(u, G)])
        scope.equation("E2", {E2: 1}, [(identifier, K0), (u, gadget.Y)])
        return gadget

    def assign(self, values: Values, identifier: int) -> None:
        """Encrypt the identifier with a fresh u, which nobody needs again."""
        G, K0 = escrow_bases(values.statement.suite)
        (u,) = values.random(1)
        values.set(self.identifier, identifier)
        values.set(self.u, u)
        values.send(self.E1, {G: u})
        values.send(self.E2, {K0: identifier, self.Y: u})

    def is_proven_by(self, verified: Verified) -> bool:
        """Tell whether the statement that was verified has both equations, with this key in them."""
        G, K0 = escrow_bases(verified.statement.suite)
        wanted = {
            ((self.E1,), ((self.u, G.octets),)),
            ((self.E2,), ((self.identifier, K0.octets), (self.u, self.Y.octets))),
        }
        equations = verified.statement.equations
        proven = {
            (
                tuple(_name(point) for point, scalar in equation.Y if scalar == 1),
                tuple((witness, _name(point)) for witness, point in equation.terms),
            )
            for equation in equations
            if len(equation.Y) == 1
        }
        return wanted <= proven


def _name(point: Point) -> str | bytes:
    return point.octets if isinstance(point, Base) else point


@dataclass(frozen=True)
class OpeningCase:
    """Why something is opened: the regulator's case, and the presentation as its receipt names it.

    `reference` is 1 to 256 characters, `presentation` the 32 octets of its digest, which whoever opens or
    checks computes of the presentation that it verified: a digest that came from elsewhere would file the
    opening under somebody else's (`disclosure.composite.opening`). InputError INVALID_TYPE, INVALID_LENGTH.
    """

    reference: str
    presentation: bytes

    def __post_init__(self) -> None:
        check_octets(self.presentation, "the presentation's digest")
        if not isinstance(self.reference, str) or not 0 < len(self.reference) <= 256:
            raise InputError(Reason.INVALID_TYPE, "a case's reference has 1 to 256 characters")
        if len(self.presentation) != _DIGEST_OCTETS:
            raise InputError(Reason.INVALID_LENGTH, f"a digest has {_DIGEST_OCTETS} octets")


@dataclass(frozen=True)
class Opening:
    """What a regulator found, id*K0 in compressed form, and the proof that it decrypted rightly.

    Who sees it can try identifiers: it goes to those whom the case concerns. On a public ledger stands its
    digest only.
    """

    identity: bytes = field(repr=False)
    proof: bytes = field(repr=False)


class EscrowKey:
    """A regulator's secret key, held by the group it computes in. Not shown, copied, pickled or hashed."""

    def __init__(self, suite: Suite, secret: SecretScalar) -> None:
        """Wrap a scalar of the suite's group; use `generate` or `from_octets`."""
        self.suite = suite
        self._secret = secret
        Y = secret.divide(escrow_bases(suite).G.point, 0)
        self.public_key = suite.group.g1s_to_octets((Y,))

    @classmethod
    def generate(cls, suite: Suite) -> "EscrowKey":
        """Make a new key from the system's generator."""
        scalar = 1 + secrets.randbelow(suite.group.r - 1)
        return cls.from_octets(suite, scalar.to_bytes(scalar_octets(suite)))

    @classmethod
    def from_octets(cls, suite: Suite, octets: bytes) -> "EscrowKey":
        """Take in a stored key; InputError INVALID_TYPE, DecodingError INVALID_LENGTH, INVALID_SCALAR."""
        return cls(suite, suite.group.secret_key(check_octets(octets, "the escrow key")))

    def to_octets_secret(self) -> bytes:
        """Return the secret octets, for key storage only."""
        return self._secret.to_octets_secret()

    def open(self, verified: Verified, escrow: Escrow, case: OpeningCase) -> Opening:
        """Decrypt what a presentation carries, and prove that this is what it carries.

        `verified` comes from `bbs.engine.verify`, which this regulator ran itself over a statement that it
        compiled itself: whoever decrypts loose points decrypts for everybody who can send some. Raises
        InputError KEY_MISMATCH (the presentation is not escrowed to this key), DEGENERATE (the identifier
        is 0).
        """
        suite, group = escrow.Y.suite, escrow.Y.suite.group
        mine = escrow.Y.octets == self.public_key and group is self.suite.group
        if not mine or not escrow.is_proven_by(verified):
            raise InputError(Reason.KEY_MISMATCH, "the presentation is not escrowed to this key")
        E1, E2 = verified.points[escrow.E1], verified.points[escrow.E2]
        mask = self._secret.divide(E1, 0)
        identity = group.msm((E2, mask), (1, -1))
        if group.is_identity(identity):
            raise InputError(Reason.DEGENERATE, "the identifier is 0")
        pair = Base(suite, mask), Base(suite, E1)
        proof = _logarithms(verified, escrow, pair, case).prove(int.from_bytes(self.to_octets_secret()))
        return Opening(group.g1s_to_octets((identity,)), proof)

    def __repr__(self) -> str:
        return "EscrowKey(<hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret key is not copied; store it with to_octets_secret()")

    __hash__ = None  # type: ignore[assignment]  # nothing derived from the secret leaves it
    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse


def verify_opening(verified: Verified, escrow: Escrow, case: OpeningCase, opening: Opening) -> bytes:
    """Return id*K0 in compressed form if the opening is that of this presentation in this case.

    `verified` is what the caller verified itself, with the same statement. Raises InputError KEY_MISMATCH,
    INVALID_TYPE; DecodingError (identity or proof); VerificationError PROOF_INVALID.
    """
    suite, group = escrow.Y.suite, escrow.Y.suite.group
    if not escrow.is_proven_by(verified):
        raise InputError(Reason.KEY_MISMATCH, "the presentation is not escrowed to this key")
    (identity,) = group.g1s_from_octets((check_octets(opening.identity, "the identity"),))
    E1, E2 = verified.points[escrow.E1], verified.points[escrow.E2]
    mask = group.msm((E2, identity), (1, -1))
    if group.is_identity(mask):
        raise VerificationError(Reason.PROOF_INVALID, "the opening removes no mask")
    pair = Base(suite, mask), Base(suite, E1)
    _logarithms(verified, escrow, pair, case).verify(opening.proof)
    return opening.identity


def identity_octets(suite: Suite, identifier: int) -> bytes:
    """Return id*K0 in compressed form: what a register lists for the scalar of an identifier.

    Raises InputError SCALAR_OUT_OF_RANGE unless it is in [1, r).
    """
    if not 0 < identifier < suite.group.r:
        raise InputError(Reason.SCALAR_OUT_OF_RANGE, "an identifier is in [1, r)")
    K0 = escrow_bases(suite).K0.point
    return suite.group.g1s_to_octets((suite.group.msm((K0,), (identifier,), secret=True),))


def look_up(suite: Suite, identity: bytes, candidates: Iterable[tuple[_T, int]]) -> _T | None:
    """Return the candidate whose identifier's scalar gives this id*K0, or None; tries one after the other.

    A regulator that opens often keeps a mapping of `identity_octets` instead.
    """
    for candidate, identifier in candidates:
        if identity_octets(suite, identifier) == identity:
            return candidate
    return None


def _logarithms(verified: Verified, escrow: Escrow, pair: tuple[Base, Base], case: OpeningCase) -> Logarithms:
    """State G = x*Y and E1 = x*(E1/x), bound to the case, the presentation and both points of the escrow."""
    suite = escrow.Y.suite
    context: Context = (
        ("case", case.reference.encode()),
        ("presentation", case.presentation),
        ("challenge", verified.challenge.to_bytes(scalar_octets(suite))),
        ("E1", verified.octets[escrow.E1]),
        ("E2", verified.octets[escrow.E2]),
    )
    return Logarithms(suite, _PURPOSE, escrow.Y, escrow_bases(suite).G, (pair,), context)
