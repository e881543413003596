/**
 * Answering a request of the plain form: what fits, and the proofs (prover/present.py, disclosure/presentation.py).
 *
 * Both are functions of values: nothing is stored and nothing is sent. Each challenge covers the request's digest,
 * everything that the presentation shows, and the issuers' keys, so no part of one presentation fits into another.
 */

import { proofGen } from "../bbs/proof.js";
import { calculateRandomScalars, type RandomScalars } from "../bbs/scalars.js";
import { resolve } from "../bbs/suite.js";
import { toItem } from "../disclosure/attributes.js";
import { MAX_OCTETS, encode, type Item } from "../disclosure/canonical.js";
import { MalformedError, RefusedError } from "../disclosure/errors.js";
import { civilDay, type IssuerKey } from "../disclosure/key.js";
import { DIGEST_OCTETS, USAGE_TAG_OCTETS } from "../disclosure/request_frame.js";
import { valueOf, type Schema } from "../disclosure/schema.js";
import { requirePlain, type PlainCredential } from "./credential.js";
import { EXPIRY_INDEX, messagesOf } from "./messages.js";
import type { PlainQuery, PlainRequest } from "./request.js";

const LABEL = "zk-disclosure/presentation/v1";
const HEADER_LABEL = "zk-disclosure/presentation-header/v1";

/** A credential with what it is read by. */
export interface HeldPlain {
  readonly credential: PlainCredential;
  readonly schema: Schema;
  readonly issuerKey: IssuerKey;
}

/** Why nothing that is held fits a query. */
export type PlainLack = "none-held" | "expired" | "key-retired";

/** What fits one query, in the order given; `lack` says why there is nothing. */
export interface PlainOption {
  readonly query: PlainQuery;
  readonly fitting: readonly HeldPlain[];
  readonly lack: PlainLack | null;
}

/**
 * Look for what answers a request: of the schema, valid today, its issuer's key not retired. `now` is in seconds.
 *
 * Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, FORM_NOT_SUPPORTED; MalformedError ATTRIBUTE_UNKNOWN.
 */
export function planPlain(request: PlainRequest, held: readonly HeldPlain[], now: number): readonly PlainOption[] {
  request.checkTime(now);
  return request.queries.map((query) => {
    const named = held.filter((each) => each.schema.name.text === query.schema.text);
    for (const { schema } of named) checkQuery(query, schema);
    const valid = named.filter((each) => each.credential.expiry.number >= civilDay(now));
    const fitting = valid.filter((each) => each.issuerKey.state !== "retired");
    if (fitting.length > 0) return { query, fitting, lack: null };
    return { query, fitting, lack: valid.length > 0 ? "key-retired" : named.length > 0 ? "expired" : "none-held" };
  });
}

/** What stands beside the proofs: 48 octets that only the vault knows again, and the digest of its note. */
export interface Beside {
  readonly usageTag: Uint8Array;
  readonly noteHash: Uint8Array;
}

/**
 * Answer a request with one credential for each query, in its order; ask the person first.
 *
 * Returns the presentation's canonical bytes. The signatures are not verified here: `checkCredential` did when the
 * credentials came. `now` is in seconds. Raises RefusedError QUERY_MISMATCH, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID,
 * FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN, ISSUER_KEY_RETIRED, CREDENTIAL_EXPIRED; MalformedError ATTRIBUTE_UNKNOWN,
 * PRESENTATION_INVALID (too large; a tag or a digest of another length); DecodingError (a signature that is none).
 */
export function presentPlain(
  request: PlainRequest,
  answers: readonly HeldPlain[],
  beside: Beside,
  now: number,
  rng: RandomScalars = calculateRandomScalars,
): Uint8Array {
  request.checkTime(now);
  checkSize("usage_tag", beside.usageTag, USAGE_TAG_OCTETS);
  checkSize("note_hash", beside.noteHash, DIGEST_OCTETS);
  if (answers.length !== request.queries.length) throw mismatch("one answer for each query", "credentials");
  const shown = request.queries.map((query, at) => {
    const held = answers[at]!;
    checkAnswer(query, held, now, `credentials[${at}]`);
    return shownItems(query, held);
  });
  const common: Item[] = [
    request.digest,
    beside.usageTag,
    beside.noteHash,
    shown.map((items, at) => [...items, answers[at]!.schema.digest, answers[at]!.issuerKey.publicKey]),
  ];
  const parts = request.queries.map((query, at) => {
    const header = encode(HEADER_LABEL, at, ...common);
    return [shown[at]!, prove(query, answers[at]!, header, rng)];
  });
  const octets = encode(LABEL, request.digest, beside.usageTag, beside.noteHash, parts);
  if (octets.length > MAX_OCTETS) {
    throw new MalformedError("PRESENTATION_INVALID", "what is asked for is too much for one answer");
  }
  return octets;
}

function checkQuery(query: PlainQuery, schema: Schema): void {
  requirePlain(schema);
  for (const attribute of query.shown) schema.attribute(attribute);
}

function checkAnswer(query: PlainQuery, held: HeldPlain, now: number, field: string): void {
  const { credential, schema, issuerKey } = held;
  if (schema.name.text !== query.schema.text || credential.schema.text !== query.schema.text) {
    throw mismatch("the query and its schema", field);
  }
  checkQuery(query, schema);
  if (credential.issuerKey.text !== issuerKey.name.text || issuerKey.name.department !== schema.name.department) {
    throw new RefusedError("ISSUER_KEY_UNKNOWN", "the credential is signed by another key", `${field}.issuer_key`);
  }
  if (issuerKey.state === "retired") {
    throw new RefusedError("ISSUER_KEY_RETIRED", "the key was retired", `${field}.issuer_key`);
  }
  if (query.expiry === "shown" && credential.expiry.number < civilDay(now)) {
    throw new RefusedError("CREDENTIAL_EXPIRED", "its last day has passed", `${field}.expiry`);
  }
}

/** Return what a query is shown of a credential: the one place where that is decided. */
function shownItems(query: PlainQuery, { credential, schema, issuerKey }: HeldPlain): Item[] {
  const values = [...query.shown].sort().map((name): Item => {
    const value = valueOf(credential.values, name);
    return [name, value !== undefined, value === undefined ? null : toItem(value)];
  });
  const expiry = query.expiry === "shown" ? credential.expiry.number : null;
  return [query.id, schema.name.text, issuerKey.name.text, expiry, values];
}

function prove(query: PlainQuery, held: HeldPlain, header: Uint8Array, rng: RandomScalars): Uint8Array {
  const { credential, schema, issuerKey } = held;
  const indexes = query.shown.map((name) => schema.place(name) + 1);
  if (query.expiry === "shown") indexes.push(EXPIRY_INDEX);
  return proofGen(
    issuerKey.publicKey,
    credential.signature,
    schema.header,
    header,
    messagesOf(schema, credential.expiry, credential.values),
    indexes.sort((first, second) => first - second),
    resolve(issuerKey.suite),
    rng,
  );
}

function checkSize(field: string, octets: Uint8Array, size: number): void {
  if (octets.length !== size) throw new MalformedError("PRESENTATION_INVALID", `it has ${size} octets`, field);
}

function mismatch(detail: string, field: string): RefusedError {
  return new RefusedError("QUERY_MISMATCH", `not what was asked: ${detail}`, field);
}
