// Requests of the plain form, signed: docs/protocol.md has the fields, disclosure/request.py the same in Python.
import { type KeyObject, randomBytes, sign } from "node:crypto";

const LABEL = "zk-disclosure/request/v1";
const SIGNING_PREFIX = Buffer.from("zk-disclosure/request-signature/v1\0", "utf8");
const REVOCATION_WAIVED = "revocation-waived";
const NONCE_OCTETS = 32;

/** What canonical bytes are made of: deterministic CBOR, arrays only, whole numbers from 0 up. */
export type Item = number | string | Uint8Array | boolean | null | readonly Item[];

/** One credential that is asked for. */
export interface Query {
  readonly id: string;
  /** Resource name with its version: "departments/{department}/schemas/{item}@{version}". */
  readonly schema: string;
  readonly shown: readonly string[];
  readonly expiry: "shown" | "waived";
}

export interface Request {
  readonly verifier: string;
  readonly policy: string;
  readonly purpose: { readonly zh: string; readonly en: string };
  readonly created: Date;
  readonly lifetimeSeconds: number;
  readonly queries: readonly Query[];
  readonly nonce?: Uint8Array;
}

/** The canonical bytes of a request, and their Ed25519 signature: a SignedRequest's payload and signature. */
export function signedRequest(request: Request, key: KeyObject): { payload: Uint8Array; signature: Uint8Array } {
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError("requests are signed by an Ed25519 key");
  const created = Math.floor(request.created.getTime() / 1000);
  const nonce = request.nonce ?? randomBytes(NONCE_OCTETS);
  if (nonce.length !== NONCE_OCTETS) throw new RangeError(`a nonce has ${NONCE_OCTETS} octets`);
  const payload = canonical([
    LABEL,
    request.verifier,
    request.policy,
    [request.purpose.zh, request.purpose.en],
    created,
    created + request.lifetimeSeconds,
    nonce,
    request.queries.map((each) => [each.id, each.schema, each.shown, each.expiry, REVOCATION_WAIVED]),
  ]);
  return { payload, signature: sign(null, Buffer.concat([SIGNING_PREFIX, payload]), key) };
}

/** Deterministic CBOR (RFC 8949, section 4.2.1) of an item. */
export function canonical(item: Item): Uint8Array {
  if (item === null) return Uint8Array.of(0xf6);
  if (typeof item === "boolean") return Uint8Array.of(item ? 0xf5 : 0xf4);
  if (typeof item === "number") return head(0, item);
  if (typeof item === "string") {
    const octets = Buffer.from(item, "utf8");
    if (octets.toString("utf8") !== item) throw new RangeError("a text is of whole characters");
    return Buffer.concat([head(3, octets.length), octets]);
  }
  if (item instanceof Uint8Array) return Buffer.concat([head(2, item.length), item]);
  return Buffer.concat([head(4, item.length), ...item.map(canonical)]);
}

function head(major: number, value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("a number is whole and not below 0");
  const kind = major << 5;
  if (value < 24) return Uint8Array.of(kind | value);
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64BE(BigInt(value));
  const [width, more] = value < 0x100 ? [1, 24] : value < 0x10000 ? [2, 25] : value < 0x100000000 ? [4, 26] : [8, 27];
  return Buffer.concat([Uint8Array.of(kind | more), octets.subarray(8 - width)]);
}
