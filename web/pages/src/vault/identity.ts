// The secret that all credentials of a vault are bound to. It is made once, when it is first needed, and stands in the
// sealed store: two tabs that need it at the same moment get the same one.

import { HolderSecret } from "../../../prover/src/composite/credential.js";
import { StoreError } from "./store/errors.js";
import type { Draft } from "./store/store.js";

const PLACE = { kind: "holder-secret", name: "" } as const;

/** The vault's holder's secret, within a use case that may write. Raises StoreError VAULT_DAMAGED if it is none. */
export async function holderSecret(draft: Draft): Promise<HolderSecret> {
  const kept = await draft.get(PLACE);
  if (kept !== null) return read(kept);
  const made = HolderSecret.generate();
  draft.put(PLACE, made.toOctetsSecret());
  return made;
}

/** The same if there is one: null before the first claim. */
export async function keptSecret(draft: Pick<Draft, "get">): Promise<HolderSecret | null> {
  const kept = await draft.get(PLACE);
  return kept === null ? null : read(kept);
}

function read(octets: Uint8Array): HolderSecret {
  try {
    return HolderSecret.fromOctets(octets);
  } catch {
    throw new StoreError("VAULT_DAMAGED", "the holder's secret is none");
  }
}
