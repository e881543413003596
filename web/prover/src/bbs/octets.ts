/** Octets: joined, compared, and integers in them, most significant octet first. */

import { InputError } from "./errors.js";

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

/** Join octets. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Encode text as UTF-8, or ASCII constants as they are. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Return octets as lower-case hexadecimal digits. */
export function hex(octets: Uint8Array): string {
  let digits = "";
  for (const octet of octets) digits += DIGITS[octet];
  return digits;
}

/** Read an unsigned integer. */
export function toInteger(octets: Uint8Array): bigint {
  return octets.length === 0 ? 0n : BigInt(`0x${hex(octets)}`);
}

/** Encode an unsigned integer in `length` octets; InputError SCALAR_OUT_OF_RANGE if it does not fit. */
export function fromInteger(value: bigint, length: number): Uint8Array {
  if (value < 0n || value >> BigInt(8 * length) !== 0n) {
    throw new InputError("SCALAR_OUT_OF_RANGE", `an integer does not fit ${length} octets`);
  }
  const digits = value.toString(16).padStart(2 * length, "0");
  const octets = new Uint8Array(length);
  for (let at = 0; at < length; at++) octets[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return octets;
}

/** Encode a count, an index or a length in 8 octets (draft-irtf-cfrg-bbs-signatures-09, section 4.2.4.1). */
export function integerToOctets(value: number | bigint): Uint8Array {
  return fromInteger(BigInt(value), 8);
}

/** Tell whether two values are the same octets, in a time that depends on their lengths only. */
export function equal(first: Uint8Array, second: Uint8Array): boolean {
  if (first.length !== second.length) return false;
  let difference = 0;
  for (let at = 0; at < first.length; at++) difference |= first[at]! ^ second[at]!;
  return difference === 0;
}

/** Return octets as they are; InputError INVALID_TYPE if they are none. */
export function checkOctets(value: Uint8Array, name: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new InputError("INVALID_TYPE", `${name} is not octets`);
  return value;
}
