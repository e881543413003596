// Terms of standing consents that came by a link, signed by a verifier whose key stands on the ledger, within its policy
// (prover/client/consents.py). Nothing is shown to anybody by it.

import { policyOf } from "../../../../prover/src/disclosure/allowance.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import type { RegisteredPolicy } from "../../../../prover/src/disclosure/policy.js";
import {
  checkStanding, openTerms, type SignedTerms, type StandingTerms, termsOf,
} from "../../../../prover/src/disclosure/standing.js";
import type { Link } from "../../scan/links.js";
import { VaultError } from "../fault.js";
import type { Opened, RegisteredVerifier } from "../parts.js";
import { consents } from "./client.js";

export interface FetchedTerms {
  readonly link: Link;
  readonly signed: SignedTerms;
  readonly terms: StandingTerms;
  readonly verifier: RegisteredVerifier;
  readonly policy: RegisteredPolicy;
}

/**
 * Fetch what a link of a consent leads to. RefusedError REQUEST_SIGNATURE_INVALID, POLICY_UNKNOWN, OVER_ASKING, REQUEST_INVALID
 * (`issuance`: no request of that kind is answered); MalformedError; ConnectError; what the reader throws.
 */
export async function fetchTerms({ reader }: Opened, link: Link): Promise<FetchedTerms> {
  const { signedTerms } = await consents.fetchConsent({ consent: link.name, ticket: link.secret });
  if (signedTerms === undefined) throw new VaultError("ANSWER_INVALID", "the service answered without terms");
  const signed = { payload: signedTerms.payload, signature: signedTerms.signature };
  const verifier = await reader.verifier(termsOf(signed).verifier);
  const terms = openTerms(signed, () => verifier.publicKey);
  const { asked } = terms;
  if ("issuance" in asked && asked.issuance !== null) {
    throw new RefusedError("REQUEST_INVALID", "a request that an issuance waits for comes with an offer", "issuance");
  }
  const policy = await reader.policy(policyOf(asked));
  checkStanding(terms, policy);
  return { link, signed, terms, verifier, policy };
}
