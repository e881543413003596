/**
 * Generators (draft-irtf-cfrg-bbs-signatures-09, section 4.1.1).
 *
 * Each ciphersuite and interface keeps the longest run of generators computed so far, and extends it.
 */

import { InputError } from "./errors.js";
import { msm, pointsToOctets, prepare, type G1Point } from "./group.js";
import { concat, hex, integerToOctets, utf8 } from "./octets.js";
import type { Ciphersuite } from "./suite.js";

/** Q_1 and H_1..H_L, with P1 before them in every sum. */
export class Generators {
  #octets: Uint8Array | undefined;

  constructor(
    readonly points: readonly G1Point[],
    readonly suite: Ciphersuite,
  ) {
    if (points.length === 0) throw new InputError("COUNT_MISMATCH", "there is at least the generator Q_1");
    for (const point of points) prepare(point);
  }

  /** The number of message generators. */
  get L(): number {
    return this.points.length - 1;
  }

  /** The generators of the messages. */
  get H(): readonly G1Point[] {
    return this.points.slice(1);
  }

  /** Q_1 and H_1..H_L, encoded one after the other. */
  get octets(): Uint8Array {
    this.#octets ??= pointsToOctets(...this.points);
    return this.#octets;
  }

  /** Multiply P1, Q_1, H_1..H_L by `scalars`, fewer counting as 0, and other points by `factors`; add all up. */
  combine(scalars: readonly bigint[], points: readonly G1Point[] = [], factors: readonly bigint[] = []): G1Point {
    const bases = [this.suite.P1, ...this.points].slice(0, scalars.length);
    return msm([...points, ...bases], [...factors, ...scalars]);
  }
}

class Run {
  private readonly steps: G1Point[] = [];
  private readonly seedDst: Uint8Array;
  private readonly generatorDst: Uint8Array;
  private state: Uint8Array;

  constructor(
    apiId: Uint8Array,
    seed: Uint8Array,
    private readonly suite: Ciphersuite,
  ) {
    this.seedDst = concat(apiId, utf8("SIG_GENERATOR_SEED_"));
    this.generatorDst = concat(apiId, utf8("SIG_GENERATOR_DST_"));
    this.state = suite.expandMessage(seed, this.seedDst);
  }

  take(count: number): readonly G1Point[] {
    while (this.steps.length < count) {
      const position = integerToOctets(this.steps.length + 1);
      this.state = this.suite.expandMessage(concat(this.state, position), this.seedDst);
      this.steps.push(this.suite.hashToG1(this.state, this.generatorDst));
    }
    return this.steps.slice(0, count);
  }
}

/** How many runs are kept, the least recently begun going first. */
const KEPT = 32;
const runs = new Map<string, Run>();
const MESSAGE_SEED = "MESSAGE_GENERATOR_SEED";

/**
 * Return the first `count` generators of an interface; `seed` is appended to `apiId`.
 *
 * Raises InputError TOO_MANY_MESSAGES, COUNT_MISMATCH (count below 1), INVALID_DST (apiId too long).
 */
export function hashToGenerators(
  count: number,
  apiId: Uint8Array,
  suite: Ciphersuite,
  seed: string = MESSAGE_SEED,
): readonly G1Point[] {
  if (count < 1) throw new InputError("COUNT_MISMATCH", "at least one generator is asked for");
  if (count > suite.maxMessages + 1) {
    throw new InputError("TOO_MANY_MESSAGES", `more than ${suite.maxMessages} messages`);
  }
  const key = `${suite.name} ${hex(apiId)} ${seed}`;
  const run = runs.get(key) ?? new Run(apiId, concat(apiId, utf8(seed)), suite);
  runs.set(key, run);
  for (const oldest of runs.keys()) {
    if (runs.size <= KEPT) break;
    runs.delete(oldest);
  }
  return run.take(count);
}

/** Return Q_1 and `count` - 1 message generators of an interface; raises as `hashToGenerators`. */
export function createGenerators(count: number, apiId: Uint8Array, suite: Ciphersuite): Generators {
  return new Generators(hashToGenerators(count, apiId, suite), suite);
}
