// Ranges: a hidden integer lies between bounds (bbs/gadgets/ranges.py).

import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { invalid, unsatisfied, type Witness } from "../engine/statement.js";
import { toHex } from "../engine/suite.js";
import { DIGIT_BASE, type Table } from "./tables.js";
import { WeakBB } from "./weak_bb.js";

const MAX_DISTANCE = 1n << 80n;

export type Scalars = ReadonlyMap<Witness, bigint>;

/**
 * The integer constant + sum of factors times witnesses, which lies in [minimum, maximum]. InputError
 * INVALID_STATEMENT for bounds that are not in order, for a factor 0, and for no witness.
 */
export class Quantity {
  constructor(
    readonly constant: bigint, readonly factors: Scalars, readonly minimum: bigint, readonly maximum: bigint,
  ) {
    if (factors.size === 0 || [...factors.values()].includes(0n)) {
      throw invalid("a quantity has a witness, and no factor is 0");
    }
    if (minimum > maximum) throw invalid("the bounds of a quantity are not in order");
  }

  /** The value of an attribute of typed bounds, whose scalar m is the value plus an offset. */
  static attribute(m: Witness, minimum: bigint, maximum: bigint, offset = 0n): Quantity {
    return new Quantity(-offset, new Map([[m, 1n]]), minimum, maximum);
  }

  /** A constant plus the sum of public factors times quantities, no witness in two of them. */
  static total(terms: readonly (readonly [bigint, Quantity])[], constant = 0n): Quantity {
    const factors = new Map<Witness, bigint>();
    let [sum, minimum, maximum] = [constant, constant, constant];
    for (const [factor, quantity] of terms) {
      for (const [witness, each] of quantity.factors) {
        if (factors.has(witness)) throw invalid("a witness is in two terms of a sum");
        factors.set(witness, factor * each);
      }
      const ends = [factor * quantity.minimum, factor * quantity.maximum] as const;
      sum += factor * quantity.constant;
      minimum += ends[0] < ends[1] ? ends[0] : ends[1];
      maximum += ends[0] < ends[1] ? ends[1] : ends[0];
    }
    return new Quantity(sum, factors, minimum, maximum);
  }

  /** The integer, from the scalars of its witnesses at least. */
  value(scalars: Scalars): bigint {
    let sum = this.constant;
    for (const [witness, factor] of this.factors) sum += factor * (scalars.get(witness) as bigint);
    return sum;
  }

  /** How far it is above a bound; InputError INVALID_STATEMENT for one outside its own bounds. */
  above(bound: bigint): Quantity {
    this.check(bound);
    return Quantity.total([[1n, this]], -bound);
  }

  /** How far it is below a bound; as `above`. */
  below(bound: bigint): Quantity {
    this.check(bound);
    return Quantity.total([[-1n, this]], bound);
  }

  private check(bound: bigint): void {
    if (bound < this.minimum || bound > this.maximum) throw invalid("a bound is outside the bounds of what it bounds");
  }
}

/** How many digits every integer of [0, maximum] has; one at least. */
export function digitCount(maximum: bigint): number {
  const bits = maximum === 0n ? 0 : maximum.toString(2).length;
  return Math.max(1, Math.ceil(bits / 8));
}

/** Proves that the witnesses d_j are digits: each has a signature of the table. The lowest is first. */
export class Digits {
  private constructor(private readonly table: Table, private readonly digits: readonly WeakBB[]) {}

  static addTo(scope: Scope, count: number, table: Table): Digits {
    if (!table.isDigits) throw invalid("the table is none of digits");
    const inner = Array.from({ length: count }, (_, place) => scope.scope(`d${place}`));
    return new Digits(table, inner.map((each) => WeakBB.addTo(each, each.witness("d"), table.V, table.key)));
  }

  get count(): number {
    return this.digits.length;
  }

  /** What each digit counts. */
  get weights(): Map<Witness, bigint> {
    return new Map(this.digits.map((digit, place) => [digit.y, DIGIT_BASE ** BigInt(place)]));
  }

  /** Write a number in the digits and return them; InputError UNSATISFIED if they do not suffice. */
  assign(values: Values, number: bigint): Map<Witness, bigint> {
    if (number < 0n || number >= DIGIT_BASE ** BigInt(this.digits.length)) {
      throw unsatisfied("a value is outside its range");
    }
    const written = new Map<Witness, bigint>();
    let rest = number;
    for (const gadget of this.digits) {
      const digit = rest % DIGIT_BASE;
      rest /= DIGIT_BASE;
      gadget.assign(values, digit, this.table.signature(digit));
      written.set(gadget.y, digit);
    }
    return written;
  }
}

