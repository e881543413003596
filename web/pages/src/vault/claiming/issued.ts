// What the service's messages say of a credential, as the prover's types (wire/convert.py, wire/composite.py). Values are
// taken as items of the canonical encoding, so that they are read by the constructors that read every other value.

import { MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { BbsError } from "../../../../prover/src/bbs/errors.js";
import { toInteger } from "../../../../prover/src/bbs/octets.js";
import type { IssuedCredential } from "../../../../prover/src/composite/issuance.js";
import { Day } from "../../../../prover/src/disclosure/attributes.js";
import { type Decoded, encode } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { IssuerKeyName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { PlainCredential } from "../../../../prover/src/plain/credential.js";
import type { Date as DateMessage } from "../../../gen/google/type/date_pb.js";
import type { NamedValue } from "../../../gen/zkproto/v1/attribute_pb.js";
import type { ClaimCompositeCredentialResponse, Credential } from "../../../gen/zkproto/v1/issuance_pb.js";
import type { List } from "../parts.js";

const PLAIN = "zk-disclosure/plain-credential/v1";
const HANDLE_OCTETS = 32;
const DAY_MS = 86_400_000;

/** What a department has issued, its values of the schema. MalformedError MALFORMED, VALUE_INVALID, ATTRIBUTE_UNKNOWN. */
export function issuedOf(message: ClaimCompositeCredentialResponse, schema: Schema): IssuedCredential {
  if (message.handle.length !== HANDLE_OCTETS) throw malformed(`a handle has ${HANDLE_OCTETS} octets`, "handle");
  return {
    expiry: dayOf(message.expiry, "expiry"),
    values: schema.valuesOf(message.values.flatMap(itemsOf)),
    handle: toInteger(message.handle),
    signature: message.signature,
  };
}

/** The witness that came with a credential, which nobody has verified yet. MalformedError MALFORMED. */
export function witnessOf(message: ClaimCompositeCredentialResponse, { key }: List): MembershipWitness {
  try {
    return MembershipWitness.fromOctets(message.witness, key);
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw malformed("the octets are no witness", "witness");
  }
}

/** The schema and key that a credential of the plain form names. MalformedError NAME_INVALID. */
export const namedBy = ({ schema, issuerKey }: Credential): [SchemaName, IssuerKeyName] =>
  [SchemaName.parse(schema, "schema"), IssuerKeyName.parse(issuerKey, "issuer_key")];

/** A credential of the plain form, whose signature nobody has verified yet. MalformedError. */
export function plainOf(message: Credential, schema: Schema): PlainCredential {
  const expiry = dayOf(message.expiry, "expiry");
  const given = schema.valueItems(schema.valuesOf(message.values.flatMap(itemsOf)));
  return PlainCredential.fromBytes(
    encode(PLAIN, message.schema, message.issuerKey, expiry.number, given, message.signature), schema);
}

/** Nothing for a value that is absent. */
function itemsOf({ attribute, value }: NamedValue): Decoded[] {
  const said = value?.value;
  if (said?.case === undefined) return [];
  return [[attribute, said.case === "date" ? BigInt(dayOf(said.value, "value.date").number) : said.value]];
}

function dayOf(date: DateMessage | undefined, field: string): Day {
  const { year, month, day } = date ?? { year: 0, month: 0, day: 0 };
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  const same = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
  if (year < 1 || year > 9999 || !same) throw malformed("this is no day", field);
  return new Day(Math.floor(at.getTime() / DAY_MS));
}

const malformed = (detail: string, field: string): MalformedError => new MalformedError("MALFORMED", detail, field);
