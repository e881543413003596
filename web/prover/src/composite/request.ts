// Requests of the composite form: branches of which the holder answers one, signed by the verifier
// (disclosure/composite/request.py). MalformedError REQUEST_INVALID and those of the parts.

import { equal, hex } from "../bbs/octets.js";
import { LocalizedText } from "../disclosure/attributes.js";
import { type Decoded, decode, digest, encode } from "../disclosure/canonical.js";
import { MalformedError } from "../disclosure/errors.js";
import { checkAttributeId, PolicyName, verifierName } from "../disclosure/names.js";
import { list, octets, small, text } from "../disclosure/reading.js";
import {
  checkFrame, checkLife, checkPolicyOwner, checkSigned, type FindKey, MAX_QUERIES, type SignedRequest,
} from "../disclosure/request_frame.js";
import {
  checkCountedOnce, type CommitmentQuery, commitmentOf, type EscrowQuery, escrowOf, foreignOf, type ForeignNumber,
  pseudonymOf, type PseudonymQuery,
} from "./outputs.js";
import { digestOf, type Predicate, predicateOf } from "./predicates.js";
import { type CompositeQuery, invalidRequest, queryOf } from "./query.js";
import { IssuanceTerms } from "./terms.js";

export const LABEL = "zk-disclosure/composite-request/v1";
/** How the octets of every request of this form begin: the head of an array of nine, and the label. */
const BEGINNING = encode(LABEL, ...new Array<null>(8).fill(null)).slice(0, -8);
const MAX_BRANCHES = 8;
const MAX_PREDICATES = 64;
const MAX_OUTPUTS = 8;

/** One complete answer: credentials that all belong to one holder, and what is proven of them. */
export interface Branch {
  readonly id: string;
  readonly queries: readonly CompositeQuery[];
  readonly predicates: readonly Predicate[];
  readonly pseudonyms: readonly PseudonymQuery[];
  readonly escrows: readonly EscrowQuery[];
  /** The table for sums: the verifier's own or an authority's, never one of the issuers'. */
  readonly digits: Uint8Array | null;
  readonly commitments: readonly CommitmentQuery[];
  readonly foreign: readonly ForeignNumber[];
}

/** A verifier's question in the composite form; times are seconds since 1970-01-01 UTC. */
export class CompositeRequest {
  readonly digest: Uint8Array;

  private constructor(
    readonly verifier: string, readonly policy: PolicyName | null, readonly purpose: LocalizedText,
    readonly created: number, readonly expires: number, readonly branches: readonly Branch[],
    readonly issuance: IssuanceTerms | null, readonly canonical: Uint8Array,
  ) {
    this.digest = digest(LABEL, canonical);
  }

  /** Decode canonical bytes. */
  static fromBytes(canonical: Uint8Array): CompositeRequest {
    const refuse = () => invalidRequest("the octets are no request of the composite form", "");
    const fields = list(decode(LABEL, canonical), refuse, 8);
    const verifier = verifierName(text(fields[0], refuse));
    const policy = fields[1] === null ? null : PolicyName.parse(text(fields[1], refuse), "policy");
    const purpose = LocalizedText.of(fields[2], refuse);
    const [created, expires] = [small(fields[3], refuse), small(fields[4], refuse)];
    const branches = list(fields[6], refuse).map(branchOf);
    const issuance = fields[7] === null ? null : IssuanceTerms.fromBytes(octets(fields[7], refuse));
    checkPolicyOwner(policy, verifier);
    checkIds(branches, "branches", MAX_BRANCHES, 1);
    checkFrame(created, expires, octets(fields[5], refuse));
    if (issuance?.base) {
      throw invalidRequest("a base credential is issued to an identified person, on no presentation", "issuance");
    }
    return new CompositeRequest(verifier, policy, purpose, created, expires, branches, issuance, canonical.slice());
  }

  /**
   * The request whose signature holds under its verifier's registered key; so do those of its joint scopes.
   * MalformedError (payload), RefusedError REQUEST_SIGNATURE_INVALID, and what `findKey` throws.
   */
  static open(signed: SignedRequest, findKey: FindKey): CompositeRequest {
    const request = CompositeRequest.fromBytes(signed.payload);
    checkSigned(signed, request.verifier, findKey);
    for (const { pseudonyms } of request.branches) {
      for (const { scope } of pseudonyms) if (scope.kind === "joint") scope.check(findKey);
    }
    return request;
  }

  /** A branch and its place; MalformedError PRESENTATION_INVALID if there is none. */
  branch(identifier: string): [number, Branch] {
    const place = this.branches.findIndex((each) => each.id === identifier);
    if (place < 0) throw new MalformedError("PRESENTATION_INVALID", "the request has no such branch", "branch");
    return [place, this.branches[place] as Branch];
  }

  /** Throw RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within its life. */
  checkTime(now: number): void {
    checkLife(this.created, this.expires, now);
  }
}

function branchOf(item: Decoded): Branch {
  const refuse = () => invalidRequest("the octets hold no branch", "branches");
  const fields = list(item, refuse, 9);
  if (fields[1] !== "same-holder") throw refuse();
  const predicates = list(fields[3], refuse);
  const branch: Branch = {
    id: checkAttributeId(text(fields[0], refuse), "id"),
    queries: list(fields[2], refuse).map(queryOf),
    predicates: predicates.map(predicateOf),
    pseudonyms: list(fields[4], refuse).map(pseudonymOf),
    escrows: list(fields[5], refuse).map(escrowOf),
    digits: fields[6] === null ? null : digestOf(fields[6], "digits", refuse),
    commitments: list(fields[7], refuse).map(commitmentOf),
    foreign: list(fields[8], refuse).map(foreignOf),
  };
  checkIds(branch.queries, "queries", MAX_QUERIES, 1);
  checkIds(branch.pseudonyms, "pseudonyms", MAX_OUTPUTS);
  checkIds(branch.escrows, "escrows", MAX_OUTPUTS);
  checkIds(branch.commitments, "commitments", MAX_OUTPUTS);
  checkIds(branch.foreign, "foreign", MAX_OUTPUTS);
  checkCountedOnce(branch.foreign);
  const written = new Set(predicates.map((each) => hex(encode("", each))));
  if (predicates.length > MAX_PREDICATES || written.size !== predicates.length) {
    throw invalidRequest(`a branch has at most ${MAX_PREDICATES} predicates, each once`, "predicates");
  }
  return branch;
}

function checkIds(all: readonly { readonly id: string }[], field: string, most: number, least = 0): void {
  if (all.length < least || all.length > most) throw invalidRequest(`there are ${least} to ${most}`, field);
  if (new Set(all.map((each) => each.id)).size !== all.length) throw invalidRequest("two have one identifier", field);
}

/** Whether a signed request's octets are of this form: its label selects it. */
export function isComposite(payload: Uint8Array): boolean {
  return equal(payload.subarray(0, BEGINNING.length), BEGINNING);
}