/** Proves that a quantity is in [0, 256^n), for the least n such that an honest prover's fits. */
export class NotNegative {
  private constructor(private readonly quantity: Quantity, private readonly digits: Digits) {}

  /** State it about witnesses that no constraint defines; `largest` is the most that has to be provable. */
  static addTo(scope: Scope, quantity: Quantity, largest: bigint, table: Table): NotNegative {
    if (quantity.minimum <= -MAX_DISTANCE || quantity.maximum >= MAX_DISTANCE) {
      throw invalid("a quantity may be 2^80 away from its bound");
    }
    const digits = Digits.addTo(scope, digitCount(largest), table);
    const [[lowest], ...higher] = [...digits.weights] as [[Witness, bigint], ...[Witness, bigint][]];
    const terms = new Map(quantity.factors);
    for (const [digit, weight] of higher) terms.set(digit, -weight);
    scope.constraint(lowest, quantity.constant, terms);
    return new NotNegative(quantity, digits);
  }

  /** Give the scalars of its witnesses; InputError UNSATISFIED if the quantity is out of range. */
  assign(values: Values, scalars: Scalars): void {
    this.digits.assign(values, this.quantity.value(scalars));
  }
}

/** Proves minimum <= quantity <= maximum; one of the two may be left out. The table's digest names the gadget. */
export class Range {
  private constructor(private readonly sides: readonly NotNegative[]) {}

  static addTo(
    scope: Scope, quantity: Quantity, table: Table, bounds: { minimum?: bigint | null; maximum?: bigint | null },
  ): Range {
    const { minimum = null, maximum = null } = bounds;
    if (minimum === null && maximum === null) throw invalid("a range has a bound, or two");
    const low = minimum ?? quantity.minimum;
    const high = maximum ?? quantity.maximum;
    if (low > high) throw invalid("the bounds of a range are not in order");
    const inner = scope.scope(toHex(table.digest));
    const sides: NotNegative[] = [];
    // Whoever is in range is not further from either bound than they are from each other.
    if (minimum !== null) {
      sides.push(NotNegative.addTo(inner.scope("minimum"), quantity.above(minimum), high - low, table));
    }
    if (maximum !== null) {
      sides.push(NotNegative.addTo(inner.scope("maximum"), quantity.below(maximum), high - low, table));
    }
    return new Range(sides);
  }

  /** Give the scalars of the quantity's witnesses; InputError UNSATISFIED if it is out of range. */
  assign(values: Values, scalars: Scalars): void {
    for (const side of this.sides) side.assign(values, scalars);
  }
}

/** Proves of a hidden v that v <= cap and v <= quantity: what counts of it, in sums with a lower bound. */
export class Capped {
  private constructor(
    private readonly quantity: Quantity, private readonly cap: bigint, private readonly missing: Digits,
    private readonly rest: NotNegative, readonly counted: Quantity,
  ) {}

  static addTo(scope: Scope, quantity: Quantity, cap: bigint, table: Table): Capped {
    quantity.below(cap); // refuses it
    const inner = scope.scope(toHex(table.digest));
    const missing = Digits.addTo(inner.scope("missing"), digitCount(cap - quantity.minimum), table);
    const factors = new Map([...missing.weights].map(([digit, weight]) => [digit, -weight]));
    const least = cap - (DIGIT_BASE ** BigInt(missing.count) - 1n);
    const counted = new Quantity(cap, factors, least, cap);
    const rest = Quantity.total([[1n, quantity], [-1n, counted]]);
    const side = NotNegative.addTo(inner.scope("rest"), rest, quantity.maximum - cap, table);
    return new Capped(quantity, cap, missing, side, counted);
  }

  /** Give the scalars of the quantity's witnesses, and return those of `counted`; InputError UNSATISFIED. */
  assign(values: Values, scalars: Scalars): Map<Witness, bigint> {
    const value = this.quantity.value(scalars);
    const counts = value < this.cap ? value : this.cap;
    const digits = this.missing.assign(values, this.cap - counts);
    this.rest.assign(values, new Map([...scalars, ...digits]));
    return digits;
  }
}
