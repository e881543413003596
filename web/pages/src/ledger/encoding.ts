// The few encodings that every format of the log is made of, each with one encoding for a value (docs/ledger.md;
// tlog/encoding.py). What comes from outside and is none of them is refused, as the service's own code does.

/** Why something does not hold, under the same stable names as everywhere else. */
export type Reason =
  | "PROOF_MALFORMED"
  | "NOTE_MALFORMED"
  | "CHECKPOINT_MALFORMED"
  | "RECEIPT_MALFORMED"
  | "ENTRY_MALFORMED"
  | "BLOCK_MALFORMED"
  | "BLOCK_INVALID"
  | "TILE_MALFORMED"
  | "KEY_MALFORMED"
  | "KEY_UNSUPPORTED"
  | "KEY_MISMATCH"
  | "KEY_AMBIGUOUS"
  | "POLICY_MALFORMED"
  | "NOTE_UNSIGNED"
  | "NOTE_SIGNATURE_INVALID"
  | "ORIGIN_UNKNOWN"
  | "QUORUM_MISSING"
  | "INCLUSION_INVALID"
  | "CONSISTENCY_INVALID"
  | "HOLDER_NOTE_INVALID";

/** What is refused, with its reason. `detail` is for a developer; pages say it in the person's language. */
export class LedgerError extends Error {
  constructor(
    readonly reason: Reason,
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** Sizes, indexes, heights and times are below this. */
export const LIMIT = 2n ** 63n;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const TO_UTF8 = new TextEncoder();
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
const DECIMAL = /^(0|[1-9][0-9]{0,18})$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export const utf8 = (text: string): Uint8Array => TO_UTF8.encode(text);

/** Text of UTF-8 octets without control characters but newlines. */
export function fromUtf8(octets: Uint8Array, reason: Reason): string {
  let text: string;
  try {
    text = UTF8.decode(octets);
  } catch {
    throw new LedgerError(reason, "the octets are no UTF-8");
  }
  if (CONTROL.test(text)) throw new LedgerError(reason, "the text has a control character");
  return text;
}

/** A line of text: never empty, on one line, without control characters. */
export function checkLine(text: string, reason: Reason): string {
  if (text === "" || text.includes("\n") || CONTROL.test(text)) throw new LedgerError(reason, "not one line");
  return text;
}

export function toBase64(octets: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < octets.length; at += 0x8000) {
    binary += String.fromCharCode(...octets.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

/** Base 64 with padding, in the one encoding of its octets. */
export function fromBase64(text: string, reason: Reason, length?: number): Uint8Array {
  if (!BASE64.test(text) || text.length % 4 !== 0) throw new LedgerError(reason, "not base 64");
  const octets = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  if (toBase64(octets) !== text) throw new LedgerError(reason, "not canonical base 64");
  if (length !== undefined && octets.length !== length) throw new LedgerError(reason, "another length");
  return octets;
}

/** A decimal below 2^63 without sign and leading zero. */
export function fromDecimal(text: string, reason: Reason): bigint {
  if (!DECIMAL.test(text)) throw new LedgerError(reason, "not a decimal");
  return checkCount(BigInt(text), reason);
}

export function checkCount(value: bigint, reason: Reason, least = 0n, limit = LIMIT): bigint {
  if (value < least || value >= limit) throw new LedgerError(reason, "a number is out of range");
  return value;
}

/** An unsigned integer, big-endian. */
export function fromBigEndian(octets: Uint8Array): bigint {
  let value = 0n;
  for (const each of octets) value = (value << 8n) | BigInt(each);
  return value;
}

export function toBigEndian(value: bigint, length: number): Uint8Array {
  const octets = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>= 8n) octets[at] = Number(rest & 0xffn);
  return octets;
}

export function hex(octets: Uint8Array): string {
  return Array.from(octets, (each) => each.toString(16).padStart(2, "0")).join("");
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

export function startsWith(octets: Uint8Array, prefix: Uint8Array): boolean {
  return octets.length >= prefix.length && same(octets.subarray(0, prefix.length), prefix);
}

export function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of parts) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}
