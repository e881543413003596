/** The plain form: credentials, requests and presentations, octet for octet those of the Python packages. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { commit } from "../src/bbs/blind.js";
import { hex } from "../src/bbs/octets.js";
import { commitWithNym } from "../src/bbs/pseudonym.js";
import { resolve } from "../src/bbs/suite.js";
import { IssuerKey } from "../src/disclosure/key.js";
import { Schema } from "../src/disclosure/schema.js";
import { checkLifetime } from "../src/disclosure/lifetime.js";
import { PlainCredential, checkCredential } from "../src/plain/credential.js";
import { messagesOf } from "../src/plain/messages.js";
import { planPlain, presentPlain, type HeldPlain } from "../src/plain/present.js";
import { PlainRequest, openPlainRequest } from "../src/plain/request.js";
import { flipped, octets, ours, reasonOf, stream } from "./support.js";

const vectors = ours("plain.json");
const schemas: Schema[] = vectors.schemas.map((each: string) => Schema.fromBytes(octets(each)));
const keys: IssuerKey[] = vectors.keys.map((each: string) => IssuerKey.fromRecord(octets(each)));
const held: HeldPlain[] = vectors.credentials.map((each: any) => ({
  credential: PlainCredential.fromBytes(octets(each.octets), schemas[each.schema]!),
  schema: schemas[each.schema]!,
  issuerKey: keys[each.key]!,
}));
const retired = (key: IssuerKey) => new IssuerKey(key.name, key.suite, key.publicKey, "retired");

test("credentials are read, kept and signed over the same octets", () => {
  for (const [at, each] of vectors.credentials.entries()) {
    const { credential, schema } = held[at]!;
    assert.equal(hex(credential.toBytes(schema)), each.octets);
    assert.equal(credential.expiry.number, each.expiry);
    assert.deepEqual(messagesOf(schema, credential.expiry, credential.values).map(hex), each.messages);
  }
});

test("changed credentials and requests are refused for the same reason", () => {
  let compared = 0;
  for (const each of vectors.credentials) {
    const read = (changed: Uint8Array) => PlainCredential.fromBytes(changed, schemas[each.schema]!);
    for (const [change, reason, expected] of flipped(octets(each.octets), each.flips, read)) {
      assert.equal(reason, expected, change);
      compared += 1;
    }
  }
  for (const each of vectors.requests) {
    for (const [change, reason, expected] of flipped(octets(each.payload), each.flips, PlainRequest.fromBytes)) {
      assert.equal(reason, expected, change);
      compared += 1;
    }
  }
  assert.ok(compared > 500);
});

test("a holder keeps what its department signed, and nothing else", () => {
  for (const { credential, schema, issuerKey } of held) {
    assert.equal(checkCredential(credential, schema, issuerKey), credential);
  }
  const [first, remarked, other] = [held[0]!, held[1]!, held[2]!];
  const changed = octets(vectors.credentials[0].octets);
  changed[changed.length - 1]! ^= 1;
  const forged = PlainCredential.fromBytes(changed, first.schema);
  const check = (credential: PlainCredential, schema: Schema, key: IssuerKey) => () =>
    checkCredential(credential, schema, key);
  assert.equal(reasonOf(check(forged, first.schema, first.issuerKey)), "SIGNATURE_INVALID");
  assert.equal(reasonOf(check(first.credential, first.schema, other.issuerKey)), "ISSUER_KEY_UNKNOWN");
  assert.equal(reasonOf(check(remarked.credential, other.schema, other.issuerKey)), "SCHEMA_UNKNOWN");
  const day = 86_400;
  const issued = (first.credential.expiry.number - first.schema.validityDays) * day;
  assert.equal(reasonOf(() => checkLifetime(first.credential, first.schema, issued)), "");
  assert.equal(reasonOf(() => checkLifetime(first.credential, first.schema, issued - 3 * day)), "EXPIRY_INVALID");
  assert.equal(reasonOf(() => checkLifetime(first.credential, first.schema, issued + 99 * day)), "EXPIRY_INVALID");
});

test("requests are opened if their verifier signed them", () => {
  for (const each of vectors.requests) {
    const signed = { payload: octets(each.payload), signature: octets(each.signature) };
    const asked: string[] = [];
    const find = (verifier: string) => (asked.push(verifier), octets(each.key));
    const request = openPlainRequest(signed, find);
    assert.equal(hex(request.digest), each.digest);
    assert.deepEqual([asked, request.created], [[each.verifier], each.created]);
    const false_ = { ...signed, signature: signed.signature.map((octet, at) => (at === 9 ? octet ^ 1 : octet)) };
    assert.equal(reasonOf(() => openPlainRequest(false_, find)), "REQUEST_SIGNATURE_INVALID");
    assert.equal(reasonOf(() => openPlainRequest(signed, () => new Uint8Array(32))), "REQUEST_SIGNATURE_INVALID");
    assert.equal(reasonOf(() => openPlainRequest({ ...signed, signature: new Uint8Array(3) }, find)), "REQUEST_INVALID");
    assert.equal(reasonOf(() => request.checkTime(request.expires)), "REQUEST_EXPIRED");
    assert.equal(reasonOf(() => request.checkTime(request.created - 121)), "REQUEST_NOT_YET_VALID");
  }
});

test("presentations are the same octets for the same randomness", () => {
  for (const each of vectors.presentations) {
    const request = PlainRequest.fromBytes(octets(each.request));
    const answers = each.answers.map((at: number) => held[at]!);
    const beside = { usageTag: octets(each.usageTag), noteHash: octets(each.noteHash) };
    const made = presentPlain(request, answers, beside, each.now, stream(octets(each.seed)));
    assert.equal(hex(made), each.presentation, each.name);
    assert.notEqual(hex(presentPlain(request, answers, beside, each.now)), each.presentation);
  }
});

test("a plan finds what fits, and says why nothing does", () => {
  const each = vectors.presentations[0];
  const request = PlainRequest.fromBytes(octets(each.request));
  const lacks = (of: readonly HeldPlain[], now = each.now) => planPlain(request, of, now).map((option) => option.lack);
  assert.deepEqual(planPlain(request, held, each.now).map(({ fitting }) => fitting.length), [2, 1]);
  assert.deepEqual(lacks(held), [null, null]);
  assert.deepEqual(lacks(held.slice(0, 2)), [null, "none-held"]);
  assert.deepEqual(lacks(held.map((one) => ({ ...one, issuerKey: retired(one.issuerKey) }))), ["key-retired", "key-retired"]);
  assert.equal(reasonOf(() => lacks(held, each.now + 86_400)), "REQUEST_EXPIRED");
});

test("an answer that is none is refused before anything is proven", () => {
  const each = vectors.presentations[0];
  const request = PlainRequest.fromBytes(octets(each.request));
  const beside = { usageTag: octets(each.usageTag), noteHash: octets(each.noteHash) };
  const never = () => assert.fail("a proof was begun");
  const present = (answers: HeldPlain[], other: Partial<typeof beside> = {}, now = each.now) =>
    reasonOf(() => presentPlain(request, answers, { ...beside, ...other }, now, never));
  const [permit, insurance] = [held[0]!, held[3]!];
  assert.equal(present([permit]), "QUERY_MISMATCH");
  assert.equal(present([insurance, permit]), "QUERY_MISMATCH");
  assert.equal(present([{ ...permit, issuerKey: held[2]!.issuerKey }, insurance]), "ISSUER_KEY_UNKNOWN");
  assert.equal(present([{ ...permit, issuerKey: retired(permit.issuerKey) }, insurance]), "ISSUER_KEY_RETIRED");
  assert.equal(present([permit, insurance], { usageTag: new Uint8Array(47) }), "PRESENTATION_INVALID");
  assert.equal(present([permit, insurance], { noteHash: new Uint8Array(33) }), "PRESENTATION_INVALID");
  assert.equal(present([permit, insurance], {}, request.expires), "REQUEST_EXPIRED");
});

test("commitments that are bound to an issuance are the same octets", () => {
  for (const each of vectors.commitments) {
    const key = keys[each.key]!;
    const suite = resolve(key.suite);
    const binding = each.nonce === null
      ? undefined : { pk: key.publicKey, nonce: octets(each.nonce), context: octets(each.context) };
    const messages = each.messages.map(octets);
    const [plain] = commit(messages, suite, binding, stream(octets(each.seed)));
    const [named] = commitWithNym(messages, each.nyms.map(BigInt), suite, binding, stream(octets(each.seed)));
    assert.deepEqual([hex(plain), hex(named)], [each.commitment, each.commitmentWithNym]);
  }
});

test("a credential shows nothing of itself", () => {
  const { credential } = held[1]!;
  for (const text of [String(credential), JSON.stringify(credential), inspect(credential, { depth: 9 }), inspect(held)]) {
    assert.doesNotMatch(text, /王小明|遷入|812300/);
  }
});
