// The prover: secret values for a statement, and one proof of it (bbs/engine/prover.py). The proof's octets are the
// sent points, the T and the responses of the free witnesses, each in the statement's order, points compressed.

import { InputError } from "../bbs/errors.js";
import {
  Base, type Combination, type Equation, invalid, modR, type Sent, type Statement, type Term, unsatisfied,
  type Witness,
} from "./statement.js";
import {
  concat, encodePoints, isIdentity, type Point, R, type RandomScalars, randomScalars, scalarToOctets,
  type Suite,
} from "./suite.js";
import { Sum } from "./sums.js";
import { type Context, challenge } from "./transcript.js";

const POINT_OCTETS = 48;
const SCALAR_OCTETS = 32;

/** The length of every proof of a statement. */
export function proofOctets(statement: Statement): number {
  return (statement.sent.length + statement.equations.length) * POINT_OCTETS + statement.free.length * SCALAR_OCTETS;
}

/**
 * What a prover knows: each free witness's scalar, and each sent point as a sum of bases. Good for one proof only: a
 * second one would send the same points, so that everybody saw that both come from one holder. Shows nothing of itself.
 */
export class Values {
  readonly #witnesses = new Map<Witness, bigint>();
  readonly #points = new Map<Sent, Combination>();
  readonly #random: RandomScalars;
  #used = false;

  /** `random` gives the gadgets' randomness and the proof's blindings; by default it is the system's. */
  constructor(readonly statement: Statement, random: RandomScalars = randomScalars) {
    this.#random = random;
  }

  get suite(): Suite {
    return this.statement.suite;
  }

  /** Draw secret scalars in [1, r); InputError INVALID_RANDOMNESS. */
  random(count: number): bigint[] {
    const scalars = [...this.#random(count)];
    if (scalars.length !== count || !scalars.every((each) => each > 0n && each < R)) {
      throw new InputError("INVALID_RANDOMNESS", "a wrong count, or a scalar outside [1, r)");
    }
    return scalars;
  }

  /** Draw one. */
  randomScalar(): bigint {
    return this.random(1)[0] as bigint;
  }

  /** Give a witness its scalar, modulo r; InputError UNSATISFIED if two gadgets give it two. */
  set(witness: Witness, value: bigint): void {
    const reduced = modR(value);
    const before = this.#witnesses.get(witness);
    if (before !== undefined && before !== reduced) throw unsatisfied(`the witness ${witness} has two values`);
    this.#witnesses.set(witness, reduced);
  }

  /** Say of which bases a sent point is the sum, and with which secret scalars. */
  send(sent: Sent, point: Combination): void {
    if (this.#points.has(sent)) throw invalid(`the point ${sent} is given twice`);
    this.#points.set(sent, point);
  }

  /** All witnesses and all points, once: InputError ALREADY_USED, UNSATISFIED. */
  take(): [Map<Witness, bigint>, ReadonlyMap<Sent, Combination>] {
    if (this.#used) throw new InputError("ALREADY_USED", "these values have made a proof; a second needs fresh ones");
    this.#used = true;
    const { free, sent } = this.statement;
    refuseOthers(this.#witnesses.keys(), this.statement.witnesses);
    refuseOthers(this.#points.keys(), sent);
    refuseMissing(free, this.#witnesses);
    refuseMissing(sent, this.#points);
    const given = new Map(free.map((name) => [name, this.#witnesses.get(name) as bigint]));
    const witnesses = this.statement.complete(given, 1n);
    for (const [name, value] of this.#witnesses) {
      if (witnesses.get(name) !== value) throw unsatisfied(`the constraint on ${name} does not hold`);
    }
    return [witnesses, this.#points];
  }
}

/**
 * Prove a statement, bound to a context; the values are used up. InputError UNSATISFIED if the values do not satisfy
 * an equation or a constraint or are not complete, ALREADY_USED, INVALID_RANDOMNESS, INVALID_STATEMENT. Whether a
 * signature holds under its key is not checked: a proof from a false one is false.
 */
export function prove(statement: Statement, context: Context, values: Values): Uint8Array {
  if (values.statement !== statement) throw invalid("the values are for another statement");
  const [witnesses, combinations] = values.take();
  const expand = new Expansion(combinations);
  for (const each of statement.equations) expand.check(each, witnesses);
  const drawn = values.random(statement.free.length);
  const blindings = statement.complete(new Map(statement.free.map((name, i) => [name, drawn[i] as bigint])), 0n);
  const points = statement.sent.map((name) => expand.sent(name));
  if (points.some(isIdentity)) throw unsatisfied("a point to send is the identity");
  const T = statement.equations.map((each) => expand.right(each, blindings).value());
  const encodedPoints = encodePoints(points);
  const encodedT = encodePoints(T);
  const c = challenge(statement, context, encodedPoints, encodedT);
  const responses = statement.free.map((name) =>
    scalarToOctets(modR((blindings.get(name) as bigint) + c * (witnesses.get(name) as bigint))));
  return concat(encodedPoints, encodedT, ...responses);
}

/** Sums over bases only, every sent point replaced by what it is made of. */
class Expansion {
  constructor(private readonly points: ReadonlyMap<Sent, Combination>) {}

  sent(name: Sent): Point {
    const total = new Sum();
    this.add(total, name, 1n);
    return total.value();
  }

  right(equation: Equation, scalars: ReadonlyMap<Witness, bigint>): Sum {
    const total = new Sum();
    for (const [witness, point] of equation.terms) this.add(total, point, scalars.get(witness) as bigint);
    return total;
  }

  check(equation: Equation, witnesses: ReadonlyMap<Witness, bigint>): void {
    const difference = this.right(equation, witnesses);
    for (const [point, scalar] of equation.Y) this.add(difference, point, -scalar);
    // Nearly always the scalars alone show it, and no point has to be computed.
    if (!difference.cancels() && !isIdentity(difference.value())) {
      throw unsatisfied(`the equation ${equation.label} does not hold`);
    }
  }

  private add(total: Sum, point: Term, scalar: bigint): void {
    if (point instanceof Base) {
      total.add(point, scalar);
      return;
    }
    for (const [base, factor] of this.points.get(point) as Combination) total.add(base, modR(scalar * factor));
  }
}

function refuseMissing(names: Iterable<string>, given: ReadonlyMap<string, unknown>): void {
  for (const each of names) if (!given.has(each)) throw unsatisfied(`${each} has no value`);
}

function refuseOthers(given: Iterable<string>, declared: readonly string[]): void {
  const known = new Set(declared);
  for (const each of given) if (!known.has(each)) throw invalid(`${each} is not in the statement`);
}
