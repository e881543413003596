// Taking apart what `canonical.decode` gave: each function returns an item of one kind, or throws what its caller says.

import type { Decoded } from "./canonical.js";

export type Refuse = () => Error;

/** The items of a list of so many, or of any number. */
export function list(item: Decoded | undefined, refuse: Refuse, length?: number): Decoded[] {
  if (!Array.isArray(item) || (length !== undefined && item.length !== length)) throw refuse();
  return item;
}

export function text(item: Decoded | undefined, refuse: Refuse): string {
  if (typeof item !== "string") throw refuse();
  return item;
}

export function octets(item: Decoded | undefined, refuse: Refuse): Uint8Array {
  if (!(item instanceof Uint8Array)) throw refuse();
  return item;
}

export function whole(item: Decoded | undefined, refuse: Refuse): bigint {
  if (typeof item !== "bigint") throw refuse();
  return item;
}

/** An integer that fits into a number without loss. */
export function small(item: Decoded | undefined, refuse: Refuse): number {
  const value = whole(item, refuse);
  if (value < BigInt(Number.MIN_SAFE_INTEGER) || value > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse();
  return Number(value);
}

export function flag(item: Decoded | undefined, refuse: Refuse): boolean {
  if (typeof item !== "boolean") throw refuse();
  return item;
}

export function texts(item: Decoded | undefined, refuse: Refuse): string[] {
  return list(item, refuse).map((each) => text(each, refuse));
}

/** null, or what the other function makes of it. */
export function orNull<T>(
  item: Decoded | undefined, refuse: Refuse, read: (item: Decoded | undefined, refuse: Refuse) => T,
): T | null {
  return item === null ? null : read(item, refuse);
}
