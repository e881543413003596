// Few public values without a table: a hidden m is one of them, or none of them, or not another hidden one
// (bbs/gadgets/small_set.py). K_0 = G and K_j = (m - s_j)*K_(j-1) + u_j*H.

import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { invalid, modR, type Sent, type Term, unsatisfied, type Witness } from "../engine/statement.js";
import { invert, R } from "../engine/suite.js";
import { commitmentBases } from "./commitment.js";

const MAX_VALUES = 8;

/** Proves that the witness m of another gadget is one of 2 to 8 public scalars, in whatever order. */
export class OneOf {
  private constructor(
    private readonly values: readonly bigint[], private readonly m: Witness, private readonly chain: Chain,
    private readonly last: Witness,
  ) {}

  static addTo(scope: Scope, m: Witness, values: readonly bigint[]): OneOf {
    const ordered = inOrder(values, 2);
    const chain = Chain.addTo(scope, m, ordered, ordered.length - 1);
    const last = scope.witness(`u${ordered.length}`);
    // The values ascend, so the last one is not 0 and the left side is one.
    const end = chain.end;
    scope.equation("product", [[end, ordered.at(-1) as bigint]], [[m, end], [last, commitmentBases(scope.suite).H]]);
    return new OneOf(ordered, m, chain, last);
  }

  /** Give m; if it is none of the values, `prove` finds that: UNSATISFIED. */
  assign(values: Values, m: bigint): void {
    const [, blind] = this.chain.assign(values, this.m, m, this.values);
    values.set(this.last, ((this.values.at(-1) as bigint) - m) * blind);
  }
}

/** Proves that the witness m of another gadget is none of 1 to 8 public scalars. */
export class NoneOf {
  private constructor(
    private readonly values: readonly bigint[], private readonly m: Witness, private readonly chain: Chain,
    private readonly inverse: Inverse,
  ) {}

  static addTo(scope: Scope, m: Witness, values: readonly bigint[]): NoneOf {
    const ordered = inOrder(values, 1);
    const chain = Chain.addTo(scope, m, ordered, ordered.length);
    return new NoneOf(ordered, m, chain, Inverse.addTo(scope, chain.end));
  }

  /** Give m; InputError UNSATISFIED if it is one of the values. */
  assign(values: Values, m: bigint): void {
    if (this.values.includes(modR(m))) throw unsatisfied("the value is one of those that it must not be");
    const [product, blind] = this.chain.assign(values, this.m, m, this.values);
    this.inverse.assign(values, product, blind);
  }
}

/** Proves that two witnesses of other gadgets differ; K, which is sent, is to their difference. */
export class Different {
  private constructor(
    private readonly m: Witness, private readonly other: Witness, private readonly u: Witness, private readonly K: Sent,
    private readonly inverse: Inverse,
  ) {}

  static addTo(scope: Scope, m: Witness, other: Witness): Different {
    if (m === other) throw invalid("a witness does not differ from itself");
    const { G, H } = commitmentBases(scope.suite);
    const [difference, u] = [scope.witness("difference"), scope.witness("u")];
    scope.constraint(difference, 0n, [[m, 1n], [other, -1n]]);
    const K = scope.innerPoint("K");
    scope.equation("K", [[K, 1n]], [[difference, G], [u, H]]);
    return new Different(m, other, u, K, Inverse.addTo(scope, K));
  }

  /** Give both; InputError UNSATISFIED if they are equal. */
  assign(values: Values, m: bigint, other: bigint): void {
    const { G, H } = commitmentBases(values.suite);
    const difference = modR(m - other);
    if (difference === 0n) throw unsatisfied("two values are equal that must differ");
    const u = values.randomScalar();
    values.set(this.m, m);
    values.set(this.other, other);
    values.set(this.u, u);
    values.send(this.K, [[G, difference], [H, u]]);
    this.inverse.assign(values, difference, u);
  }
}

/** Proves that a commitment K is to no 0: G = w*K + z*H, where K = p*G + v*H, w = 1/p and z = -v/p. */
class Inverse {
  private constructor(private readonly w: Witness, private readonly z: Witness) {}

  static addTo(scope: Scope, K: Sent): Inverse {
    const { G, H } = commitmentBases(scope.suite);
    const [w, z] = [scope.witness("w"), scope.witness("z")];
    scope.equation("inverse", [[G, 1n]], [[w, K], [z, H]]);
    return new Inverse(w, z);
  }

  assign(values: Values, product: bigint, blind: bigint): void {
    const w = invert(product);
    values.set(this.w, w);
    values.set(this.z, -blind * w);
  }
}

/** K_j + s_j*K_(j-1) = m*K_(j-1) + u_j*H for the first values. */
class Chain {
  private constructor(private readonly K: readonly Sent[], private readonly u: readonly Witness[]) {}

  static addTo(scope: Scope, m: Witness, values: readonly bigint[], count: number): Chain {
    const { G, H } = commitmentBases(scope.suite);
    let before: Term = G;
    const K: Sent[] = [];
    const u: Witness[] = [];
    values.slice(0, count).forEach((value, index) => {
      const place = index + 1;
      const sent = scope.innerPoint(`K${place}`);
      const blind = scope.witness(`u${place}`);
      const left: [Term, bigint][] = value ? [[sent, 1n], [before, value]] : [[sent, 1n]];
      scope.equation(`K${place}`, left, [[m, before], [blind, H]]);
      K.push(sent);
      u.push(blind);
      before = sent;
    });
    return new Chain(K, u);
  }

  get end(): Sent {
    return this.K.at(-1) as Sent;
  }

  /** Give m and every K with a fresh u; return what the last K is made of: product and blind. */
  assign(values: Values, name: Witness, m: bigint, publicValues: readonly bigint[]): [bigint, bigint] {
    const { G, H } = commitmentBases(values.suite);
    let [product, blind] = [1n, 0n];
    values.set(name, m);
    const fresh = values.random(this.K.length);
    this.K.forEach((sent, place) => {
      const difference = m - (publicValues[place] as bigint);
      const each = fresh[place] as bigint;
      [product, blind] = [modR(difference * product), modR(difference * blind + each)];
      values.set(this.u[place] as Witness, each);
      values.send(sent, [[G, product], [H, blind]]);
    });
    return [product, blind];
  }
}

function inOrder(values: readonly bigint[], least: number): readonly bigint[] {
  if (values.length < least || values.length > MAX_VALUES) {
    throw invalid(`there are ${least} to ${MAX_VALUES} values; a list has a table`);
  }
  if (!values.every((value) => value >= 0n && value < R)) throw invalid("a value is outside [0, r)");
  if (new Set(values).size !== values.length) throw invalid("a value is there twice");
  return [...values].sort((a, b) => (a < b ? -1 : 1));
}
