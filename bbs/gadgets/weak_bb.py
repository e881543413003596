"""Possession of a weak Boneh-Boyen signature C = V / (a + y) on a hidden y.

The key a, public as a*P2, has one purpose only: one table or one accumulator, never the key of a credential.
V is a base of which nobody knows a discrete logarithm, or the current value of an accumulator.
"""

from dataclasses import dataclass

from bbs.engine import Base, Scope, Sent, Values, Witness


@dataclass(frozen=True)
class WeakBB:
    """Proves that the witness y has a signature: C' = t*C and C'' = t*V - y*C' = a*C' are sent."""

    C1: Sent
    C2: Sent
    t: Witness
    y: Witness
    V: Base

    @classmethod
    def add_to(cls, scope: Scope, y: Witness, V: Base, key: bytes) -> "WeakBB":
        """State it about a witness of another gadget, under a public key.

        The equation is -C'' = y*C' + t*V: the witness t is minus the factor of V in C''.
        """
        C1, C2, t = scope.sent("C'", read=False), scope.sent("C''", read=False), scope.witness("t")
        scope.equation("C''", {C2: -1}, [(y, C1), (t, V)])
        scope.signature(C1, C2, key)
        return cls(C1, C2, t, y, V)

    def assign(self, values: Values, y: int, C: Base) -> None:
        """Give y and its signature C; a C that is shown often is a fixed base."""
        (t,) = values.random(1)
        values.set(self.y, y)
        values.set(self.t, -t)
        values.send(self.C1, {C: t})
        values.send(self.C2, {self.V: t, C: -y * t})
