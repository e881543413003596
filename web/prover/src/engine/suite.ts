// What the engine computes with: the base's ciphersuites, points and octets under the engine's own names.

import { InputError } from "../bbs/errors.js";
import {
  type G1Point, g2FromOctets, IDENTITY, invert, isIdentity, msm, pointsToOctets, prepare, r, SCALAR_OCTETS,
} from "../bbs/group.js";
import { concat, fromInteger, hex, utf8 } from "../bbs/octets.js";
import { calculateRandomScalars, type RandomScalars } from "../bbs/scalars.js";
import type { Ciphersuite } from "../bbs/suite.js";
import type { Base } from "./statement.js";

export type Point = G1Point;
export type Suite = Ciphersuite;
export type { RandomScalars };
export { concat, hex as toHex, IDENTITY, InputError, invert, isIdentity, utf8 };
export { r as R };
export const randomScalars: RandomScalars = calculateRandomScalars;

/** Encode a point in 48 octets. */
export function pointToOctets(point: Point): Uint8Array {
  return pointsToOctets(point);
}

/** Encode points one after the other, 48 octets each. */
export function encodePoints(points: readonly Point[]): Uint8Array {
  return pointsToOctets(...points);
}

/** Encode a scalar in 32 octets. */
export function scalarToOctets(scalar: bigint): Uint8Array {
  return fromInteger(scalar, SCALAR_OCTETS);
}

const trueKeys = new Set<string>();
const KEPT = 256;

/** Throw DecodingError unless the octets are a point of G2, in the subgroup, not the identity; true ones are kept. */
export function checkKey(key: Uint8Array): void {
  const name = hex(key);
  if (trueKeys.has(name)) return;
  g2FromOctets(key);
  if (trueKeys.size >= KEPT) trueKeys.clear();
  trueKeys.add(name);
}

/** Add up bases times secret scalars in [0, r). Tables are kept of the fixed ones. */
export function multiplySum(bases: readonly Base[], scalars: readonly bigint[]): Point {
  const points = bases.map((each) => (each.fixed ? prepare(each.point) : each.point));
  return msm(points, scalars);
}
