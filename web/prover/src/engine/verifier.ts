// Whether one proof holds, for a vault that makes sure of its own before it sends it, and of what officers prove of
// their keys. Every point is checked to be in the group: stricter than bbs/engine/verifier.py, which clears sums of the
// cofactor, and the same for proofs that an honest prover makes. No batches: verifiers have the Python package.

import { DecodingError, VerificationError } from "../bbs/errors.js";
import {
  BP2, G1_OCTETS, g1FromOctets, g2FromOctets, msm, pairingProductIsOne, SCALAR_OCTETS,
} from "../bbs/group.js";
import { toInteger } from "../bbs/octets.js";
import { proofOctets } from "./prover.js";
import { Base, type Equation, modR, type Sent, type Statement, type Term, type Witness } from "./statement.js";
import { isIdentity, type Point, R, toHex } from "./suite.js";
import { challenge, type Context } from "./transcript.js";

/** Return the octets of the points that were sent; DecodingError, VerificationError PROOF_INVALID. */
export function verify(statement: Statement, context: Context, proof: Uint8Array): ReadonlyMap<Sent, Uint8Array> {
  const expected = proofOctets(statement);
  if (proof.length !== expected) {
    throw new DecodingError("INVALID_LENGTH", `this proof has ${expected} octets, not ${proof.length}`);
  }
  const [sentEnd, TEnd] = [statement.sent.length, statement.sent.length + statement.equations.length]
    .map((count) => count * G1_OCTETS) as [number, number];
  const responses = parts(proof.subarray(TEnd), SCALAR_OCTETS).map(toInteger);
  if (responses.some((each) => each >= R)) throw new DecodingError("INVALID_SCALAR", "a response is not less than r");
  const encodings = parts(proof.subarray(0, sentEnd), G1_OCTETS);
  const points = new Map(statement.sent.map((name, place) => [name, g1FromOctets(encodings[place] as Uint8Array)]));
  const T = parts(proof.subarray(sentEnd, TEnd), G1_OCTETS).map((each) => g1FromOctets(each, true));
  const c = challenge(statement, context, proof.subarray(0, sentEnd), proof.subarray(sentEnd, TEnd));
  const free = new Map(statement.free.map((name, place) => [name, responses[place] as bigint]));
  const all = statement.complete(free, c);
  statement.equations.forEach((each, place) => {
    if (!holds(each, T[place] as Point, c, all, points)) refuse("an equation does not hold");
  });
  if (!signaturesHold(statement, points)) refuse("a signature does not hold");
  return new Map(statement.sent.map((name, place) => [name, (encodings[place] as Uint8Array).slice()]));
}

/** Whether T + c*Y - sum of x^_j * B_j is the identity. */
function holds(
  { Y, terms }: Equation, T: Point, c: bigint, responses: ReadonlyMap<Witness, bigint>, sent: ReadonlyMap<Sent, Point>,
): boolean {
  const point = (term: Term): Point => (term instanceof Base ? term.point : (sent.get(term) as Point));
  const points = [T, ...Y.map(([term]) => point(term)), ...terms.map(([, term]) => point(term))];
  const factors = [
    1n, ...Y.map(([, y]) => modR(c * y)), ...terms.map(([witness]) => modR(-(responses.get(witness) as bigint))),
  ];
  return isIdentity(msm(points, factors));
}

/** Whether D = x*C for every check: all at once, with coefficients that a false one passes with probability 2^-128. */
function signaturesHold(statement: Statement, points: ReadonlyMap<Sent, Point>): boolean {
  if (statement.checks.length === 0) return true;
  const rho = coefficients(statement.checks.length);
  const byKey = new Map<string, { readonly key: Uint8Array; readonly points: Point[]; readonly factors: bigint[] }>();
  statement.checks.forEach(({ C, key }, place) => {
    const sums = byKey.get(toHex(key)) ?? { key, points: [], factors: [] };
    byKey.set(toHex(key), sums);
    sums.points.push(points.get(C) as Point);
    sums.factors.push(rho[place] as bigint);
  });
  const D = msm(statement.checks.map((each) => points.get(each.D) as Point), rho);
  const pairs = [...byKey.values()].map((each) => [msm(each.points, each.factors), g2FromOctets(each.key)] as const);
  return pairingProductIsOne([...pairs, [D.negate(), BP2]]);
}

function coefficients(count: number): bigint[] {
  const octets = crypto.getRandomValues(new Uint8Array(16 * count));
  return parts(octets, 16).map((each) => toInteger(each) + 1n);
}

function parts(octets: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: octets.length / size }, (_, place) => octets.subarray(place * size, (place + 1) * size));
}

function refuse(detail: string): never {
  throw new VerificationError("PROOF_INVALID", detail);
}
