"""Equality of discrete logarithms: X = x*G and X_i = x*B_i for every pair (B_i, X_i), for one secret x.

A proof is one of the engine: its transcript, encoding and argument are those of docs/composite.md. All pairs
are folded into one first, with weights that hash everything, so a proof has the same size for one pair and
for a table of thousands. If some pair is false, the folded pair is true with probability 2^-128 a try only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bbs.engine import Base, Builder, Context, Statement, Suite, Values, Witness, prove, verify
from bbs.engine.proof import scalar_octets
from bbs.engine.transcript import context_octets
from bbs.errors import InputError, Reason

WEIGHT_DST = b"ZK_COMPOSITE_V1_DLEQ_WEIGHT_"
_WEIGHT_BITS = 128


@dataclass(frozen=True, eq=False)
class Logarithms:
    """The public side: G, X and the pairs (B_i, X_i). Base points, so none is the identity.

    `purpose` separates the uses of one secret from each other; `context` is whatever else a proof is bound
    to. Raises InputError COUNT_MISMATCH without a pair.
    """

    suite: Suite
    purpose: str
    G: Base
    X: Base
    pairs: Sequence[tuple[Base, Base]]
    context: Context = ()

    def __post_init__(self) -> None:
        if not self.pairs:
            raise InputError(Reason.COUNT_MISMATCH, "there is no pair")

    def prove(self, x: int) -> bytes:
        """Prove that one x in [1, r) relates all pairs; InputError UNSATISFIED if it does not relate them."""
        statement, witness = self._statement()
        values = Values(statement)
        values.set(witness, x)
        return prove(statement, self._context(), values)

    def verify(self, proof: bytes) -> None:
        """Return nothing if the proof holds; DecodingError, VerificationError PROOF_INVALID."""
        statement, _ = self._statement()
        verify(statement, self._context(), proof)

    def _statement(self) -> tuple[Statement, Witness]:
        B, X = self._folded()
        builder = Builder(self.suite)
        scope = builder.scope("dleq")
        x = scope.witness("x")
        scope.equation("key", {self.X: 1}, [(x, self.G)])
        scope.equation("pair", {X: 1}, [(x, B)])
        return builder.build(), x

    def _context(self) -> Context:
        pairs = b"".join(B.octets + X.octets for B, X in self.pairs)
        own = (("dleq", self.purpose.encode()), ("pairs", pairs))
        return (*own, ("context", context_octets(self.context)))

    def _folded(self) -> tuple[Base, Base]:
        if len(self.pairs) == 1:
            return self.pairs[0]
        weights = self._weights()
        msm = self.suite.group.msm
        B, X = (msm([pair[side].point for pair in self.pairs], weights) for side in (0, 1))
        return Base(self.suite, B), Base(self.suite, X)

    def _weights(self) -> list[int]:
        """Return 1 for the first pair and 128 bits for each other, fixed by all that is public."""
        everything = context_octets((("G", self.G.octets), ("X", self.X.octets), *self._context()))
        dst = self.suite.identifier + WEIGHT_DST
        seed = self.suite.hash_to_scalar(everything, dst).to_bytes(scalar_octets(self.suite))
        hashed = (self.suite.hash_to_scalar(seed + i.to_bytes(8), dst) for i in range(1, len(self.pairs)))
        return [1, *(scalar % (1 << _WEIGHT_BITS) for scalar in hashed)]
