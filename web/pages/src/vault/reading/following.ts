// A log's key that takes the place of another (disclosure/log_key_change.py). The log says it on its own ledger, and for a
// while signs with both: the proof of a change is the proof file of that record, with the record as its extra data, under
// a checkpoint that both keys signed. What no proof can tell is whether the old key was stolen before.
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { decode } from "../../../../prover/src/disclosure/canonical.js";
import { LedgerError, startsWith } from "../../ledger/encoding.js";
import { parseEntry, recordEntry } from "../../ledger/entry.js";
import { type Verifier, cosigns, parseVerifier, sameKey, verifierText } from "../../ledger/keys.js";
import { leafHash, verifyInclusion } from "../../ledger/merkle.js";
import { ofLog, open } from "../../ledger/policy.js";
import { type ProofFile, parseProofFile } from "../../ledger/receipt.js";
import { VaultError } from "../fault.js";
import type { Fault } from "../model.js";
import type { SealedStore } from "../store/store.js";
import { believed, trustRecord } from "../trusting.js";
import { ledger } from "./clients.js";

const LABEL = "zk-disclosure/log-key/v1";
const UNSIGNED = "NOTE_UNSIGNED";
const RECORD = recordEntry("log-key", new Uint8Array());

/**
 * The key that follows a believed one by this proof. Raises VaultError LOG_KEY_NOT_FOLLOWED (it is of another key),
 * MalformedError MALFORMED, and LedgerError as `checkLogged` does.
 */
export function openChange(proof: Uint8Array, pinned: Verifier): Verifier {
  const file = parseProofFile(proof);
  const [old, next] = named(file);
  if (!sameKey(old, pinned)) throw new VaultError("LOG_KEY_NOT_FOLLOWED", "the proof is of what follows another key");
  const { checkpoint } = open(file.checkpoint, ofLog(old));
  verifyInclusion(leafHash(file.extra!), file.index, checkpoint.size, file.hashes, checkpoint.root);
  open(file.checkpoint, ofLog(next));
  return next;
}

/** The keys that a proof names: raises MalformedError MALFORMED, LedgerError PROOF_MALFORMED, ENTRY_MALFORMED. */
function named({ extra }: ProofFile): [Verifier, Verifier] {
  const refuse = () => new MalformedError("MALFORMED", "it is no proof of a log's new key");
  if (extra === undefined || parseEntry(extra).kind !== "record" || !startsWith(extra, RECORD)) throw refuse();
  const items = decode(LABEL, extra.subarray(RECORD.length));
  if (items.length !== 2) throw refuse();
  const [old, next] = items.map((each) => keyOf(each, refuse)) as [Verifier, Verifier];
  if (sameKey(old, next) || old.name !== next.name) throw refuse();
  return [old, next];
}

function keyOf(item: unknown, refuse: () => Error): Verifier {
  try {
    const key = typeof item === "string" ? parseVerifier(item) : null;
    if (key !== null && !cosigns(key)) return key;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
  }
  throw refuse();
}

/**
 * The keys that followed a believed one, the newest last; none if no proof starts from it. Proofs of changes before it are
 * passed over unverified; from it on each has to hold. Raises as `openChange` does.
 */
export function followers(proofs: readonly Uint8Array[], pinned: Verifier): readonly Verifier[] {
  const passed: Verifier[] = [];
  for (const proof of proofs) {
    const here = passed.at(-1) ?? pinned;
    if (passed.length > 0 || sameKey(named(parseProofFile(proof))[0], here)) passed.push(openChange(proof, here));
  }
  return passed;
}

/**
 * The keys whose place a believed one has taken, the newest first; none if no proof ends at it. Each is proven by its own
 * signature and that of the key after it. Proofs of other changes are passed over unverified. Raises as `openChange` does.
 */
export function predecessors(proofs: readonly Uint8Array[], pinned: Verifier): readonly Verifier[] {
  const before = new Map<string, readonly [Verifier, Uint8Array]>();
  for (const proof of proofs) {
    const [old, next] = named(parseProofFile(proof));
    before.set(verifierText(next), [old, proof]);
  }
  const found: Verifier[] = [];
  for (let here = pinned; ; ) {
    const change = before.get(verifierText(here));
    if (change === undefined) return found;
    before.delete(verifierText(here));
    [here] = change;
    openChange(change[1], here);
    found.push(here);
  }
}

/** The proofs of all changes that the service knows, the oldest first. */
export async function changeProofs(): Promise<readonly Uint8Array[]> {
  const { logKeys } = await ledger.listLogKeys({});
  return logKeys.map((each) => each.changeProof).filter((each) => each.length > 0);
}

/** Have the vault believe the key that its log signs with now, by proof from the one that it believes; returns it. */
export async function followLogKey(store: SealedStore): Promise<Verifier> {
  const pinned = await store.read(believed);
  const newest = followers(await changeProofs(), pinned).at(-1);
  if (newest === undefined) return pinned;
  return store.change(async (draft) => {
    const now = await believed(draft);
    if (!sameKey(now, pinned)) return now;
    const { value, ...place } = trustRecord(newest);
    draft.put(place, value);
    return newest;
  });
}

/** Whether an error may be that the log signs with another key by now. */
export const isOtherKey = (error: unknown): boolean =>
  error instanceof LedgerError && isOtherKeys(error);
/** The same of what a screen would be told. */
export const isOtherKeys = ({ reason }: Pick<Fault, "reason">): boolean => reason === UNSIGNED;
