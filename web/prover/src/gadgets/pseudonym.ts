// A pseudonym N = k * hash_to_curve(scope): one for a secret in a scope (bbs/gadgets/pseudonym.py).

import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import type { Base, Sent, Witness } from "../engine/statement.js";
import { hashedBase } from "./bases.js";

/** What a pseudonym is for, part of the tag: of a holder towards a verifier or an issuer, or of a subject. */
export type Purpose = "pseudonym" | "pseudonym-issuance" | "pseudonym-subject";

/** Proves that N, which is sent and never the identity, is the pseudonym of the witness k. */
export class Pseudonym {
  private constructor(readonly N: Sent, private readonly k: Witness, private readonly base: Base) {}

  static addTo(scope: Scope, k: Witness, scopeOctets: Uint8Array, purpose: Purpose = "pseudonym"): Pseudonym {
    const N = scope.sent("N");
    const base = hashedBase(scope.suite, purpose, scopeOctets, false);
    scope.equation("N", [[N, 1n]], [[k, base]]);
    return new Pseudonym(N, k, base);
  }

  /** Give the secret. */
  assign(values: Values, k: bigint): void {
    values.set(this.k, k);
    values.send(this.N, [[this.base, k]]);
  }
}
