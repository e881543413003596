"""A pseudonym N = k * hash_to_curve(scope): one for a secret in a scope, unlinkable to those elsewhere."""

from dataclasses import dataclass

from bbs.engine import Base, Scope, Sent, Suite, Values, Witness
from bbs.gadgets.bases import hashed_base


def pseudonym_base(suite: Suite, scope_octets: bytes) -> Base:
    """Return the base of a pseudonym's scope; the caller says from what the scope derives.

    Without tables, since everybody can ask for scopes.
    """
    return hashed_base(suite, "pseudonym", scope_octets, fixed=False)


@dataclass(frozen=True)
class Pseudonym:
    """Proves that N, which is sent and never the identity, is the pseudonym of the witness k.

    `k` must be uniform in [1, r): of a secret that can be guessed anybody can compute all pseudonyms.
    """

    N: Sent
    k: Witness
    base: Base

    @classmethod
    def add_to(cls, scope: Scope, k: Witness, scope_octets: bytes) -> "Pseudonym":
        """State it about a witness of another gadget."""
        N, base = scope.sent("N"), pseudonym_base(scope.suite, scope_octets)
        scope.equation("N", {N: 1}, [(k, base)])
        return cls(N, k, base)

    def assign(self, values: Values, k: int) -> None:
        """Give the secret."""
        values.set(self.k, k)
        values.send(self.N, {self.base: k})
