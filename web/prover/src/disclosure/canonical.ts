// Deterministic CBOR (RFC 8949, section 4.2.1), arrays only: the bytes that are hashed and signed, those of
// disclosure/canonical.py. Every structure is an array that begins with its label. Decoding accepts exactly what
// encoding gives. Integers are bigints where they are decoded; numbers are accepted where they are encoded.

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equal } from "../bbs/octets.js";
import { MalformedError } from "./errors.js";

export type Item = bigint | number | Uint8Array | string | boolean | null | readonly Item[];
/** What decoding gives. */
export type Decoded = bigint | Uint8Array | string | boolean | null | Decoded[];

export const MAX_OCTETS = 1 << 16;
/** Items of one structure, those within others too. */
export const MAX_ITEMS = 1 << 14;
const MAX_DEPTH = 8;
const UTF8 = new TextEncoder();
const FROM_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 of a text; MalformedError for one with half a surrogate pair, which has none. */
export function utf8(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) throw new MalformedError("MALFORMED", "the text is no Unicode");
  return UTF8.encode(text);
}

/** Encode one labelled array; MalformedError MALFORMED for an integer outside 64 bits, or a text that is none. */
export function encode(label: string, ...items: readonly Item[]): Uint8Array {
  const parts: Uint8Array[] = [];
  write([label, ...items], parts);
  return concat(...parts);
}

function write(item: Item, parts: Uint8Array[]): void {
  if (item === null) parts.push(Uint8Array.of(0xf6));
  else if (typeof item === "boolean") parts.push(Uint8Array.of(item ? 0xf5 : 0xf4));
  else if (typeof item === "string") {
    const octets = utf8(item);
    parts.push(head(3, BigInt(octets.length)), octets);
  } else if (item instanceof Uint8Array) parts.push(head(2, BigInt(item.length)), item);
  else if (typeof item === "bigint" || typeof item === "number") parts.push(integer(BigInt(item)));
  else {
    parts.push(head(4, BigInt(item.length)));
    for (const each of item) write(each, parts);
  }
}

function integer(value: bigint): Uint8Array {
  if (value < -(1n << 63n) || value >= 1n << 64n) throw malformed("an integer has more than 64 bits");
  return value < 0n ? head(1, -1n - value) : head(0, value);
}

function head(major: number, argument: bigint): Uint8Array {
  if (argument < 24n) return Uint8Array.of((major << 5) | Number(argument));
  const size = argument < 1n << 8n ? 1 : argument < 1n << 16n ? 2 : argument < 1n << 32n ? 4 : 8;
  const octets = new Uint8Array(1 + size);
  octets[0] = (major << 5) | (24 + Math.log2(size));
  let rest = argument;
  for (let at = size; at > 0; at--) {
    octets[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return octets;
}

/** Decode one labelled array of at most so many octets and items; return what follows the label. MalformedError MALFORMED. */
export function decode(label: string, octets: Uint8Array, most = MAX_OCTETS, mostItems = MAX_ITEMS): Decoded[] {
  if (octets.length > most) throw malformed(`more than ${most} octets`);
  const value = new Reader(octets, mostItems).whole();
  if (!Array.isArray(value) || value[0] !== label) throw malformed(`the octets are no ${label}`);
  const items = value.slice(1);
  if (!equal(encode(label, ...items), octets)) throw malformed("the encoding is not the canonical one");
  return items;
}

class Reader {
  private at = 0;

  constructor(private readonly octets: Uint8Array, private left: number) {}

  whole(): Decoded {
    const item = this.item(1);
    if (this.at !== this.octets.length) throw unknown();
    return item;
  }

  private item(depth: number): Decoded {
    const first = this.take(1)[0] as number;
    if (first === 0xf4) return false;
    if (first === 0xf5) return true;
    if (first === 0xf6) return null;
    const number = this.number(first & 31);
    const major = first >> 5;
    if (major === 0) return number;
    if (major === 1 && number < 1n << 63n) return -1n - number;
    if (major === 2) return this.take(Number(number)).slice();
    if (major === 3) return this.text(Number(number));
    if (major === 4 && depth <= MAX_DEPTH) return this.items(Number(number), depth);
    throw unknown();
  }

  private items(count: number, depth: number): Decoded[] {
    this.left -= count;
    if (this.left < 0 || count > this.octets.length - this.at) throw unknown(); // each has an octet at least
    const items: Decoded[] = [];
    for (let i = 0; i < count; i++) items.push(this.item(depth + 1));
    return items;
  }

  private text(length: number): string {
    try {
      return FROM_UTF8.decode(this.take(length));
    } catch {
      throw unknown();
    }
  }

  private number(information: number): bigint {
    if (information < 24) return BigInt(information);
    if (information > 27) throw unknown();
    let value = 0n;
    for (const each of this.take(1 << (information - 24))) value = (value << 8n) | BigInt(each);
    return value;
  }

  private take(count: number): Uint8Array {
    if (count > this.octets.length - this.at) throw unknown();
    const taken = this.octets.subarray(this.at, this.at + count);
    this.at += count;
    return taken;
  }
}

/** SHA-256 over a label, a zero octet and the octets. */
export function digest(label: string, octets: Uint8Array): Uint8Array {
  return sha256(concat(utf8(label), Uint8Array.of(0), octets));
}

function malformed(detail: string): MalformedError {
  return new MalformedError("MALFORMED", detail);
}

function unknown(): MalformedError {
  return malformed("the octets are not CBOR of the kind used here");
}
