// Queries of the composite form: which credentials are accepted, what is shown, how long they live
// (disclosure/composite/query.py). MalformedError REQUEST_INVALID, NAME_INVALID.

import type { Epoch } from "../accumulator/list.js";
import { hex } from "../bbs/octets.js";
import { Day } from "../disclosure/attributes.js";
import type { Decoded } from "../disclosure/canonical.js";
import { MalformedError } from "../disclosure/errors.js";
import { checkAttributeId, IssuerKeyName, SchemaName } from "../disclosure/names.js";
import { list, octets, orNull, small, text, texts, whole } from "../disclosure/reading.js";
import { digestOf } from "./predicates.js";

const MAX_ISSUERS = 16;
const MAX_SCHEMAS = 8;
const ACCUMULATOR_OCTETS = 96;
const MAX_EPOCH_NUMBER = 1n << 63n;
const MAX_EPOCH_AGE = 366n * 86_400n;

/** Not revoked at an epoch of an accumulator that is not older than this one, nor older than `maxAge` seconds. */
export class OldestEpoch {
  readonly accumulator: Uint8Array;
  readonly number: bigint;
  readonly maxAge: bigint | null;

  constructor(fields: readonly Decoded[]) {
    const refuse = () => invalidRequest("the octets hold no rule of revocation", "revocation");
    const [accumulator, number, maxAge] = fields;
    this.accumulator = octets(accumulator, refuse);
    this.number = whole(number, refuse);
    this.maxAge = orNull(maxAge, refuse, whole);
    if (this.accumulator.length !== ACCUMULATOR_OCTETS) {
      throw invalidRequest(`an accumulator's key has ${ACCUMULATOR_OCTETS} octets`, "accumulator");
    }
    if (this.number < 0n || this.number >= MAX_EPOCH_NUMBER) {
      throw invalidRequest("an epoch has a number from 0", "number");
    }
    if (this.maxAge !== null && (this.maxAge <= 0n || this.maxAge > MAX_EPOCH_AGE)) {
      throw invalidRequest(`an epoch is at most 1 to ${MAX_EPOCH_AGE} seconds old`, "max_age");
    }
  }

  /** Whether an epoch of the accumulator is neither before the number nor too old at a moment in seconds. */
  admits(epoch: Epoch, now: number): boolean {
    const old = this.maxAge !== null && now - Number(epoch.time) > Number(this.maxAge);
    return epoch.number >= this.number && !old;
  }
}

/** A key whose credentials are accepted, its rule of revocation (null: waived), and its table of digits. */
export interface AcceptedIssuer {
  readonly key: IssuerKeyName;
  readonly revocation: OldestEpoch | null;
  readonly digits: Uint8Array | null;
}

/** Hidden and proven to be this day or a later one, or shown. */
export type Expiry = { readonly kind: "valid-on"; readonly day: Day } | { readonly kind: "shown" };

export interface CompositeQuery {
  readonly id: string;
  readonly schemas: readonly SchemaName[];
  readonly issuers: readonly AcceptedIssuer[];
  readonly expiry: Expiry;
  readonly shown: readonly string[];
}

/** The error of a request that is none. */
export function invalidRequest(detail: string, field: string): MalformedError {
  return new MalformedError("REQUEST_INVALID", detail, field);
}

/** Decode a query. */
export function queryOf(item: Decoded): CompositeQuery {
  const refuse = () => invalidRequest("the octets hold no query", "queries");
  const [identifier, schemas, issuers, expiry, shown] = list(item, refuse, 5);
  const query: CompositeQuery = {
    id: checkAttributeId(text(identifier, refuse), "id"),
    schemas: texts(schemas, refuse).map((each) => SchemaName.parse(each)),
    issuers: list(issuers, refuse).map(issuerOf),
    expiry: expiryOf(expiry),
    shown: texts(shown, refuse).map((each) => checkAttributeId(each, "shown")),
  };
  checkQuery(query);
  return query;
}

function checkQuery({ schemas, issuers, shown }: CompositeQuery): void {
  if (new Set(shown).size !== shown.length) throw invalidRequest("an attribute is asked for twice", "shown");
  const names = new Set(schemas.map((each) => each.text));
  if (schemas.length < 1 || schemas.length > MAX_SCHEMAS || names.size !== schemas.length) {
    throw invalidRequest(`a query accepts 1 to ${MAX_SCHEMAS} schemas, each once`, "schemas");
  }
  if (issuers.length < 1 || issuers.length > MAX_ISSUERS) {
    throw invalidRequest(`a query accepts 1 to ${MAX_ISSUERS} issuers`, "issuers");
  }
  const keys = new Set(issuers.map((each) => `${each.key.text} ${each.revocation ? hex(each.revocation.accumulator) : ""}`));
  if (keys.size !== issuers.length) throw invalidRequest("a key stands twice with one accumulator", "issuers");
  const departments = new Set(schemas.map((each) => each.department));
  const signing = new Set(issuers.map((each) => each.key.department));
  if (departments.size !== signing.size || ![...departments].every((each) => signing.has(each))) {
    throw invalidRequest("the schemas and the keys are of the same departments", "issuers");
  }
}

function issuerOf(item: Decoded): AcceptedIssuer {
  const refuse = () => invalidRequest("the octets hold no issuer", "issuers");
  const [key, revocation, digits] = list(item, refuse, 3);
  return {
    key: IssuerKeyName.parse(text(key, refuse)),
    revocation: revocation === "revocation-waived" ? null : new OldestEpoch(list(revocation, refuse, 3)),
    digits: digits === null ? null : digestOf(digits, "digits", refuse),
  };
}

function expiryOf(item: Decoded | undefined): Expiry {
  const refuse = () => invalidRequest("the octets hold no rule of expiry", "expiry");
  const [kind, ...rest] = list(item, refuse);
  if (kind === "shown" && rest.length === 0) return { kind };
  if (kind !== "valid-on") throw refuse();
  return { kind, day: new Day(small(list(rest, refuse, 1)[0], refuse)) };
}
