// The order in which parts of records stand: that of Python's strings, octets and tuples, for texts of ASCII.

import { hex } from "../bbs/octets.js";

export type Key = string | Uint8Array | readonly Key[];

/** Whether all stand in order, each once. */
export function ascending(keys: readonly Key[]): boolean {
  return keys.every((each, place) => place === 0 || compare(keys[place - 1] as Key, each) < 0);
}

/** Less than 0 if one stands before the other, 0 if they are the same; both are of one kind, and so are their parts. */
export function compare(one: Key, other: Key): number {
  if (typeof one === "string" || typeof other === "string") return one < other ? -1 : Number(one > other);
  if (one instanceof Uint8Array || other instanceof Uint8Array) {
    return compare(hex(one as Uint8Array), hex(other as Uint8Array));
  }
  for (let place = 0; place < Math.min(one.length, other.length); place++) {
    const found = compare(one[place] as Key, other[place] as Key);
    if (found !== 0) return found;
  }
  return one.length - other.length;
}
