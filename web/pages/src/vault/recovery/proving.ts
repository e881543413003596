// A tree that is read leaf by leaf, with the proofs of chosen leaves (tlog/proving.py). Whoever looks for some leaves among all
// of them cannot ask for their proofs without telling which they are, so the proofs grow along while the tree is read: memory is
// the frontier, and one path for each chosen leaf.

import { sha256 } from "@noble/hashes/sha2.js";

import { HASH_OCTETS, nodeHash } from "../../ledger/merkle.js";

/** The paths of chosen leaves within their complete subtrees, by their indexes. */
export type Paths = ReadonlyMap<number, readonly Uint8Array[]>;

/** A complete subtree of a tree: its level, and its first leaf. */
interface Subtree {
  readonly level: number;
  readonly begin: number;
}

const MAX_LEVEL = 52;
const EMPTY_ROOT = sha256(new Uint8Array());

export class ProvingFrontier {
  #size: number;
  readonly #hashes: Uint8Array[];
  readonly #paths: Map<number, Uint8Array[]>;
  /** The chosen leaves of each complete subtree. */
  readonly #kept: number[][];

  /** Go on from a state; RangeError if it is none. */
  constructor(size = 0, hashes: readonly Uint8Array[] = [], paths: Paths = new Map()) {
    const subtrees = subtreesOf(size);
    if (subtrees.length !== hashes.length || !hashes.every(isHash)) throw noState();
    this.#size = size;
    this.#hashes = [...hashes];
    this.#paths = new Map([...paths].map(([index, path]) => [index, [...path]]));
    this.#kept = subtrees.map(() => []);
    for (const [index, path] of this.#paths) {
      const place = subtrees.findIndex(({ level, begin }) => begin <= index && index < begin + 2 ** level);
      if (path.length !== subtrees[place]?.level || !path.every(isHash)) throw noState();
      this.#kept[place]?.push(index);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** The complete subtrees' hashes, biggest first. */
  get hashes(): readonly Uint8Array[] {
    return [...this.#hashes];
  }

  get paths(): Paths {
    return new Map([...this.#paths].map(([index, path]) => [index, [...path]]));
  }

  /** Add a leaf by its hash, and keep its path if it is a chosen one. */
  append(leaf: Uint8Array, keep: boolean): void {
    let [made, here] = [leaf, keep ? [this.#size] : []];
    if (keep) this.#paths.set(this.#size, []);
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#hashes.pop() as Uint8Array;
      const there = this.#kept.pop() as number[];
      for (const index of there) this.#paths.get(index)?.push(made);
      for (const index of here) this.#paths.get(index)?.push(left);
      made = nodeHash(left, made);
      here = [...there, ...here];
    }
    this.#hashes.push(made);
    this.#kept.push(here);
    this.#size += 1;
  }

  /** The root of the tree as it is now. */
  root(): Uint8Array {
    return this.#hashes.length === 0 ? EMPTY_ROOT : this.#joined(0);
  }

  /** The inclusion proof of a chosen leaf in the tree as it is now; RangeError. */
  proof(index: number): readonly Uint8Array[] {
    const place = this.#kept.findIndex((kept) => kept.includes(index));
    const path = this.#paths.get(index);
    if (place < 0 || path === undefined) throw new RangeError("the leaf was not kept");
    const right = place + 1 < this.#hashes.length ? [this.#joined(place + 1)] : [];
    return [...path, ...right, ...this.#hashes.slice(0, place).reverse()];
  }

  #joined(first: number): Uint8Array {
    return this.#hashes.slice(first).reduceRight((right, left) => nodeHash(left, right));
  }
}

/** The complete subtrees of a tree of so many leaves, biggest first. */
function subtreesOf(size: number): readonly Subtree[] {
  if (!Number.isSafeInteger(size) || size < 0) throw noState();
  const found: Subtree[] = [];
  let begin = 0;
  for (let level = MAX_LEVEL; level >= 0; level -= 1) {
    if (size - begin < 2 ** level) continue;
    found.push({ level, begin });
    begin += 2 ** level;
  }
  return found;
}

const isHash = (octets: Uint8Array): boolean => octets.length === HASH_OCTETS;
const noState = (): RangeError => new RangeError("this is no state of a tree");
