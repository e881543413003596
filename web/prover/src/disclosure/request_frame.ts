// What requests of both forms have in common: who asks, by which policy, when, and the verifier's signature
// (disclosure/request.py). Times are seconds since 1970-01-01 UTC; those of a request are whole.

import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, utf8 } from "../bbs/octets.js";
import { MalformedError, RefusedError } from "./errors.js";
import type { PolicyName } from "./names.js";

export const NONCE_OCTETS = 32;
export const MAX_QUERIES = 16;
export const MAX_LIFETIME = 7 * 86_400;
export const SIGNATURE_OCTETS = 64;
export const USAGE_TAG_OCTETS = 48;
export const DIGEST_OCTETS = 32;
export const MAX_SECONDS = 2 ** 37;
export const CLOCK_TOLERANCE = 120;
const SIGNING_PREFIX = utf8("zk-disclosure/request-signature/v1\x00");

/** A registered Ed25519 key of 32 octets by the verifier's name; what it throws is thrown. */
export type FindKey = (verifier: string) => Uint8Array;

/** A request as its verifier signed it. */
export interface SignedRequest {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throw MalformedError REQUEST_INVALID unless these are times and nonce of a request. */
export function checkFrame(created: number, expires: number, nonce: Uint8Array): void {
  if (nonce.length !== NONCE_OCTETS) throw invalid(`a nonce has ${NONCE_OCTETS} octets`, "nonce");
  for (const [field, moment] of [["created", created], ["expires", expires]] as const) {
    if (!Number.isInteger(moment) || moment < 0 || moment >= MAX_SECONDS) {
      throw invalid("a time is outside what is sensible", field);
    }
  }
  if (expires <= created || expires - created > MAX_LIFETIME) {
    throw invalid("a request lives for more than 0 and at most 7 days", "expires");
  }
}

/** Throw MalformedError REQUEST_INVALID for a policy of another verifier than the one that asks. */
export function checkPolicyOwner(policy: PolicyName | null, verifier: string): void {
  if (policy !== null && policy.verifier !== verifier) {
    throw invalid("a request names a policy of its own verifier", "policy");
  }
}

/** Throw RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within a request's life. */
export function checkLife(created: number, expires: number, now: number): void {
  if (!(now < expires)) throw new RefusedError("REQUEST_EXPIRED", "the request has ended");
  if (now < created - CLOCK_TOLERANCE) {
    throw new RefusedError("REQUEST_NOT_YET_VALID", "the request is dated in the future");
  }
}

/** Throw RefusedError REQUEST_SIGNATURE_INVALID unless the request is signed by its verifier. */
export function checkSigned(signed: SignedRequest, verifier: string, findKey: FindKey): void {
  if (!ed25519Holds(findKey(verifier), signed.signature, concat(SIGNING_PREFIX, signed.payload))) {
    throw new RefusedError("REQUEST_SIGNATURE_INVALID", "the request is not signed by its verifier");
  }
}

/** Whether a signature holds; a key or a signature that is none is no error. RFC 8032, without its looser variants. */
export function ed25519Holds(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}

function invalid(detail: string, field: string): MalformedError {
  return new MalformedError("REQUEST_INVALID", detail, field);
}
