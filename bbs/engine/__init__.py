"""One proof engine for composite presentations.

A statement is a list of equations between points that both sides know and points that the prover sends, with
named secret scalars (witnesses), linear constraints among these, and checks of signatures under keys. Gadgets
(`bbs.gadgets`) add to a statement what they mean; the engine proves and verifies all of it by one argument,
described with its security in docs/composite.md.

Verifier and prover compile the same statement, each from what it knows itself: nothing of a statement is
ever taken from the other side. A gadget is a frozen dataclass of the names that it made, with two methods:
one adds it to a scope, one gives its secret values. The discrete logarithm of a point that is sent:

    @dataclass(frozen=True)
    class Logarithm:
        K: Sent
        x: Witness

        @classmethod
        def add_to(cls, scope: Scope, G: Base) -> "Logarithm":
            K, x = scope.sent("K"), scope.witness("x")
            scope.equation("K", {K: 1}, [(x, G)])          # K = x*G
            return cls(K, x)

        def assign(self, values: Values, G: Base, x: int) -> None:
            values.set(self.x, x)
            values.send(self.K, {G: x})                    # a point is given by what it is made of

Both sides compile, the prover gives values, the verifier gets back the points that it may read:

    def compiled() -> tuple[Statement, Logarithm]:
        builder = Builder(suite)
        logarithm = Logarithm.add_to(builder.scope("logarithm"), G)
        return builder.build(), logarithm

    statement, logarithm = compiled()
    values = Values(statement)
    logarithm.assign(values, G, x)
    proof = prove(statement, context, values)

    statement, logarithm = compiled()
    K = verify(statement, context, proof).octets[logarithm.K]

A point that nobody has to read is declared so, `scope.sent("K", read=False)`: it is cheaper to verify, and
not handed out (`Scope.sent` says what it must not be used for).

Two gadgets share a secret when one is handed the `Witness` of the other, and only then. Whatever else a proof
is bound to goes into the context: pairs of a label and octets.
"""

from bbs.engine.builder import Builder, Scope
from bbs.engine.proof import WireForm, proof_octets
from bbs.engine.prover import Values, prove
from bbs.engine.statement import Base, Point, Sent, Statement, Witness
from bbs.engine.suite import PairingSuite, PointGroup, Suite
from bbs.engine.transcript import Context
from bbs.engine.verifier import Claim, Verdict, Verified, verify, verify_batch

__all__ = [
    "Base",
    "Builder",
    "Claim",
    "Context",
    "PairingSuite",
    "Point",
    "PointGroup",
    "Scope",
    "Sent",
    "Statement",
    "Suite",
    "Values",
    "Verdict",
    "Verified",
    "WireForm",
    "Witness",
    "proof_octets",
    "prove",
    "verify",
    "verify_batch",
]
