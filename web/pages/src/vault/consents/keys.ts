// The keys of standing consents (prover/standing.py). Each has one of its own, derived from the key of the log that it was granted
// under, from its name and its terms. When the log goes over to another key the service knows the consent by the key that it was
// granted with, so that stays; nothing is signed by it at a log whose key is not proven to have taken the place of that one.

import { sameKey, verifierText } from "../../ledger/keys.js";
import { VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import { changeProofs, predecessors } from "../reading/following.js";
import { consentsIn } from "./records.js";

/**
 * The seeds of the keys that may sign for a consent, by its name: one where it is known under which of the log's keys it was
 * granted, else all that it may be. VaultError CONSENT_NOT_FOUND, LOG_KEY_NOT_FOLLOWED; ConnectError; errors as `predecessors`.
 */
export async function* consentSeeds(
  { store, log }: Opened, server: () => Promise<string>, party: string,
): AsyncGenerator<Uint8Array> {
  const at = await server();
  const held = (await store.read(consentsIn)).find(({ link }) => link.server === at && link.name === party);
  if (held === undefined) throw new VaultError("CONSENT_NOT_FOUND", "the vault holds no such consent");
  const granted = held.log;
  const isNow = granted !== null && sameKey(granted, log);
  if (granted === null || isNow) yield store.uses.consentSeed(verifierText(log), party, held.terms.digest);
  if (isNow) return;
  const before = predecessors(await changeProofs(), log);
  const earlier = granted === null ? before : before.filter((each) => sameKey(granted, each));
  if (granted !== null && earlier.length === 0) {
    throw new VaultError("LOG_KEY_NOT_FOLLOWED", "the consent was granted under another log's key; nothing was signed");
  }
  for (const each of earlier) yield store.uses.consentSeed(verifierText(each), party, held.terms.digest);
}
