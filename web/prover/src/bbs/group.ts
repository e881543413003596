/**
 * BLS12-381 by @noble/curves: points, their octets, sums of multiples.
 *
 * Decoding is always checked: canonical encoding, on the curve, in the subgroup of order r, not the identity unless the
 * caller allows it. Source: draft-irtf-cfrg-pairing-friendly-curves-11, section 4.2.1 and appendix C.
 *
 * None of this is constant-time: integers of JavaScript are not (docs/web-prover.md says what follows).
 */

import { mulAddUnsafe, normalizeZ } from "@noble/curves/abstract/curve.js";
import type { WeierstrassPoint } from "@noble/curves/abstract/weierstrass.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";

import { bucketSum } from "./buckets.js";
import { DecodingError, InputError } from "./errors.js";
import { concat, fromInteger, toInteger } from "./octets.js";
import { inSubgroupOfG1 } from "./subgroup.js";

/** A point of G1. */
export type G1Point = WeierstrassPoint<bigint>;
/** A point of G2. */
export type G2Point = InstanceType<typeof bls12_381.G2.Point>;

const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const Fp = bls12_381.fields.Fp;

/** The order of the groups. */
export const r: bigint = bls12_381.fields.Fr.ORDER;
/** The characteristic of the curve's field. */
export const p: bigint = Fp.ORDER;

export const SCALAR_OCTETS = 32;
export const G1_OCTETS = 48;
export const G1_UNCOMPRESSED_OCTETS = 96;
export const G2_OCTETS = 96;

/** 1 - z: clears the cofactor of the curve of G1 (RFC 9380, section 8.8.1). */
export const H_EFF = 0xd201000000010001n;

/** The base point of G1. */
export const BP1: G1Point = G1.BASE;
/** The identity of G1. */
export const IDENTITY: G1Point = G1.ZERO;

const COMPRESSED = 0x80;
const INFINITY = 0x40;
const SIGN = 0x20;
const B = 4n;
/**
 * (x, y) -> (BETA*x, y) multiplies a point of the subgroup by LAMBDA = z^2 - 1, a third root of unity modulo r.
 *
 * Source: Gallant, Lambert, Vanstone, "Faster Point Multiplication on Elliptic Curves with Efficient Endomorphisms".
 */
const BETA = 0x1a0111ea397fe699ec02408663d4de85aa0d857d89759ad4897d29650fb85f9b409427eb4f49fffd8bfd00000000aaacn;
const LAMBDA = 0xac45a4010001a40200000000ffffffffn;
/** From how many points on buckets cost less than one table for each. */
const BUCKETS_FROM = 64;
/** The width of the windows of a fixed base's table: 43 additions for a multiple, 1376 once for the table. */
const TABLE_WIDTH = 6;
/** So many multiples of a fixed base are computed without a table: whoever proves once never pays for one. */
const USES_BEFORE_TABLE = 16;

/** How often each fixed base was multiplied so far. */
const fixed = new WeakMap<G1Point, number>();

/** Reduce an integer modulo r, into [0, r). */
export function modR(value: bigint): bigint {
  const rest = value % r;
  return rest < 0n ? rest + r : rest;
}

/** Return 1 / scalar modulo r; InputError DEGENERATE for 0. */
export function invert(scalar: bigint): bigint {
  const reduced = modR(scalar);
  if (reduced === 0n) throw new InputError("DEGENERATE", "0 has no inverse");
  return bls12_381.fields.Fr.inv(reduced);
}

/** Tell whether a point is the identity. */
export function isIdentity(point: G1Point): boolean {
  return point.is0();
}

/** Return a point of which multiples are computed again and again: it gets a table once it was used often enough. */
export function prepare(point: G1Point): G1Point {
  if (!fixed.has(point)) fixed.set(point, 0);
  return point;
}

/** Count a use of a point; tell whether it has a table. */
function hasTable(point: G1Point): boolean {
  const uses = fixed.get(point);
  if (uses === undefined) return false;
  if (uses === USES_BEFORE_TABLE) point.precompute(TABLE_WIDTH);
  if (uses <= USES_BEFORE_TABLE) fixed.set(point, uses + 1);
  return uses >= USES_BEFORE_TABLE;
}

/**
 * Add up points times scalars, which are reduced modulo r; InputError COUNT_MISMATCH.
 *
 * Of points outside the subgroup the part inside is multiplied; what `clearCofactor` leaves of the sum is right.
 */
