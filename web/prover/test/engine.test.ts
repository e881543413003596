/** The engine and its gadgets: a prover that is told false values makes no proof, and a changed proof does not hold. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BP1, r } from "../src/bbs/group.js";
import { concat, fromInteger, utf8 } from "../src/bbs/octets.js";
import { SHA_256, SHAKE_256 } from "../src/bbs/suite.js";
import { readTable } from "../src/composite/directory.js";
import { Builder, type Scope } from "../src/engine/builder.js";
import { proofOctets, prove, Values } from "../src/engine/prover.js";
import { Base, type Sent, type Witness } from "../src/engine/statement.js";
import { IDENTITY } from "../src/engine/suite.js";
import { verify } from "../src/engine/verifier.js";
import { hashedBase } from "../src/gadgets/bases.js";
import { Commitment, Opened } from "../src/gadgets/commitment.js";
import { Capped, digitCount, Quantity, Range } from "../src/gadgets/ranges.js";
import { Different, NoneOf, OneOf } from "../src/gadgets/small_set.js";
import { octets, ours, reasonOf } from "./support.js";

const vectors = ours("composite.json");
const digits = readTable(octets(vectors.published.digits[0].table));
const CONTEXT = [["request", utf8("nonce")]] as const;

/** A statement about witnesses that are committed to, so that each is in an equation. */
function about(values: readonly bigint[], add: (scope: Scope, m: readonly Witness[]) => (values: Values) => void) {
  const builder = new Builder(SHA_256);
  const names = values.map((_, at) => builder.scope(`m${at}`));
  const commitments = names.map((each) => Commitment.addTo(each, each.witness("m")));
  const assign = add(builder.scope("gadget"), commitments.map((each) => each.m));
  const statement = builder.build();
  return {
    statement,
    prove: () => {
      const secrets = new Values(statement);
      commitments.forEach((each, at) => each.assign(secrets, values[at]!));
      assign(secrets);
      return prove(statement, CONTEXT, secrets);
    },
  };
}

/** Say of a number what a gadget about it makes of it: "" for a proof that holds. */
function outcome(values: readonly bigint[], add: Parameters<typeof about>[1]): string {
  return reasonOf(() => {
    const made = about(values, add);
    verify(made.statement, CONTEXT, made.prove());
  });
}

const range = (value: bigint, minimum: bigint | null, maximum: bigint | null) =>
  outcome([value], (scope, [m]) => {
    const gadget = Range.addTo(scope, Quantity.attribute(m!, 0n, 70_000n), digits, { minimum, maximum });
    return (values) => gadget.assign(values, new Map([[m!, value]]));
  });

test("ranges hold at their bounds and not beyond", () => {
  assert.equal(range(12n, 12n, null), "");
  assert.equal(range(11n, 12n, null), "UNSATISFIED");
  assert.equal(range(70_000n, 12n, 70_000n), "");
  assert.equal(range(13n, null, 12n), "UNSATISFIED");
  assert.equal(range(0n, null, 12n), "");
  assert.equal(range(1n, null, null), "INVALID_STATEMENT");
  assert.equal(range(1n, 5n, 4n), "INVALID_STATEMENT");
  assert.equal(range(1n, -1n, null), "INVALID_STATEMENT");
  assert.deepEqual([0n, 255n, 256n, 65_535n, 65_536n].map(digitCount), [1, 1, 2, 2, 3]);
});

test("few values: one of them, none of them, not another", () => {
  const oneOf = (m: bigint, of: bigint[]) => outcome([m], (scope, [name]) => {
    const gadget = OneOf.addTo(scope, name!, of);
    return (values) => gadget.assign(values, m);
  });
  const noneOf = (m: bigint, of: bigint[]) => outcome([m], (scope, [name]) => {
    const gadget = NoneOf.addTo(scope, name!, of);
    return (values) => gadget.assign(values, m);
  });
  const different = (m: bigint, other: bigint) => outcome([m, other], (scope, [one, two]) => {
    const gadget = Different.addTo(scope, one!, two!);
    return (values) => gadget.assign(values, m, other);
  });
  for (const of of [[0n, 1n], [5n, r - 1n, 0n], [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]]) {
    for (const each of of) {
      assert.equal(oneOf(each, of), "");
      assert.equal(noneOf(each, of), "UNSATISFIED");
    }
    assert.equal(oneOf(9n, of), "UNSATISFIED");
    assert.equal(noneOf(9n, of), "");
  }
  assert.equal(oneOf(1n, [1n]), "INVALID_STATEMENT");
  assert.equal(oneOf(1n, [1n, 1n]), "INVALID_STATEMENT");
  assert.equal(noneOf(1n, [r]), "INVALID_STATEMENT");
  assert.equal(different(3n, 4n), "");
  assert.equal(different(3n, 3n), "UNSATISFIED");
});

