/** Being issued a credential, keeping it, and keeping its witness up to date. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { AccumulatorKey, Epoch, MembershipWitness } from "../src/accumulator/list.js";
import { CatchingUp, catchUp, Page } from "../src/accumulator/pages.js";
import { fromInteger, hex } from "../src/bbs/octets.js";
import { SHA_256 } from "../src/bbs/suite.js";
import { checkCredential, CompositeCredential } from "../src/composite/credential.js";
import { acceptCredential, askForCredential, readIssued } from "../src/composite/issuance.js";
import { IssuanceTerms } from "../src/composite/terms.js";
import { encode } from "../src/disclosure/canonical.js";
import { City } from "./city.js";
import { octets, ours, reasonOf, stream } from "./support.js";

const vectors = ours("composite.json");
const city = new City(vectors, true);
const alice = city.secret("alice");

test("a base credential is asked for as by the Python packages", () => {
  const terms = IssuanceTerms.fromBytes(octets(vectors.base.terms));
  const schema = city.schema(terms.schema.text);
  const key = city.directory.issuerKey(terms.issuerKey);
  const asked = askForCredential(terms, alice, schema, key, stream(octets(vectors.base.seed)));
  assert.equal(hex(asked.commitment), vectors.base.commitment);
  assert.equal(hex(fromInteger(asked.pending.blind, 32)), vectors.base.blind);
  const other = city.schema("departments/hrss/schemas/social_insurance@1");
  assert.equal(reasonOf(() => askForCredential(terms, alice, other, key)), "SCHEMA_UNKNOWN");
});

test("what a department sends is kept if it is true, and in no other case", () => {
  const { issued, accumulator, witness } = vectors.base;
  const terms = IssuanceTerms.fromBytes(octets(vectors.base.terms));
  const schema = city.schema(terms.schema.text);
  const key = city.directory.issuerKey(terms.issuerKey);
  const { pending } = askForCredential(terms, alice, schema, key, stream(octets(vectors.base.seed)));
  const list = city.directory.accumulator(octets(accumulator), "");
  const mine = MembershipWitness.fromOctets(octets(witness), list.key);
  const sent = readIssued(octets(issued), schema);
  const day = 86_400;
  const now = (sent.expiry.number - schema.validityDays) * day;
  const kept = acceptCredential(pending, sent, alice, schema, key, list, mine, now);
  assert.equal(hex(CompositeCredential.fromBytes(kept.toBytes(schema), schema).toBytes(schema)), hex(kept.toBytes(schema)));
  const accept = (...args: Parameters<typeof acceptCredential>) => reasonOf(() => acceptCredential(...args));
  assert.equal(accept(pending, sent, city.secret("bob"), schema, key, list, mine, now), "SIGNATURE_INVALID");
  assert.equal(accept(pending, { ...sent, handle: sent.handle + 1n }, alice, schema, key, null, null, now), "SIGNATURE_INVALID");
  const richer = { ...sent.values, months: 83n };
  assert.equal(accept(pending, { ...sent, values: richer }, alice, schema, key, null, null, now), "SIGNATURE_INVALID");
  assert.equal(accept(pending, sent, alice, schema, key, list, null, now), "SIGNATURE_INVALID");
  assert.equal(accept(pending, sent, alice, schema, key, null, mine, now), "SIGNATURE_INVALID");
  const others = new MembershipWitness(mine.y + 1n, mine.C, mine.at);
  assert.equal(accept(pending, sent, alice, schema, key, list, others, now), "SIGNATURE_INVALID");
  const at = (later: number) => accept(pending, sent, alice, schema, key, list, mine, now + later * day);
  // From the day before it was issued, as the clocks of two days may differ, to its last day.
  for (const later of [-1, 0, 1, schema.validityDays]) assert.equal(at(later), "", `day ${later}`);
  for (const later of [-2, schema.validityDays + 1]) assert.equal(at(later), "EXPIRY_INVALID", `day ${later}`);
  for (let place = 0; place < octets(issued).length; place += 5) {
    const changed = octets(issued);
    changed[place]! ^= 1;
    const outcome = reasonOf(() => acceptCredential(pending, readIssued(changed, schema), alice, schema, key, list, mine, now));
    assert.notEqual(outcome, "", `octet ${place}`);
  }
});

test("credentials and witnesses are stored as by the Python packages", () => {
  for (const [name, stored] of Object.entries(vectors.credentials) as [string, any][]) {
    const { credential, witness } = city.holding(name);
    const schema = city.schema(stored.schema);
    assert.equal(hex(credential.toBytes(schema)), stored.octets);
    assert.equal(witness && hex(witness.toOctetsSecret()), stored.witness);
    checkCredential(credential, city.secret(stored.holder), schema, city.directory.issuerKey(credential.issuerKey));
    witness?.verified();
  }
});

test("a witness follows the list to the epoch, and pages that lie lead nowhere", () => {
  const key = new AccumulatorKey(SHA_256, octets(vectors.list.key));
  const start = MembershipWitness.fromOctets(octets(vectors.list.witness), key);
  const epoch = Epoch.fromOctets(octets(vectors.list.epoch), key);
  const pages = vectors.list.pages.map((each: string) => Page.fromOctets(octets(each), key)) as [Page, Page];
  assert.equal(hex(catchUp(start, epoch, pages).toOctetsSecret()), vectors.list.caughtUp);
  assert.equal(start.at.isSame(key.start), true);
  const partial = CatchingUp.begin(start, epoch).after(pages[0]).partial!;
  assert.equal(hex(catchUp(partial, epoch, [pages[1]]).toOctetsSecret()), vectors.list.caughtUp);
  assert.equal(reasonOf(() => catchUp(start, epoch, [pages[0]])), "EPOCH_MISMATCH");
  assert.equal(reasonOf(() => catchUp(start, epoch, [pages[1]])), "PAGE_INVALID");
  const revoked = new MembershipWitness(5n, start.C, start.at);
  assert.equal(reasonOf(() => catchUp(revoked, epoch, pages)), "REVOKED");
  const another = new MembershipWitness(start.y + 1n, start.C, start.at);
  assert.equal(reasonOf(() => catchUp(another, epoch, pages)), "WITNESS_INVALID");
  const swapped = octets(vectors.list.pages[0]);
  const pair = swapped.slice(-256, -128);
  swapped.set(swapped.slice(-128), swapped.length - 256);
  swapped.set(pair, swapped.length - 128);
  const lie = Page.fromOctets(swapped, key);
  assert.equal(reasonOf(() => catchUp(start, epoch, [lie, pages[1]])), "PAGE_INVALID");
});

test("nothing of a holder's is in what is printed", () => {
  const { credential, prepared, witness } = city.holding("permit");
  const secrets = [credential.handle, alice.scalar, prepared.e, prepared.messages[3]!].map((each) => each.toString());
  const shown = [alice, credential, prepared, witness].flatMap((each) =>
    [inspect(each, { depth: 9, showHidden: true }), String(each), JSON.stringify({ ...each }, plain)]).join("\n");
  for (const each of [...secrets, "王小明", "370102199001011234"]) assert.ok(!shown.includes(each));
  assert.throws(() => encode("label", "\ud800"), /MALFORMED/);
});

/** How JSON would write what it cannot by itself. */
function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value instanceof Map ? [...value] : value;
}
