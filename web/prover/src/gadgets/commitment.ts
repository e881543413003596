// A commitment K = m*G + u*H to a witness, and the opening of another holder's (bbs/gadgets/commitment.py, sums.py).

import { g1FromOctets } from "../bbs/group.js";
import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { Base, type Sent, type Witness } from "../engine/statement.js";
import type { Suite } from "../engine/suite.js";
import { hashedBase } from "./bases.js";

/** G of the value and H of the blind; nobody knows the discrete logarithm of one to the other. */
export function commitmentBases(suite: Suite): { readonly G: Base; readonly H: Base } {
  return { G: hashedBase(suite, "commitment-value"), H: hashedBase(suite, "commitment-blind") };
}

/** Proves that K, which is sent, commits to the witness m. */
export class Commitment {
  private constructor(readonly K: Sent, readonly m: Witness, readonly u: Witness) {}

  static addTo(scope: Scope, m: Witness): Commitment {
    const { G, H } = commitmentBases(scope.suite);
    const K = scope.sent("K");
    const u = scope.witness("u");
    scope.equation("K", [[K, 1n]], [[m, G], [u, H]]);
    return new Commitment(K, m, u);
  }

  /** Commit to m with a fresh u, and return u: who has it and m can open K. As secret as m. */
  assign(values: Values, m: bigint): bigint {
    const { G, H } = commitmentBases(values.suite);
    const u = values.randomScalar();
    values.set(this.m, m);
    values.set(this.u, u);
    values.send(this.K, [[G, m], [H, u]]);
    return u;
  }
}

/** Proves that the prover knows the opening m and u of a commitment K = m*G + u*H of another holder's. */
export class Opened {
  private constructor(readonly m: Witness, readonly u: Witness) {}

  /** State it about a commitment in compressed form; DecodingError. */
  static addTo(scope: Scope, K: Uint8Array): Opened {
    const base = new Base(scope.suite, g1FromOctets(K));
    const { G, H } = commitmentBases(scope.suite);
    const m = scope.witness("m");
    const u = scope.witness("u");
    scope.equation("K", [[base, 1n]], [[m, G], [u, H]]);
    return new Opened(m, u);
  }

  /** Give the opening; the proof is refused with UNSATISFIED if it is another's. */
  assign(values: Values, m: bigint, u: bigint): void {
    values.set(this.m, m);
    values.set(this.u, u);
  }
}
