// Whom the vault lets an identity be escrowed to: the holder's own list, which no request can add to (prover/composite/vault.py).

import { equal, hex } from "../../../../prover/src/bbs/octets.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, small, text } from "../../../../prover/src/disclosure/reading.js";
import { VaultError } from "../fault.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";
import type { Regulator } from "../telling/facts.js";

const KIND = "trusted-regulator";
const LABEL = "zk-disclosure/web-trusted-regulator/v1";
const DIGEST_OCTETS = 32;

interface Trusted extends Regulator {
  /** Milliseconds. */
  readonly since: number;
}

/** The regulators that the holder trusts with an identity, in the order in which that was said. StoreError VAULT_DAMAGED. */
export async function trustedIn(draft: Pick<Draft, "list">): Promise<readonly Regulator[]> {
  const found = (await draft.list(KIND)).map(({ name, value }) => trustedOf(name, value));
  return found.sort((one, other) => one.since - other.since || (hex(one.digest) < hex(other.digest) ? -1 : 1));
}

/**
 * Let identities be escrowed to a regulator's key; one that is trusted already stays as it is. Of one name one key is trusted, or
 * one that was slipped in would stay beside the true one: another is VaultError REGULATOR_KEY_CHANGED until the old one is not.
 */
export async function trust(draft: Draft, { name, displayName, digest }: Regulator, since: number): Promise<void> {
  for (const each of await trustedIn(draft)) {
    if (equal(each.digest, digest)) return;
    if (each.name === name) throw new VaultError("REGULATOR_KEY_CHANGED", "the vault trusts another key of this name");
  }
  draft.put(placeOf(digest), encode(LABEL, name, displayName.items(), digest, since));
}

/** Trust a regulator's key no more; what was escrowed to it stays escrowed. VaultError REGULATOR_NOT_FOUND. */
export async function distrust(draft: Draft, digest: Uint8Array): Promise<void> {
  if ((await draft.get(placeOf(digest))) === null) {
    throw new VaultError("REGULATOR_NOT_FOUND", "the vault trusts no such regulator");
  }
  draft.remove(placeOf(digest));
}

const placeOf = (digest: Uint8Array) => ({ kind: KIND, name: hex(digest) });

function trustedOf(place: string, record: Uint8Array): Trusted {
  try {
    const [name, called, digest, since] = list(decode(LABEL, record), damaged, 4);
    const key = octets(digest, damaged);
    if (key.length !== DIGEST_OCTETS || hex(key) !== place) throw damaged();
    const displayName = LocalizedText.of(called, damaged);
    return { name: text(name, damaged), displayName, digest: key, since: small(since, damaged) };
  } catch {
    throw damaged();
  }
}

const damaged = (): StoreError => new StoreError("VAULT_DAMAGED", "what is kept of a regulator is none");
