/**
 * Blind signatures, the holder's side: an issuer signs its own messages together with some that it never sees.
 *
 * Source: draft-irtf-cfrg-bbs-blind-signatures, revision -02 by its published vectors; sections as numbered in -03. A
 * proof is a plain proof of the core draft over Q_1, H_1..H_L, Q_2, J_1..J_M for the scalars domain, messages, blind,
 * committed messages, in this order: committed message i has the index L + 1 + i. What differs between text and vectors
 * is told in the Python package `bbs.blind`, of which this is the other half.
 */

import { InputError } from "./errors.js";
import { Generators, createGenerators, hashToGenerators } from "./generators.js";
import { modR, pointsToOctets, r, type G1Point } from "./group.js";
import { Hidden } from "./hidden.js";
import { checkOctets, concat, integerToOctets, utf8 } from "./octets.js";
import { coreProofGen } from "./proof.js";
import {
  calculateRandomScalars,
  checkIndexes,
  checkScalars,
  draw,
  messagesToScalars,
  type RandomScalars,
} from "./scalars.js";
import { commitmentWithProofToOctets } from "./serialization.js";
import { coreVerify, h2sDst } from "./signature.js";
import type { Ciphersuite } from "./suite.js";

const MIN_NONCE = 16;
const BOUND_ID = "ZK_DISCLOSURE_BOUND_COMMITMENT_V1_";

/** What a holder committed to, and the blind that hides it. Secret. */
export class Committed extends Hidden {
  readonly #messages: readonly Uint8Array[];
  readonly #blind: bigint;

  /** No arguments stand for no commitment. Raises InputError INVALID_TYPE, SCALAR_OUT_OF_RANGE. */
  constructor(messages: readonly Uint8Array[] = [], secretProverBlind = 0n) {
    super();
    for (const message of messages) checkOctets(message, "a committed message");
    const smallest = messages.length > 0 ? 1n : 0n;
    if (typeof secretProverBlind !== "bigint" || secretProverBlind < smallest || secretProverBlind >= r) {
      throw new InputError("SCALAR_OUT_OF_RANGE", "the blind is outside its range");
    }
    this.#messages = [...messages];
    this.#blind = secretProverBlind;
  }

  get messages(): readonly Uint8Array[] {
    return this.#messages;
  }

  get secretProverBlind(): bigint {
    return this.#blind;
  }
}

/** What the proof of one commitment is good for: an issuer's key, its nonce of 16 octets or more, what is issued. */
export interface CommitmentBinding {
  readonly pk: Uint8Array;
  readonly nonce: Uint8Array;
  readonly context: Uint8Array;
}

/** Encode a binding, each part with its length before it; InputError INVALID_NONCE. */
export function bindingOctets(binding: CommitmentBinding): Uint8Array {
  if (binding.nonce.length < MIN_NONCE) {
    throw new InputError("INVALID_NONCE", `a nonce has ${MIN_NONCE} octets at least`);
  }
  const parts = [binding.pk, binding.nonce, binding.context];
  return concat(...parts.flatMap((part) => [integerToOctets(part.length), part]));
}

/** Return Q_2 and J_1..J_M of an interface; InputError TOO_MANY_MESSAGES. */
export function blindGenerators(M: number, apiId: Uint8Array, suite: Ciphersuite): Generators {
  return createGenerators(M + 1, concat(utf8("BLIND_"), apiId), suite);
}

/** Return Q_1, H_1..H_L, Q_2, J_1..J_M, in the order of the scalars of a blind signature. */
export function jointGenerators(L: number, M: number, apiId: Uint8Array, suite: Ciphersuite): Generators {
  const known = hashToGenerators(L + 1, apiId, suite);
  return new Generators([...known, ...blindGenerators(M, apiId, suite).points], suite);
}

/** Return the scalars of H_1..H_L, Q_2, J_1..J_M; InputError INVALID_TYPE, TOO_MANY_MESSAGES. */
export function jointScalars(
  messages: readonly Uint8Array[],
  committed: Committed,
  apiId: Uint8Array,
  suite: Ciphersuite,
): bigint[] {
  const known = messagesToScalars(messages, apiId, suite);
  return [...known, committed.secretProverBlind, ...messagesToScalars(committed.messages, apiId, suite)];
}

/** Return where both kinds of disclosed messages stand among the joint scalars; InputError INVALID_INDEXES. */
export function jointIndexes(
  disclosedIndexes: readonly number[],
  disclosedCommittedIndexes: readonly number[],
  L: number,
  M: number,
): number[] {
  const hidden = checkIndexes(disclosedCommittedIndexes, M).map((index) => L + 1 + index);
  return [...checkIndexes(disclosedIndexes, L), ...hidden];
}

