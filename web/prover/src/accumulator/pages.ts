// A holder's witness brought up to date by the holder alone, from public pages (bbs/accumulator/update.py says why it is
// sound, and why nothing that depends on the handle is told before the pages have led to the epoch). A random factor is
// in every scalar of the sum, and a page that has the handle is as much work as any other.

import { sha256 } from "@noble/hashes/sha2.js";
import { DecodingError, InputError, VerificationError } from "../bbs/errors.js";
import {
  clearCofactor, type G1Point, G1_UNCOMPRESSED_OCTETS, g1FromOctetsUncompressedUnchecked, H_EFF, invert, modR, msm, r,
  SCALAR_OCTETS,
} from "../bbs/group.js";
import { concat, integerToOctets, toInteger, utf8 } from "../bbs/octets.js";
import { randomScalars } from "../engine/suite.js";
import {
  type AccumulatorKey, type Epoch, MAX_REVOCATIONS, MembershipWitness, octetsToCount, Position,
} from "./list.js";

const MAX_PAGE = 1 << 14;
const PAIR_OCTETS = SCALAR_OCTETS + G1_UNCOMPRESSED_OCTETS;
const PAGE = utf8("zk-revocation/page/v1\n");
const ENTRY = utf8("zk-revocation/entry/v1\n");

/**
 * Consecutive pairs of the list of a key, from the one with the number `first`. Its values are on the curve and not
 * checked to be in the subgroup: what is made of them is cleared of the cofactor.
 */
export class Page {
  private constructor(
    readonly key: AccumulatorKey, readonly first: number, readonly pairs: readonly Uint8Array[],
    readonly handles: readonly bigint[], readonly values: readonly G1Point[],
  ) {}

  get end(): number {
    return this.first + this.pairs.length;
  }

  /** What of it lies from a number on, which is one of its own. InputError EPOCH_MISMATCH. */
  from(start: number): Page {
    const at = start - this.first;
    if (!Number.isInteger(at) || at < 0 || start >= this.end) throw otherEpoch("the page has no such number");
    const rest = [this.pairs.slice(at), this.handles.slice(at), this.values.slice(at)] as const;
    return new Page(this.key, start, ...rest);
  }

  /**
   * Decode a page of a key that the caller knows; DecodingError INVALID_LABEL, INVALID_LENGTH, INVALID_COUNT,
   * INVALID_SCALAR, ALREADY_REVOKED (a handle is there twice), INVALID_POINT, IDENTITY_POINT.
   */
  static fromOctets(octets: Uint8Array, key: AccumulatorKey): Page {
    const fields = key.unlabel(octets, PAGE, 8);
    const count = (fields.length - 8) / PAIR_OCTETS;
    if (!Number.isInteger(count) || count < 1 || count > MAX_PAGE) {
      throw new DecodingError("INVALID_LENGTH", `a page has 1 to ${MAX_PAGE} pairs of ${PAIR_OCTETS} octets`);
    }
    const first = octetsToCount(fields.subarray(0, 8));
    if (first + count > MAX_REVOCATIONS) {
      throw new DecodingError("INVALID_COUNT", `a list has ${MAX_REVOCATIONS} revocations at most`);
    }
    const pairs = Array.from({ length: count }, (_, at) =>
      fields.slice(8 + at * PAIR_OCTETS, 8 + (at + 1) * PAIR_OCTETS));
    const handles = pairs.map((each) => toInteger(each.subarray(0, SCALAR_OCTETS)));
    if (handles.some((each) => each === 0n || each >= r)) {
      throw new DecodingError("INVALID_SCALAR", "a handle is 0 or not less than r");
    }
    if (new Set(handles).size !== count) throw new DecodingError("ALREADY_REVOKED", "a handle is in the page twice");
    const values = pairs.map((each) => g1FromOctetsUncompressedUnchecked(each.subarray(SCALAR_OCTETS)));
    return new Page(key, first, pairs, handles, values);
  }
}

/**
 * A witness on its way to an epoch that the caller trusts. Until `finish` nothing vouches for the pages: keep the old
 * witness until then.
 */
export class CatchingUp {
  readonly #y: bigint;
  readonly #C: G1Point | null;

