// What the leaves of the log hold (tlog/entry.py, tlog/block.py): receipts, public records, block headers.
import { sha256 } from "@noble/hashes/sha2.js";

import { LedgerError, checkCount, fromBigEndian, joined, same, startsWith, utf8 } from "./encoding.js";
import { HASH_OCTETS } from "./merkle.js";

const RECEIPT = utf8("zk-disclosure/receipt/v1\n");
const RECORD = utf8("zk-disclosure/record/v1\n");
const BLOCK = utf8("zk-disclosure/block/v1\n");
const BLOCK_HASH = utf8("zk-disclosure/block-hash/v1\n");
const BLOCK_OCTETS = BLOCK.length + 4 * 8 + 2 * HASH_OCTETS;
const MAX_RECORD_OCTETS = 60_000;
const RECORD_KIND = /^[a-z0-9-]{1,64}$/;

export interface ReceiptEntry {
  readonly kind: "receipt";
}

export interface RecordEntry {
  readonly kind: "record";
  /** What the record is about, in a word of the protocol. */
  readonly about: string;
  readonly octets: number;
}

export interface Block {
  readonly kind: "block";
  readonly height: bigint;
  readonly previous: Uint8Array;
  readonly firstIndex: bigint;
  readonly count: bigint;
  readonly root: Uint8Array;
  readonly timeMs: bigint;
  readonly hash: Uint8Array;
}

export type Entry = ReceiptEntry | RecordEntry | Block;

/** Encode the entry of a receipt. */
export const receiptEntry = (commitment: Uint8Array, noteHash: Uint8Array): Uint8Array =>
  joined(RECEIPT, commitment, noteHash);

/** Encode the entry of a record, of a kind of 1 to 64 of a-z, 0-9 and dash; raises ENTRY_MALFORMED. */
export function recordEntry(kind: string, payload: Uint8Array): Uint8Array {
  if (!RECORD_KIND.test(kind) || payload.length > MAX_RECORD_OCTETS) {
    throw new LedgerError("ENTRY_MALFORMED", "no kind of record, or too many octets for one");
  }
  return joined(RECORD, Uint8Array.of(kind.length), utf8(kind), payload);
}

/** Decode an entry; raises ENTRY_MALFORMED, BLOCK_MALFORMED. */
export function parseEntry(octets: Uint8Array): Entry {
  if (startsWith(octets, BLOCK)) return parseBlock(octets);
  if (startsWith(octets, RECEIPT) && octets.length === RECEIPT.length + 2 * HASH_OCTETS) {
    return { kind: "receipt" };
  }
  if (startsWith(octets, RECORD)) {
    const fields = octets.subarray(RECORD.length);
    const end = 1 + (fields[0] ?? 0);
    const about = String.fromCharCode(...fields.subarray(1, end));
    if (fields.length >= end && RECORD_KIND.test(about)) {
      return { kind: "record", about, octets: fields.length - end };
    }
  }
  throw new LedgerError("ENTRY_MALFORMED", "neither a receipt nor a record nor a block header");
}

function parseBlock(octets: Uint8Array): Block {
  if (octets.length !== BLOCK_OCTETS) throw new LedgerError("BLOCK_MALFORMED", "another length");
  let at = BLOCK.length;
  const taken = (length: number): Uint8Array => octets.subarray(at, (at += length));
  const number = (): bigint => checkCount(fromBigEndian(taken(8)), "BLOCK_MALFORMED");
  const height = number();
  const previous = taken(HASH_OCTETS);
  const firstIndex = number();
  const count = checkCount(number(), "BLOCK_MALFORMED", 1n);
  checkCount(firstIndex + count + 1n, "BLOCK_MALFORMED");
  const root = taken(HASH_OCTETS);
  const timeMs = number();
  const hash = sha256(joined(BLOCK_HASH, octets));
  return { kind: "block", height, previous, firstIndex, count, root, timeMs, hash };
}

/** The index of a header's own leaf. */
export const blockIndex = (block: Block): bigint => block.firstIndex + block.count;

/** Check that a header follows the one before it, or is the first; raises BLOCK_INVALID. */
export function checkFollows(block: Block, before: Block | undefined): void {
  const holds = before
    ? block.height === before.height + 1n &&
      same(block.previous, before.hash) &&
      block.firstIndex === blockIndex(before) + 1n &&
      block.timeMs >= before.timeMs
    : block.height === 0n && block.firstIndex === 0n && block.previous.every((each) => each === 0);
  if (!holds) throw new LedgerError("BLOCK_INVALID", `block ${block.height} does not follow the one before it`);
}
