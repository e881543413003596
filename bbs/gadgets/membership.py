"""Membership: a hidden value is one of a published list, for instance the code of a district of a city."""

from dataclasses import dataclass

from bbs.engine import Scope, Values, Witness
from bbs.gadgets.tables import Table
from bbs.gadgets.weak_bb import WeakBB


@dataclass(frozen=True)
class Membership:
    """Proves that the witness m of another gadget is a scalar of a table: `WeakBB` on the table's base.

    The table's digest names the gadget, so it is part of the statement and nobody can forget to bind it. A
    list that does not have the scalar of an absent attribute shows that the attribute is there, too.
    """

    table: Table
    member: WeakBB

    @classmethod
    def add_to(cls, scope: Scope, m: Witness, table: Table) -> "Membership":
        """State it; InputError INVALID_STATEMENT if the table is of another suite."""
        inner = scope.scope(table.digest.hex())
        return cls(table, WeakBB.add_to(inner, m, table.V, table.key))

    def assign(self, values: Values, m: int) -> None:
        """Give the value; InputError UNSATISFIED if it is not in the list."""
        self.member.assign(values, m, self.table.signature(m))
