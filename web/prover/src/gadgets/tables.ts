// Tables: published lists of scalars, each with a weak Boneh-Boyen signature (bbs/gadgets/tables.py).

import { sha256 } from "@noble/hashes/sha2.js";
import { DecodingError, VerificationError } from "../bbs/errors.js";
import {
  BP2, challenge, G1_UNCOMPRESSED_OCTETS, g1FromOctetsUncompressed, g2FromOctets, msm, pairingProductIsOne,
  SCALAR_OCTETS,
} from "../bbs/group.js";
import { concat, fromInteger, toInteger, utf8 } from "../bbs/octets.js";
import { Base, modR, unsatisfied } from "../engine/statement.js";
import { checkKey, R, randomScalars, type Suite } from "../engine/suite.js";
import { hashedBase } from "./bases.js";

export const DIGIT_BASE = 256n;
export const DIGITS = "digits";
const MAX_ENTRIES = 4096;
const TABLE = utf8("zk-table/v1\n");
const SCALARS = utf8("zk-table/scalars/v1\n");

/** A purpose, 1 to 4,096 different scalars in their publisher's order, a key, and a signature on each. */
export class Table {
  /** The base of all its signatures, hashed from purpose and scalars. */
  readonly V: Base;
  /** What policies and statements name it by: SHA-256 of its octets. */
  readonly digest: Uint8Array;
  /** Whether it is a table of the digits 0 to 255, for ranges. */
  readonly isDigits: boolean;
  private readonly places: ReadonlyMap<bigint, number>;

  private constructor(
    readonly suite: Suite, readonly purpose: string, readonly scalars: readonly bigint[], readonly key: Uint8Array,
    private readonly encodings: readonly Uint8Array[], octets: Uint8Array,
  ) {
    this.digest = sha256(octets);
    this.places = new Map(scalars.map((scalar, place) => [scalar, place]));
    const listed = sha256(concat(SCALARS, ...scalars.map((each) => fromInteger(each, SCALAR_OCTETS))));
    this.V = hashedBase(suite, "table", concat(sized(utf8(purpose)), listed));
    this.isDigits = purpose === DIGITS && scalars.length === 256
      && scalars.every((each, place) => each === BigInt(place));
  }

  /**
   * Decode a table, strictly, all but its signatures: `verified` checks these, and `signature` the one that it gives.
   * DecodingError INVALID_LABEL, INVALID_LENGTH, INVALID_COUNT, INVALID_SCALAR, and those of the key.
   */
  static fromOctets(suite: Suite, octets: Uint8Array): Table {
    const reader = new Reader(octets);
    reader.label(concat(TABLE, sized(suite.id)));
    const key = reader.sized();
    const purpose = purposeOf(reader.sized());
    const count = Number(toInteger(reader.take(4)));
    if (count < 1 || count > MAX_ENTRIES) {
      throw new DecodingError("INVALID_COUNT", `a table has 1 to ${MAX_ENTRIES} scalars`);
    }
    const scalars = Array.from({ length: count }, () => toInteger(reader.take(SCALAR_OCTETS)));
    if (scalars.some((each) => each >= R) || new Set(scalars).size !== count) {
      throw new DecodingError("INVALID_SCALAR", "a scalar is not less than r, or there twice");
    }
    const encodings = Array.from({ length: count }, () => reader.take(G1_UNCOMPRESSED_OCTETS).slice());
    reader.end();
    checkKey(key);
    return new Table(suite, purpose, scalars, key.slice(), encodings, octets);
  }

  /**
   * Return it if every signature is true: each is a point of the group by itself, since one outside it would show itself
   * in what is proven with it, and one random sum over all holds, which a false table passes with probability 2^-128.
   * DecodingError INVALID_POINT, NOT_IN_SUBGROUP, IDENTITY_POINT; VerificationError SIGNATURE_INVALID.
   */
  verified(): this {
    const entries = this.encodings.map((each) => g1FromOctetsUncompressed(each));
    const rho = randomScalars(entries.length).map(challenge);
    const C = msm(entries, rho);
    // A digit times a challenge is as short as the challenge, almost; its negation would not be.
    const factors = rho.map((each, place) => modR(each * (this.scalars[place] as bigint)));
    const total = modR(rho.reduce((sum, each) => sum + each, 0n));
    const minusD = msm(entries, factors).subtract(msm([this.V.point], [total]));
    if (!pairingProductIsOne([[C, g2FromOctets(this.key)], [minusD, BP2]])) {
      throw new VerificationError("SIGNATURE_INVALID", "a signature of the table does not hold");
    }
    return this;
  }

  has(scalar: bigint): boolean {
    return this.places.has(scalar);
  }

  /**
   * The signature on a scalar; InputError UNSATISFIED if there is none, DecodingError if it is none. Decoded anew each
   * time and without tables of multiples: those would be there for scalars that were proven before.
   */
  signature(scalar: bigint): Base {
    const place = this.places.get(scalar);
    if (place === undefined) throw unsatisfied("the table has no signature on this value");
    return new Base(this.suite, g1FromOctetsUncompressed(this.encodings[place] as Uint8Array));
  }
}

class Reader {
  private at = 0;

  constructor(private readonly octets: Uint8Array) {}

  label(expected: Uint8Array): void {
    const found = this.take(Math.min(expected.length, this.octets.length));
    if (found.length !== expected.length || !found.every((each, place) => each === expected[place])) {
      throw new DecodingError("INVALID_LABEL", "the octets are no table of this suite");
    }
  }

  take(count: number): Uint8Array {
    if (this.at + count > this.octets.length) throw new DecodingError("INVALID_LENGTH", "the table ends too early");
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }

  sized(): Uint8Array {
    return this.take(this.take(1)[0] as number);
  }

  end(): void {
    if (this.at !== this.octets.length) throw new DecodingError("INVALID_LENGTH", "something follows the table");
  }
}

function sized(octets: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(octets.length), octets);
}

function purposeOf(octets: Uint8Array): string {
  const purpose = String.fromCharCode(...octets);
  if (!/^[ -~]{1,64}$/.test(purpose)) throw new DecodingError("INVALID_LABEL", "the table has no purpose");
  return purpose;
}
