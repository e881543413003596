// A receipt, checked in the page: first by itself, then against the newest ledger and its witnesses.
import { LedgerError } from "../ledger/encoding.js";
import { verifyInclusion } from "../ledger/merkle.js";
import type { Opened, Policy } from "../ledger/policy.js";
import { type CheckedReceipt, checkReceipt, receiptOf } from "../ledger/receipt.js";
import { proofFromTiles, tileWidth, tilesForInclusion } from "../ledger/tiles.js";
import { ledger } from "../service.js";
import { checkExtends } from "./extends.js";
import type { Head } from "./head.js";

export interface Standing {
  readonly checked: CheckedReceipt;
  /** Whether the newest ledger contains the receipt's; a reason where it does not, nothing where nobody could say. */
  readonly extended: true | LedgerError | undefined;
  /** The checkpoint that a quorum cosigned and that covers the leaf, if there is one. */
  readonly anchored: Opened | undefined;
}

/** Check a file by itself: nobody is asked anything. Raises LedgerError. */
export const checkFile = (file: Uint8Array, policy: Policy): CheckedReceipt => checkReceipt(receiptOf(file), policy);

/** Compare a receipt that holds with the ledger as it is now. */
export async function standingOf(checked: CheckedReceipt, head: Head | undefined): Promise<Standing> {
  return { checked, extended: await extendedBy(checked, head), anchored: await anchoredIn(checked, head) };
}

async function extendedBy(checked: CheckedReceipt, head: Head | undefined): Promise<Standing["extended"]> {
  if (!head || checked.opened.checkpoint.size > head.opened.checkpoint.size) return undefined;
  try {
    await checkExtends(checked.opened.checkpoint, head.opened.checkpoint);
    return true;
  } catch (error) {
    return error instanceof LedgerError ? error : undefined;
  }
}

async function anchoredIn(checked: CheckedReceipt, head: Head | undefined): Promise<Opened | undefined> {
  if (checked.opened.anchored) return checked.opened;
  const anchored = head?.anchored;
  const { index } = checked.proof;
  if (!anchored || anchored.checkpoint.size <= index) return undefined;
  const { size, root, origin } = anchored.checkpoint;
  if (origin !== checked.opened.checkpoint.origin) return undefined;
  try {
    const tiles = tilesForInclusion(index, size);
    const asked = tiles.map((each) => ({ ...each, width: tileWidth(each, size) % 256 }));
    const answer = await ledger.readTiles({ tiles: asked, treeSize: size });
    verifyInclusion(checked.leaf, index, size, proofFromTiles(index, size, tiles, answer.tiles), root);
    return anchored;
  } catch {
    return undefined; // not shown to be anchored: pending, then
  }
}
