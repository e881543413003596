/**
 * Pseudonyms: a holder's own name in each context, the same at every visit, unlinkable between contexts.
 *
 * Source: draft-irtf-cfrg-bbs-per-verifier-linkability, revision -03, by its vectors. A blind signature covers N secrets
 * after the committed messages: the coefficients of a polynomial that is evaluated at a point that the context gives.
 */

import {
  blindGenerators,
  coreCommit,
  Committed,
  jointGenerators,
  jointIndexes,
  jointScalars,
  type CommitmentBinding,
} from "./blind.js";
import { InputError } from "./errors.js";
import { modR, msm, pointsToOctets, type G1Point } from "./group.js";
import { checkOctets, concat, integerToOctets, utf8 } from "./octets.js";
import { coreProofGen, type ChallengeExtension } from "./proof.js";
import { calculateRandomScalars, checkScalars, messagesToScalars, type RandomScalars } from "./scalars.js";
import { coreVerify } from "./signature.js";
import type { Ciphersuite } from "./suite.js";

/** Where a pseudonym is valid: its base point OP and the point z at which the polynomial is evaluated. */
export class Context {
  readonly OP: G1Point;
  readonly z: bigint;

  /** Hash a context's identifier to both (section 7.3.1); InputError INVALID_TYPE. */
  constructor(
    readonly contextId: Uint8Array,
    apiId: Uint8Array,
    suite: Ciphersuite,
  ) {
    this.OP = suite.hashToG1(checkOctets(contextId, "the context's identifier"), apiId);
    this.z = suite.hashToScalar(contextId, concat(apiId, utf8("VECT_NYM_SECRETS")));
  }

  /** Return the polynomial's value at z; the first coefficient is the constant one. */
  evaluate(coefficients: readonly bigint[]): bigint {
    return coefficients.reduceRight((value, coefficient) => modR(value * this.z + coefficient), 0n);
  }

  /** Return the pseudonym of these secrets; InputError DEGENERATE if it would be the identity. */
  pseudonym(nymSecrets: readonly bigint[]): G1Point {
    const point = msm([this.OP], [this.evaluate(nymSecrets)]);
    if (point.is0()) throw new InputError("DEGENERATE", "these secrets give no pseudonym in this context");
    return point;
  }

  /** Return what the challenge covers besides (section 7.3.1, PseudonymProofInit). */
  extension(pseudonym: G1Point, N: number): ChallengeExtension {
    return (blindings) => {
      const Ut = msm([this.OP], [this.evaluate(blindings.slice(blindings.length - N))]);
      return [[pseudonym, Ut], concat(integerToOctets(this.contextId.length), this.contextId)];
    };
  }
}

function apiIdOf(suite: Ciphersuite): Uint8Array {
  return concat(suite.id, utf8("H2G_HM2S_PSEUDONYM_"));
}

function checkNyms(nyms: readonly bigint[]): readonly bigint[] {
  if (nyms.length === 0) throw new InputError("COUNT_MISMATCH", "there is at least one pseudonym secret");
  return checkScalars(nyms);
}

/** Bind the number of secrets into the domain: with fewer, one signature would give other pseudonyms. */
function combinedHeader(header: Uint8Array, N: number): Uint8Array {
  return concat(checkOctets(header, "the header"), integerToOctets(N));
}

/** Return a holder's pseudonym in a context, 48 octets (section 4); InputError. */
export function calculatePseudonym(
  contextId: Uint8Array,
  nymSecrets: readonly bigint[],
  suite: Ciphersuite,
): Uint8Array {
  return pointsToOctets(new Context(contextId, apiIdOf(suite), suite).pseudonym(checkNyms(nymSecrets)));
}

/**
 * Commit to messages and pseudonym secrets (section 6.1.1, CommitWithNym).
 *
 * Returns what goes to the issuer and what the holder keeps together with the secrets. Raises InputError.
 */
export function commitWithNym(
  committedMessages: readonly Uint8Array[],
  proverNyms: readonly bigint[],
  suite: Ciphersuite,
  binding?: CommitmentBinding,
  rng: RandomScalars = calculateRandomScalars,
): readonly [Uint8Array, Committed] {
  const apiId = apiIdOf(suite);
  const scalars = [...messagesToScalars(committedMessages, apiId, suite), ...checkNyms(proverNyms)];
  const [octets, blind] = coreCommit(scalars, blindGenerators(scalars.length, apiId, suite), apiId, binding, rng);
  return [octets, new Committed(committedMessages, blind)];
}

/**
 * Verify a signature as its holder; return the signed pseudonym secrets (section 6.1.3, VerifyFinalizeWithNym).
 *
 * Raises VerificationError SIGNATURE_INVALID; DecodingError (public key, signature); InputError.
 */
export function verifyFinalizeWithNym(
  pk: Uint8Array,
  signature: Uint8Array,
  header: Uint8Array,
  messages: readonly Uint8Array[],
  committed: Committed,
  proverNyms: readonly bigint[],
  signerNymEntropy: bigint,
  suite: Ciphersuite,
): readonly bigint[] {
  const apiId = apiIdOf(suite);
  const nyms = [...checkNyms(proverNyms)];
  checkScalars([signerNymEntropy]);
  nyms.push(modR(nyms.pop()! + signerNymEntropy));
  const scalars = [...jointScalars(messages, committed, apiId, suite), ...nyms];
  const generators = jointGenerators(messages.length, committed.messages.length + nyms.length, apiId, suite);
  coreVerify(pk, signature, generators, combinedHeader(header, nyms.length), scalars, apiId);
  return nyms;
}

/**
 * Prove a signature and the holder's pseudonym in a context (sections 6.2 and 7.1, ProofGenWithNym).
 *
 * Returns the proof and the pseudonym of 48 octets. The pseudonym secrets are never among what can be disclosed. Raises
 * as `blindProofGen`, and InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, DEGENERATE.
 */
export function proofGenWithNym(
  pk: Uint8Array,
  signature: Uint8Array,
  header: Uint8Array,
  ph: Uint8Array,
  nymSecrets: readonly bigint[],
  contextId: Uint8Array,
  messages: readonly Uint8Array[],
  committed: Committed,
  disclosedIndexes: readonly number[],
  disclosedCommittedIndexes: readonly number[],
  suite: Ciphersuite,
  rng: RandomScalars = calculateRandomScalars,
): readonly [Uint8Array, Uint8Array] {
  const apiId = apiIdOf(suite);
  checkOctets(pk, "the public key");
  checkOctets(ph, "the presentation header");
  const secrets = checkNyms(nymSecrets);
  const [N, L, M] = [secrets.length, messages.length, committed.messages.length];
  const context = new Context(contextId, apiId, suite);
  const pseudonym = context.pseudonym(secrets);
  const proof = coreProofGen(
    pk,
    signature,
    jointGenerators(L, M + N, apiId, suite),
    combinedHeader(header, N),
    ph,
    [...jointScalars(messages, committed, apiId, suite), ...secrets],
    jointIndexes(disclosedIndexes, disclosedCommittedIndexes, L, M),
    apiId,
    rng,
    context.extension(pseudonym, N),
  );
  return [proof, pointsToOctets(pseudonym)];
}
