// What is believed, and why: what stands on the ledger under the log's key that the vault has (wire/published.py).
import { ConnectError } from "@connectrpc/connect";

import type { Verifier } from "../../ledger/keys.js";
import { leafHash, verifyInclusion } from "../../ledger/merkle.js";
import type { Checkpoint } from "../../ledger/note.js";
import { ofLog, open } from "../../ledger/policy.js";
import { parseProofFile } from "../../ledger/receipt.js";
import { refusal } from "../fault.js";
import type { Kept } from "./kept.js";

/** What every part of a reader stands on. `saw` is told of each checkpoint that vouched for something (growing.ts). */
export interface Ground {
  readonly log: Verifier;
  readonly kept: Kept;
  readonly saw: (checkpoint: Checkpoint) => void;
}

/** Whether the service said nothing of what was asked: it was not reached, or could not answer. */
export const isAway = (error: unknown): boolean => error instanceof ConnectError && refusal(error) === null;

/**
 * Check that an entry stands on the ledger. Raises LedgerError PROOF_MALFORMED, NOTE_MALFORMED, CHECKPOINT_MALFORMED,
 * NOTE_UNSIGNED, NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN, INCLUSION_INVALID; ConnectError: too much is still to be compared.
 */
export function checkLogged(ground: Ground, entry: Uint8Array, proof: Uint8Array): void {
  const file = parseProofFile(proof);
  const { checkpoint } = open(file.checkpoint, ofLog(ground.log));
  verifyInclusion(leafHash(entry), file.index, checkpoint.size, file.hashes, checkpoint.root);
  ground.saw(checkpoint);
}
