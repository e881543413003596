"""What sums across credentials and holders need besides `Quantity.total` and `Range`: caps and openings.

Months of a permit and of an insurance, or the incomes of two spouses: the terms are attributes of several
credentials, or of another holder's, which that one committed to. The digits are those of a table that the
policy names, of none of the issuers whose attributes are added.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bbs.engine import Base, Scope, Suite, Values, Witness
from bbs.gadgets.commitment import commitment_bases
from bbs.gadgets.ranges import Digits, NotNegative, Quantity, digit_count
from bbs.gadgets.tables import DIGIT_BASE, Table
from bbs.scalars import check_octets


@dataclass(frozen=True)
class Capped:
    """Proves of a hidden v that v <= cap and v <= quantity: what counts of it, in sums with a lower bound.

    v is the cap minus a number in free digits, and so part of the quantity `counted`, which takes the place
    of the other in a sum. A prover may count less than it has; never more.
    """

    quantity: Quantity
    cap: int
    missing: Digits
    rest: NotNegative
    counted: Quantity

    @classmethod
    def add_to(cls, scope: Scope, quantity: Quantity, cap: int, table: Table) -> "Capped":
        """State it; InputError INVALID_STATEMENT as of `Range`, for a cap outside the quantity's bounds."""
        quantity.below(cap)  # refuses it
        inner = scope.scope(table.digest.hex())
        missing = Digits.add_to(inner.scope("missing"), digit_count(cap - quantity.minimum), table)
        factors = {digit: -weight for digit, weight in missing.weights.items()}
        least = cap - (DIGIT_BASE ** len(missing.digits) - 1)
        counted = Quantity(cap, factors, least, cap)
        rest = Quantity.total([(1, quantity), (-1, counted)])
        side = inner.scope("rest")
        return cls(
            quantity,
            cap,
            missing,
            NotNegative.add_to(side, rest, quantity.maximum - cap, table),
            counted,
        )

    def assign(self, values: Values, scalars: Mapping[Witness, int]) -> dict[Witness, int]:
        """Give the scalars of the quantity's witnesses; all of it counts, or the cap.

        Returns the scalars of the witnesses of `counted`. Raises InputError UNSATISFIED if the quantity is
        outside its bounds.
        """
        counts = min(self.quantity.value(scalars), self.cap)
        digits = self.missing.assign(values, self.cap - counts)
        self.rest.assign(values, {**scalars, **digits})
        return digits


@dataclass(frozen=True)
class Opened:
    """Proves that the prover knows the opening m and u of a commitment K = m*G + u*H of another's.

    K is the octets that a verified presentation of that other gave (`Verified.octets` of a `Commitment`); its
    holder hands over m and u, and so m. Whoever compiles this sees to it that K comes from such a
    presentation, and that the other one's attribute has the type and bounds that m is taken for here.
    """

    m: Witness
    u: Witness

    @classmethod
    def add_to(cls, scope: Scope, K: bytes) -> "Opened":
        """State it about a commitment in compressed form, which is part of the statement.

        Raises InputError INVALID_TYPE; DecodingError INVALID_LENGTH, INVALID_POINT, NOT_IN_SUBGROUP,
        IDENTITY_POINT.
        """
        base, bases = _commitment_base(scope.suite, K), commitment_bases(scope.suite)
        m, u = scope.witness("m"), scope.witness("u")
        scope.equation("K", {base: 1}, [(m, bases.G), (u, bases.H)])
        return cls(m, u)

    def assign(self, values: Values, m: int, u: int) -> None:
        """Give the opening; the proof is refused with UNSATISFIED if it is another's."""
        values.set(self.m, m)
        values.set(self.u, u)


def _commitment_base(suite: Suite, K: bytes) -> Base:
    (point,) = suite.group.g1s_from_octets((check_octets(K, "a commitment"),))
    return Base(suite, point)
