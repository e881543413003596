/** Registered policies: read as Python reads them, and refused for the same reasons at the same places. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BbsError } from "../src/bbs/errors.js";
import { hex } from "../src/bbs/octets.js";
import { LocalizedText } from "../src/disclosure/attributes.js";
import { decode, encode } from "../src/disclosure/canonical.js";
import { DisclosureError } from "../src/disclosure/errors.js";
import { PolicyName } from "../src/disclosure/names.js";
import { ascending } from "../src/disclosure/order.js";
import { AllowedItem, AllowedScope, receiptState, RegisteredPolicy, StandingLimits } from "../src/disclosure/policy.js";
import { policyFromMessage, type PolicyMessage } from "../src/disclosure/policy_message.js";
import { flipped, octets, ours, reasonOf } from "./support.js";

const vectors = ours("policies.json");
const policies: [string, any][] = Object.entries(vectors.policies);

/** Reason and place of what is refused, both "" if nothing is. */
function refusalOf(act: () => unknown): [string, string] {
  try {
    act();
  } catch (error) {
    if (error instanceof DisclosureError) return [error.reason, error.field];
    throw error;
  }
  return ["", ""];
}

test("a policy is read as it is written, and its entry is that of the ledger", () => {
  assert.equal(policies.length, 3);
  for (const [, each] of policies) {
    const policy = RegisteredPolicy.fromBytes(octets(each.octets));
    assert.equal(policy.name.text, each.name);
    assert.equal(hex(policy.canonical), each.octets);
    assert.equal(hex(policy.entry()), each.entry);
    assert.equal(hex(new RegisteredPolicy(policy).canonical), each.octets);
  }
});

test("a changed record is another policy, or refused for the same reason", () => {
  let compared = 0;
  for (const [, each] of policies) {
    const of = octets(each.octets);
    const read = (changed: Uint8Array) => assert.equal(hex(RegisteredPolicy.fromBytes(changed).canonical), hex(changed));
    for (const [change, reason, expected] of flipped(of, each.flips, read)) {
      assert.equal(reason, expected, change);
      compared += 1;
    }
  }
  assert.ok(compared > 500);
});

test("a record of which a part is another one is refused for the same reason at the same place", () => {
  const reasons = new Set<string>();
  for (const { name, octets: digits, reason, field } of vectors.records) {
    assert.deepEqual(refusalOf(() => RegisteredPolicy.fromBytes(octets(digits))), [reason, field], name);
    reasons.add(reason);
  }
  assert.deepEqual([...reasons].sort(), ["", "MALFORMED", "NAME_INVALID", "POLICY_INVALID", "VALUE_INVALID"]);
});

test("what a caller makes a policy of is checked as what is read", () => {
  const text = new LocalizedText("别", "x");
  const fields = {
    name: PolicyName.parse("verifiers/school-3/policies/any@1"), purpose: "purposes/enrolment", purposeText: text,
    legalBasis: text, retentionDays: 30, items: [new AllowedItem("hrss", "insurance", ["name"])],
  };
  const made = (changes: object) => refusalOf(() => new RegisteredPolicy({ ...fields, ...changes }));
  assert.deepEqual(made({}), ["", ""]);
  assert.deepEqual(made({ retentionDays: 1.5 }), ["POLICY_INVALID", "retention_days"]);
  assert.deepEqual(made({ items: [] }), ["POLICY_INVALID", "items"]);
  assert.deepEqual(made({ scopes: [new AllowedScope("b"), new AllowedScope("a")] }), ["POLICY_INVALID", "scopes"]);
  assert.deepEqual(made({ lists: [new Uint8Array(31)] }), ["POLICY_INVALID", "lists"]);
  assert.deepEqual(refusalOf(() => receiptState("cosigned")), ["POLICY_INVALID", "receipt"]);
  assert.equal(hex(new RegisteredPolicy({ ...fields, receipt: null }).canonical), hex(new RegisteredPolicy(fields).canonical));
  const ordered = new RegisteredPolicy({ ...fields, receipt: "ordered" });
  assert.equal(RegisteredPolicy.fromBytes(ordered.canonical).receipt, "ordered");
  assert.deepEqual(refusalOf(() => new StandingLimits(1, 1, Number.NaN)), ["POLICY_INVALID", "days"]);
  const wide = Array.from({ length: 128 }, (_, at) => `a${"x".repeat(58)}${1000 + at}`);
  const many = (count: number) => Array.from({ length: count }, (_, at) => new AllowedItem("hrss", `i${10 + at}`, wide));
  assert.deepEqual(made({ items: many(8) }), ["POLICY_INVALID", "items"], "too large");
  const large = new RegisteredPolicy({ ...fields, items: [...many(7), new AllowedItem("hrss", "x", wide.slice(0, 64))] });
  assert.throws(() => large.entry(), (error) => error instanceof BbsError && error.reason === "INVALID_LENGTH");
  assert.equal(hex(RegisteredPolicy.fromBytes(large.canonical).canonical), hex(large.canonical));
});

/** A message of the vectors as Protobuf-ES would have it. */
function messageOf(written: any): PolicyMessage {
  const escrows = written.escrows.map((each: any) => ({ ...each, regulator: octets(each.regulator) }));
  return { ...written, escrows, lists: written.lists.map(octets) };
}

test("a policy is put together of a message in any order, or refused at the same path", () => {
  const messages = ours("policy_messages.json");
  let [good, bad] = [0, 0];
  for (const { name, message, octets: digits, reason, field } of messages) {
    const before = JSON.stringify(message);
    const given = messageOf(message);
    let made = "";
    assert.deepEqual(refusalOf(() => (made = hex(policyFromMessage(given).canonical))), [reason, field], name);
    assert.equal(made, digits, name);
    assert.equal(JSON.stringify(message), before, "what is given stays as it is");
    reason === "" ? (good += 1) : (bad += 1);
  }
  assert.ok(good >= 5 && bad >= 30, `${good} and ${bad}`);
  assert.equal(messages[3].octets, messages[1].octets, "the other way round it is the same policy");
});

test("the policy of most parts is read as it is written", () => {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const names = letters.flatMap((first) => letters.map((second) => first + second)).slice(0, 256);
  const items = names.slice(0, 64).map((each) => new AllowedItem("hrss", each, names.slice(0, 128), names.slice(128)));
  const widest = new RegisteredPolicy({ ...RegisteredPolicy.fromBytes(octets(policies[0]![1].octets)), items });
  assert.equal(hex(RegisteredPolicy.fromBytes(widest.canonical).canonical), hex(widest.canonical));
});

test("records of more items than may be are not read", () => {
  const written = (count: number) => encode("x", Array<null>(count).fill(null));
  assert.equal(decode("x", written(16_382)).length, 1);
  assert.equal(reasonOf(() => decode("x", written(16_383))), "MALFORMED");
});

test("what stands in order does so as in Python", () => {
  assert.ok(ascending(["a", "a-b", "a/x", "ab"]) && ascending([["a"], ["a", []], ["a", ["x"]], ["a-b"]]));
  assert.ok(ascending([octets("00"), octets("0000"), octets("01")]) && ascending([]));
  assert.ok(!ascending(["a", "a"]) && !ascending([[], []]) && !ascending([octets("01"), octets("00ff")]));
});
