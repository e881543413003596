/** The composite form: answers, octet for octet those of the Python packages. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { AccumulatorKey, MembershipWitness } from "../src/accumulator/list.js";
import { hex } from "../src/bbs/octets.js";
import { SHA_256 } from "../src/bbs/suite.js";
import { checkRequest } from "../src/composite/compiler.js";
import { type Asked, presentComposite } from "../src/composite/present.js";
import { CompositeRequest } from "../src/composite/request.js";
import { City } from "./city.js";
import { octets, ours, reasonOf, stream } from "./support.js";

const vectors = ours("composite.json");
const city = new City(vectors);

for (const answer of vectors.answers) {
  test(`the answer to ${answer.name} is that of the Python packages`, () => {
    const asked = { ...city.asked(answer), random: stream(octets(answer.seed)) };
    checkRequest(asked.request, city.directory);
    const presented = presentComposite(asked);
    assert.equal(hex(presented.presentation.canonical), answer.presentation);
    assert.equal(hex(presented.presentation.digest), answer.digest);
    assert.equal(presented.pending === null ? null : presented.pending.blind.toString(16).padStart(64, "0"), answer.blind);
    const kept = [...presented.kept].map(([name, each]) => [name, hex(each.toOctetsSecret())]);
    assert.deepEqual(Object.fromEntries(kept), answer.kept);
    presented.checkOwnProof();
  });
}

const named = (name: string) => vectors.answers.find((each: any) => each.name === name);
const refused = (name: string, changes: Partial<Asked>) =>
  reasonOf(() => presentComposite({ ...city.asked(named(name)), ...changes }));

test("a request is answered while it lives, to whom the vault trusts, and with what is its own", () => {
  const { created, expires } = city.asked(named("school")).request;
  assert.equal(refused("school", { now: expires - 1 }), "");
  assert.equal(refused("school", { now: expires }), "REQUEST_EXPIRED");
  assert.equal(refused("school", { now: created - 121 }), "REQUEST_NOT_YET_VALID");
  assert.equal(refused("school", { usageTag: new Uint8Array(47) }), "PRESENTATION_INVALID");
  assert.equal(refused("school", { noteHash: new Uint8Array(33) }), "PRESENTATION_INVALID");
  assert.equal(refused("school", { branch: "another" }), "PRESENTATION_INVALID");
  assert.equal(refused("shake", { secret: city.secret("bob") }), "UNSATISFIED");
  assert.equal(refused("everything", { trustedRegulators: [] }), "REGULATOR_UNKNOWN");
  assert.equal(refused("second of two", { openings: new Map() }), "UNSATISFIED");
});

test("credentials that do not answer are told before anything is proven", () => {
  const held = (changes: Record<string, string>) => {
    const { holdings } = city.asked(named("everything"));
    return new Map([...holdings, ...Object.entries(changes).map(([query, name]) => [query, city.holding(name)] as const)]);
  };
  assert.equal(refused("everything", { holdings: held({ old: "permit" }) }), "UNSATISFIED");
  assert.equal(refused("everything", { holdings: held({ insurance: "his insurance" }) }), "UNSATISFIED");
  assert.equal(refused("everything", { holdings: held({ insurance: "insurance of shake" }) }), "UNSATISFIED");
  const key = new AccumulatorKey(SHA_256, octets(vectors.list.key));
  const old = MembershipWitness.fromOctets(octets(vectors.list.witness), key);
  for (const [witness, reason] of [[old, "EPOCH_STALE"], [null, "UNSATISFIED"]] as const) {
    const holdings = held({});
    holdings.set("permit", { ...city.holding("permit"), witness });
    assert.equal(refused("everything", { holdings }), reason);
  }
});

test("a request is its verifier's, and a joint scope that of all its members", () => {
  const { request: payload, signature } = named("everything");
  const signed = { payload: octets(payload), signature: octets(signature) };
  const key = (name: string) => city.directory.verifierKey(name);
  assert.equal(hex(CompositeRequest.open(signed, key).canonical), payload);
  const opened = (changes: object, find = key) => reasonOf(() => CompositeRequest.open({ ...signed, ...changes }, find));
  for (const place of [0, 31, 32, 63]) {
    const changed = octets(signature);
    changed[place]! ^= 1;
    assert.equal(opened({ signature: changed }), "REQUEST_SIGNATURE_INVALID");
  }
  assert.equal(opened({ signature: new Uint8Array(64) }), "REQUEST_SIGNATURE_INVALID");
  assert.equal(opened({ payload: octets(named("school").request) }), "REQUEST_SIGNATURE_INVALID");
  const other = key("verifiers/bank-1");
  for (const member of ["verifiers/school-3", "verifiers/school-4"]) {
    assert.equal(opened({}, (name) => (name === member ? other : key(name))), "REQUEST_SIGNATURE_INVALID");
  }
});
