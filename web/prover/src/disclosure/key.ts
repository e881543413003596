// Issuers' public keys, and the cities' calendar: what disclosure/credential.py has of both.

import { hex } from "../bbs/octets.js";
import { decode, digest, encode } from "./canonical.js";
import { MalformedError } from "./errors.js";
import { IssuerKeyName } from "./names.js";
import { list, octets as octetsOf, text } from "./reading.js";

export const SUITES = ["BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_", "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"] as const;
export type SuiteName = (typeof SUITES)[number];
export type KeyState = "active" | "verify-only" | "retired";

const LABEL = "zk-disclosure/issuer-key/v1";
const PUBLIC_KEY_OCTETS = 96;
const CIVIL_OFFSET = 8 * 3600;
const DAY = 86_400;

/** The suite of a name; MalformedError MALFORMED. */
export function suiteName(name: string, field = "suite"): SuiteName {
  const known = SUITES.find((each) => each === name);
  if (known === undefined) throw new MalformedError("MALFORMED", `the suite is one of ${SUITES.join(", ")}`, field);
  return known;
}

/** The public half of an issuer's key; MalformedError MALFORMED, NAME_INVALID (the name is not that of the key). */
export class IssuerKey {
  readonly suite: SuiteName;

  constructor(readonly name: IssuerKeyName, suite: string, readonly publicKey: Uint8Array, readonly state: KeyState) {
    this.suite = suiteName(suite);
    if (publicKey.length !== PUBLIC_KEY_OCTETS) {
      throw new MalformedError("MALFORMED", `a public key has ${PUBLIC_KEY_OCTETS} octets`, "public_key");
    }
    const octets = encode(LABEL, `departments/${name.department}`, suite, publicKey);
    if (hex(digest(LABEL, octets).subarray(0, 16)) !== name.key) {
      throw new MalformedError("NAME_INVALID", "the name does not follow from the public key", "name");
    }
  }

  /** Decode what the ledger holds of a key; MalformedError MALFORMED, NAME_INVALID. */
  static fromRecord(octets: Uint8Array, state: KeyState = "active"): IssuerKey {
    const refuse = () => new MalformedError("MALFORMED", "the octets are no issuer key");
    const [name, suite, publicKey] = list(decode(LABEL, octets), refuse, 3);
    return new IssuerKey(
      IssuerKeyName.parse(text(name, refuse)), text(suite, refuse), octetsOf(publicKey, refuse), state,
    );
  }
}

/** The day since 1970-01-01 of a moment in seconds, by the cities' clock (UTC+08:00). */
export function civilDay(seconds: number): number {
  return Math.floor((seconds + CIVIL_OFFSET) / DAY);
}
