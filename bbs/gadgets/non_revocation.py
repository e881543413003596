"""Not revoked: the hidden handle of a credential has a witness for the value of an epoch."""

from dataclasses import dataclass
from functools import lru_cache

from bbs.accumulator import Epoch, MembershipWitness
from bbs.engine import Base, PairingSuite, Scope, Values, Witness
from bbs.errors import InputError, Reason
from bbs.gadgets.weak_bb import WeakBB


@lru_cache(maxsize=64)
def value_base(epoch: Epoch) -> Base:
    """Return the value of an epoch as a fixed base; those of the latest 64 epochs are kept."""
    return Base(PairingSuite(epoch.key.suite), epoch.position.V, fixed=True)


@dataclass(frozen=True)
class NonRevocation:
    """Proves that the witness y of another gadget was not revoked at an epoch: `WeakBB` on its value.

    Number, time, count, value, digest and key of the epoch are all part of the statement, in which the digest
    of its octets names the gadget: nobody can forget to bind one, and a proof for one epoch is none for
    another, not even of the same value.
    """

    epoch: Epoch
    member: WeakBB

    @classmethod
    def add_to(cls, scope: Scope, y: Witness, epoch: Epoch) -> "NonRevocation":
        """State it about a credential's handle, for an epoch that the verifier knows to be signed and recent.

        Raises InputError INVALID_STATEMENT (the epoch is of another suite).
        """
        inner = scope.scope(epoch.digest.hex())
        return cls(epoch, WeakBB.add_to(inner, y, value_base(epoch), epoch.key.octets))

    def assign(self, values: Values, witness: MembershipWitness) -> None:
        """Give the holder's witness; InputError EPOCH_MISMATCH unless it is for this epoch's value."""
        if witness.at != self.epoch.position:
            raise InputError(Reason.EPOCH_MISMATCH, "the witness is for another value: catch up first")
        C = Base(values.statement.suite, witness.C, fixed=True)
        self.member.assign(values, witness.y, C)