export function msm(points: readonly G1Point[], scalars: readonly bigint[]): G1Point {
  if (points.length !== scalars.length) {
    throw new InputError("COUNT_MISMATCH", "points and scalars are not equally many");
  }
  let total: G1Point = G1.ZERO;
  const others: G1Point[] = [];
  const factors: bigint[] = [];
  points.forEach((point, at) => {
    const scalar = modR(scalars[at]!);
    if (scalar === 0n || point.is0()) return;
    if (scalar === 1n) {
      total = total.add(point);
    } else if (hasTable(point)) {
      total = total.add(point.multiplyUnsafe(scalar));
    } else {
      others.push(point);
      factors.push(scalar);
    }
  });
  if (others.length === 0) return total;
  return total.add(others.length < BUCKETS_FROM ? interleaved(others, factors) : inBuckets(others, factors));
}

/** Split each scalar as low + high * LAMBDA, both of 128 bits: half the doublings, which all points share. */
function interleaved(points: readonly G1Point[], scalars: readonly bigint[]): G1Point {
  const turned = points.map((point) => new G1(Fp.mul(BETA, point.X), point.Y, point.Z));
  return mulAddUnsafe(G1, [...points, ...turned], halves(scalars));
}

/** The same by buckets. */
function inBuckets(points: readonly G1Point[], scalars: readonly bigint[]): G1Point {
  const affine = normalized(points).map((point) => point.toAffine());
  const turned = affine.map(({ x, y }) => ({ x: Fp.mul(BETA, x), y }));
  return bucketSum([...affine, ...turned], halves(scalars));
}

function halves(scalars: readonly bigint[]): bigint[] {
  return [...scalars.map((scalar) => scalar % LAMBDA), ...scalars.map((scalar) => scalar / LAMBDA)];
}

/**
 * Make of a uniform scalar one of 2^128 that are equally probable and that cost half of others in a sum: a + b * LAMBDA,
 * with a and b of 64 bits. No two of these are equal modulo r.
 */
export function challenge(uniform: bigint): bigint {
  return BigInt.asUintN(64, uniform) + BigInt.asUintN(64, uniform >> 64n) * LAMBDA;
}

/** Encode points compressed, one after the other, with one inversion for all. */
export function pointsToOctets(...points: readonly G1Point[]): Uint8Array {
  return concat(...normalized(points).map(compressed));
}

/** Encode points uncompressed, one after the other. */
export function pointsToOctetsUncompressed(...points: readonly G1Point[]): Uint8Array {
  return concat(...normalized(points).map(uncompressed));
}

/** Decode a compressed point of G1; `identity` allows the identity. Raises DecodingError. */
export function g1FromOctets(octets: Uint8Array, identity = false): G1Point {
  if (checkEncoding(octets, G1_OCTETS, identity)) return G1.ZERO;
  const x = toInteger(withoutFlags(octets));
  let y: bigint;
  try {
    y = Fp.sqrt(Fp.add(Fp.mul(Fp.mul(x, x), x), B));
  } catch {
    throw new DecodingError("INVALID_POINT", "octets that are the encoding of no point of the curve");
  }
  return inSubgroup(x, isLarger(y) === ((octets[0]! & SIGN) !== 0) ? y : Fp.neg(y));
}

/** Decode an uncompressed point of G1; `identity` allows the identity. Raises DecodingError. */
export function g1FromOctetsUncompressed(octets: Uint8Array, identity = false): G1Point {
  if (checkUncompressed(octets, identity)) return G1.ZERO;
  const { x, y } = onCurve(octets);
  return inSubgroup(x, y);
}

/**
 * Decode an uncompressed point of the curve, which need not be in the subgroup, never the identity.
 *
 * For octets of which something else shows that they encode points of the subgroup, such as a digest that somebody
 * trusted made over points that were checked; or for a sum that is given to `clearCofactor`. Raises DecodingError.
 */
export function g1FromOctetsUncompressedUnchecked(octets: Uint8Array): G1Point {
  checkUncompressed(octets, false);
  return G1.fromAffine(onCurve(octets));
}

/** Multiply a point of the curve by `H_EFF`: into the subgroup, linear in the point. */
export function clearCofactor(point: G1Point): G1Point {
  return point.clearCofactor();
}

/** Decode a compressed point of G2, never the identity. Raises DecodingError. */
export function g2FromOctets(octets: Uint8Array): G2Point {
  checkEncoding(octets, G2_OCTETS, false);
  let point: G2Point;
  try {
    point = G2.fromBytes(octets);
  } catch (error) {
    if (error instanceof Error && error.message.includes("subgroup")) throw outside();
    throw new DecodingError("INVALID_POINT", "octets that are the encoding of no point of the curve");
  }
  return point;
}