test("what counts is capped, by the cap and by what there is", () => {
  const total = (value: bigint, least: bigint) => outcome([value], (scope, [m]) => {
    const capped = Capped.addTo(scope.scope("cap"), Quantity.attribute(m!, 0n, 600n), 60n, digits);
    const sum = Quantity.total([[1n, capped.counted]]);
    const gadget = Range.addTo(scope.scope("total"), sum, digits, { minimum: least });
    return (values) => gadget.assign(values, capped.assign(values, new Map([[m!, value]])));
  });
  assert.equal(total(82n, 60n), "");
  assert.equal(total(59n, 59n), "");
  assert.equal(total(59n, 60n), "UNSATISFIED");
  assert.equal(total(82n, 61n), "INVALID_STATEMENT");
});

test("an opening opens its own commitment", () => {
  const made = about([7n], () => () => undefined);
  const K = [...verify(made.statement, CONTEXT, made.prove()).values()][0]!;
  const opened = (m: bigint, u: bigint) => outcome([1n], (scope) => {
    const gadget = Opened.addTo(scope, K);
    return (values) => gadget.assign(values, m, u);
  });
  assert.equal(opened(7n, 1n), "UNSATISFIED");
  assert.equal(outcome([1n], (scope) => (Opened.addTo(scope, concat(Uint8Array.of(0xc0), new Uint8Array(47))), () => undefined)),
    "IDENTITY_POINT");
});

test("a proof is of its statement and context, and of every one of its octets", () => {
  const made = about([12n], (scope, [m]) => {
    const gadget = Range.addTo(scope, Quantity.attribute(m!, 0n, 255n), digits, { minimum: 3n });
    return (values) => gadget.assign(values, new Map([[m!, 12n]]));
  });
  const proof = made.prove();
  assert.equal(proof.length, proofOctets(made.statement));
  verify(made.statement, CONTEXT, proof);
  const fails = (changed: Uint8Array, context: readonly (readonly [string, Uint8Array])[] = CONTEXT) =>
    assert.notEqual(reasonOf(() => verify(made.statement, context, changed)), "");
  fails(proof, [["request", utf8("another")]]);
  fails(proof, [["question", utf8("nonce")]]);
  fails(proof.subarray(1));
  fails(concat(proof, new Uint8Array(1)));
  for (let place = 0; place < proof.length; place += 7) {
    const changed = proof.slice();
    changed[place]! ^= 1;
    fails(changed);
  }
  for (let at = proof.length - 32 * made.statement.free.length; at < proof.length; at += 32) {
    const changed = proof.slice();
    changed.set(fromInteger(r, 32), at);
    assert.equal(reasonOf(() => verify(made.statement, CONTEXT, changed)), "INVALID_SCALAR");
  }
});

test("values are given once, whole, and make one proof", () => {
  const builder = new Builder(SHA_256);
  const G = hashedBase(SHA_256, "test");
  const K = builder.sent("K");
  const x = builder.witness("x");
  builder.equation("K", [[K, 1n]], [[x, G]]);
  const statement = builder.build();
  const given = (act: (values: Values) => void, random?: (count: number) => bigint[]) => reasonOf(() => {
    const values = random ? new Values(statement, random) : new Values(statement);
    act(values);
    prove(statement, CONTEXT, values);
  });
  const whole = (values: Values) => (values.set(x, 5n), values.send(K, [[G, 5n]]));
  assert.equal(given(whole), "");
  assert.equal(given((values) => values.set(x, 5n)), "UNSATISFIED");
  assert.equal(given((values) => values.send(K, [[G, 5n]])), "UNSATISFIED");
  assert.equal(given((values) => (whole(values), values.set(x, 6n))), "UNSATISFIED");
  assert.equal(given((values) => (whole(values), values.send(K, [[G, 5n]]))), "INVALID_STATEMENT");
  assert.equal(given((values) => (values.set(x, 5n), values.send(K, [[G, 6n]]))), "UNSATISFIED");
  assert.equal(given((values) => (values.set(x, 0n), values.send(K, [[G, 0n]]))), "UNSATISFIED");
  assert.equal(given((values) => (whole(values), prove(statement, CONTEXT, values))), "ALREADY_USED");
  assert.equal(given((values) => (whole(values), values.set("y" as Witness, 1n))), "INVALID_STATEMENT");
  assert.equal(given(whole, () => [0n]), "INVALID_RANDOMNESS");
  assert.equal(given(whole, () => [r]), "INVALID_RANDOMNESS");
  assert.equal(given(whole, () => []), "INVALID_RANDOMNESS");
  assert.equal(reasonOf(() => prove(builder.build(), CONTEXT, new Values(statement))), "INVALID_STATEMENT");
});

