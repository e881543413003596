// Receipts brought from pending to anchored; the service is not told which entries are this vault's
// (prover/client/anchoring.py, prover/anchoring.py).
//
// The vault reads the newest anchored checkpoint, and from the tree's tiles makes the proofs itself. What the service
// learns is that somebody who came now holds one or more of the 256 entries of a tile, which is asked for whole: each once,
// and in an order that is drawn anew. The anchored receipt takes the place of the pending one only if everything about the
// use or the event holds with it.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { LedgerError } from "../../ledger/encoding.js";
import { HASH_OCTETS, verifyInclusion } from "../../ledger/merkle.js";
import { type Opened as OpenedNote, ofLog, open, type Policy } from "../../ledger/policy.js";
import { checkReceipt, leafOf, parseProofFile, proofFileOctets } from "../../ledger/receipt.js";
import { proofFromTiles, tilesForInclusion, tileWidth } from "../../ledger/tiles.js";
import type { Opened } from "../parts.js";
import { ledger } from "../reading/clients.js";
import { type Event, EVENT, eventIn, eventRecord, eventsIn } from "../showing/events.js";
import { checkEventReceipt, checkUsageReceipt } from "../showing/receipts.js";
import { apart } from "../showing/resume.js";
import { putUsage, type Receipt, type Usage, usageIn, usagesIn } from "../showing/usages.js";

const TILE = 256n;

/** How many receipts were brought to anchored, and how many are still pending. */
export interface Anchorings {
  readonly anchored: number;
  readonly pending: number;
}

/** What keeps a receipt. */
type Receipted = { readonly usage: Usage } | { readonly event: Event };

interface Pending {
  readonly kept: Receipted;
  readonly receipt: Receipt;
  readonly index: bigint;
}

interface Newest {
  readonly note: Uint8Array;
  readonly opened: OpenedNote;
}

/**
 * Anchor all pending receipts that the newest anchored checkpoint covers. What does not hold is left as it is, and the first
 * such error is thrown after everything else was gone on with: LedgerError INCLUSION_INVALID if the log has shown its
 * witnesses another ledger than the one that a receipt stands on, which the receipt then convicts it of. ConnectError.
 */
export async function anchor(opened: Opened, policy: Policy): Promise<Anchorings> {
  const pending = await pendingIn(opened, policy);
  const newest = pending.length === 0 ? null : await newestOf(opened, policy);
  if (newest === null) return { anchored: 0, pending: pending.length };
  const { size } = newest.opened.checkpoint;
  const groups = new Map<bigint, Pending[]>();
  for (const each of pending) {
    const tile = each.index / TILE;
    if (each.index < size) groups.set(tile, [...(groups.get(tile) ?? []), each]);
  }
  const failures: unknown[] = [];
  let anchored = 0;
  for (const group of shuffled([...groups.values()])) {
    await apart(failures, async () => {
      anchored += await anchorTile(opened, policy, newest, group, failures);
    });
  }
  if (failures.length > 0) throw failures[0];
  return { anchored, pending: pending.length - anchored };
}

/** What has a receipt that holds and is pending. What does not hold is not anchored either; the history tells of it. */
async function pendingIn({ store }: Opened, policy: Policy): Promise<readonly Pending[]> {
  const { usages, events } = await store.read(async (draft) => (
    { usages: await usagesIn(draft), events: await eventsIn(draft) }));
  const all: Receipted[] = [...usages.map((usage) => ({ usage })), ...events.map((event) => ({ event }))];
  return all.flatMap((kept): Pending[] => {
    const { receipt } = keptOf(kept);
    if (receipt === null) return [];
    try {
      const { proof } = checkReceipt(receipt.octets, ofLog(receipt.log));
      return isAnchored(receipt.octets, policy) ? [] : [{ kept, receipt, index: proof.index }];
    } catch (error) {
      if (error instanceof LedgerError) return [];
      throw error;
    }
  });
}

