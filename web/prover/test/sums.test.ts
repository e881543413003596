/** Membership in the subgroup and long sums against @noble/curves, with points that lead into their special cases. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { bls12_381 } from "@noble/curves/bls12-381.js";

import { bucketSum } from "../src/bbs/buckets.js";
import { BP1, challenge, msm, p, r } from "../src/bbs/group.js";
import { calculateRandomScalars } from "../src/bbs/scalars.js";
import { inSubgroupOfG1 } from "../src/bbs/subgroup.js";

const G1 = bls12_381.G1.Point;
const Fp = bls12_381.fields.Fp;
/** The cofactor of the curve of G1: 3 * 11^2 * 10177^2 * 859267^2 * 52437899^2. */
const COFACTOR = 0x396c8c005555e1568c00aaab0000aaabn;
const PRIMES = [3n, 11n, 10177n, 859267n, 52437899n];
type Point = typeof G1.BASE;

/** Points of the curve, almost none of them in the subgroup. */
function ofTheCurve(count: number): Point[] {
  const found: Point[] = [];
  for (let x = 1n; found.length < count; x++) {
    const square = Fp.add(Fp.mul(Fp.mul(x, x), x), 4n);
    if (Fp.pow(square, (p - 1n) / 2n) === 1n) found.push(G1.fromAffine({ x, y: Fp.sqrt(square) }));
  }
  return found;
}

/** Multiply by what may be more than r, which the library does not for points outside the subgroup. */
function times(point: Point, factor: bigint): Point {
  let total = G1.ZERO;
  for (const bit of factor.toString(2)) {
    total = total.double();
    if (bit === "1") total = total.add(point);
  }
  return total;
}

function isIn(point: Point): boolean {
  const { x, y } = point.toAffine();
  return inSubgroupOfG1(x, y);
}

test("points of the subgroup are in it, and no others, of whatever order", () => {
  const points = ofTheCurve(12);
  const inside = points.map((point) => times(point, COFACTOR));
  for (const [at, point] of points.entries()) {
    assert.equal(isIn(point), times(point, r).is0());
    assert.equal(isIn(point), point.isTorsionFree());
    assert.ok(isIn(inside[at]!) && isIn(inside[at]!.negate()));
  }
  let small = 0;
  for (const prime of PRIMES) {
    for (const point of points) {
      let torsion = times(point, (r * COFACTOR) / prime);
      if (torsion.is0()) torsion = times(point, (r * COFACTOR) / (prime * prime));
      if (torsion.is0()) continue;
      small += 1;
      assert.ok(!isIn(torsion), `a point of order ${prime}`);
      assert.ok(!isIn(torsion.add(inside[0]!)), `one that differs from one inside by a point of order ${prime}`);
    }
  }
  assert.ok(small >= 3 * PRIMES.length);
  for (const y of [2n, p - 2n]) assert.ok(!inSubgroupOfG1(0n, y), "a point of order 3 that is double its negation");
  assert.ok(isIn(BP1));
});

test("a long sum is what the single multiples add up to", () => {
  const points = calculateRandomScalars(300).map((each) => BP1.multiply(each));
  const scalars = calculateRandomScalars(points.length);
  const expected = (these: readonly Point[], by: readonly bigint[]) =>
    these.reduce((sum, point, at) => sum.add(point.multiplyUnsafe(by[at]!)), G1.ZERO);
  assert.ok(msm(points, scalars).equals(expected(points, scalars)));
  const short = scalars.map(challenge);
  assert.ok(msm(points, short).equals(expected(points, short)));
  // Equal and opposite points and equal scalars meet in one bucket: they double, vanish, and meet the identity.
  const one = points[0]!;
  const same = points.map((_, at) => (at % 3 === 0 ? one.negate() : one));
  for (const scalar of [1n, 2n, 64n, r - 1n, scalars[0]!]) {
    const by = same.map(() => scalar);
    assert.ok(msm(same, by).equals(one.multiplyUnsafe((scalar * 100n) % r)), `times ${scalar}`);
  }
  const opposite = points.map((_, at) => (at % 2 === 0 ? one : one.negate()));
  assert.ok(msm(opposite, points.map(() => 5n)).is0());
  assert.ok(msm([...points, G1.ZERO], [...scalars.map(() => 0n), 1n]).is0());
});

test("buckets hold scalars of any length, and nothing of 0", () => {
  const points = Array.from({ length: 40 }, (_, at) => BP1.multiply(BigInt(at + 1)));
  const affine = points.map((point) => point.toAffine());
  for (const scalar of [0n, 1n, 3n, 4n, 2n ** 64n - 1n, 2n ** 64n, r - 1n]) {
    const sum = bucketSum(affine, points.map((_, at) => (at === 7 ? 1n : scalar)));
    const weights = BigInt((40 * 41) / 2 - 8);
    assert.ok(sum.equals(BP1.multiplyUnsafe((weights * scalar + 8n) % r)), `times ${scalar}`);
  }
});

test("challenges are short in both halves, and each its own", () => {
  assert.equal(challenge(0n), 0n);
  const top = challenge(2n ** 128n - 1n);
  assert.ok(top < r);
  assert.equal(challenge(2n ** 200n + 5n), 5n);
  const z2 = 0xd201000000010000n ** 2n;
  assert.equal(challenge(1n << 64n), z2 - 1n);
});
