// Possession of a weak Boneh-Boyen signature C = V / (a + y) on a hidden y (bbs/gadgets/weak_bb.py).

import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { type Base, modR, type Sent, type Witness } from "../engine/statement.js";

/** Proves that the witness y has a signature: C' = t*C and C'' = t*V - y*C' = a*C' are sent. */
export class WeakBB {
  private constructor(
    readonly C1: Sent, readonly C2: Sent, readonly t: Witness, readonly y: Witness, readonly V: Base,
  ) {}

  /** State it about a witness of another gadget, under a public key; the witness t is minus the factor of V. */
  static addTo(scope: Scope, y: Witness, V: Base, key: Uint8Array): WeakBB {
    const [C1, C2] = [scope.innerPoint("C'"), scope.innerPoint("C''")];
    const t = scope.witness("t");
    scope.equation("C''", [[C2, -1n]], [[y, C1], [t, V]]);
    scope.signature(C1, C2, key);
    return new WeakBB(C1, C2, t, y, V);
  }

  /** Give y and its signature C. */
  assign(values: Values, y: bigint, C: Base): void {
    const t = values.randomScalar();
    values.set(this.y, y);
    values.set(this.t, -t);
    values.send(this.C1, [[C, t]]);
    values.send(this.C2, [[this.V, t], [C, modR(-y * t)]]);
  }
}
