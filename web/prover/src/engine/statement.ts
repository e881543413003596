// Statements: what a composite presentation proves (bbs/engine/statement.py, docs/composite.md). They are put together
// by `Builder`; every rule that a statement keeps is checked here, whoever put it together.

import { InputError } from "../bbs/errors.js";
import { checkKey, isIdentity, type Point, pointToOctets, R, type Suite, toHex } from "./suite.js";

/** The name of a secret scalar. In two equations it is the same scalar: that is how equality is proven. */
export type Witness = string & { readonly witness: true };
/** The name of a point that the prover sends. */
export type Sent = string & { readonly sent: true };
/** A sum of bases: each with its scalar. */
export type Combination = readonly (readonly [Base, bigint])[];

/**
 * A point that is multiplied: one that both sides know, or one of the prover's own. Never the identity: InputError
 * INVALID_STATEMENT. `fixed` says that it is multiplied again and again. `madeOf` is for a point of the prover's own
 * that it once computed as such a sum.
 */
export class Base {
  readonly octets: Uint8Array;
  /** The octets in hexadecimal: equal bases are merged by it. */
  readonly hex: string;

  constructor(
    readonly suite: Suite, readonly point: Point, readonly fixed = false, readonly madeOf: Combination | null = null,
  ) {
    if (isIdentity(point)) throw invalid("a base is the identity");
    this.octets = pointToOctets(point);
    this.hex = toHex(this.octets);
  }
}

/** What stands in an equation: a point that both know, or the name of one that is sent. */
export type Term = Base | Sent;

/** sum_k y_k * Y_k = sum_j x_j * B_j, where the y_k are public and not 0 and the x_j are witnesses. */
export interface Equation {
  readonly label: string;
  readonly Y: readonly (readonly [Term, bigint])[];
  readonly terms: readonly (readonly [Witness, Term])[];
}

/** x_0 = k + sum_j a_j * x_j, with public scalars k and a_j, no a_j 0. */
export interface Constraint {
  readonly defined: Witness;
  readonly k: bigint;
  readonly terms: readonly (readonly [Witness, bigint])[];
}

/** D = x*C for the secret scalar x of a key. */
export interface SignatureCheck {
  readonly C: Sent;
  readonly D: Sent;
  readonly key: Uint8Array;
}

export interface Parts {
  readonly witnesses: readonly Witness[];
  readonly sent: readonly Sent[];
  readonly equations: readonly Equation[];
  readonly constraints: readonly Constraint[];
  readonly checks: readonly SignatureCheck[];
  /** Sent points that only equations and checks see, and those of them that do not count as the identity. */
  readonly inner: ReadonlySet<Sent>;
  readonly nonzero: ReadonlySet<Sent>;
}

/** Equations, constraints and signature checks that keep the rules; InputError INVALID_STATEMENT. */
export class Statement {
  readonly witnesses: readonly Witness[];
  readonly sent: readonly Sent[];
  readonly equations: readonly Equation[];
  readonly constraints: readonly Constraint[];
  readonly checks: readonly SignatureCheck[];
  readonly inner: ReadonlySet<Sent>;
  readonly nonzero: ReadonlySet<Sent>;
  /** The witnesses that no constraint defines, in their order: those whose responses are sent. */
  readonly free: readonly Witness[];

  constructor(readonly suite: Suite, parts: Parts) {
    this.witnesses = parts.witnesses;
    this.sent = parts.sent;
    this.equations = parts.equations;
    this.constraints = parts.constraints;
    this.checks = parts.checks;
    this.inner = parts.inner;
    this.nonzero = parts.nonzero;
    const defined = new Set(parts.constraints.map((each) => each.defined));
    this.free = parts.witnesses.filter((each) => !defined.has(each));
    this.check();
  }

  /** All witnesses' scalars from those of the free ones; each constraint's k counts `factor` times. */
  complete(free: ReadonlyMap<Witness, bigint>, factor: bigint): Map<Witness, bigint> {
    const scalars = new Map(free);
    for (const { defined, k, terms } of this.constraints) {
      let sum = factor * k;
      for (const [witness, a] of terms) sum += a * (free.get(witness) as bigint);
      scalars.set(defined, modR(sum));
    }
    return scalars;
  }

