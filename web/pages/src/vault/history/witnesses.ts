// Whose cosignatures anchor this vault's receipts. The policy is the server's word when it is first read, as the log's key
// is when nobody compares it; from then on it is the vault's, sealed, and no other takes its place. It names the log's key
// that the vault believes; where that was followed to a new one, a policy of the very same witnesses is taken again.

import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { text } from "../../../../prover/src/disclosure/reading.js";
import { utf8 } from "../../ledger/encoding.js";
import { sameKey } from "../../ledger/keys.js";
import { loadMldsa, mldsaIsLoaded } from "../../ledger/mldsa.js";
import { demandsWitnesses, parsePolicy, type Policy, policyText } from "../../ledger/policy.js";
import type { Opened } from "../parts.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";

const KIND = "witness-policy";
const LABEL = "zk-disclosure/web-witness-policy/v1";
const MAX_OCTETS = 1 << 21;
const WHERE = "/watched/policy";
const PATIENCE_MS = 20_000;

/** The policy, read from the server where the vault has none for its log's key; null while there is none to be had. */
export async function witnessPolicy({ store, log }: Opened): Promise<Policy | null> {
  const place = { kind: KIND, name: log.name };
  const names = (policy: Policy): boolean => policy.logs.some((each) => sameKey(each, log));
  const before = await store.read((draft) => kept(draft, place));
  if (before !== null && names(before)) return prepared(before);
  const found = await served();
  if (found === null || !names(found) || !demandsWitnesses(found)) return null;
  return store.change(async (draft) => {
    const now = await kept(draft, place);
    if (now !== null && witnesses(now) !== witnesses(found)) return null;
    draft.put(place, encode(LABEL, policyText(found)));
    return found;
  });
}

async function kept(draft: Pick<Draft, "get">, place: { kind: string; name: string }): Promise<Policy | null> {
  const value = await draft.get(place);
  if (value === null) return null;
  const damaged = () => new StoreError("VAULT_DAMAGED", "the policy of witnesses is none");
  try {
    const items = decode(LABEL, value, MAX_OCTETS);
    if (items.length !== 1) throw damaged();
    return parsePolicy(utf8(text(items[0], damaged)));
  } catch {
    throw damaged();
  }
}

/** What the server hands out; null if it does not, or nothing that can be read. */
async function served(): Promise<Policy | null> {
  try {
    const answer = await fetch(WHERE, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? await prepared(parsePolicy(new Uint8Array(await answer.arrayBuffer()))) : null;
  } catch {
    return null;
  }
}

/** Where what verifies them cannot be had, those witnesses have cosigned nothing. */
async function prepared(policy: Policy): Promise<Policy> {
  const needed = policy.witnesses.some((each) => each.key.type === 6);
  if (needed && !mldsaIsLoaded()) await loadMldsa().catch(() => undefined);
  return policy;
}

/** All of a policy but the log's keys. */
const witnesses = (policy: Policy): string => policyText({ ...policy, logs: [] });
