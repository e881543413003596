// What a department may ask before it issues: one credential of the same holder, and nothing else
// (prover/composite/offers.py, prover/client/claims.py).
//
// Nobody signs a department's request. So the vault answers only one that names the department itself and the very terms of
// the offer, and that asks for no more than an issuance needs: no predicate, which could search for a hidden value, no
// pseudonym, no escrow and no commitment. Whatever it wants shown, the person is asked.

import type { MessageInitShape } from "@bufbuild/protobuf";

import { equal } from "../../../../prover/src/bbs/octets.js";
import type { PendingCredential } from "../../../../prover/src/composite/issuance.js";
import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import type { IssuanceTerms } from "../../../../prover/src/composite/terms.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { DisclosureError } from "../../../../prover/src/disclosure/errors.js";
import type { CompositePresentationSchema } from "../../../gen/zkproto/v1/presentation_pb.js";
import { VaultError } from "../fault.js";
import type { WayView } from "../model.js";
import type { Opened } from "../parts.js";
import { type Departments, factsBy, planned, presentForIssuance, ready } from "./answer.js";
import type { ClaimUse } from "./claim_uses.js";
import { newId } from "./events.js";
import type { Holdings } from "./holdings.js";
import type { CompositePlan } from "./plan.js";
import { compositeMessage, presentedOf } from "./presented.js";
import { compositeWays } from "./views.js";

/** Decode the request that an offer's terms come with; VaultError OFFER_REQUEST_INVALID. */
export function offerRequestOf(octets: Uint8Array, terms: IssuanceTerms): CompositeRequest {
  const request = readable(octets);
  if (request.verifier !== `verifiers/${terms.schema.department}`) {
    throw invalid("it is not of the department that issues");
  }
  if (request.issuance === null || !equal(request.issuance.canonical, terms.canonical)) {
    throw invalid("it is for other terms than the offer's");
  }
  const [branch, ...others] = request.branches;
  if (branch === undefined || others.length > 0 || branch.queries.length !== 1) {
    throw invalid("it asks for more than one credential");
  }
  const { predicates, pseudonyms, escrows, commitments, foreign } = branch;
  if ([predicates, pseudonyms, escrows, commitments, foreign].some((each) => each.length > 0)) {
    throw invalid("it asks for more than an issuance needs");
  }
  return request;
}

function readable(octets: Uint8Array): CompositeRequest {
  try {
    return CompositeRequest.fromBytes(octets);
  } catch (error) {
    if (error instanceof DisclosureError) throw invalid("it cannot be read");
    throw error;
  }
}

/** How an offer's request would be answered, of what was not `tried` before if there is any; errors as `planned`. */
export async function plannedForOffer(
  opened: Opened, holdings: Holdings, request: CompositeRequest, tried: readonly string[] = [],
): Promise<CompositePlan> {
  let plan = await planned(opened, holdings, request, { states: undefined });
  for (const [query, fitting] of plan.chosen.fitting) {
    const left = fitting.find((each) => !tried.includes(each.id));
    if (left !== undefined) plan = plan.choose(query, left.id);
  }
  return plan;
}

/** What a department is shown by it, or what is missing; `departments` are names for people by their own. */
export function offerWay(
  plan: CompositePlan, departmentName: LocalizedText, departments: ReadonlyMap<string, LocalizedText>,
): WayView {
  return compositeWays(plan, departmentName, [], departments)[0] as WayView;
}

/** What goes out with a claim, and what the vault keeps until it is answered. */
export interface OfferAnswer {
  readonly message: MessageInitShape<typeof CompositePresentationSchema>;
  readonly pending: PendingCredential;
  /** What is remembered of it, to be stored with the claim. */
  readonly use: ClaimUse;
}

/**
 * Answer an offer's request, once the person has agreed; errors as `ready` and `presentForIssuance`. Nothing is stored.
 * `verifierName` is the department's name for people, `departments` are the names of all that it is told by.
 */
export async function answerOffer(
  opened: Opened, holdings: Holdings, plan: CompositePlan, verifierName: LocalizedText, departments: Departments,
): Promise<OfferAnswer> {
  const caught = await ready(opened, holdings, plan);
  const { presentation, pending } = await presentForIssuance(opened, caught);
  if (pending === null) throw invalid("nothing is issued by it");
  const { request, schemas } = caught;
  const presented = presentedOf(presentation.canonical, true, schemas);
  const use: ClaimUse = {
    id: newId(), time: Math.floor(opened.now() * 1000), verifierName, request, canonical: presentation.canonical, presented,
    schemas, facts: factsBy(caught, presentation, [], departments),
  };
  return { message: compositeMessage(presented, schemas), pending, use };
}

function invalid(detail: string): VaultError {
  return new VaultError("OFFER_REQUEST_INVALID", `the department's request is refused: ${detail}`);
}
