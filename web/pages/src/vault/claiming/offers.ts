// What an offer is for, and what its department wants to be shown first (prover/client/claims.py, prover/composite/offers.py).
// Nobody signs a department's request: the vault answers only one that names the department itself and the very terms of the
// offer, and that asks for no more than an issuance needs.

import { requireComposite } from "../../../../prover/src/composite/credential.js";
import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { IssuanceTerms } from "../../../../prover/src/composite/terms.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import type { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import { SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { Offer } from "../../../gen/zkproto/v1/issuance_pb.js";
import { VaultError } from "../fault.js";
import type { Opened } from "../parts.js";

/** An offer with what it is read by. */
export interface Offered {
  /** "departments/...". */
  readonly department: string;
  readonly departmentName: LocalizedText;
  readonly schema: Schema;
  /** The composite form's. */
  readonly composite: CompositeOffered | null;
}

export interface CompositeOffered {
  readonly terms: IssuanceTerms;
  readonly issuerKey: IssuerKey;
  readonly revokes: boolean;
  /** What the department is to be shown; null where it has identified the person itself. */
  readonly request: CompositeRequest | null;
}

/** Read an offer with what is published; MalformedError, RefusedError, VaultError OFFER_REQUEST_INVALID, what the reader throws. */
export async function offeredOf({ reader }: Opened, { schema, terms: octets, request }: Offer): Promise<Offered> {
  const name = SchemaName.parse(schema, "schema");
  const department = `departments/${name.department}`;
  const read = { department, departmentName: await reader.departmentName(department), schema: await reader.schema(name) };
  if (octets.length === 0) return { ...read, composite: null };
  const terms = IssuanceTerms.fromBytes(octets);
  if (terms.schema.text !== name.text) throw new MalformedError("MALFORMED", "the terms are not those of the offer", "terms");
  requireComposite(read.schema);
  const issuerKey = await reader.issuerKey(terms.issuerKey);
  const revokes = (await reader.lists(department)).length > 0;
  const asked = terms.base ? null : requestOf(request, terms);
  return { ...read, composite: { terms, issuerKey, revokes, request: asked } };
}

function requestOf(octets: Uint8Array, terms: IssuanceTerms): CompositeRequest {
  const request = readRequest(octets);
  if (request.verifier !== `verifiers/${terms.schema.department}`) throw invalid("it is not of the department that issues");
  if (!sameTerms(request.issuance, terms)) throw invalid("it is for other terms than the offer's");
  const [branch] = request.branches;
  if (request.branches.length !== 1 || branch?.queries.length !== 1) throw invalid("it asks for more than one credential");
  const more = [branch.predicates, branch.pseudonyms, branch.escrows, branch.commitments, branch.foreign];
  if (more.some((each) => each.length > 0)) throw invalid("it asks for more than an issuance needs");
  return request;
}

function readRequest(octets: Uint8Array): CompositeRequest {
  try {
    return CompositeRequest.fromBytes(octets);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw invalid("it cannot be read");
  }
}

function sameTerms(one: IssuanceTerms | null, { canonical }: IssuanceTerms): boolean {
  return one !== null && one.canonical.length === canonical.length
    && one.canonical.every((each, at) => each === canonical[at]);
}

const invalid = (detail: string): VaultError =>
  new VaultError("OFFER_REQUEST_INVALID", `the department's request is refused: ${detail}`);
