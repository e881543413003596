/** Hashing, generators, messages and the strictness of decoding, against the published vectors. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { DecodingError, InputError } from "../src/bbs/errors.js";
import { createGenerators } from "../src/bbs/generators.js";
import {
  BP1,
  BP2,
  IDENTITY,
  g1FromOctets,
  g1FromOctetsUncompressed,
  g2FromOctets,
  invert,
  modR,
  msm,
  pairingProductIsOne,
  pointsToOctets,
  pointsToOctetsUncompressed,
  prepare,
  r,
} from "../src/bbs/group.js";
import { concat, equal, fromInteger, hex, integerToOctets, toInteger, utf8 } from "../src/bbs/octets.js";
import { calculateRandomScalars, checkIndexes, draw, messagesToScalars } from "../src/bbs/scalars.js";
import { octetsToScalars, octetsToSignature, scalarsToOctets, signatureToOctets } from "../src/bbs/serialization.js";
import { verify } from "../src/bbs/signature.js";
import { SHA_256, SHAKE_256, resolve } from "../src/bbs/suite.js";
import { SUITES, absent, integer, octets, seeded, vector, vectors } from "./support.js";

const refuses = (reason: string) => (error: unknown) =>
  (error instanceof DecodingError || error instanceof InputError) && error.reason === reason;

for (const [folder, suite] of SUITES) {
  test(`${folder}: hashing, generators, messages, seeded scalars`, { skip: absent("bbs") }, () => {
    const h2s = vector("bbs", folder, "h2s.json");
    assert.equal(suite.hashToScalar(octets(h2s.message), octets(h2s.dst)), integer(h2s.scalar));
    const generators = vector("bbs", folder, "generators.json");
    const ours = createGenerators(generators.MsgGenerators.length + 1, suite.apiId, suite);
    assert.equal(hex(pointsToOctets(suite.P1)), generators.P1);
    assert.deepEqual(
      ours.points.map((point) => hex(pointsToOctets(point))),
      [generators.Q1, ...generators.MsgGenerators],
    );
    const mapped = vector("bbs", folder, "MapMessageToScalarAsHash.json");
    assert.deepEqual(
      messagesToScalars(mapped.cases.map((each: any) => octets(each.message)), suite.apiId, suite),
      mapped.cases.map((each: any) => integer(each.scalar)),
    );
    const mocked = vector("bbs", folder, "mockedRng.json");
    const drawn = seeded(octets(mocked.seed), octets(mocked.dst), suite)(mocked.count);
    assert.deepEqual(drawn, mocked.mockedScalars.map(integer));
  });

  test(`${folder}: signatures hold or do not, as stated`, { skip: absent("bbs") }, () => {
    let valid = 0;
    for (const [name, each] of vectors("bbs", folder, "signature")) {
      const parts = [each.signerKeyPair.publicKey, each.signature, each.header].map(octets);
      const checking = () => verify(parts[0]!, parts[1]!, parts[2]!, each.messages.map(octets), suite);
      if (each.result.valid) {
        assert.doesNotThrow(checking, name);
        assert.equal(hex(signatureToOctets(octetsToSignature(parts[1]!))), each.signature);
        valid += 1;
      } else {
        assert.throws(checking, { name: "VerificationError", reason: "SIGNATURE_INVALID" }, name);
      }
    }
    assert.ok(valid >= 2);
  });
}

test("points have one encoding, and everything else is refused", () => {
  const point = msm([BP1], [987654321n]);
  const encoded = pointsToOctets(point);
  assert.ok(g1FromOctets(encoded).equals(point));
  assert.ok(g1FromOctets(pointsToOctets(point.negate())).equals(point.negate()));
  const long = pointsToOctetsUncompressed(point);
  assert.ok(g1FromOctetsUncompressed(long).equals(point));
  const changed = (at: number, value: number, of: Uint8Array = encoded) => {
    const copy = of.slice();
    copy[at]! ^= value;
    return copy;
  };
  const identity = pointsToOctets(IDENTITY);
  assert.ok(g1FromOctets(identity, true).is0());
  assert.throws(() => g1FromOctets(identity), refuses("IDENTITY_POINT"));
  assert.throws(() => g1FromOctets(changed(47, 1, identity), true), refuses("INVALID_POINT"));
  assert.throws(() => g1FromOctets(changed(0, 0x20, identity), true), refuses("INVALID_POINT"));
  assert.throws(() => g1FromOctets(encoded.subarray(1)), refuses("INVALID_LENGTH"));
  assert.throws(() => g1FromOctets(changed(0, 0x80)), refuses("INVALID_POINT"));
  const high = concat(Uint8Array.of(0x9f), new Uint8Array(47).fill(0xff));
  assert.throws(() => g1FromOctets(high), refuses("INVALID_POINT"));
  let [none, outside] = [0, 0];
  for (let x = 0n; x < 40n; x++) {
    const candidate = fromInteger(x, 48);
    candidate[0]! |= 0x80;
    try {
      g1FromOctets(candidate);
    } catch (error) {
      if (refuses("INVALID_POINT")(error)) none += 1;
      if (refuses("NOT_IN_SUBGROUP")(error)) outside += 1;
    }
  }
  assert.ok(none > 5 && outside > 5);
  const longIdentity = pointsToOctetsUncompressed(IDENTITY);
  assert.ok(g1FromOctetsUncompressed(longIdentity, true).is0());
  assert.throws(() => g1FromOctetsUncompressed(longIdentity), refuses("IDENTITY_POINT"));
  assert.throws(() => g1FromOctetsUncompressed(changed(95, 1, longIdentity), true), refuses("INVALID_POINT"));
  assert.throws(() => g1FromOctetsUncompressed(changed(95, 1, long)), refuses("INVALID_POINT"));
  assert.throws(() => g1FromOctetsUncompressed(changed(0, 0x20, long)), refuses("INVALID_POINT"));
  assert.throws(() => g1FromOctetsUncompressed(changed(0, 0x80, long)), refuses("INVALID_POINT"));
  assert.throws(() => g1FromOctetsUncompressed(encoded), refuses("INVALID_LENGTH"));
});

test("keys are points of G2 in the subgroup, and nothing else", () => {
  const key = Uint8Array.from(BP2.toBytes());
  assert.ok(g2FromOctets(key).equals(BP2));
  assert.throws(() => g2FromOctets(key.subarray(1)), refuses("INVALID_LENGTH"));
  const identity = new Uint8Array(96);
  identity[0] = 0xc0;
  assert.throws(() => g2FromOctets(identity), refuses("IDENTITY_POINT"));
  const reasons = new Set<string>();
  for (let x = 1n; x < 30n; x++) {
    const candidate = fromInteger(x, 96);
    candidate[0]! |= 0x80;
    try {
      g2FromOctets(candidate);
    } catch (error) {
      assert.ok(error instanceof DecodingError);
      reasons.add(error.reason);
    }
  }
  assert.deepEqual([...reasons].sort(), ["INVALID_POINT", "NOT_IN_SUBGROUP"]);
});

test("sums of multiples are the same with tables, without and in buckets", () => {
  const scalars = calculateRandomScalars(300).map((scalar, at) => (at % 10 === 3 ? 0n : at % 10 === 4 ? 1n : scalar));
  const points = scalars.map((_, at) => msm([BP1], [BigInt(at + 2)]));
  const expected = msm([BP1], [scalars.reduce((sum, scalar, at) => sum + scalar * BigInt(at + 2), 0n)]);
  assert.ok(msm(points, scalars).equals(expected));
  const first = msm(points.slice(0, 9), scalars.slice(0, 9));
  points.slice(0, 5).forEach(prepare);
  for (let use = 0; use < 20; use++) assert.ok(msm(points.slice(0, 9), scalars.slice(0, 9)).equals(first));
  assert.ok(msm(points, scalars).equals(expected));
  assert.ok(msm(points.slice(0, 20), scalars.slice(0, 20).map((scalar) => scalar - r)).equals(
    msm(points.slice(0, 20), scalars.slice(0, 20)),
  ));
  const edges = [1n, 2n, r - 1n, 1n << 128n, 0xac45a4010001a40200000000ffffffffn, 0xac45a4010001a40200000000fffffffen];
  for (const edge of edges) {
    assert.equal(hex(pointsToOctets(msm([points[3]!], [edge]))), hex(pointsToOctets(msm([BP1], [5n * edge]))));
    assert.ok(msm([points[3]!, points[4]!], [edge, -edge]).equals(msm([BP1], [-edge])));
    assert.ok(msm([points[3]!], [edge]).equals(points[3]!.multiplyUnsafe(edge)));
  }
  assert.ok(msm([], []).is0());
  assert.throws(() => msm([BP1], []), refuses("COUNT_MISMATCH"));
  assert.ok(pairingProductIsOne([[BP1, BP2], [BP1.negate(), BP2]]));
  assert.ok(!pairingProductIsOne([[BP1, BP2]]));
  assert.ok(pairingProductIsOne([[IDENTITY, BP2]]));
});

test("scalars are decoded exactly, drawn in their range, and inverted", () => {
  const scalars = calculateRandomScalars(2000);
  assert.equal(new Set(scalars).size, 2000);
  assert.ok(scalars.every((scalar) => scalar > 0n && scalar < r));
  assert.deepEqual(octetsToScalars(scalarsToOctets(...scalars)), scalars);
  assert.throws(() => octetsToScalars(new Uint8Array(32)), refuses("INVALID_SCALAR"));
  assert.throws(() => octetsToScalars(fromInteger(r, 32)), refuses("INVALID_SCALAR"));
  assert.throws(() => octetsToScalars(new Uint8Array(33)), refuses("INVALID_LENGTH"));
  assert.throws(() => draw(() => [1n], 2), refuses("INVALID_RANDOMNESS"));
  assert.throws(() => draw(() => [0n], 1), refuses("INVALID_RANDOMNESS"));
  assert.throws(() => draw(() => [r], 1), refuses("INVALID_RANDOMNESS"));
  assert.equal(modR(invert(scalars[0]!) * scalars[0]!), 1n);
  assert.throws(() => invert(r), refuses("DEGENERATE"));
  assert.throws(() => checkIndexes([1, 1], 3), refuses("INVALID_INDEXES"));
  assert.throws(() => checkIndexes([3], 3), refuses("INVALID_INDEXES"));
  assert.throws(() => checkIndexes([0.5], 3), refuses("INVALID_INDEXES"));
});

test("octets and suites", () => {
  assert.equal(toInteger(fromInteger(258n, 4)), 258n);
  assert.deepEqual([...integerToOctets(258)], [0, 0, 0, 0, 0, 0, 1, 2]);
  assert.throws(() => fromInteger(256n, 1), refuses("SCALAR_OUT_OF_RANGE"));
  assert.throws(() => fromInteger(-1n, 1), refuses("SCALAR_OUT_OF_RANGE"));
  assert.ok(equal(utf8("ab"), utf8("ab")) && !equal(utf8("ab"), utf8("ac")) && !equal(utf8("ab"), utf8("a")));
  assert.equal(resolve(String(SHA_256)), SHA_256);
  assert.equal(resolve(`${SHAKE_256}H2G_HM2S_`), SHAKE_256);
  assert.throws(() => resolve("other"), refuses("UNKNOWN_CIPHERSUITE"));
  assert.throws(() => SHA_256.hashToScalar(utf8(""), new Uint8Array(256)), refuses("INVALID_DST"));
  assert.throws(() => SHA_256.hashToG1(utf8(""), new Uint8Array(0)), refuses("INVALID_DST"));
  assert.throws(() => SHA_256.expandMessage(utf8(""), utf8("x"), 8161), refuses("INPUT_TOO_LONG"));
  assert.throws(() => createGenerators(4098, SHA_256.apiId, SHA_256), refuses("TOO_MANY_MESSAGES"));
});