/** Tell whether the product of pairings of points with points of G2 is the identity of GT. */
export function pairingProductIsOne(pairs: readonly (readonly [G1Point, G2Point])[]): boolean {
  const terms = pairs.filter(([first]) => !first.is0()).map(([g1, g2]) => ({ g1, g2 }));
  const Fp12 = bls12_381.fields.Fp12;
  return Fp12.eql(bls12_381.pairingBatch(terms), Fp12.ONE);
}

/** The base point of G2. */
export const BP2: G2Point = G2.BASE;

function normalized(points: readonly G1Point[]): G1Point[] {
  return normalizeZ(G1, [...points]);
}

function isLarger(y: bigint): boolean {
  return 2n * y > p;
}

function compressed(point: G1Point): Uint8Array {
  if (point.is0()) return flagged(new Uint8Array(G1_OCTETS), COMPRESSED | INFINITY);
  const { x, y } = point.toAffine();
  return flagged(fromInteger(x, G1_OCTETS), isLarger(y) ? COMPRESSED | SIGN : COMPRESSED);
}

function uncompressed(point: G1Point): Uint8Array {
  if (point.is0()) return flagged(new Uint8Array(G1_UNCOMPRESSED_OCTETS), INFINITY);
  const { x, y } = point.toAffine();
  return concat(fromInteger(x, G1_OCTETS), fromInteger(y, G1_OCTETS));
}

function flagged(octets: Uint8Array, flags: number): Uint8Array {
  octets[0]! |= flags;
  return octets;
}

function withoutFlags(octets: Uint8Array): Uint8Array {
  const rest = octets.slice();
  rest[0]! &= 0x1f;
  return rest;
}

function onCurve(octets: Uint8Array): { x: bigint; y: bigint } {
  const x = toInteger(octets.subarray(0, G1_OCTETS));
  const y = toInteger(octets.subarray(G1_OCTETS));
  if (Fp.mul(y, y) !== Fp.add(Fp.mul(Fp.mul(x, x), x), B)) {
    throw new DecodingError("INVALID_POINT", "octets that are the encoding of no point of the curve");
  }
  return { x, y };
}

function inSubgroup(x: bigint, y: bigint): G1Point {
  if (!inSubgroupOfG1(x, y)) throw outside();
  return G1.fromAffine({ x, y });
}

function outside(): DecodingError {
  return new DecodingError("NOT_IN_SUBGROUP", "the point is outside the subgroup of order r");
}

/** Check length, flags and coordinates of a compressed point; return whether it is the identity. */
function checkEncoding(octets: Uint8Array, length: number, identity: boolean): boolean {
  if (octets.length !== length) {
    throw new DecodingError("INVALID_LENGTH", `a point has ${length} octets, not ${octets.length}`);
  }
  const rest = withoutFlags(octets);
  const flags = octets[0]!;
  if ((flags & COMPRESSED) === 0) throw new DecodingError("INVALID_POINT", "the point is not in compressed form");
  if ((flags & INFINITY) !== 0) return checkInfinity((flags & SIGN) === 0 && rest.every((octet) => octet === 0), identity);
  checkCoordinates(rest);
  return false;
}

function checkUncompressed(octets: Uint8Array, identity: boolean): boolean {
  const length = G1_UNCOMPRESSED_OCTETS;
  if (octets.length !== length) {
    throw new DecodingError("INVALID_LENGTH", `an uncompressed point has ${length} octets, not ${octets.length}`);
  }
  const flags = octets[0]!;
  if ((flags & COMPRESSED) !== 0) throw new DecodingError("INVALID_POINT", "the point is in compressed form");
  if ((flags & INFINITY) !== 0) {
    return checkInfinity(flags === INFINITY && octets.subarray(1).every((octet) => octet === 0), identity);
  }
  if ((flags & SIGN) !== 0) throw new DecodingError("INVALID_POINT", "an uncompressed point has no sign");
  checkCoordinates(octets);
  return false;
}

function checkInfinity(canonical: boolean, allowed: boolean): boolean {
  if (!canonical) {
    throw new DecodingError("INVALID_POINT", "the identity has one encoding, and this is another");
  }
  if (!allowed) throw new DecodingError("IDENTITY_POINT", "the identity is not allowed here");
  return true;
}

function checkCoordinates(octets: Uint8Array): void {
  for (let at = 0; at < octets.length; at += G1_OCTETS) {
    if (toInteger(octets.subarray(at, at + G1_OCTETS)) >= p) {
      throw new DecodingError("INVALID_POINT", "a coordinate is not less than p");
    }
  }
}
