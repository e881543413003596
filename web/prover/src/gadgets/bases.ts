// Bases of which nobody knows a discrete logarithm with respect to any other (bbs/gadgets/bases.py).

import type { Generators } from "../bbs/generators.js";
import { Base, type Combination } from "../engine/statement.js";
import { concat, InputError, type Suite, toHex, utf8 } from "../engine/suite.js";

const BASE_DST = utf8("ZK_COMPOSITE_V1_BASE_");
const KEPT = 256;
const kept = new Map<string, Base>();
const generatorBasesOf = new WeakMap<Generators, readonly Base[]>();

/** hash_to_curve of octets for a purpose of 1 to 64 ASCII characters; the latest 256 are kept. InputError INVALID_DST. */
export function hashedBase(suite: Suite, purpose: string, octets: Uint8Array = new Uint8Array(), fixed = true): Base {
  if (!/^[\x00-\x7f]{1,64}$/.test(purpose)) throw new InputError("INVALID_DST", "a purpose has 1 to 64 ASCII characters");
  const name = `${suite.name} ${fixed} ${purpose} ${toHex(octets)}`;
  const before = kept.get(name);
  if (before !== undefined) return before;
  const dst = concat(suite.id, BASE_DST, utf8(purpose));
  const base = new Base(suite, suite.hashToG1(octets, dst), fixed);
  kept.set(name, base);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
  return base;
}

/** P1, Q_1 and H_1..H_L of an interface as fixed bases. */
export function generatorBases(generators: Generators): readonly Base[] {
  const before = generatorBasesOf.get(generators);
  if (before !== undefined) return before;
  const { suite } = generators;
  const bases = [suite.P1, ...generators.points].map((point) => new Base(suite, point, true));
  generatorBasesOf.set(generators, bases);
  return bases;
}

/** A sum of bases, paired with scalars. */
export function combination(bases: readonly Base[], scalars: readonly bigint[]): Combination {
  return bases.map((base, place) => [base, scalars[place] as bigint] as const);
}
