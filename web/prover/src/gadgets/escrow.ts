// A regulator's escrow: a hidden identifier, encrypted to one regulator's key (bbs/gadgets/escrow.py), and that key's
// two shares with the proofs that their officers know them (bbs/gadgets/escrow_shares.py).

import { InputError } from "../bbs/errors.js";
import { g1FromOctets, pointsToOctets } from "../bbs/group.js";
import { Builder, type Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { Base, type Sent, type Witness } from "../engine/statement.js";
import { isIdentity, type Suite, toHex, utf8 } from "../engine/suite.js";
import { verify } from "../engine/verifier.js";
import { hashedBase } from "./bases.js";

const OFFICERS = 2;
const POSSESSION = [["proof-of-possession", utf8("escrow-share")]] as const;

/** G of keys and E1, K0 of identifiers; nobody knows the discrete logarithm of one to the other. */
function escrowBases(suite: Suite): { readonly G: Base; readonly K0: Base } {
  return { G: hashedBase(suite, "escrow-key"), K0: hashedBase(suite, "escrow-identifier") };
}

/** Proves that E1 and E2, which are sent, encrypt the witness to a regulator's key: E1 = u*G, E2 = id*K0 + u*Y. */
export class Escrow {
  private constructor(
    readonly E1: Sent, readonly E2: Sent, private readonly identifier: Witness, private readonly u: Witness,
    private readonly Y: Base,
  ) {}

  /** State it about a witness of another gadget, under a public key; DecodingError. */
  static addTo(scope: Scope, identifier: Witness, key: Uint8Array): Escrow {
    const { G, K0 } = escrowBases(scope.suite);
    const [E1, E2, u] = [scope.sent("E1"), scope.sent("E2"), scope.witness("u")];
    const Y = new Base(scope.suite, g1FromOctets(key));
    scope.equation("E1", [[E1, 1n]], [[u, G]]);
    scope.equation("E2", [[E2, 1n]], [[identifier, K0], [u, Y]]);
    return new Escrow(E1, E2, identifier, u, Y);
  }

  /** Encrypt the identifier with a fresh u, which nobody needs again. */
  assign(values: Values, identifier: bigint): void {
    const { G, K0 } = escrowBases(values.suite);
    const u = values.randomScalar();
    values.set(this.identifier, identifier);
    values.set(this.u, u);
    values.send(this.E1, [[G, u]]);
    values.send(this.E2, [[K0, identifier], [this.Y, u]]);
  }
}

/** The public half of an officer's share, one compressed point, and the proof that its secret is known. */
export interface PublicShare {
  readonly publicKey: Uint8Array;
  readonly possession: Uint8Array;
}

/**
 * A regulator's key, the sum of its officers' shares, once each has proven that it knows its own. InputError
 * COUNT_MISMATCH (not two officers, or one twice), DEGENERATE; DecodingError; VerificationError PROOF_INVALID.
 */
export function sharedKey(suite: Suite, shares: readonly PublicShare[]): Uint8Array {
  if (shares.length !== OFFICERS || new Set(shares.map((each) => toHex(each.publicKey))).size !== OFFICERS) {
    throw new InputError("COUNT_MISMATCH", `a regulator's key is shared by ${OFFICERS} officers`);
  }
  const points = shares.map((each) => {
    const Y = new Base(suite, g1FromOctets(each.publicKey));
    const builder = new Builder(suite);
    const scope = builder.scope("escrow-share");
    const x = scope.witness("x");
    scope.equation("key", [[escrowBases(suite).G, 1n]], [[x, Y]]);
    verify(builder.build(), POSSESSION, each.possession);
    return Y.point;
  });
  const [first, second] = points as [(typeof points)[0], (typeof points)[0]];
  const sum = first.add(second);
  if (isIdentity(sum)) throw new InputError("DEGENERATE", "the shares add up to the identity");
  return pointsToOctets(sum);
}
