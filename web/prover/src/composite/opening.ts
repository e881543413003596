// The opening of a commitment, as the vaults of two holders keep it (disclosure/composite/handover.py). How it is
// sealed from one vault to the other is not here.

import { pointsToOctets, msm } from "../bbs/group.js";
import { concat, equal, fromInteger, toInteger } from "../bbs/octets.js";
import { resolve } from "../bbs/suite.js";
import { decode, encode } from "../disclosure/canonical.js";
import { MalformedError, RefusedError } from "../disclosure/errors.js";
import type { SuiteName } from "../disclosure/key.js";
import { list, octets as octetsOf } from "../disclosure/reading.js";
import { commitmentBases } from "../gadgets/commitment.js";
import { checkScalar } from "./credential.js";
import { CommittedNumber } from "./outputs.js";
import { OFFSET } from "./scalars.js";

const SCALAR_OCTETS = 32;
const KEPT_LABEL = "zk-disclosure/kept-opening/v1";

/** K = m*G + u*H, 48 octets. */
export function commitmentOctets(suite: SuiteName, m: bigint, u: bigint): Uint8Array {
  const { G, H } = commitmentBases(resolve(suite));
  return pointsToOctets(msm([G.point, H.point], [m, u]));
}

/**
 * The opening of one commitment; one that does not open it cannot be made. m is the number plus 2^63, as it is signed.
 * MalformedError MALFORMED, RefusedError COMMITMENT_INVALID.
 */
export class CommitmentOpening {
  readonly #m: bigint;
  readonly #u: bigint;

  constructor(readonly suite: SuiteName, readonly K: Uint8Array, m: bigint, u: bigint) {
    if (m < 0n || m >= 2n * OFFSET) {
      throw new MalformedError("MALFORMED", "the opening holds no integer of 64 bits", "opening");
    }
    this.#m = m;
    this.#u = checkScalar(u, "the blind", "opening");
    if (!equal(commitmentOctets(suite, m, u), K)) {
      throw new RefusedError("COMMITMENT_INVALID", "the opening is not that of the commitment", "opening");
    }
  }

  get m(): bigint {
    return this.#m;
  }

  get u(): bigint {
    return this.#u;
  }

  /** The number, which is the first holder's secret. */
  get number(): bigint {
    return this.#m - OFFSET;
  }

  /** Its 64 secret octets: m and u. */
  toOctetsSecret(): Uint8Array {
    return concat(fromInteger(this.#m, SCALAR_OCTETS), fromInteger(this.#u, SCALAR_OCTETS));
  }

  /** Decode what `toOctetsSecret` gives, for a commitment; throws as the constructor does. */
  static fromOctets(number: CommittedNumber, octets: Uint8Array): CommitmentOpening {
    if (octets.length !== 2 * SCALAR_OCTETS) {
      throw new MalformedError("MALFORMED", `an opening has ${2 * SCALAR_OCTETS} octets`, "opening");
    }
    const [m, u] = [octets.subarray(0, SCALAR_OCTETS), octets.subarray(SCALAR_OCTETS)].map(toInteger) as [bigint, bigint];
    return new CommitmentOpening(number.suite, number.K, m, u);
  }
}

/** What the first holder's vault keeps of a commitment of its presentation. */
export class KeptOpening {
  constructor(readonly number: CommittedNumber, readonly opening: CommitmentOpening) {
    if (number.suite !== opening.suite || !equal(number.K, opening.K)) {
      throw new MalformedError("MALFORMED", "the opening is of another commitment", "opening");
    }
  }

  /** Its secret octets, for the vault's own encrypted store. */
  toOctetsSecret(): Uint8Array {
    return encode(KEPT_LABEL, this.number.items(), this.opening.toOctetsSecret());
  }

  /** Decode what `toOctetsSecret` gives. */
  static fromOctets(octets: Uint8Array): KeptOpening {
    const refuse = () => new MalformedError("MALFORMED", "the octets are no kept opening");
    const [items, secret] = list(decode(KEPT_LABEL, octets), refuse, 2);
    const number = CommittedNumber.of(items);
    return new KeptOpening(number, CommitmentOpening.fromOctets(number, octetsOf(secret, refuse)));
  }
}
