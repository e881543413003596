// Checkpoints that have vouched for what is kept, and were not compared with the ledger yet. They are written down in the use
// case that keeps it: what is believed after a reload is compared after a reload.
import { Code, ConnectError } from "@connectrpc/connect";

import { type Decoded, decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, whole } from "../../../../prover/src/disclosure/reading.js";
import { hex } from "../../ledger/encoding.js";
import { HASH_OCTETS } from "../../ledger/merkle.js";
import type { Checkpoint } from "../../ledger/note.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";

const LABEL = "zk-disclosure/web-ledger-owed/v1";
/** More than a visit reads under that never gets at the newest checkpoint. */
const MAX_OWED = 256;

/** By what tells one from another: ledgers of one size may have two roots. */
export type Owed = Map<string, Checkpoint>;

export const nameOf = ({ size, root }: Checkpoint): string => `${size} ${hex(root)}`;

/** Add a checkpoint. ConnectError: too many are still to be compared, and none is dropped for another. */
export function add(owed: Owed, checkpoint: Checkpoint): void {
  const name = nameOf(checkpoint);
  if (owed.size >= MAX_OWED && !owed.has(name)) {
    throw new ConnectError("what was read is to be compared with the ledger first", Code.Unavailable);
  }
  owed.set(name, checkpoint);
}

/** Those of a log that are still to be compared. StoreError VAULT_DAMAGED. */
export async function owedIn(draft: Pick<Draft, "get">, origin: string): Promise<Owed> {
  const value = await draft.get(placeOf(origin));
  const owed: Owed = new Map();
  if (value === null) return owed;
  try {
    for (const each of decode(LABEL, value)) add(owed, checkpointOf(origin, list(each, damaged, 2)));
  } catch {
    throw damaged();
  }
  return owed;
}

export function putOwed(draft: Draft, origin: string, owed: Owed): void {
  if (owed.size === 0) draft.remove(placeOf(origin));
  else draft.put(placeOf(origin), encode(LABEL, ...[...owed.values()].map(({ size, root }) => [size, root])));
}

/** A checkpoint that was kept as its size and root. StoreError VAULT_DAMAGED. */
export function checkpointOf(origin: string, [first, second]: Decoded[]): Checkpoint {
  const [size, root] = [whole(first, damaged), octets(second, damaged)];
  if (size < 0n || root.length !== HASH_OCTETS) throw damaged();
  return { origin, size, root };
}

export const damaged = (): StoreError => new StoreError("VAULT_DAMAGED", "what was seen of the log is none");

const placeOf = (origin: string) => ({ kind: "ledger-owed", name: origin });
