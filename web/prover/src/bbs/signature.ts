/**
 * What a signature is of, and whether it holds (draft-irtf-cfrg-bbs-signatures-09, sections 3.6.2 and 4.2.3).
 *
 * A holder verifies what it is given before it keeps it; nobody signs here.
 */

import { InputError, VerificationError } from "./errors.js";
import { createGenerators, type Generators } from "./generators.js";
import { BP2, g2FromOctets, pairingProductIsOne, type G1Point } from "./group.js";
import { checkOctets, concat, integerToOctets, utf8 } from "./octets.js";
import { checkScalars, messagesToScalars } from "./scalars.js";
import { octetsToSignature } from "./serialization.js";
import type { Ciphersuite } from "./suite.js";

/** Return the tag of challenges, domains and the like of an interface. */
export function h2sDst(apiId: Uint8Array): Uint8Array {
  return concat(apiId, utf8("H2S_"));
}

/** Bind a public key, the generators, a header and an interface into one scalar (section 4.2.3). */
export function calculateDomain(
  pk: Uint8Array,
  generators: Generators,
  header: Uint8Array,
  apiId: Uint8Array,
): bigint {
  const octets = concat(
    pk,
    integerToOctets(generators.L),
    generators.octets,
    apiId,
    integerToOctets(header.length),
    header,
  );
  return generators.suite.hashToScalar(octets, h2sDst(apiId));
}

/** Return B, the point that a signature on these message scalars divides (section 3.6.1, step 3). */
export function calculateB(generators: Generators, domain: bigint, messages: readonly bigint[]): G1Point {
  checkCount(generators, messages);
  return generators.combine([1n, domain, ...checkScalars(messages)]);
}

/**
 * Verify a signature on message scalars (section 3.6.2, CoreVerify).
 *
 * Raises DecodingError (key or signature), VerificationError SIGNATURE_INVALID, InputError COUNT_MISMATCH,
 * SCALAR_OUT_OF_RANGE.
 */
export function coreVerify(
  pk: Uint8Array,
  signature: Uint8Array,
  generators: Generators,
  header: Uint8Array,
  messages: readonly bigint[],
  apiId: Uint8Array,
): void {
  const { A, e } = octetsToSignature(signature);
  const W = g2FromOctets(checkOctets(pk, "the public key"));
  checkCount(generators, messages);
  const domain = calculateDomain(pk, generators, header, apiId);
  const negated = [1n, domain, ...checkScalars(messages)].map((scalar) => -scalar);
  const eAMinusB = generators.combine(negated, [A], [e]);
  if (!pairingProductIsOne([[A, W], [eAMinusB, BP2]])) {
    throw new VerificationError("SIGNATURE_INVALID", "the signature does not hold");
  }
}

/** Verify a signature on messages and a header (section 3.5.2, Verify); raises as `coreVerify`. */
export function verify(
  pk: Uint8Array,
  signature: Uint8Array,
  header: Uint8Array,
  messages: readonly Uint8Array[],
  suite: Ciphersuite,
): void {
  const scalars = messagesToScalars(messages, suite.apiId, suite);
  const generators = createGenerators(scalars.length + 1, suite.apiId, suite);
  coreVerify(pk, signature, generators, checkOctets(header, "the header"), scalars, suite.apiId);
}

function checkCount(generators: Generators, messages: readonly bigint[]): void {
  if (messages.length !== generators.L) {
    throw new InputError("COUNT_MISMATCH", `${messages.length} messages, ${generators.L} generators`);
  }
}