/** What is wrong with each of these statements, by what it adds to a good one. */
const WRONG: Record<string, (builder: Builder, G: Base, x: Witness, K: Sent) => void> = {
  "a witness in no equation": (builder) => builder.witness("y"),
  "a point in no equation": (builder) => builder.sent("L"),
  "a witness that is not declared": (builder, G, _, K) => builder.equation("e", [[K, 1n]], [["y" as Witness, G]]),
  "a point that is not declared": (builder, G, x) => builder.equation("e", [["L" as Sent, 1n]], [[x, G]]),
  "two equations of one name": (builder, G, x, K) => builder.equation("K", [[K, 1n]], [[x, G]]),
  "a factor of 0": (builder, G, x, K) => builder.equation("e", [[K, r]], [[x, G]]),
  "an equation without a side": (builder, _, __, K) => builder.equation("e", [[K, 1n]], []),
  "a witness twice": (builder) => builder.witness("x"),
  "a constraint on itself": (builder, _, x) => builder.constraint(x, 0n, [[x, 1n]]),
  "a constraint of nothing": (builder, _, x) => builder.constraint(x, 1n, []),
  "a constraint of a factor 0": (builder, _, x) => builder.constraint(x, 0n, [[x, r]]),
  "a scope twice": (builder) => (builder.scope("s"), builder.scope("s")),
  "a name with a slash": (builder) => builder.scope("a/b"),
  "a check of an unknown point": (builder, _, __, K) => builder.signature("L" as Sent, K, digits.key),
  "a base of another suite": (builder, _, x, K) =>
    builder.equation("e", [[K, 1n]], [[x, new Base(SHAKE_256, BP1)]]),
};

for (const [name, wrong] of Object.entries(WRONG)) {
  test(`no statement has ${name}`, () => {
    const builder = new Builder(SHA_256);
    const G = hashedBase(SHA_256, "test");
    const [K, x] = [builder.sent("K"), builder.witness("x")];
    builder.equation("K", [[K, 1n]], [[x, G]]);
    assert.equal(reasonOf(() => (wrong(builder, G, x, K), builder.build())), "INVALID_STATEMENT");
  });
}

test("no base is the identity, and no key is anything", () => {
  assert.equal(reasonOf(() => new Base(SHA_256, IDENTITY)), "INVALID_STATEMENT");
  const builder = new Builder(SHA_256);
  const [K, x] = [builder.sent("K"), builder.witness("x")];
  builder.equation("K", [[K, 1n]], [[x, hashedBase(SHA_256, "test")]]);
  builder.signature(K, K, new Uint8Array(96));
  assert.equal(reasonOf(() => builder.build()), "INVALID_POINT");
});

test("a table is true in every entry, or known", () => {
  const whole = octets(vectors.published.digits[0].table);
  const refused = (changed: Uint8Array, known?: Uint8Array) => reasonOf(() => readTable(changed, known));
  const swapped = whole.slice();
  swapped.set(whole.slice(-96), whole.length - 192);
  swapped.set(whole.slice(-192, -96), whole.length - 96);
  assert.equal(refused(swapped), "SIGNATURE_INVALID");
  assert.equal(refused(swapped, digits.digest), "SIGNATURE_INVALID");
  for (const place of [0, 20, 60, 8000, whole.length - 1]) {
    const changed = whole.slice();
    changed[place]! ^= 1;
    assert.notEqual(refused(changed), "", `octet ${place}`);
  }
  assert.equal(refused(whole.subarray(0, -1)), "MALFORMED");
  const known = readTable(whole, digits.digest);
  assert.deepEqual(known.signature(255n).octets, digits.signature(255n).octets);
  assert.equal(reasonOf(() => known.signature(256n)), "UNSATISFIED");
});
