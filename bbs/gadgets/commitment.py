"""A commitment K = m*G + u*H to a witness, for other proofs to hook onto."""

from dataclasses import dataclass
from typing import NamedTuple

from bbs.engine import Base, Scope, Sent, Suite, Values, Witness
from bbs.gadgets.bases import hashed_base


class CommitmentBases(NamedTuple):
    """G of the value and H of the blind; nobody knows the discrete logarithm of one to the other."""

    G: Base
    H: Base


def commitment_bases(suite: Suite) -> CommitmentBases:
    """Return the bases of all commitments in a suite."""
    return CommitmentBases(hashed_base(suite, "commitment-value"), hashed_base(suite, "commitment-blind"))


@dataclass(frozen=True)
class Commitment:
    """Proves that K, which is sent, commits to the witness m."""

    K: Sent
    m: Witness
    u: Witness

    @classmethod
    def add_to(cls, scope: Scope, m: Witness) -> "Commitment":
        """State it about a witness of another gadget."""
        bases = commitment_bases(scope.suite)
        K, u = scope.sent("K"), scope.witness("u")
        scope.equation("K", {K: 1}, [(m, bases.G), (u, bases.H)])
        return cls(K, m, u)

    def assign(self, values: Values, m: int) -> int:
        """Commit to m with a fresh u, and return u: who has it and m can open K. As secret as m."""
        bases = commitment_bases(values.statement.suite)
        (u,) = values.random(1)
        values.set(self.m, m)
        values.set(self.u, u)
        values.send(self.K, {bases.G: m, bases.H: u})
        return u
