// A BBS credential, some of its messages shown (bbs/gadgets/credential.py).

import type { Generators } from "../bbs/generators.js";
import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { Base, modR, type Sent, type Term, type Witness } from "../engine/statement.js";
import { InputError, invert, type Point, R } from "../engine/suite.js";
import { combination, generatorBases } from "./bases.js";

/** What a proof needs of a credential that is held. Holds all messages: as secret as they are. */
export interface HeldCredential {
  readonly generators: Generators;
  readonly A: Point;
  readonly e: bigint;
  readonly messages: readonly bigint[];
  readonly domain: bigint;
  readonly B: Point;
}

/**
 * Proves a signature (A, e) on B = P1 + d*Q_1 + sum of m_i * H_i under a key. Sent are D = r2*B, A' = r1*r2*A and
 * B' = r1*D - e*A'. `messages` has the witness of each hidden message by its index, from 0.
 */
export class Credential {
  private constructor(
    readonly A: Sent, readonly B: Sent, readonly D: Sent, readonly e: Witness, readonly r1: Witness,
    readonly r3: Witness, readonly messages: ReadonlyMap<number, Witness>,
  ) {}

  /**
   * State it for a key, its generators and domain. `shown` has the scalars of the messages that are shown, by index;
   * `shared` the witnesses of hidden ones that another gadget has too. InputError INVALID_INDEXES, SCALAR_OUT_OF_RANGE.
   */
  static addTo(
    scope: Scope, key: Uint8Array, generators: Generators, domain: bigint, shown: ReadonlyMap<number, bigint>,
    shared: ReadonlyMap<number, Witness> = new Map(),
  ): Credential {
    checkIndexes(generators.L, shown, shared);
    const [P1, Q1, ...H] = generatorBases(generators) as [Base, Base, ...Base[]];
    const [A, B, D] = [scope.innerPoint("A'"), scope.innerPoint("B'"), scope.innerPoint("D")];
    const [e, r1, r3] = [scope.witness("e"), scope.witness("r1"), scope.witness("r3")];
    const hidden = new Map<number, Witness>();
    for (let i = 0; i < generators.L; i++) {
      if (!shown.has(i)) hidden.set(i, shared.get(i) ?? scope.witness(`m${i}`));
    }
    const known: [Term, bigint][] = [[P1, -1n], [Q1, -domain]];
    for (const [i, m] of [...shown].sort(([a], [b]) => a - b)) if (m !== 0n) known.push([H[i] as Base, -m]);
    scope.equation("randomised", [[B, -1n]], [[e, A], [r1, D]]);
    scope.equation("signed", known, [[r3, D], ...[...hidden].map(([i, m]) => [m, H[i] as Base] as const)]);
    scope.signature(A, B, key);
    return new Credential(A, B, D, e, r1, r3, hidden);
  }

  /** Give a held credential. */
  assign(values: Values, credential: HeldCredential): void {
    const { e } = credential;
    const [r1, r2] = values.random(2) as [bigint, bigint];
    const scalars = [1n, credential.domain, ...credential.messages];
    const A = new Base(values.suite, credential.A);
    const B = new Base(values.suite, credential.B, false, combination(generatorBases(credential.generators), scalars));
    values.set(this.e, e);
    values.set(this.r1, -r1);
    values.set(this.r3, -invert(r2));
    for (const [i, witness] of this.messages) values.set(witness, credential.messages[i] as bigint);
    values.send(this.D, [[B, r2]]);
    values.send(this.A, [[A, modR(r1 * r2)]]);
    values.send(this.B, [[A, modR(-e * r1 * r2)], [B, modR(r1 * r2)]]);
  }
}

function checkIndexes(L: number, shown: ReadonlyMap<number, bigint>, shared: ReadonlyMap<number, Witness>): void {
  const all = [...shown.keys(), ...shared.keys()];
  if (!all.every((i) => Number.isInteger(i) && i >= 0 && i < L)) {
    throw new InputError("INVALID_INDEXES", `an index is outside [0, ${L})`);
  }
  if ([...shown.keys()].some((i) => shared.has(i))) {
    throw new InputError("INVALID_INDEXES", "a message is shown and shared");
  }
  if (![...shown.values()].every((scalar) => scalar >= 0n && scalar < R)) {
    throw new InputError("SCALAR_OUT_OF_RANGE", "a message scalar is outside [0, r)");
  }
}
