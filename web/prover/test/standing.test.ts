/** Standing consents: templates, terms and what is refused of them are those of Python, octet for octet. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { hex } from "../src/bbs/octets.js";
import { CompositeRequest } from "../src/composite/request.js";
import { Day } from "../src/disclosure/attributes.js";
import { decode, encode, type Item } from "../src/disclosure/canonical.js";
import { DisclosureError } from "../src/disclosure/errors.js";
import { RegisteredPolicy } from "../src/disclosure/policy.js";
import { checkStanding, openTerms, StandingTerms, templateOf } from "../src/disclosure/standing.js";
import { PlainRequest } from "../src/plain/request.js";
import { flipped, octets, ours } from "./support.js";

const vectors = ours("standing.json");
const LABELS = { plain: "zk-disclosure/request/v1", composite: "zk-disclosure/composite-request/v1" } as const;
const read = { plain: PlainRequest.fromBytes, composite: CompositeRequest.fromBytes };

const asked = (name: string) => {
  const { form, octets: written } = vectors.requests[name];
  return read[form as keyof typeof read](octets(written));
};
const terms = (name: string) => StandingTerms.fromBytes(octets(vectors.terms[name].octets));

/** What an act gives, or the reason why it is refused. */
function said(act: () => string): string {
  try {
    return act();
  } catch (error) {
    if (error instanceof DisclosureError) return error.reason;
    throw error;
  }
}

test("a request's template is Python's, or is refused as Python refuses it", () => {
  const reasons = new Set<string>();
  for (const name of Object.keys(vectors.requests)) {
    const { template } = vectors.requests[name];
    assert.equal(said(() => hex(templateOf(asked(name)))), template, name);
    reasons.add(template.length < 30 ? template : "");
  }
  assert.deepEqual([...reasons].sort(), ["", "BOUND_INVALID"]);
});

test("terms are read and written octet for octet", () => {
  for (const [name, each] of Object.entries<any>(vectors.terms)) {
    const found = terms(name);
    const { times, intervalDays, created, expires } = found;
    assert.deepEqual(
      { times, intervalDays, created, expires, until: found.until.number, verifier: found.verifier, digest: hex(found.digest) },
      {
        times: each.times, intervalDays: each.intervalDays, created: each.created, expires: each.expires, until: each.until,
        verifier: each.verifier, digest: each.digest,
      },
    );
    const made = new StandingTerms({
      template: octets(each.template), nonce: octets(each.nonce), until: new Day(each.until), times, intervalDays, created, expires,
    });
    assert.equal(hex(made.canonical), each.octets, name);
  }
});

test("whatever changes one octet of terms is refused with Python's reason, or is other terms", () => {
  for (const { octets: written, flips } of Object.values<any>(vectors.terms)) {
    for (const [change, found, reason] of flipped(octets(written), flips, StandingTerms.fromBytes)) {
      assert.equal(found, reason, change);
    }
  }
});

test("items that are left out, doubled or others are refused as Python refuses them", () => {
  const reasons = new Set<string>();
  for (const [written, expected] of vectors.refused) {
    assert.equal(said(() => hex(StandingTerms.fromBytes(octets(written)).digest)), expected, written);
    reasons.add(expected.length === 64 ? "" : expected);
  }
  assert.deepEqual([...reasons].sort(), ["", "MALFORMED", "REQUEST_INVALID"]);
});

test("the same question is the same, and every other is another", () => {
  let same = 0;
  for (const [name, request, expected] of vectors.same) {
    const found = said(() => String(terms(name).isSame(asked(request))));
    assert.equal(found, expected, `${name}: ${request}`);
    if (found === "true") same += 1;
  }
  assert.ok(same > Object.keys(vectors.terms).length, "later, and by newer epochs, it is the same");
});

test("only the registered key signs terms", () => {
  for (const { payload, signature, key, said: expected } of vectors.signed) {
    const signed = { payload: octets(payload), signature: octets(signature) };
    assert.equal(said(() => hex(openTerms(signed, () => octets(key)).digest)), expected);
  }
});

test("terms are held to the limits of their policy, and each excess is named", () => {
  const seen = new Set<string>();
  for (const { terms: name, policy, refused } of vectors.standing) {
    let found: string[] = [];
    try {
      checkStanding(terms(name), RegisteredPolicy.fromBytes(octets(policy)));
    } catch (error) {
      if (!(error instanceof DisclosureError)) throw error;
      found = [error.message, ...error.violations.map((each) => `${each.field}: ${each.detail}`)];
    }
    assert.deepEqual(found, refused, name);
    for (const each of found.slice(1)) seen.add(each.split(":")[0]!);
    if (found.length === 0) seen.add("");
  }
  for (const place of ["", "template", "times", "interval_days", "until"]) assert.ok(seen.has(place), place);
});

test("a sample is the request of its moment, with a nonce of its own", () => {
  for (const { terms: name, created, lifetime, said: expected } of vectors.samples) {
    const found = terms(name);
    const nonces = new Set<string>();
    for (let turn = 0; turn < 2; turn += 1) {
      assert.equal(said(() => {
        const sample = found.sample(created, lifetime);
        const label = sample instanceof CompositeRequest ? LABELS.composite : LABELS.plain;
        const items = decode(label, sample.canonical) as Item[];
        nonces.add(hex(items[5] as Uint8Array));
        assert.ok(found.isSame(sample));
        return hex(encode(label, ...items.slice(0, 5), new Uint8Array(32), ...items.slice(6)));
      }), expected, name);
    }
    assert.ok(nonces.size === 2 || expected.length < 30);
  }
});

test("when terms can be granted, and when their last day is over", () => {
  const found = terms("plain");
  for (const { now, offered, over } of vectors.moments) {
    assert.equal(said(() => (found.checkOffered(now), "")), offered);
    assert.equal(found.isOver(now), over);
  }
});
