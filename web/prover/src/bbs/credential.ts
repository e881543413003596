/**
 * A held signature, prepared for proofs.
 *
 * ProofInit (draft-irtf-cfrg-bbs-signatures-09, section 3.7.1) computes the domain and B anew for each proof, though
 * neither depends on the proof's randomness. They are kept here; the proofs are the same octets for the same randomness.
 */

import type { Generators } from "./generators.js";
import type { G1Point } from "./group.js";
import { Hidden } from "./hidden.js";
import type { Signature } from "./serialization.js";
import { calculateB, calculateDomain } from "./signature.js";

/** A signature with everything that its proofs have in common: as secret as its messages. */
export class PreparedCredential extends Hidden {
  readonly #signature: Signature;
  readonly #messages: readonly bigint[];
  readonly #B: G1Point;
  readonly domain: bigint;

  /** Prepare a signature on message scalars; InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE. */
  constructor(
    pk: Uint8Array,
    signature: Signature,
    readonly generators: Generators,
    header: Uint8Array,
    messages: readonly bigint[],
    readonly apiId: Uint8Array,
  ) {
    super();
    this.domain = calculateDomain(pk, generators, header, apiId);
    this.#signature = signature;
    this.#messages = [...messages];
    this.#B = calculateB(generators, this.domain, messages);
  }

  /** The signature. Secret: it is the same at every showing. */
  get signature(): Signature {
    return this.#signature;
  }

  /** The message scalars. Secret. */
  get messages(): readonly bigint[] {
    return this.#messages;
  }

  /** The point that the signature divides. Secret. */
  get B(): G1Point {
    return this.#B;
  }
}