  private check(): void {
    refuseUnless(this.equations.length > 0, "there is no equation");
    refuseTwice(this.witnesses, "the witness");
    refuseTwice(this.sent, "the point");
    refuseTwice(this.equations.map((each) => each.label), "the equation");
    refuseTwice(this.constraints.map((each) => each.defined), "the constraint on");
    const sent = new Set(this.sent);
    refuseUnless([...this.inner].every((each) => sent.has(each)), "an inner point is none that is sent");
    refuseUnless([...this.nonzero].every((each) => this.inner.has(each)), "only an inner point is declared nonzero");
    this.checkNames();
    for (const each of this.equations) {
      refuseUnless(each.Y.length > 0 && each.terms.length > 0, `an equation has two sides (${each.label})`);
      refuseUnless(each.Y.every(([, y]) => isNonzero(y)), `a public scalar is outside [1, r) (${each.label})`);
    }
    for (const each of this.constraints) this.checkConstraint(each);
    for (const key of new Map(this.checks.map((each) => [toHex(each.key), each.key])).values()) checkKey(key);
  }

  private checkNames(): void {
    const used = new Set(this.equations.flatMap((each) => each.terms.map(([witness]) => witness)));
    refuseUnlessEqual(used, this.witnesses, "the witness");
    const constrained = this.constraints.flatMap((each) => [each.defined, ...each.terms.map(([name]) => name)]);
    refuseUnless(constrained.every((each) => used.has(each)), "a constraint names what is in no equation");
    const points = this.equations.flatMap((each) => [
      ...each.Y.map(([point]) => point), ...each.terms.map(([, point]) => point),
    ]);
    const named = new Set(points.filter((each): each is Sent => typeof each === "string"));
    refuseUnlessEqual(named, this.sent, "the point");
    const checked = this.checks.flatMap((each) => [each.C, each.D]);
    refuseUnless(checked.every((each) => named.has(each)), "a check names a point that is in no equation");
    const strange = points.some((each) => typeof each !== "string" && each.suite !== this.suite);
    refuseUnless(!strange, "a base is of another suite");
  }

  private checkConstraint({ defined, k, terms }: Constraint): void {
    const free = new Set(this.free);
    refuseUnless(terms.length > 0, `a constraint has a witness on its right side (${defined})`);
    refuseUnless(terms.every(([name]) => free.has(name)), `it refers to a constraint (${defined})`);
    refuseTwice(terms.map(([name]) => name), "the witness");
    refuseUnless(terms.every(([, a]) => isNonzero(a)), `a factor is outside [1, r) (${defined})`);
    refuseUnless(k >= 0n && k < R, `a constant is outside [0, r) (${defined})`);
  }
}

/** A scalar in [0, r). */
export function modR(scalar: bigint): bigint {
  const rest = scalar % R;
  return rest < 0n ? rest + R : rest;
}

/** The error of a statement that breaks a rule: the compiler's mistake, never the prover's. */
export function invalid(detail: string): InputError {
  return new InputError("INVALID_STATEMENT", detail);
}

/** The error of values that do not satisfy their statement; names only, no value. */
export function unsatisfied(detail: string): InputError {
  return new InputError("UNSATISFIED", detail);
}

function isNonzero(scalar: bigint): boolean {
  return scalar > 0n && scalar < R;
}

function refuseUnless(holds: boolean, detail: string): void {
  if (!holds) throw invalid(detail);
}

function refuseTwice(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const each of names) {
    if (seen.has(each)) throw invalid(`${what} ${each} is there twice`);
    seen.add(each);
  }
}

function refuseUnlessEqual(used: ReadonlySet<string>, declared: readonly string[], what: string): void {
  const known = new Set(declared);
  for (const each of used) refuseUnless(known.has(each), `${what} ${each} is not declared`);
  for (const each of declared) refuseUnless(used.has(each), `${what} ${each} does not occur in an equation`);
}
