/**
 * Proofs of a signature that disclose some of its messages.
 *
 * Source: draft-irtf-cfrg-bbs-signatures-09, sections 3.5.3, 3.6.3 and 3.7. Indexes count from 0. The core operations
 * take scalars, generators and an apiId, so that other interfaces can use them.
 */

import { PreparedCredential } from "./credential.js";
import { createGenerators, type Generators } from "./generators.js";
import { invert, modR, msm, pointsToOctets, type G1Point } from "./group.js";
import { checkOctets, concat, integerToOctets } from "./octets.js";
import { calculateRandomScalars, checkIndexes, draw, messagesToScalars, type RandomScalars } from "./scalars.js";
import { octetsToSignature, proofToOctets, scalarsToOctets, type Proof } from "./serialization.js";
import { h2sDst } from "./signature.js";
import type { Ciphersuite } from "./suite.js";

/**
 * What an interface proves besides, with the same blindings, about the hidden messages: given their blindings, the
 * points that the challenge covers after T2, and the octets that it covers after the presentation header.
 */
export type ChallengeExtension = (blindings: readonly bigint[]) => readonly [readonly G1Point[], Uint8Array];

const NOTHING: ChallengeExtension = () => [[], new Uint8Array(0)];

interface InitResult {
  readonly Abar: G1Point;
  readonly Bbar: G1Point;
  readonly D: G1Point;
  readonly T1: G1Point;
  readonly T2: G1Point;
}

/** The random scalars of one proof, in the order in which they are drawn. Secret. */
interface RandomScalarsOfProof {
  readonly r1: bigint;
  readonly r2: bigint;
  readonly eTilde: bigint;
  readonly r1Tilde: bigint;
  readonly r3Tilde: bigint;
  readonly mTilde: readonly bigint[];
}

/** Return the indexes of [0, L) that are not disclosed, ascending. */
export function undisclosed(disclosedIndexes: readonly number[], L: number): number[] {
  const disclosed = new Set(disclosedIndexes);
  return Array.from({ length: L }, (_, index) => index).filter((index) => !disclosed.has(index));
}

function drawn(rng: RandomScalars, count: number): RandomScalarsOfProof {
  const [r1, r2, eTilde, r1Tilde, r3Tilde, ...mTilde] = draw(rng, 5 + count);
  return { r1: r1!, r2: r2!, eTilde: eTilde!, r1Tilde: r1Tilde!, r3Tilde: r3Tilde!, mTilde };
}

/** Randomise the signature and commit to the hidden values (section 3.7.1, ProofInit, from step 3). */
function proofInit(credential: PreparedCredential, s: RandomScalarsOfProof, hidden: readonly number[]): InitResult {
  const { A, e } = credential.signature;
  const D = msm([credential.B], [s.r2]);
  const Abar = msm([A], [modR(s.r1 * s.r2)]);
  const Bbar = msm([D, Abar], [s.r1, -e]);
  const H = credential.generators.H;
  return {
    Abar,
    Bbar,
    D,
    T1: msm([Abar, D], [s.eTilde, s.r1Tilde]),
    T2: msm([D, ...hidden.map((index) => H[index]!)], [s.r3Tilde, ...s.mTilde]),
  };
}

/** Answer the challenge (section 3.7.2, ProofFinalize). */
function proofFinalize(
  init: InitResult,
  c: bigint,
  e: bigint,
  s: RandomScalarsOfProof,
  hidden: readonly bigint[],
): Proof {
  return {
    Abar: init.Abar,
    Bbar: init.Bbar,
    D: init.D,
    eHat: modR(s.eTilde + e * c),
    r1Hat: modR(s.r1Tilde - s.r1 * c),
    r3Hat: modR(s.r3Tilde - invert(s.r2) * c),
    mHat: s.mTilde.map((blinding, at) => modR(blinding + hidden[at]! * c)),
    c,
  };
}

