"""Ranges: a hidden integer lies between bounds.

An integer is a `Quantity`: a constant plus factors times witnesses, with what is known of its size. An
attribute is one, so are a sum of attributes (`Quantity.total`) and what a cap leaves of one (`Capped`).
quantity >= b is shown by the digits of quantity - b, each of which has a signature of a table of 0 to 255.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bbs.engine import Scope, Values, Witness
from bbs.engine.prover import unsatisfied
from bbs.engine.statement import invalid
from bbs.gadgets.tables import DIGIT_BASE, Table
from bbs.gadgets.weak_bb import WeakBB

MAX_DISTANCE = 1 << 80
"""Every difference of a quantity and a bound is smaller: nothing wraps around the group order."""


@dataclass(frozen=True)
class Quantity:
    """The integer constant + sum of factors times witnesses, which lies in [minimum, maximum].

    The witnesses count as integers in [0, r). That the bounds hold is not proven: they are those of a schema
    that an issuer signs by, or follow from them. Raises InputError INVALID_STATEMENT for bounds that are not
    in order, for a factor 0, and for no witness.
    """

    constant: int
    factors: Mapping[Witness, int]
    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        numbers = (self.constant, self.minimum, self.maximum, *self.factors.values())
        if not all(type(number) is int for number in numbers):
            raise invalid("a quantity is made of integers")
        if not self.factors or not all(self.factors.values()):
            raise invalid("a quantity has a witness, and no factor is 0")
        if self.minimum > self.maximum:
            raise invalid("the bounds of a quantity are not in order")

    @classmethod
    def attribute(cls, m: Witness, minimum: int, maximum: int, offset: int = 0) -> "Quantity":
        """Return the value of an attribute of typed bounds, whose scalar m is the value plus an offset."""
        return cls(-offset, {m: 1}, minimum, maximum)

    @classmethod
    def total(cls, terms: Iterable[tuple[int, "Quantity"]], constant: int = 0) -> "Quantity":
        """Return a constant plus the sum of public factors times quantities, no witness in two of them."""
        factors, minimum, maximum = dict[Witness, int](), constant, constant
        for factor, quantity in terms:
            if factors.keys() & quantity.factors.keys():
                raise invalid("a witness is in two terms of a sum")
            factors |= {witness: factor * each for witness, each in quantity.factors.items()}
            ends = (factor * quantity.minimum, factor * quantity.maximum)
            constant += factor * quantity.constant
            minimum, maximum = minimum + min(ends), maximum + max(ends)
        return cls(constant, factors, minimum, maximum)

    def value(self, scalars: Mapping[Witness, int]) -> int:
        """Return the integer, from the scalars of its witnesses at least."""
        return self.constant + sum(factor * scalars[witness] for witness, factor in self.factors.items())

    def above(self, bound: int) -> "Quantity":
        """Return how far it is above a bound; InputError INVALID_STATEMENT for one outside its own bounds."""
        self._check(bound)
        return Quantity.total([(1, self)], -bound)

    def below(self, bound: int) -> "Quantity":
        """Return how far it is below a bound; as `above`."""
        self._check(bound)
        return Quantity.total([(-1, self)], bound)

    def _check(self, bound: int) -> None:
        if type(bound) is not int or not self.minimum <= bound <= self.maximum:
            raise invalid("a bound is outside the bounds of what it bounds")


def digit_count(maximum: int) -> int:
    """Return how many digits every integer of [0, maximum] has; one at least."""
    return max(1, -(-maximum.bit_length() // 8))


@dataclass(frozen=True)
class Digits:
    """Proves that the witnesses d_j are digits: each has a signature of the table. The lowest is first."""

    table: Table
    digits: tuple[WeakBB, ...]

    @classmethod
    def add_to(cls, scope: Scope, count: int, table: Table) -> "Digits":
        """State it about `count` witnesses of its own; InputError INVALID_STATEMENT for another table."""
        if not table.is_digits:
            raise invalid("the table is none of digits")
        inner = [scope.scope(f"d{place}") for place in range(count)]
        return cls(table, tuple(WeakBB.add_to(each, each.witness("d"), table.V, table.key) for each in inner))

    @property
    def weights(self) -> dict[Witness, int]:
        """What each digit counts."""
        return {digit.y: DIGIT_BASE**place for place, digit in enumerate(self.digits)}

    def assign(self, values: Values, number: int) -> dict[Witness, int]:
        """Write a number in the digits and return them; InputError UNSATISFIED if they do not suffice."""
        if not 0 <= number < DIGIT_BASE ** len(self.digits):
            raise unsatisfied("a value is outside its range")
        digits = number.to_bytes(len(self.digits), "little")
        for gadget, digit in zip(self.digits, digits, strict=True):
            gadget.assign(values, digit, self.table.signature(digit))
        return {gadget.y: digit for gadget, digit in zip(self.digits, digits, strict=True)}


@dataclass(frozen=True)
class NotNegative:
    """Proves that a quantity is in [0, 256^n), for the least n such that an honest prover's fits.

    The quantity defines its lowest digit: so each range is a constraint of its own, however many there are on
    one witness.
    """

    quantity: Quantity
    digits: Digits

    @classmethod
    def add_to(cls, scope: Scope, quantity: Quantity, largest: int, table: Table) -> "NotNegative":
        """State it about witnesses that no constraint defines; `largest` is the most that has to be provable.

        Raises InputError INVALID_STATEMENT as `Digits` does, and if the quantity may leave (-2^80, 2^80).
        """
        if not -MAX_DISTANCE < quantity.minimum <= quantity.maximum < MAX_DISTANCE:
            raise invalid("a quantity may be 2^80 away from its bound")
        digits = Digits.add_to(scope, digit_count(largest), table)
        lowest, *higher = digits.weights
        terms = dict(quantity.factors) | {digit: -digits.weights[digit] for digit in higher}
        scope.constraint(lowest, quantity.constant, terms)
        return cls(quantity, digits)

    def assign(self, values: Values, scalars: Mapping[Witness, int]) -> None:
        """Give the scalars of its witnesses; InputError UNSATISFIED if the quantity is out of range."""
        self.digits.assign(values, self.quantity.value(scalars))


@dataclass(frozen=True)
class Range:
    """Proves minimum <= quantity <= maximum; one of the two may be left out.

    The scalar of an absent attribute is no integer of 65 bits, so that a range shows that an optional
    attribute is there: with the schema's own minimum as a bound it shows just that. The table's digest names
    the gadget.
    """

    sides: tuple[NotNegative, ...]

    @classmethod
    def add_to(
        cls,
        scope: Scope,
        quantity: Quantity,
        table: Table,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> "Range":
        """State it with a table of digits.

        Raises InputError INVALID_STATEMENT: no bound, bounds that are not in order, a bound outside the
        quantity's own, a quantity that may be 2^80 away from it, another table, a table of another suite.
        """
        if minimum is None and maximum is None:
            raise invalid("a range has a bound, or two")
        low = quantity.minimum if minimum is None else minimum
        high = quantity.maximum if maximum is None else maximum
        if low > high:
            raise invalid("the bounds of a range are not in order")
        sides = list[NotNegative]()
        inner = scope.scope(table.digest.hex())
        # Whoever is in range is not further from either bound than they are from each other.
        if minimum is not None:
            side = inner.scope("minimum")
            sides.append(NotNegative.add_to(side, quantity.above(minimum), high - low, table))
        if maximum is not None:
            side = inner.scope("maximum")
            sides.append(NotNegative.add_to(side, quantity.below(maximum), high - low, table))
        return cls(tuple(sides))

    def assign(self, values: Values, scalars: Mapping[Witness, int]) -> None:
        """Give the scalars of the quantity's witnesses; InputError UNSATISFIED if it is out of range."""
        for side in self.sides:
            side.assign(values, scalars)