function calculateBlindChallenge(
  C: G1Point,
  Cbar: G1Point,
  generators: Generators,
  apiId: Uint8Array,
  binding: CommitmentBinding | undefined,
): bigint {
  const octets = concat(integerToOctets(generators.L), generators.octets, pointsToOctets(C, Cbar));
  if (binding === undefined) return generators.suite.hashToScalar(octets, h2sDst(apiId));
  const dst = h2sDst(concat(apiId, utf8(BOUND_ID)));
  return generators.suite.hashToScalar(concat(octets, bindingOctets(binding)), dst);
}

/**
 * Commit to message scalars and prove that they can be shown (section 4.3.1, CoreCommit).
 *
 * Returns the commitment with its proof, and the secret blind. `generators` are Q_2 and J_1..J_M. Raises InputError
 * COUNT_MISMATCH, SCALAR_OUT_OF_RANGE, INVALID_RANDOMNESS, INVALID_NONCE.
 */
export function coreCommit(
  committedMessages: readonly bigint[],
  generators: Generators,
  apiId: Uint8Array,
  binding?: CommitmentBinding,
  rng: RandomScalars = calculateRandomScalars,
): readonly [Uint8Array, bigint] {
  const messages = checkScalars(committedMessages);
  if (messages.length !== generators.L) {
    throw new InputError("COUNT_MISMATCH", `${messages.length} committed messages, ${generators.L} generators`);
  }
  const [blind, sTilde, ...mTilde] = draw(rng, 2 + messages.length) as [bigint, bigint, ...bigint[]];
  const C = generators.combine([0n, blind, ...messages]);
  const Cbar = generators.combine([0n, sTilde, ...mTilde]);
  const c = calculateBlindChallenge(C, Cbar, generators, apiId, binding);
  const octets = commitmentWithProofToOctets({
    C,
    sHat: modR(sTilde + blind * c),
    mHat: mTilde.map((blinding, at) => modR(blinding + messages[at]! * c)),
    c,
  });
  return [octets, blind];
}

function apiIdOf(suite: Ciphersuite): Uint8Array {
  return concat(suite.id, utf8("BLIND_H2G_HM2S_"));
}

/**
 * Commit to messages for a blind signature (section 4.1.1, Commit).
 *
 * Returns what goes to the issuer, 112 octets and 32 more for each message, and what the holder keeps. `binding` is what
 * the issuer asked the proof to be bound to; without it the proof is the draft's own. Raises InputError.
 */
export function commit(
  committedMessages: readonly Uint8Array[],
  suite: Ciphersuite,
  binding?: CommitmentBinding,
  rng: RandomScalars = calculateRandomScalars,
): readonly [Uint8Array, Committed] {
  const apiId = apiIdOf(suite);
  const scalars = messagesToScalars(committedMessages, apiId, suite);
  const [octets, blind] = coreCommit(scalars, blindGenerators(scalars.length, apiId, suite), apiId, binding, rng);
  return [octets, new Committed(committedMessages, blind)];
}

/** Verify a blind signature as its holder (section 4.2.2, VerifyBlindSign); raises as `coreVerify`. */
export function verifyBlindSign(
  pk: Uint8Array,
  signature: Uint8Array,
  header: Uint8Array,
  messages: readonly Uint8Array[],
  committed: Committed,
  suite: Ciphersuite,
): void {
  const apiId = apiIdOf(suite);
  const scalars = jointScalars(messages, committed, apiId, suite);
  const generators = jointGenerators(messages.length, committed.messages.length, apiId, suite);
  coreVerify(pk, signature, generators, checkOctets(header, "the header"), scalars, apiId);
}

/**
 * Prove a blind signature, disclosing some messages of either kind (section 4.2.3, BlindProofGen).
 *
 * Indexes count from 0 in `messages` and in the committed messages. Raises DecodingError if the signature is malformed;
 * InputError INVALID_INDEXES, TOO_MANY_MESSAGES, INVALID_RANDOMNESS, INVALID_TYPE.
 */
export function blindProofGen(
  pk: Uint8Array,
  signature: Uint8Array,
  header: Uint8Array,
  ph: Uint8Array,
  messages: readonly Uint8Array[],
  committed: Committed,
  disclosedIndexes: readonly number[],
  disclosedCommittedIndexes: readonly number[],
  suite: Ciphersuite,
  rng: RandomScalars = calculateRandomScalars,
): Uint8Array {
  const apiId = apiIdOf(suite);
  const [L, M] = [messages.length, committed.messages.length];
  checkOctets(pk, "the public key");
  checkOctets(header, "the header");
  checkOctets(ph, "the presentation header");
  const scalars = jointScalars(messages, committed, apiId, suite);
  const indexes = jointIndexes(disclosedIndexes, disclosedCommittedIndexes, L, M);
  const generators = jointGenerators(L, M, apiId, suite);
  return coreProofGen(pk, signature, generators, header, ph, scalars, indexes, apiId, rng);
}
