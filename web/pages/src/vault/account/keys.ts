// What an account's key signs: that it is to be the account's (disclosure/account.py), and that its party is there now
// (disclosure/session.py). Both name the service by its log's key: what was signed for one is good at no other.

import { ed25519 } from "@noble/curves/ed25519.js";

import { digest, encode } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { type Verifier, verifierText } from "../../ledger/keys.js";
import { joined, utf8 } from "../../ledger/encoding.js";

export const SEED_OCTETS = 32;
export const NONCE_OCTETS = 32;
/** 100 random bits in letters that are not misread. */
const CODE = /^[0-9A-HJKMNP-TV-Z]{20}$/;
const CODE_LABEL = "zk-disclosure/registration-code/v1";
const KEY_LABEL = "zk-disclosure/account-key/v1";
const KEY_PREFIX = utf8("zk-disclosure/account-key-signature/v1\0");
const DIGEST_LABEL = "zk-disclosure/account-registered/v1";
const SESSION_LABEL = "zk-disclosure/session/v1";
const SESSION_PREFIX = utf8("zk-disclosure/session-signature/v1\0");

/** A registration code's hash, however it was typed; MalformedError VALUE_INVALID. */
export function codeHash(code: string): Uint8Array {
  const letters = code.replaceAll(/[\s-]/g, "").toUpperCase();
  if (!CODE.test(letters)) {
    throw new MalformedError("VALUE_INVALID", "a code has 5 groups of 4 letters and digits", "code");
  }
  return digest(CODE_LABEL, encode(CODE_LABEL, letters));
}

/** What registers a key: the key, its signature, and what the receipt is about. */
export interface Registration {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly digest: Uint8Array;
}

/** Sign with a key that it is to be the account's of whoever has the code. */
export function registration(code: string, seed: Uint8Array, log: Verifier): Registration {
  const publicKey = ed25519.getPublicKey(seed);
  const signed = joined(KEY_PREFIX, encode(KEY_LABEL, codeHash(code), publicKey, verifierText(log)));
  return { publicKey, signature: ed25519.sign(signed, seed), digest: digest(DIGEST_LABEL, signed) };
}

/** Sign that a party is there. `time` is in milliseconds, the nonce the service's own. */
export function sessionSignature(
  party: string, log: Verifier, time: number, nonce: Uint8Array, seed: Uint8Array,
): Uint8Array {
  const signed = joined(SESSION_PREFIX, encode(SESSION_LABEL, party, verifierText(log), time, nonce));
  return ed25519.sign(signed, seed);
}
