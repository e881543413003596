/** Reading vectors, without Node: a worker in a browser does it too. */

import { shake256 } from "@noble/hashes/sha3.js";

import { BbsError } from "../src/bbs/errors.js";
import { r } from "../src/bbs/group.js";
import { concat, integerToOctets, toInteger } from "../src/bbs/octets.js";
import type { RandomScalars } from "../src/bbs/scalars.js";
import { DisclosureError } from "../src/disclosure/errors.js";

/** Read hexadecimal digits. */
export function octets(digits: string): Uint8Array {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/.test(digits)) throw new Error("not hexadecimal");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Random scalars that both languages draw alike: number k is SHAKE-256(seed || k) reduced, k going on over all calls. */
export function stream(seed: Uint8Array): RandomScalars {
  let drawn = 0;
  return (count) =>
    Array.from({ length: count }, () => toInteger(shake256(concat(seed, integerToOctets(drawn++)), { dkLen: 48 })) % r);
}

/** Give what reading says of each change that vectors tell of, beside what it should say: the reason, "" for none. */
export function* flipped(of: Uint8Array, flips: Record<string, string>, read: (octets: Uint8Array) => unknown) {
  for (const [reason, changes] of Object.entries(flips)) {
    for (const change of changes.split(" ")) {
      const [place, by] = change.split(":").map(Number) as [number, number];
      const changed = of.slice();
      changed[place]! ^= by;
      yield [change, reasonOf(() => read(changed)), reason] as const;
    }
  }
}

/** Return the reason of what is thrown on purpose, "" if nothing is. */
export function reasonOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof BbsError || error instanceof DisclosureError) return error.reason;
    throw error;
  }
  return "";
}
