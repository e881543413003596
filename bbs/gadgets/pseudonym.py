"""A pseudonym N = k * hash_to_curve(scope): one for a secret in a scope, unlinkable to those elsewhere.

One gadget, three purposes, each with bases of its own:

* a holder towards a verifier: k is the holder secret, the scope derives from the authenticated audience or
  from a joint policy that its owners signed;
* a holder towards an issuer, N_iss: k is the holder secret, the scope is the issuer. The issuer keeps one for
  each person that it has identified, so it sees when two persons share a vault;
* a subject (a child with two parents, a home with several owners): the secret z is 32 random octets that the
  responsible department keeps and signs, hidden, into every credential that names the subject. Whoever chose
  z recognises its pseudonyms.
"""

from dataclasses import dataclass
from enum import Enum

from bbs.engine import Base, Scope, Sent, Suite, Values, Witness
from bbs.gadgets.bases import hashed_base


class Purpose(Enum):
    """What a pseudonym is for. Part of the domain separation tag: scopes of two purposes never meet."""

    VERIFIER = "pseudonym"
    ISSUANCE = "pseudonym-issuance"
    SUBJECT = "pseudonym-subject"


def pseudonym_base(suite: Suite, scope_octets: bytes, purpose: Purpose = Purpose.VERIFIER) -> Base:
    """Return the base of a pseudonym's scope; the caller says from what the scope derives.

    Without tables, since everybody can ask for scopes.
    """
    return hashed_base(suite, purpose.value, scope_octets, fixed=False)


@dataclass(frozen=True)
class Pseudonym:
    """Proves that N, which is sent and never the identity, is the pseudonym of the witness k.

    `k` must be uniform in [1, r): of a secret that can be guessed, such as an identity number, anybody can
    compute all pseudonyms.
    """

    N: Sent
    k: Witness
    base: Base

    @classmethod
    def add_to(
        cls, scope: Scope, k: Witness, scope_octets: bytes, purpose: Purpose = Purpose.VERIFIER
    ) -> "Pseudonym":
        """State it about a witness of another gadget."""
        N, base = scope.sent("N"), pseudonym_base(scope.suite, scope_octets, purpose)
        scope.equation("N", {N: 1}, [(k, base)])
        return cls(N, k, base)

    def assign(self, values: Values, k: int) -> None:
        """Give the secret."""
        values.set(self.k, k)
        values.send(self.N, {self.base: k})
