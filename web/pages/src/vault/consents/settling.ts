// Standing consents as the ledger says (prover/standing.py, settle): in the use case in which what was read back is believed.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { CLOCK_TOLERANCE } from "../../../../prover/src/disclosure/request_frame.js";
import type { StandingTerms } from "../../../../prover/src/disclosure/standing.js";
import type { FoundUse } from "../recovery/notes.js";
import type { Read } from "../recovery/part.js";
import { usagesIn } from "../showing/usages.js";
import type { Draft } from "../store/store.js";
import { consentsIn, putConsent } from "./records.js";

const MS = 1000;

/**
 * A withdrawal that stands there counts, whatever an older copy of the vault says. So does a use that the vault does not hold: it
 * may have been under any consent of that verifier's, so under none of them the answers are counted any more.
 */
export async function settleConsents(draft: Draft, all: readonly Read[]): Promise<void> {
  const own = (await usagesIn(draft)).map(({ holderNote }) => holderNote);
  const missed: FoundUse[] = [];
  const withdrawn: Uint8Array[] = [];
  for (const { found, said } of all) {
    if (said === null) continue;
    if ("event" in said && said.event.kind === "consent-withdrawn") withdrawn.push(said.event.digest);
    if ("use" in said && !own.some((note) => equal(note, found.holderNote))) missed.push(said.use);
  }
  for (const held of await consentsIn(draft)) {
    if (withdrawn.some((digest) => equal(digest, held.terms.digest))) {
      if (held.state !== "withdrawn") putConsent(draft, { ...held, state: "withdrawn" });
    } else if (held.state === "granted" && missed.some((use) => mayBeUnder(held.terms, use))) {
      putConsent(draft, { ...held, state: "recovered" });
    }
  }
}

/** Whether a use may have been under terms: it is their verifier's, and not from before them. */
const mayBeUnder = (terms: StandingTerms, use: FoundUse): boolean =>
  use.verifier === terms.verifier && use.time >= (terms.created - CLOCK_TOLERANCE) * MS;