/** Hash everything that the proof is about into the challenge (section 3.7.4). */
function calculateChallenge(
  credential: PreparedCredential,
  init: InitResult,
  disclosedIndexes: readonly number[],
  ph: Uint8Array,
  extended: readonly [readonly G1Point[], Uint8Array],
): bigint {
  const [morePoints, moreOctets] = extended;
  const shown = disclosedIndexes.flatMap((index) => [
    integerToOctets(index),
    scalarsToOctets(credential.messages[index]!),
  ]);
  const octets = concat(
    integerToOctets(disclosedIndexes.length),
    ...shown,
    pointsToOctets(init.Abar, init.Bbar, init.D, init.T1, init.T2, ...morePoints),
    scalarsToOctets(credential.domain),
    integerToOctets(ph.length),
    ph,
    moreOctets,
  );
  return credential.generators.suite.hashToScalar(octets, h2sDst(credential.apiId));
}

/**
 * Prove a prepared credential, disclosing some of its message scalars (section 3.6.3, CoreProofGen).
 *
 * Raises InputError INVALID_INDEXES, INVALID_RANDOMNESS.
 */
export function coreProofGenPrepared(
  credential: PreparedCredential,
  ph: Uint8Array,
  disclosedIndexes: readonly number[],
  rng: RandomScalars = calculateRandomScalars,
  extend: ChallengeExtension = NOTHING,
): Uint8Array {
  const { messages, signature } = credential;
  checkIndexes(disclosedIndexes, messages.length);
  const hidden = undisclosed(disclosedIndexes, messages.length);
  const scalars = drawn(rng, hidden.length);
  const init = proofInit(credential, scalars, hidden);
  const c = calculateChallenge(credential, init, disclosedIndexes, ph, extend(scalars.mTilde));
  const values = hidden.map((index) => messages[index]!);
  return proofToOctets(proofFinalize(init, c, signature.e, scalars, values));
}

/**
 * Prove a signature on message scalars, disclosing some (section 3.6.3, CoreProofGen).
 *
 * Raises DecodingError (signature); InputError INVALID_INDEXES, COUNT_MISMATCH, SCALAR_OUT_OF_RANGE,
 * INVALID_RANDOMNESS.
 */
export function coreProofGen(
  pk: Uint8Array,
  signature: Uint8Array,
  generators: Generators,
  header: Uint8Array,
  ph: Uint8Array,
  messages: readonly bigint[],
  disclosedIndexes: readonly number[],
  apiId: Uint8Array,
  rng: RandomScalars = calculateRandomScalars,
  extend: ChallengeExtension = NOTHING,
): Uint8Array {
  const parsed = octetsToSignature(signature);
  checkIndexes(disclosedIndexes, messages.length);
  const credential = new PreparedCredential(pk, parsed, generators, header, messages, apiId);
  return coreProofGenPrepared(credential, ph, disclosedIndexes, rng, extend);
}

/**
 * Prove a signature, disclosing the messages at `disclosedIndexes` (section 3.5.3, ProofGen).
 *
 * `ph` is the presentation header, usually the verifier's nonce. The proof has 272 octets and 32 more for each hidden
 * message. The signature is not verified: a proof from a false one is false. Raises DecodingError if the signature is
 * malformed; InputError INVALID_INDEXES, TOO_MANY_MESSAGES, INVALID_RANDOMNESS, INVALID_TYPE.
 */
export function proofGen(
  pk: Uint8Array,
  signature: Uint8Array,
  header: Uint8Array,
  ph: Uint8Array,
  messages: readonly Uint8Array[],
  disclosedIndexes: readonly number[],
  suite: Ciphersuite,
  rng: RandomScalars = calculateRandomScalars,
): Uint8Array {
  checkOctets(pk, "the public key");
  checkOctets(header, "the header");
  checkOctets(ph, "the presentation header");
  const scalars = messagesToScalars(messages, suite.apiId, suite);
  const generators = createGenerators(scalars.length + 1, suite.apiId, suite);
  return coreProofGen(pk, signature, generators, header, ph, scalars, disclosedIndexes, suite.apiId, rng);
}
