"""A regulator's escrow: a hidden identifier, encrypted to one regulator's key.

E1 = u*G and E2 = id*K0 + u*Y for the regulator's key Y, which the holder takes from its trust list and never
from a request. Nobody has the secret of Y: it is shared among officers, who open together (`escrow_shares`).
What comes out is id*K0: the identifier itself the regulator finds among the candidates of its register.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from bbs.engine import Base, Point, Scope, Sent, Suite, Values, Verified, Witness
from bbs.errors import InputError, Reason
from bbs.gadgets.bases import hashed_base
from bbs.scalars import check_octets

_T = TypeVar("_T")


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
