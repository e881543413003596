// Keys that sign notes (c2sp.org/signed-note, c2sp.org/tlog-cosignature; tlog/keys.py): of type 01, which signs
// texts, and 04 and 06, which sign a checkpoint with a time, by Ed25519 and by ML-DSA-44 (mldsa.ts).
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { LedgerError, checkLine, fromBase64, fromBigEndian, hex, joined, same, toBase64, utf8 } from "./encoding.js";
import { MLDSA_NAME_OCTETS, isMldsaKey } from "./mldsa.js";

export type KeyType = 1 | 4 | 6;
export const KEY_ID_OCTETS = 4;
export const TIME_OCTETS = 8;
const COSIGNATURE_PREFIX = "cosignature/v1\n";
const ED25519_OCTETS = 32;
const MLDSA_OCTETS = 1312;

/** A public key under a name. */
export interface Verifier {
  readonly name: string;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
}

/** Decode "<name>+<key id>+<key>"; raises KEY_MALFORMED, KEY_UNSUPPORTED. */
export function parseVerifier(text: string): Verifier {
  const parts = checkLine(text, "KEY_MALFORMED").split("+");
  if (parts.length < 3) throw new LedgerError("KEY_MALFORMED", "a verifier key has three parts");
  const [name, id] = parts as [string, string];
  checkName(name);
  const typed = fromBase64(parts.slice(2).join("+"), "KEY_MALFORMED");
  const type = typed[0];
  if (type !== 1 && type !== 4 && type !== 6) throw new LedgerError("KEY_UNSUPPORTED", "an unknown type of key");
  const publicKey = typed.subarray(1);
  if (publicKey.length !== (type === 6 ? MLDSA_OCTETS : ED25519_OCTETS)) {
    throw new LedgerError("KEY_MALFORMED", "a key of another length");
  }
  if (type !== 6) checkPoint(publicKey);
  else if (utf8(name).length > MLDSA_NAME_OCTETS) throw new LedgerError("KEY_MALFORMED", "the name is too long");
  else if (!isMldsaKey(publicKey)) throw unsafe();
  const keyId = sha256(joined(utf8(`${name}\n`), typed)).subarray(0, KEY_ID_OCTETS);
  if (hex(keyId) !== id) throw new LedgerError("KEY_MALFORMED", "the key id is not that of the name and the key");
  return { name, type, publicKey, keyId };
}

export function verifierText(key: Verifier): string {
  return `${key.name}+${hex(key.keyId)}+${toBase64(joined(Uint8Array.of(key.type), key.publicKey))}`;
}

export const sameKey = (one: Verifier, other: Verifier): boolean =>
  one.name === other.name && one.type === other.type && same(one.publicKey, other.publicKey);

export const cosigns = (key: Verifier): boolean => key.type !== 1;

export function checkName(name: string): string {
  if (checkLine(name, "KEY_MALFORMED").includes("+") || /\s/.test(name)) {
    throw new LedgerError("KEY_MALFORMED", "the name of a key has a space or a plus");
  }
  return name;
}

/** Tell whether a signature, with the time before it where a cosigner signs, is by this Ed25519 key on a note's text. */
export function verifies(key: Verifier, text: string, signature: Uint8Array): boolean {
  if (key.type === 6) return false;
  const timed = key.type === 4 ? TIME_OCTETS : 0;
  if (signature.length !== 64 + timed) return false;
  const message = timed ? `${COSIGNATURE_PREFIX}time ${signedTime(signature)}\n${text}` : text;
  try {
    return ed25519.verify(signature.subarray(timed), utf8(message), key.publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/** The POSIX time in seconds in a cosignature. */
export const signedTime = (signature: Uint8Array): bigint => fromBigEndian(signature.subarray(0, TIME_OCTETS));

/** Refuse octets that are no strict encoding of a point, and points for which anybody could sign. */
function checkPoint(octets: Uint8Array): void {
  try {
    const point = ed25519.Point.fromBytes(octets, false);
    if (!point.isSmallOrder()) return;
  } catch {
    // told below
  }
  throw unsafe();
}

const unsafe = (): LedgerError =>
  new LedgerError("KEY_MALFORMED", "the octets are no public key that is safe to use");
