/**
 * Octets of scalars, signatures, proofs and commitments.
 *
 * Source: draft-irtf-cfrg-bbs-signatures-09, section 4.2.4; for commitments sections 5.4.1 and 5.4.2 of
 * draft-irtf-cfrg-bbs-blind-signatures. Every decoding is exact: one encoding for a value, no identity where a secret
 * or a commitment has to be, no scalar that is 0 or not less than r.
 */

import { DecodingError, InputError } from "./errors.js";
import { G1_OCTETS, SCALAR_OCTETS, g1FromOctets, pointsToOctets, r, type G1Point } from "./group.js";
import { checkOctets, concat, fromInteger, toInteger } from "./octets.js";

/** A signature (A, e). */
export interface Signature {
  readonly A: G1Point;
  readonly e: bigint;
}

/** A proof: three points, the responses, the challenge c. `mHat` has one response a hidden message. */
export interface Proof {
  readonly Abar: G1Point;
  readonly Bbar: G1Point;
  readonly D: G1Point;
  readonly eHat: bigint;
  readonly r1Hat: bigint;
  readonly r3Hat: bigint;
  readonly mHat: readonly bigint[];
  readonly c: bigint;
}

/** A commitment C with the responses and the challenge c of its proof; `mHat` has one a message. */
export interface CommitmentWithProof {
  readonly C: G1Point;
  readonly sHat: bigint;
  readonly mHat: readonly bigint[];
  readonly c: bigint;
}

/** Encode scalars one after the other (section 4.2.4.1). */
export function scalarsToOctets(...scalars: readonly bigint[]): Uint8Array {
  return concat(...scalars.map((scalar) => fromInteger(scalar, SCALAR_OCTETS)));
}

/** Decode scalars in [1, r); DecodingError INVALID_LENGTH or INVALID_SCALAR. */
export function octetsToScalars(octets: Uint8Array): bigint[] {
  if (octets.length % SCALAR_OCTETS !== 0) {
    throw new DecodingError("INVALID_LENGTH", `scalars have ${SCALAR_OCTETS} octets each`);
  }
  const scalars: bigint[] = [];
  for (let at = 0; at < octets.length; at += SCALAR_OCTETS) {
    const scalar = toInteger(octets.subarray(at, at + SCALAR_OCTETS));
    if (scalar === 0n || scalar >= r) throw new DecodingError("INVALID_SCALAR", "a scalar is 0 or not less than r");
    scalars.push(scalar);
  }
  return scalars;
}

/** Encode a signature in 80 octets (section 4.2.4.2). */
export function signatureToOctets(signature: Signature): Uint8Array {
  return concat(pointsToOctets(signature.A), scalarsToOctets(signature.e));
}

/** Decode a signature (section 4.2.4.3); InputError INVALID_TYPE, DecodingError. */
export function octetsToSignature(octets: Uint8Array): Signature {
  const size = G1_OCTETS + SCALAR_OCTETS;
  if (checkOctets(octets, "the signature").length !== size) {
    throw new DecodingError("INVALID_LENGTH", `a signature has ${size} octets, not ${octets.length}`);
  }
  const [e] = octetsToScalars(octets.subarray(G1_OCTETS));
  return { A: g1FromOctets(octets.subarray(0, G1_OCTETS)), e: e! };
}

/** Encode a proof in 272 octets and 32 more for each hidden message (section 4.2.4.4). */
export function proofToOctets(proof: Proof): Uint8Array {
  const scalars = [proof.eHat, proof.r1Hat, proof.r3Hat, ...proof.mHat, proof.c];
  return concat(pointsToOctets(proof.Abar, proof.Bbar, proof.D), scalarsToOctets(...checkNonzero(scalars)));
}

/** Encode a commitment with its proof in 112 octets and 32 more for each committed message. */
export function commitmentWithProofToOctets(commitment: CommitmentWithProof): Uint8Array {
  const scalars = [commitment.sHat, ...commitment.mHat, commitment.c];
  return concat(pointsToOctets(commitment.C), scalarsToOctets(...checkNonzero(scalars)));
}

function checkNonzero(scalars: readonly bigint[]): readonly bigint[] {
  if (!scalars.every((scalar) => scalar > 0n && scalar < r)) {
    throw new InputError("SCALAR_OUT_OF_RANGE", "a scalar is outside [1, r)");
  }
  return scalars;
}
