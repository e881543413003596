/**
 * Whether a point of the curve of G1 is in the subgroup of order r, by the curve's endomorphism.
 *
 * (x, y) -> (W*x, y), W a third root of unity, multiplies the points of the subgroup by -z^2 and no other points of the
 * curve. Source: Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly curves", section 6
 * (https://eprint.iacr.org/2021/1130).
 *
 * @noble/curves tests the same with complete formulas, 11 reductions modulo p for a doubling. There are 126 doublings, so
 * they are here in Jacobian coordinates, with 6 (formulas dbl-2009-l and add-2007-bl of the Explicit-Formulas Database);
 * what these leave out, sums of equal and of opposite points, is treated apart, since points of small order lead to it.
 */

import { bls12_381 } from "@noble/curves/bls12-381.js";

const p = bls12_381.fields.Fp.ORDER;
const W = 0x5f19672fdf76ce51ba69c6076a0f77eaddb3a93be6f89688de17d813620a00022e01fffffffefffen;
/** The bits of -z after the first one, the highest first. */
const BITS = [...0xd201000000010000n.toString(2)].slice(1).map((bit) => bit === "1");

/** x = X / Z^2, y = Y / Z^3; Z is 0 for the identity. Coordinates are reduced, and may be negative. */
type Jacobian = readonly [X: bigint, Y: bigint, Z: bigint];

/** Tell whether the point (x, y) of the curve, not the identity, is in the subgroup of order r. */
export function inSubgroupOfG1(x: bigint, y: bigint): boolean {
  const [X, Y, Z] = timesZ(timesZ([x, y, 1n]));
  if (Z === 0n) return false;
  const ZZ = (Z * Z) % p;
  return (X - W * x * ZZ) % p === 0n && (Y + y * ZZ * Z) % p === 0n;
}

/** Multiply by -z. */
function timesZ(point: Jacobian): Jacobian {
  let total = point;
  for (const bit of BITS) {
    total = double(total);
    if (bit) total = add(total, point);
  }
  return total;
}

function double([X, Y, Z]: Jacobian): Jacobian {
  const A = (X * X) % p;
  const B = (Y * Y) % p;
  const D = (4n * X * B) % p;
  const doubled = (9n * A * A - 2n * D) % p;
  return [doubled, (3n * A * (D - doubled) - 8n * B * B) % p, (2n * Y * Z) % p];
}

function add(one: Jacobian, other: Jacobian): Jacobian {
  const [X1, Y1, Z1] = one;
  const [X2, Y2, Z2] = other;
  if (Z1 === 0n) return other;
  if (Z2 === 0n) return one;
  const ZZ1 = (Z1 * Z1) % p;
  const ZZ2 = (Z2 * Z2) % p;
  const U = (X1 * ZZ2) % p;
  const S = (Y1 * ((Z2 * ZZ2) % p)) % p;
  const H = (X2 * ZZ1 - U) % p;
  const R = (Y2 * ((Z1 * ZZ1) % p) - S) % p;
  if (H === 0n) return R === 0n ? double(one) : [1n, 1n, 0n];
  const HH = (H * H) % p;
  const HHH = (H * HH) % p;
  const V = (U * HH) % p;
  const X = (R * R - HHH - 2n * V) % p;
  return [X, (R * (V - X) - S * HHH) % p, (H * ((Z1 * Z2) % p)) % p];
}
