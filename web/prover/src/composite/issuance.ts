// Being issued a credential without showing the holder's secret (disclosure/composite/issuance.py): the holder's side.

import type { MembershipWitness } from "../accumulator/list.js";
import { BbsError } from "../bbs/errors.js";
import { toInteger } from "../bbs/octets.js";
import { resolve } from "../bbs/suite.js";
import { Builder } from "../engine/builder.js";
import { prove, Values as Secrets } from "../engine/prover.js";
import type { RandomScalars } from "../engine/suite.js";
import { Day, type Values } from "../disclosure/attributes.js";
import { decode, encode } from "../disclosure/canonical.js";
import { MalformedError, RefusedError } from "../disclosure/errors.js";
import type { IssuerKey } from "../disclosure/key.js";
import { checkLifetime } from "../disclosure/lifetime.js";
import { list, octets as octetsOf, small } from "../disclosure/reading.js";
import type { Schema } from "../disclosure/schema.js";
import { Pseudonym } from "../gadgets/pseudonym.js";
import {
  checkCredential, checkScalar, CompositeCredential, type HolderSecret, requireComposite,
} from "./credential.js";
import type { PublishedAccumulator } from "./directory.js";
import { HolderCommitment } from "./parts.js";
import type { IssuanceTerms } from "./terms.js";

const ISSUED_LABEL = "zk-disclosure/issued-credential/v1";
const SCOPE_LABEL = "zk-disclosure/issuance-scope/v1";

/** What a holder keeps while a department issues: the terms and the blind. MalformedError MALFORMED. */
export class PendingCredential {
  readonly #blind: bigint;

  constructor(readonly terms: IssuanceTerms, blind: bigint) {
    this.#blind = checkScalar(blind, "the blind", "blind");
  }

  get blind(): bigint {
    return this.#blind;
  }
}

/** What a department sends: everything of the credential that the holder does not know yet. */
export interface IssuedCredential {
  readonly expiry: Day;
  readonly values: Values;
  readonly handle: bigint;
  readonly signature: Uint8Array;
}

/** Decode what a department sends, under a schema; MalformedError. */
export function readIssued(octets: Uint8Array, schema: Schema): IssuedCredential {
  const refuse = () => new MalformedError("MALFORMED", "the octets are no issued credential of this schema");
  const [name, expiry, pairs, handle, signature] = list(decode(ISSUED_LABEL, octets), refuse, 5);
  if (name !== schema.name.text) throw refuse();
  const values = schema.valuesOf(list(pairs, refuse));
  const [number, signed] = [octetsOf(handle, refuse), octetsOf(signature, refuse)];
  const issued = { expiry: new Day(small(expiry, refuse)), values, handle: toInteger(number), signature: signed };
  checkScalar(issued.handle, "the handle", "handle");
  const same = encode(ISSUED_LABEL, schema.name.text, issued.expiry.number, schema.valueItems(values), number, signed);
  if (number.length !== 32 || signed.length !== 80 || same.length !== octets.length) throw refuse();
  if (!same.every((each, at) => each === octets[at])) throw refuse();
  return issued;
}

/**
 * What goes to the issuer of a base credential, and what the holder keeps. RefusedError FORM_NOT_SUPPORTED,
 * SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN (not those of the terms), COMMITMENT_INVALID (the terms are for a presentation).
 */
export function askForCredential(
  terms: IssuanceTerms, secret: HolderSecret, schema: Schema, key: IssuerKey, random?: RandomScalars,
): { readonly commitment: Uint8Array; readonly pending: PendingCredential } {
  checkTerms(terms, schema, key);
  if (!terms.base) {
    const detail = "the commitment is part of a presentation, and nothing by itself";
    throw new RefusedError("COMMITMENT_INVALID", detail, "base");
  }
  const builder = new Builder(resolve(key.suite));
  const commitment = HolderCommitment.addTo(builder.scope("commitment"));
  const scope = encode(SCOPE_LABEL, `departments/${terms.schema.department}`);
  const pseudonym = Pseudonym.addTo(builder.scope("pseudonym"), commitment.k, scope, "pseudonym-issuance");
  const statement = builder.build();
  const values = new Secrets(statement, random);
  const blind = commitment.assign(values, secret.scalar);
  pseudonym.assign(values, secret.scalar);
  const context = [["terms", terms.canonical], ["schema", schema.header], ["issuer-key", key.publicKey]] as const;
  return { commitment: prove(statement, context, values), pending: new PendingCredential(terms, blind) };
}

/**
 * The holder's credential, to be stored with its witness once this has returned: its values fit, its signature holds,
 * its last day is one that the schema allows (`now` is in seconds), and where the department publishes an accumulator
 * there is a true witness for a published epoch of it. MalformedError (values), RefusedError SIGNATURE_INVALID,
 * EPOCH_UNKNOWN, EXPIRY_INVALID, SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN, FORM_NOT_SUPPORTED.
 */
export function acceptCredential(
  pending: PendingCredential, issued: IssuedCredential, secret: HolderSecret, schema: Schema, key: IssuerKey,
  accumulator: PublishedAccumulator | null, witness: MembershipWitness | null, now: number,
): CompositeCredential {
  checkTerms(pending.terms, schema, key);
  const credential = new CompositeCredential({
    schema: schema.name, issuerKey: key.name, expiry: issued.expiry, values: issued.values, handle: issued.handle,
    blind: pending.blind, signature: issued.signature,
  });
  credential.toBytes(schema);
  checkWitness(witness, credential, accumulator);
  return checkLifetime(checkCredential(credential, secret, schema, key), schema, now);
}

function checkWitness(
  witness: MembershipWitness | null, credential: CompositeCredential, accumulator: PublishedAccumulator | null,
): void {
  if (accumulator === null && witness === null) return;
  if (accumulator === null || accumulator.owner !== `departments/${credential.issuerKey.department}`) {
    throw noWitness("the accumulator is not the department's own");
  }
  if (witness === null) throw noWitness("there is no witness, and the department revokes");
  // Of a value of one holder's own the witness would be true as well.
  if (![...accumulator.epochs.values()].some((each) => witness.at.isSame(each.position))) {
    throw new RefusedError("EPOCH_UNKNOWN", "the witness is for no epoch that is published", "witness");
  }
  if (!isTrue(witness, credential.handle)) throw noWitness("the witness does not hold");
}

function isTrue(witness: MembershipWitness, handle: bigint): boolean {
  try {
    return witness.verified().y === handle;
  } catch (error) {
    if (error instanceof BbsError) return false;
    throw error;
  }
}

function noWitness(detail: string): RefusedError {
  return new RefusedError("SIGNATURE_INVALID", detail, "witness");
}

function checkTerms(terms: IssuanceTerms, schema: Schema, key: IssuerKey): void {
  requireComposite(schema);
  if (terms.schema.text !== schema.name.text) {
    throw new RefusedError("SCHEMA_UNKNOWN", "the terms are for another schema", "schema");
  }
  if (terms.issuerKey.text !== key.name.text) {
    throw new RefusedError("ISSUER_KEY_UNKNOWN", "the terms are for another key", "issuer_key");
  }
}