  private constructor(readonly epoch: Epoch, readonly at: Position, y: bigint, C: G1Point | null) {
    this.#y = y;
    this.#C = C;
  }

  /** Begin from a witness; InputError EPOCH_MISMATCH if it is of another accumulator or of a later position. */
  static begin(witness: MembershipWitness, epoch: Epoch): CatchingUp {
    if (!witness.at.key.isSame(epoch.key)) throw otherEpoch("the witness is of another accumulator");
    if (witness.at.count > epoch.position.count) throw otherEpoch("the witness is of a later position than the epoch");
    return new CatchingUp(epoch, witness.at, witness.y, witness.C);
  }

  /** How many revocations are still to come. */
  get missing(): number {
    return this.epoch.position.count - this.at.count;
  }

  /**
   * What should be a witness for the value after the last page: not verified, and not to be shown. To be stored beside
   * the old one and begun from again. Null once the handle was met.
   */
  get partial(): MembershipWitness | null {
    return this.#C === null ? null : new MembershipWitness(this.#y, this.#C, this.at);
  }

  /**
   * Go on by one page; VerificationError PAGE_INVALID if it does not begin here or goes beyond the epoch, DecodingError
   * NOT_IN_SUBGROUP (its last value). None of it depends on the handle.
   */
  after(page: Page): CatchingUp {
    const at = positionAfter(this.at, page);
    if (at.count > this.epoch.position.count) throw invalidPage("the page goes beyond the epoch");
    return new CatchingUp(this.epoch, at, this.#y, updated(this.#C, this.#y, page));
  }

  /**
   * The witness for the epoch, verified. InputError EPOCH_MISMATCH (revocations are missing); VerificationError
   * PAGE_INVALID if the pages were not those that lead to the epoch, REVOKED if they were and the handle is among them,
   * WITNESS_INVALID if they were and what it began from was no witness.
   */
  finish(): MembershipWitness {
    if (this.missing > 0) throw otherEpoch(`${this.missing} revocations are missing`);
    if (!this.at.isSame(this.epoch.position)) throw invalidPage("the pages are not those of the epoch");
    const { partial } = this;
    if (partial === null) throw new VerificationError("REVOKED", "the credential is revoked");
    return partial.verified();
  }
}

/** The witness for an epoch, after the pages from the witness's position to it; throws as `CatchingUp`. */
export function catchUp(witness: MembershipWitness, epoch: Epoch, pages: Iterable<Page>): MembershipWitness {
  let state = CatchingUp.begin(witness, epoch);
  for (const page of pages) state = state.after(page);
  return state.finish();
}

/** The position after a page that begins here; nothing is checked of the page but that, and its last value. */
function positionAfter(at: Position, page: Page): Position {
  if (!page.key.isSame(at.key)) throw invalidPage("the page is of another accumulator");
  if (page.first !== at.count) throw invalidPage(`the page begins at ${page.first}, not at ${at.count}`);
  const digest = page.pairs.reduce((before, pair) => sha256(concat(ENTRY, before, pair)), at.digest);
  const last = (page.pairs.at(-1) as Uint8Array).subarray(SCALAR_OCTETS);
  return Position.fromOctets(concat(integerToOctets(page.end), last, digest), at.key);
}

/** The witness after a page, null once the handle was met; for as much work either way. */
function updated(C: G1Point | null, y: bigint, page: Page): G1Point | null {
  const [blind, decoy] = randomScalars(2) as [bigint, bigint];
  const met = C === null || new Set(page.handles).has(y);
  const products = [blind];
  for (const each of page.handles) products.push(modR((products.at(-1) as bigint) * (each + r - (met ? decoy : y))));
  const product = products.pop() as bigint;
  // minus the product times C_k, and H_EFF times that
  const first = C ?? (page.values[0] as G1Point);
  const total = clearCofactor(msm([first, ...page.values], [r - blind, ...products]));
  const Ck = msm([total], [r - invert(modR(product * H_EFF))]);
  return met || Ck.is0() ? null : Ck;
}

function otherEpoch(detail: string): InputError {
  return new InputError("EPOCH_MISMATCH", detail);
}

function invalidPage(detail: string): VerificationError {
  return new VerificationError("PAGE_INVALID", detail);
}
