/**
 * Scalars from messages, from randomness, and checks of them.
 *
 * Sources: draft-irtf-cfrg-bbs-signatures-09, sections 4.1.2 (messages_to_scalars) and 4.2.1 (random scalars).
 */

import { InputError } from "./errors.js";
import { r } from "./group.js";
import { checkOctets, concat, toInteger, utf8 } from "./octets.js";
import type { Ciphersuite } from "./suite.js";

/** Given a count, gives that many independent, uniform, secret scalars in [1, r). Called once a proof. */
export type RandomScalars = (count: number) => readonly bigint[];

const OCTETS = 48;
/** What one call of `getRandomValues` may ask for, rounded down to whole scalars (W3C Web Cryptography, 10.1.1). */
const MOST = 65536 - (65536 % OCTETS);

/** Draw scalars from the system's generator, 48 octets each reduced modulo r (section 4.2.1). */
export function calculateRandomScalars(count: number): bigint[] {
  const octets = new Uint8Array(OCTETS * count);
  for (let at = 0; at < octets.length; at += MOST) crypto.getRandomValues(octets.subarray(at, at + MOST));
  const scalars = Array.from({ length: count }, (_, at) => toInteger(octets.subarray(at * OCTETS, (at + 1) * OCTETS)) % r);
  octets.fill(0);
  return scalars;
}

/** Return `count` scalars of a source; InputError INVALID_RANDOMNESS unless all are in [1, r). */
export function draw(rng: RandomScalars, count: number): readonly bigint[] {
  const scalars = [...rng(count)];
  if (scalars.length !== count || !scalars.every((scalar) => scalar > 0n && scalar < r)) {
    throw new InputError("INVALID_RANDOMNESS", "the generator gave a wrong count or a scalar outside [1, r)");
  }
  return scalars;
}

/** Return message scalars as they are; InputError SCALAR_OUT_OF_RANGE unless each is in [0, r). */
export function checkScalars(scalars: readonly bigint[]): readonly bigint[] {
  if (!scalars.every((scalar) => typeof scalar === "bigint" && scalar >= 0n && scalar < r)) {
    throw new InputError("SCALAR_OUT_OF_RANGE", "a message scalar is outside [0, r)");
  }
  return scalars;
}

/** Return indexes as they are; InputError INVALID_INDEXES unless they ascend strictly within [0, L). */
export function checkIndexes(indexes: readonly number[], L: number): readonly number[] {
  indexes.forEach((index, at) => {
    if (!Number.isSafeInteger(index)) throw new InputError("INVALID_INDEXES", "an index is not an integer");
    if (at > 0 && indexes[at - 1]! >= index) throw new InputError("INVALID_INDEXES", "the indexes do not ascend");
    if (index < 0 || index >= L) throw new InputError("INVALID_INDEXES", `an index is outside [0, ${L})`);
  });
  return indexes;
}

/** Map each message to a scalar by hashing (section 4.1.2); InputError INVALID_TYPE, TOO_MANY_MESSAGES. */
export function messagesToScalars(messages: readonly Uint8Array[], apiId: Uint8Array, suite: Ciphersuite): bigint[] {
  if (messages.length > suite.maxMessages) {
    throw new InputError("TOO_MANY_MESSAGES", `more than ${suite.maxMessages} messages`);
  }
  const dst = concat(apiId, utf8("MAP_MSG_TO_SCALAR_AS_HASH_"));
  return messages.map((message) => suite.hashToScalar(checkOctets(message, "a message"), dst));
}
