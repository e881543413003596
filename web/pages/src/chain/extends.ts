// Whether one ledger is the beginning of another, by the service's proof.
import { LedgerError, same } from "../ledger/encoding.js";
import { verifyConsistency } from "../ledger/merkle.js";
import type { Checkpoint } from "../ledger/note.js";
import { ledger } from "../service.js";

/** Check that one ledger is the beginning of another; raises CONSISTENCY_INVALID. */
export async function checkExtends(older: Checkpoint, newer: Checkpoint, signal?: AbortSignal): Promise<void> {
  if (older.origin !== newer.origin) throw new LedgerError("ORIGIN_UNKNOWN", "ledgers of two logs");
  if (older.size === newer.size || older.size === 0n) {
    if (older.size !== 0n && !same(older.root, newer.root)) {
      throw new LedgerError("CONSISTENCY_INVALID", "two ledgers of one size");
    }
    return;
  }
  if (older.size > newer.size) throw new LedgerError("CONSISTENCY_INVALID", "the newer ledger is smaller");
  const asked = { firstSize: older.size, secondSize: newer.size };
  const { hashes } = await ledger.getConsistencyProof(asked, signal ? { signal } : {});
  verifyConsistency(older.size, newer.size, hashes, older.root, newer.root);
}
