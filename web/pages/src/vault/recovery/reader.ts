// Reads on from a place of the ledger, entry by entry (prover/reading.py). Nothing that comes is believed: each note is the one
// that its entry commits to, each block header holds the root of what was read so far and the hash of the header before, and the
// end is the tree that the log has signed. The proof of each own entry grows along.
//
// A note says that this vault wrote it, and not that the entry is its own: it can be copied to stand beside another. Of entries
// with one note the first is shown, and the others as copies of it.

import { hex, LedgerError, same } from "../../ledger/encoding.js";
import { type Block, blockIndex, checkFollows, parseEntry } from "../../ledger/entry.js";
import { HASH_OCTETS, leafHash } from "../../ledger/merkle.js";
import type { Checkpoint } from "../../ledger/note.js";
import { NOTE_OCTETS, noteHash } from "../showing/notes.js";
import { StoreError } from "../store/errors.js";
import type { ProvingFrontier } from "./proving.js";
import { type Found, type Place, treeOf } from "./records.js";

/** An entry of the ledger with the note beside it, as it came. */
export interface Came {
  readonly index: bigint;
  readonly entry: Uint8Array;
  readonly holderNote: Uint8Array;
}

/** The latest time of a block that a vault can keep. */
const MAX_TIME = BigInt(Number.MAX_SAFE_INTEGER);
/** No vault has so many; and so many copies of its notes are shown, and no more. */
const MOST_OWN = 1 << 15;
const MOST_COPIES = 1 << 10;

/** What tells notes apart: their hashes, which the entries commit to. */
export const noteKey = (note: Uint8Array): string => hex(noteHash(note));

export class LedgerReader {
  readonly #tree: ProvingFrontier;
  readonly #first: Map<string, number>;
  #header: Uint8Array;
  #last: Block | undefined;
  #inBlock: Came[] = [];
  readonly #found: Found[] = [];
  #copies: number;

  /** `first` has the index of each own note that was found before, by `noteKey`; `copies` is how many of copies were. */
  constructor(place: Place, first: ReadonlyMap<string, number>, copies = 0) {
    this.#copies = copies;
    this.#tree = treeOf(place);
    this.#first = new Map(first);
    this.#header = place.header;
    this.#last = place.header.length === 0 ? undefined : blockOf(place.header);
  }

  /** How many entries were read. */
  get size(): number {
    return this.#tree.size;
  }

  /**
   * Look at the next entry, whose note is this vault's own or not; returns whether a block ends with it. LedgerError
   * INCLUSION_INVALID (another entry than the next), HOLDER_NOTE_INVALID, BLOCK_INVALID, ENTRY_MALFORMED, BLOCK_MALFORMED.
   */
  take(came: Came, own: boolean): boolean {
    const { index, entry: octets, holderNote } = came;
    if (index !== BigInt(this.size)) throw new LedgerError("INCLUSION_INVALID", "another entry came than the one that follows");
    const entry = parseEntry(octets);
    if (entry.kind === "block" && entry.timeMs > MAX_TIME) throw new LedgerError("BLOCK_INVALID", "a block's time is none");
    if (entry.kind === "block") this.#end(entry, octets);
    if (entry.kind === "receipt") checkNote(octets, holderNote);
    const isFirst = own && entry.kind === "receipt" && this.#keep(came);
    this.#tree.append(leafHash(octets), isFirst);
    return entry.kind === "block";
  }

  /** Keep an own entry; whether it is the first of its note. A copy gets no proof: anybody can make more of them. */
  #keep(came: Came): boolean {
    const [at, key] = [Number(came.index), noteKey(came.holderNote)];
    const isFirst = (this.#first.get(key) ?? at) === at;
    if (isFirst && this.#first.size >= MOST_OWN) {
      throw new LedgerError("INCLUSION_INVALID", "more entries are this vault's than one vault makes");
    }
    if (isFirst) this.#first.set(key, at);
    else if (this.#copies++ >= MOST_COPIES) return false;
    this.#inBlock.push(came);
    return isFirst;
  }

  #end(block: Block, octets: Uint8Array): void {
    checkFollows(block, this.#last);
    if (blockIndex(block) !== BigInt(this.size) || !same(block.root, this.#tree.root())) {
      throw new LedgerError("BLOCK_INVALID", "a block is not made of the entries that came");
    }
    for (const each of this.#inBlock) this.#found.push(this.#foundIn(block, each));
    this.#inBlock = [];
    this.#last = block;
    this.#header = octets.slice();
  }

  #foundIn({ height, timeMs }: Block, { index, entry, holderNote }: Came): Found {
    const [at, key] = [Number(index), noteKey(holderNote)];
    const first = this.#first.get(key) ?? at;
    const copyOf = first === at ? null : first;
    return { index: at, entry, holderNote, height: Number(height), time: Number(timeMs), copyOf };
  }

  /** Where a block has just ended, and what was found up to there. */
  place(): { readonly place: Place; readonly found: readonly Found[] } {
    const { size, hashes, paths } = this.#tree;
    return { place: { size, hashes, paths, header: this.#header }, found: [...this.#found] };
  }

  /** LedgerError INCLUSION_INVALID unless what was read is what the log has signed. */
  checkEnd({ size, root }: Checkpoint): void {
    const ended = this.#last === undefined ? 0n : blockIndex(this.#last) + 1n;
    if (ended !== size || BigInt(this.size) !== size || !same(this.#tree.root(), root)) {
      throw new LedgerError("INCLUSION_INVALID", "the entries are not those that the log signed");
    }
  }
}

/** Check that a note is the one that a receipt's entry commits to. */
function checkNote(entry: Uint8Array, note: Uint8Array): void {
  if (note.length !== NOTE_OCTETS || !same(noteHash(note), entry.subarray(-HASH_OCTETS))) {
    throw new LedgerError("HOLDER_NOTE_INVALID", "a note is not that of its entry");
  }
}

function blockOf(header: Uint8Array): Block {
  const block = parseEntry(header);
  if (block.kind === "block") return block;
  throw new StoreError("VAULT_DAMAGED", "what is kept of the ledger's reading is none");
}
