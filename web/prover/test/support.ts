/** What the tests share: the published vectors, read where they lie, and random scalars that they name. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve as absolute } from "node:path";
import { fileURLToPath } from "node:url";

import { r } from "../src/bbs/group.js";
import { toInteger } from "../src/bbs/octets.js";
import type { RandomScalars } from "../src/bbs/scalars.js";
import { SHAKE_256, SHA_256, type Ciphersuite } from "../src/bbs/suite.js";

export { flipped, octets, reasonOf, stream } from "./vectors.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const PROJECT = absolute(HERE, "../../../..");
const named = process.env["ZK_VECTORS"];

/** The folder of the published vectors: that of ZK_VECTORS, else `shared/vectors` beside the repository. */
export const VECTORS = named !== undefined && named !== "" ? named : join(dirname(PROJECT), "shared", "vectors");

/** The folder of the vectors that scripts/web_vectors.py writes. */
export const OURS = absolute(HERE, "../../test/vectors");

/** Each ciphersuite and what its folder of vectors is called. */
export const SUITES: readonly (readonly [string, Ciphersuite])[] = [
  ["bls12-381-sha-256", SHA_256],
  ["bls12-381-shake-256", SHAKE_256],
];

/** Say why a test of published vectors is skipped, or false; where CI is set nothing is. */
export function absent(...parts: string[]): string | false {
  const path = join(VECTORS, ...parts);
  if (existsSync(path) || !["", "0", "false"].includes((process.env["CI"] ?? "").toLowerCase())) return false;
  return `no test vectors at ${path} (set ZK_VECTORS)`;
}

/** Read one file of published vectors. */
export function vector(...parts: string[]): any {
  return JSON.parse(readFileSync(join(VECTORS, ...parts), "utf8"));
}

/** Read all files of a folder of published vectors, by their names. */
export function vectors(...parts: string[]): [string, any][] {
  const names = readdirSync(join(VECTORS, ...parts)).sort();
  return names.map((name) => [name, vector(...parts, name)]);
}

/** Read one file of the vectors that the Python package made. */
export function ours(name: string): any {
  return JSON.parse(readFileSync(join(OURS, name), "utf8"));
}

/** Read a scalar of hexadecimal digits, of which some vectors dropped leading zeros. */
export function integer(digits: string): bigint {
  return BigInt(`0x${digits}`);
}

/** The vectors' random scalars: 48 octets each of one expansion of their seed. */
export function seeded(seed: Uint8Array, dst: Uint8Array, suite: Ciphersuite): RandomScalars {
  return (count) => {
    const expanded = suite.expandMessage(seed, dst, 48 * count);
    return Array.from({ length: count }, (_, at) => toInteger(expanded.subarray(48 * at, 48 * at + 48)) % r);
  };
}
