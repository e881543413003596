"""What shows who came first with a claim: headers from a trusted one on, and the claim's row under the last.

Whoever brings it is not believed, be it a node or a city's service that claims for its verifiers.
"""

from dataclasses import dataclass
from typing import Final

from ordering import state, tree
from ordering.errors import RefusedError
from ordering.light.verifying import (
    MAX_STEPS,
    OrderError,
    OrderReason,
    Step,
    Trusted,
    advance,
    begun,
    check_row,
)
from ordering.octets import Writer
from ordering.state import Claimed
from ordering.transactions import Claim

_MAX_ROW_OCTETS: Final = 128
_PREFIX: Final = b"zk-disclosure/consortium/claimed/v1\n"


@dataclass(frozen=True)
class ShownClaim:
    """Headers, each near enough to the one before it, and the row of a claim's tag under the last."""

    steps: tuple[Step, ...]
    row: bytes
    proof: tree.Proof

    def to_bytes(self) -> bytes:
        """Encode it, as a service answers."""
        writer = Writer().fixed(_PREFIX).number(len(self.steps), 1)
        for step in self.steps:
            step.write(writer)
        return tree.write_proof(self.proof, writer.octets(self.row)).to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "ShownClaim":
        """Decode it strictly; OrderError ORDER_MALFORMED."""
        try:
            reader = begun(data, _PREFIX)
            steps = tuple(reader.several(Step.take, MAX_STEPS))
            row, proof = reader.octets(_MAX_ROW_OCTETS), tree.take_proof(reader)
            reader.end()
        except RefusedError as error:
            raise OrderError(OrderReason.ORDER_MALFORMED, error.detail) from None
        return cls(steps, row, proof)

    def check(self, claim: Claim, trusted: Trusted, now: int) -> tuple[Trusted, Claimed]:
        """Return what is trusted then, and what came first of the claim's tag in its scope.

        `now` is in seconds since 1970. Raises OrderError; also if nothing came first.
        """
        later, header = advance(trusted, self.steps, now)
        if header is None:
            raise OrderError(OrderReason.ORDER_MALFORMED, "there is no header")
        check_row(header, state.claim_key(claim.scope, claim.tag), self.row, self.proof)
        try:
            return later, Claimed.parse(self.row)
        except RefusedError as error:
            raise OrderError(OrderReason.ORDER_ROW_INVALID, error.detail) from None