/** Whether a receipt's checkpoint has the quorum; one under a key that the policy does not name has it not. */
export function isAnchored(receipt: Uint8Array, policy: Policy): boolean {
  try {
    return checkReceipt(receipt, policy).opened.anchored;
  } catch (error) {
    if (error instanceof LedgerError) return false;
    throw error;
  }
}

/** The newest anchored checkpoint; null while there is none that the policy takes. LedgerError for one that does not hold. */
async function newestOf({ log }: Opened, policy: Policy): Promise<Newest | null> {
  const { anchored: note } = await ledger.getCheckpoint({});
  if (note.length === 0) return null;
  open(note, ofLog(log));
  const opened = open(note, policy);
  return opened.anchored ? { note, opened } : null;
}

async function anchorTile(
  opened: Opened, policy: Policy, { note, opened: { checkpoint } }: Newest, group: readonly Pending[],
  failures: unknown[],
): Promise<number> {
  const { size, root } = checkpoint;
  const tiles = tilesForInclusion((group[0] as Pending).index, size);
  const asked = tiles.map((each) => ({ ...each, width: tileWidth(each, size) % Number(TILE) }));
  const { tiles: contents } = await ledger.readTiles({ tiles: asked, treeSize: size });
  let anchored = 0;
  for (const { kept, receipt, index } of group) {
    await apart(failures, async () => {
      const proof = parseProofFile(receipt.octets);
      const hashes = proofFromTiles(index, size, tiles, contents);
      // What the tree has there has to lead to its root, and to be this receipt's: else the log has signed two ledgers.
      const lowest = contents[tiles.findIndex((each) => each.level === 0 && each.index === index / TILE)];
      const first = Number(index % TILE) * HASH_OCTETS;
      const leaf = lowest?.subarray(first, first + HASH_OCTETS) ?? new Uint8Array();
      verifyTiles(leaf, index, size, hashes, root);
      verifyInclusion(leafOf(proof).leaf, index, size, hashes, root);
      const made = { octets: proofFileOctets({ ...proof, hashes, checkpoint: note }), log: opened.log };
      if (!isAnchored(made.octets, policy)) throw new LedgerError("QUORUM_MISSING", "the receipt is not anchored by it");
      await put(opened, kept, receipt, made);
      anchored += 1;
    });
  }
  return anchored;
}

function verifyTiles(
  leaf: Uint8Array, index: bigint, size: bigint, hashes: readonly Uint8Array[], root: Uint8Array,
): void {
  try {
    verifyInclusion(leaf, index, size, hashes, root);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw new LedgerError("TILE_MALFORMED", "the tiles are not those of the anchored tree");
  }
}

/** Put an anchored receipt in the place of the pending one, if everything holds with it; another that is there by now stays. */
async function put({ store }: Opened, kept: Receipted, before: Receipt, made: Receipt): Promise<void> {
  if ("usage" in kept) await checkUsageReceipt(kept.usage, made.octets, made.log, store.uses);
  else checkEventReceipt(kept.event, made.octets, made.log);
  await store.change(async (draft) => {
    const { id } = keptOf(kept);
    if ("usage" in kept) {
      const now = await usageIn(draft, id);
      if (isStill(now.receipt, before)) putUsage(draft, { ...now, receipt: made });
    } else {
      const now = await eventIn(draft, id);
      if (isStill(now.receipt, before)) draft.put({ kind: EVENT, name: id }, eventRecord({ ...now, receipt: made }));
    }
  });
}

const isStill = (now: Receipt | null, before: Receipt): boolean => now !== null && equal(now.octets, before.octets);

const keptOf = (kept: Receipted): Usage | Event => ("usage" in kept ? kept.usage : kept.event);

function shuffled<Each>(all: Each[]): Each[] {
  const drawn = all.map((each) => [crypto.getRandomValues(new Uint32Array(1))[0] as number, each] as const);
  return drawn.sort(([one], [other]) => one - other).map(([, each]) => each);
}
