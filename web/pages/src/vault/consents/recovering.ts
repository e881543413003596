// Standing consents that the ledger gave back (prover/client/consents.py, `recovered`): the note of a grant has the consent's link,
// so its terms are read again. Such a consent can be listed and withdrawn; nothing is answered under it, since nobody knows here
// how often that was done before.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { LinkError, type Link, parseLink } from "../../scan/links.js";
import { faultOf } from "../fault.js";
import type { Fault, RecoveredView } from "../model.js";
import type { Opened } from "../parts.js";
import { saidIn } from "../recovery/notes.js";
import { foundIn, readingIn, verifiedOf } from "../recovery/records.js";
import { newId } from "../showing/events.js";
import type { EventNote } from "../showing/notes.js";
import { StoreError } from "../store/errors.js";
import { consentsIn, knownAs, putConsent } from "./records.js";
import { type FetchedTerms, fetchTerms } from "./terms.js";

interface Before {
  readonly digest: Uint8Array;
  readonly link: Link;
}

/**
 * Keep those that were granted at this service, not withdrawn by what was read, and that the vault does not hold. What cannot be
 * read, or does not hold, is told of the first such one and holds up no other. `oneLedger` throws unless what has vouched for them
 * is of the one ledger. StoreError VAULT_DAMAGED; what says nothing of one consent alone: the service was not reached.
 */
export async function recoverConsents(
  opened: Opened, server: () => Promise<string>, oneLedger: () => Promise<unknown>,
): Promise<RecoveredView> {
  const before = await grantedBefore(opened);
  if (before.length === 0) return { found: 0, fault: null };
  const here = await server();
  const faults: Fault[] = [];
  const fetched: FetchedTerms[] = [];
  for (const each of before.filter(({ link }) => link.server === here)) {
    await apart(faults, async () => void fetched.push(await termsAgain(opened, each)));
  }
  if (fetched.length > 0) await oneLedger();
  let found = 0;
  for (const each of fetched) await apart(faults, async () => void (found += Number(await adopted(opened, each))));
  return { found, fault: faults[0] ?? null };
}

async function grantedBefore({ store, log }: Opened): Promise<readonly Before[]> {
  const { found, held } = await store.read(async (draft) => ({
    found: verifiedOf(await foundIn(draft), await readingIn(draft, log)),
    held: (await consentsIn(draft)).map(({ terms }) => terms.digest),
  }));
  const events: EventNote[] = [];
  for (const { holderNote } of found) {
    const said = await saidIn(store, holderNote);
    if (said !== null && "event" in said) events.push(said.event);
  }
  const over = [...held, ...events.filter(({ kind }) => kind === "consent-withdrawn").map(({ digest }) => digest)];
  const before: Before[] = [];
  for (const { kind, digest, detail } of events) {
    const link = kind === "consent-granted" ? linkOf(detail) : null;
    if (link === null || over.some((each) => equal(each, digest))) continue;
    over.push(digest); // a note may stand there twice
    before.push({ digest, link });
  }
  return before;
}

/** The link of a grant's note: null where there was no room for it. */
function linkOf(detail: string): Link | null {
  try {
    const link = parseLink(detail);
    return link.action === "consent" ? link : null;
  } catch (error) {
    if (error instanceof LinkError) return null;
    throw error;
  }
}

/** RefusedError REQUEST_MISMATCH: these are other terms; errors as `fetchTerms`. */
async function termsAgain(opened: Opened, { digest, link }: Before): Promise<FetchedTerms> {
  const fetched = await fetchTerms(opened, link);
  if (equal(fetched.terms.digest, digest)) return fetched;
  throw new RefusedError("REQUEST_MISMATCH", "these are other terms than those that were granted", "signed_terms");
}

/** Keep one, unless it is held by now. RefusedError REQUEST_MISMATCH. */
function adopted({ store }: Opened, { link, signed, terms, verifier }: FetchedTerms): Promise<boolean> {
  return store.change(async (draft) => {
    if (knownAs(await consentsIn(draft), link, terms) !== null) return false;
    const called = verifier.displayName;
    putConsent(draft, { id: newId(), state: "recovered", link, called, signed, terms, uses: [], log: null });
    return true;
  });
}

/** Do what is of one consent alone. */
async function apart(faults: Fault[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const fault = faultOf(error);
    if (fault.passing || fault.reason === "INTERNAL" || error instanceof StoreError) throw error;
    faults.push(fault);
  }
}
