/** The two ciphersuites (draft-irtf-cfrg-bbs-signatures-09, section 7). */

import { expand_message_xmd, expand_message_xof } from "@noble/curves/abstract/hash-to-curve.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";

import { InputError } from "./errors.js";
import { g1FromOctets, p, prepare, r, type G1Point } from "./group.js";
import { concat, toInteger, utf8 } from "./octets.js";

const INTERFACE_ID = "H2G_HM2S_";
const EXPAND_LEN = 48;
const FIELD_EXPAND_LEN = 64;

/** A ciphersuite: its identifier, its hash, its fixed point P1. There are two, compared by identity. */
export class Ciphersuite {
  /** A limit of this project, far below the draft's: the Python package has the same. */
  readonly maxMessages = 4096;
  readonly id: Uint8Array;
  readonly P1: G1Point;

  constructor(
    readonly name: string,
    p1: string,
    private readonly expander: (msg: Uint8Array, dst: Uint8Array, length: number) => Uint8Array,
    private readonly mapping: (msg: Uint8Array, dst: Uint8Array) => G1Point,
  ) {
    this.id = utf8(name);
    this.P1 = prepare(g1FromOctets(digits(p1)));
  }

  /** The identifier of the draft's interface over this ciphersuite (section 3.5). */
  get apiId(): Uint8Array {
    return concat(this.id, utf8(INTERFACE_ID));
  }

  /** Expand a message (RFC 9380, section 5.3); InputError INVALID_DST, INPUT_TOO_LONG. */
  expandMessage(msg: Uint8Array, dst: Uint8Array, length: number = EXPAND_LEN): Uint8Array {
    return this.expander(msg, checkDst(dst), length);
  }

  /** Hash octets to a scalar in [0, r) (section 4.2.2); InputError INVALID_DST. */
  hashToScalar(msg: Uint8Array, dst: Uint8Array): bigint {
    return toInteger(this.expandMessage(msg, dst)) % r;
  }

  /** Hash octets to a point of G1 (RFC 9380, section 3); InputError INVALID_DST. */
  hashToG1(msg: Uint8Array, dst: Uint8Array): G1Point {
    return this.mapping(msg, checkDst(dst));
  }

  toString(): string {
    return this.name;
  }
}

function digits(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function checkDst(dst: Uint8Array): Uint8Array {
  if (dst.length < 1 || dst.length > 255) {
    throw new InputError("INVALID_DST", "a domain separation tag has 1 to 255 octets");
  }
  return dst;
}

function xmd(msg: Uint8Array, dst: Uint8Array, length: number): Uint8Array {
  if (length > 255 * 32) throw new InputError("INPUT_TOO_LONG", "the hash expands to 8160 octets at most");
  return expand_message_xmd(msg, dst, length, sha256);
}

function xof(msg: Uint8Array, dst: Uint8Array, length: number): Uint8Array {
  if (length > 65535) throw new InputError("INPUT_TOO_LONG", "SHAKE-256 expands to 65535 octets at most");
  return expand_message_xof(msg, dst, length, 256, shake256);
}

/** The library's map of one element with the cofactor cleared, of which its types say what holds for G2 only. */
const mapToG1 = bls12_381.G1.mapToCurve as unknown as (u: bigint) => G1Point;

/** Map two elements of the field, each with the cofactor cleared, which is linear, and add (RFC 9380, section 3). */
function mapXof(msg: Uint8Array, dst: Uint8Array): G1Point {
  const octets = xof(msg, dst, 2 * FIELD_EXPAND_LEN);
  const [u0, u1] = [octets.subarray(0, FIELD_EXPAND_LEN), octets.subarray(FIELD_EXPAND_LEN)];
  return mapToG1(toInteger(u0) % p).add(mapToG1(toInteger(u1) % p));
}

/** BLS12-381-SHA-256 (section 7.2.2). */
export const SHA_256 = new Ciphersuite(
  "BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_",
  "a8ce256102840821a3e94ea9025e4662b205762f9776b3a766c872b948f1fd225e7c59698588e70d11406d161b4e28c9",
  xmd,
  (msg, dst) => bls12_381.G1.hashToCurve(msg, { DST: dst }),
);

/** BLS12-381-SHAKE-256 (section 7.2.1). */
export const SHAKE_256 = new Ciphersuite(
  "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_",
  "8929dfbc7e6642c4ed9cba0856e493f8b9d7d5fcb0c31ef8fdcd34d50648a56c795e106e9eada6e0bda386b414150755",
  xof,
  mapXof,
);

/** Return a ciphersuite by its identifier or that of its interface; InputError UNKNOWN_CIPHERSUITE. */
export function resolve(identifier: string): Ciphersuite {
  for (const suite of [SHA_256, SHAKE_256]) {
    if (identifier === suite.name || identifier === suite.name + INTERFACE_ID) return suite;
  }
  throw new InputError("UNKNOWN_CIPHERSUITE", "the identifier is that of neither ciphersuite");
}
