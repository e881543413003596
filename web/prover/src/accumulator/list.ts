// A department's list of revocations as a holder sees it: key, positions, epochs and its own witness
// (bbs/accumulator). Every encoding is exact, and begins with a label, the suite and the key.

import { sha256 } from "@noble/hashes/sha2.js";
import { DecodingError, InputError, VerificationError } from "../bbs/errors.js";
import {
  BP2, G1_UNCOMPRESSED_OCTETS, type G1Point, g1FromOctetsUncompressed, type G2Point, g2FromOctets, msm,
  pairingProductIsOne, pointsToOctetsUncompressed, r, SCALAR_OCTETS,
} from "../bbs/group.js";
import { concat, equal, fromInteger, integerToOctets, toInteger, utf8 } from "../bbs/octets.js";
import type { Suite } from "../engine/suite.js";

/** The most revocations that a list has. */
export const MAX_REVOCATIONS = (1 << 20) - 1;
const DIGEST_OCTETS = 32;
const POSITION_OCTETS = 8 + G1_UNCOMPRESSED_OCTETS + DIGEST_OCTETS;
const EPOCH = utf8("zk-revocation/epoch/v1\n");
const WITNESS = utf8("zk-revocation/witness/v1\n");
const START = utf8("zk-revocation/start/v1\n");
const START_DST = utf8("ZK_REVOCATION_V1_START_");

/** A point a*P2 of a ciphersuite, in 96 octets; a is one accumulator's and signs nothing else. DecodingError. */
export class AccumulatorKey {
  readonly point: G2Point;
  /** What octets of this accumulator have behind their label. */
  private readonly name: Uint8Array;

  constructor(readonly suite: Suite, readonly octets: Uint8Array) {
    this.point = g2FromOctets(octets);
    this.name = concat(Uint8Array.of(suite.id.length), suite.id, octets);
  }

  isSame(other: AccumulatorKey): boolean {
    return this.suite === other.suite && equal(this.octets, other.octets);
  }

  /** What octets of a kind begin with. */
  label(label: Uint8Array): Uint8Array {
    return concat(label, this.name);
  }

  /** What follows the label and the key, of at least `size` octets; DecodingError INVALID_LABEL, INVALID_LENGTH. */
  unlabel(octets: Uint8Array, label: Uint8Array, size: number): Uint8Array {
    const expected = this.label(label);
    if (!equal(octets.subarray(0, expected.length), expected)) {
      throw new DecodingError("INVALID_LABEL", "octets of another kind, suite or accumulator");
    }
    if (octets.length < expected.length + size) {
      throw new DecodingError("INVALID_LENGTH", `less than ${expected.length + size} octets`);
    }
    return octets.subarray(expected.length);
  }

  /** The position before the first revocation, which follows from the key alone. */
  get start(): Position {
    const V = this.suite.hashToG1(this.octets, concat(this.suite.id, START_DST));
    const digest = sha256(concat(START, this.name));
    return Position.fromOctets(concat(integerToOctets(0), pointsToOctetsUncompressed(V), digest), this);
  }
}

/** The list of a key up to some count of revocations: the value after them, and their running digest. */
export class Position {
  readonly count: number;
  readonly V: G1Point;
  readonly digest: Uint8Array;

  private constructor(readonly key: AccumulatorKey, readonly octets: Uint8Array) {
    this.count = octetsToCount(octets.subarray(0, 8));
    this.V = g1FromOctetsUncompressed(octets.subarray(8, 8 + G1_UNCOMPRESSED_OCTETS));
    this.digest = octets.subarray(-DIGEST_OCTETS);
  }

  /** Decode 136 octets; DecodingError. */
  static fromOctets(octets: Uint8Array, key: AccumulatorKey): Position {
    if (octets.length !== POSITION_OCTETS) {
      throw new DecodingError("INVALID_LENGTH", `a position has ${POSITION_OCTETS} octets`);
    }
    return new Position(key, octets.slice());
  }

  isSame(other: Position): boolean {
    return this.key.isSame(other.key) && equal(this.octets, other.octets);
  }
}

/** A position of the list at a time: what a department signs, a ledger keeps and a request names. */
export class Epoch {
  readonly digest: Uint8Array;

  private constructor(
    readonly number: bigint, readonly position: Position, readonly time: bigint, readonly octets: Uint8Array,
  ) {
    this.digest = sha256(octets);
  }

  get key(): AccumulatorKey {
    return this.position.key;
  }

  /** Decode an epoch of a key that the caller knows, strictly; DecodingError. */
  static fromOctets(octets: Uint8Array, key: AccumulatorKey): Epoch {
    const fields = key.unlabel(octets, EPOCH, 16);
    const position = Position.fromOctets(fields.subarray(16), key);
    return new Epoch(toInteger(fields.subarray(0, 8)), position, toInteger(fields.subarray(8, 16)), octets.slice());
  }
}

/** A holder's C = V / (a + y) for its handle y and the value V of a position. As secret as the handle. */
export class MembershipWitness {
  readonly #y: bigint;
  readonly #C: G1Point;

  constructor(y: bigint, C: G1Point, readonly at: Position) {
    if (y <= 0n || y >= r) throw new InputError("SCALAR_OUT_OF_RANGE", "a handle is outside [1, r)");
    if (C.is0()) throw new DecodingError("IDENTITY_POINT", "a witness is not the identity");
    this.#y = y;
    this.#C = C;
  }

  get y(): bigint {
    return this.#y;
  }

  get C(): G1Point {
    return this.#C;
  }

  /** Return it if e(C, (a + y)*P2) = e(V, P2); VerificationError WITNESS_INVALID. */
  verified(): this {
    const right = msm([this.#C, this.at.V], [this.#y, r - 1n]);
    if (!pairingProductIsOne([[this.#C, this.at.key.point], [right, BP2]])) {
      throw new VerificationError("WITNESS_INVALID", "the witness is not one of this handle and value");
    }
    return this;
  }

  /** Encode, for the holder's own store: label, suite, key, handle, C uncompressed, position. */
  toOctetsSecret(): Uint8Array {
    const C = pointsToOctetsUncompressed(this.#C);
    return concat(this.at.key.label(WITNESS), fromInteger(this.#y, SCALAR_OCTETS), C, this.at.octets);
  }

  /** Decode a witness under a key that the caller knows; it is not verified. DecodingError. */
  static fromOctets(octets: Uint8Array, key: AccumulatorKey): MembershipWitness {
    const ends = SCALAR_OCTETS + G1_UNCOMPRESSED_OCTETS;
    const fields = key.unlabel(octets, WITNESS, ends);
    const y = toInteger(fields.subarray(0, SCALAR_OCTETS));
    if (y === 0n || y >= r) throw new DecodingError("INVALID_SCALAR", "a handle is 0 or not less than r");
    const C = g1FromOctetsUncompressed(fields.subarray(SCALAR_OCTETS, ends));
    return new MembershipWitness(y, C, Position.fromOctets(fields.subarray(ends), key));
  }
}

/** Decode a count of revocations; DecodingError INVALID_COUNT unless in [0, 2^20). */
export function octetsToCount(octets: Uint8Array): number {
  const count = toInteger(octets);
  if (count > BigInt(MAX_REVOCATIONS)) {
    throw new DecodingError("INVALID_COUNT", `a list has ${MAX_REVOCATIONS} revocations at most`);
  }
  return Number(count);
}
