// Blocks as they stand on the ledger, read from the newest backwards: each holds the hash of the one before, and
// the newest one's header is the last leaf of the signed tree.
import { LedgerError } from "../ledger/encoding.js";
import { type Block, type Entry, blockIndex, checkFollows, parseEntry } from "../ledger/entry.js";
import { leafHash, verifyInclusion } from "../ledger/merkle.js";
import type { Checkpoint } from "../ledger/note.js";
import { ledger } from "../service.js";

const PAGE = 400n;
const MOST_NEW = 2_000n;

export interface Shown {
  readonly block: Block;
  readonly entries: readonly Exclude<Entry, Block>[];
}

/** Blocks that follow one another, the newest first, up to a tree of `size` entries. */
export interface Chain {
  readonly size: bigint;
  readonly blocks: readonly Shown[];
}

export const EMPTY: Chain = { size: 0n, blocks: [] };

/** Bring what is shown up to a checkpoint that was verified. Raises LedgerError, ConnectError. */
export async function upTo(checkpoint: Checkpoint, shown: Chain, signal: AbortSignal): Promise<Chain> {
  const { size } = checkpoint;
  if (size === shown.size) return shown;
  const goesOn = shown.blocks.length > 0 && size > shown.size && size - shown.size <= MOST_NEW;
  const start = goesOn ? shown.size : size > PAGE ? size - PAGE : 0n;
  const octets = await read(start, size, signal);
  const added = blocksOf(octets, start);
  await checkLast(octets.at(-1), checkpoint, signal);
  return { size, blocks: linked([...added, ...(goesOn ? shown.blocks : [])], size) };
}

/** Add older blocks. Raises LedgerError, ConnectError. */
export async function older(shown: Chain, signal: AbortSignal): Promise<Chain> {
  const end = lowest(shown);
  if (end === 0n) return shown;
  const start = end > PAGE ? end - PAGE : 0n;
  const added = blocksOf(await read(start, end, signal), start);
  return { ...shown, blocks: linked([...shown.blocks, ...added], shown.size) };
}

/** The first index of the oldest block that is shown. */
export const lowest = (shown: Chain): bigint => shown.blocks.at(-1)?.block.firstIndex ?? 0n;

async function read(start: bigint, end: bigint, signal: AbortSignal): Promise<Uint8Array[]> {
  const octets: Uint8Array[] = [];
  let pageToken = "";
  while (BigInt(octets.length) < end - start) {
    const asked = { startIndex: start, pageSize: Number(end - start), pageToken };
    const page = await ledger.listEntries(asked, { signal });
    for (const each of page.entries) {
      if (each.index !== start + BigInt(octets.length)) throw new LedgerError("ENTRY_MALFORMED", "another index");
      octets.push(each.entry);
    }
    pageToken = page.nextPageToken;
    if (page.entries.length === 0 || !pageToken) break;
  }
  const wanted = Number(end - start);
  if (octets.length < wanted) throw new LedgerError("ENTRY_MALFORMED", "entries are missing");
  return octets.slice(0, wanted);
}

/** The whole blocks among entries from `start` on, the newest first. */
function blocksOf(octets: readonly Uint8Array[], start: bigint): Shown[] {
  const blocks: Shown[] = [];
  let before: Exclude<Entry, Block>[] = [];
  for (const [at, each] of octets.entries()) {
    const entry = parseEntry(each);
    if (entry.kind !== "block") {
      before.push(entry);
      continue;
    }
    if (blockIndex(entry) !== start + BigInt(at)) throw new LedgerError("BLOCK_INVALID", "a misplaced header");
    if (entry.firstIndex >= start) blocks.unshift({ block: entry, entries: before });
    before = [];
  }
  return blocks;
}

function linked(blocks: Shown[], size: bigint): Shown[] {
  const newest = blocks[0]?.block;
  if (newest && blockIndex(newest) + 1n !== size) throw new LedgerError("BLOCK_INVALID", "no header at the end");
  for (const [at, each] of blocks.entries()) {
    const before = blocks[at + 1]?.block;
    if (before || each.block.firstIndex === 0n) checkFollows(each.block, before);
  }
  return blocks;
}

async function checkLast(octets: Uint8Array | undefined, { size, root }: Checkpoint, signal: AbortSignal): Promise<void> {
  if (!octets) return;
  const index = size - 1n;
  const { hashes } = await ledger.getInclusionProof({ entryIndex: index, treeSize: size }, { signal });
  verifyInclusion(leafHash(octets), index, size, hashes, root);
}
