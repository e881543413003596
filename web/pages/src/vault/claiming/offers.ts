// What an offer is for, read with what is published (prover/client/claims.py).

import { requireComposite } from "../../../../prover/src/composite/credential.js";
import type { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { IssuanceTerms } from "../../../../prover/src/composite/terms.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import type { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import { SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { Offer } from "../../../gen/zkproto/v1/issuance_pb.js";
import type { Opened } from "../parts.js";
import { offerRequestOf } from "../showing/offers.js";

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
  const asked = terms.base ? null : offerRequestOf(request, terms);
  return { ...read, composite: { terms, issuerKey, revokes, request: asked } };
}
