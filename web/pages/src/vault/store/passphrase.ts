// The data key, wrapped by a key from the passphrase: the header of prover/sealing.py, octet for octet, so that either
// vault opens what the other wrote. Argon2id (RFC 9106) is of @noble/hashes, AES-256-GCM the browser's.
//
// The parameters stand in the header, which an attacker may rewrite. They are bounded from below, so that they cannot
// be made weak, and from above, so that opening cannot be made to exhaust memory or time. They are associated data too.

import { argon2idAsync } from "@noble/hashes/argon2.js";
import { decode, encode, utf8 } from "../../../../prover/src/disclosure/canonical.js";
import { StoreError } from "./errors.js";

/** Octets of their own buffer, as WebCrypto and IndexedDB take them. */
export type Octets = Uint8Array<ArrayBuffer>;

export const KEY_OCTETS = 32;
export const NONCE_OCTETS = 12;
export const TAG_OCTETS = 16;
const SALT_OCTETS = 16;
const MIN_PASSPHRASE = 10;
const MAX_PASSPHRASE_OCTETS = 1024;
const HEADER = "zk-disclosure/vault-header/v1";
const WRAPPED = "zk-disclosure/vault-wrapped/v1";

/** What one guess costs: passes, lanes and memory (KiB) of Argon2id; RFC 9106, section 4, second recommendation. */
interface Cost {
  readonly iterations: number;
  readonly lanes: number;
  readonly memory: number;
}
const COST: Cost = { iterations: 3, lanes: 4, memory: 64 << 10 };
const BOUNDS = [
  [3n, 10n],
  [1n, 16n],
  [64n << 10n, 512n << 10n],
] as const;

export const random = (count: number): Octets => crypto.getRandomValues(new Uint8Array(count));

/** Octets of a passphrase that a vault takes. Raises StoreError PASSPHRASE_TOO_SHORT, _TOO_LONG, _MALFORMED. */
function checked(passphrase: string): Octets {
  const text = passphrase.normalize("NFC");
  if (/\p{Surrogate}/u.test(text)) throw new StoreError("PASSPHRASE_MALFORMED", "it is no Unicode");
  if (Array.from(text).length < MIN_PASSPHRASE) {
    throw new StoreError("PASSPHRASE_TOO_SHORT", `a passphrase has ${MIN_PASSPHRASE} characters at least`);
  }
  const octets = new Uint8Array(utf8(text));
  if (octets.length > MAX_PASSPHRASE_OCTETS) {
    throw new StoreError("PASSPHRASE_TOO_LONG", `a passphrase has ${MAX_PASSPHRASE_OCTETS} octets at most`);
  }
  return octets;
}

async function derive(passphrase: Octets, salt: Uint8Array, cost: Cost): Promise<CryptoKey> {
  const { iterations: t, lanes: p, memory: m } = cost;
  const octets = new Uint8Array(await argon2idAsync(passphrase, salt, { t, p, m, dkLen: KEY_OCTETS }));
  try {
    return await crypto.subtle.importKey("raw", octets, "AES-GCM", false, ["encrypt", "decrypt"]);
  } finally {
    octets.fill(0);
    passphrase.fill(0);
  }
}

/** A header that opens with this passphrase and gives this data key. Raises as `checked` does. */
export async function wrap(dataKey: Octets, passphrase: string): Promise<Octets> {
  const octets = checked(passphrase);
  const salt = random(SALT_OCTETS);
  const iv = random(NONCE_OCTETS);
  const clear = new Uint8Array(encode(HEADER, COST.iterations, COST.lanes, COST.memory, salt));
  const key = await derive(octets, salt, COST);
  const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: clear }, key, dataKey);
  return new Uint8Array(encode(WRAPPED, clear, iv, new Uint8Array(wrapped)));
}

/**
 * The data key of a header. Raises StoreError PASSPHRASE_WRONG for a wrong passphrase and for a header that was
 * changed: the two cannot be told apart.
 */
export async function unwrap(header: Uint8Array, passphrase: string): Promise<Octets> {
  const { clear, cost, salt, iv, wrapped, octets } = opening(header, passphrase);
  const key = await derive(octets, salt, cost); // what fails here is want of memory, not the passphrase
  const opened = await crypto.subtle
    .decrypt({ name: "AES-GCM", iv, additionalData: clear }, key, wrapped)
    .catch(() => Promise.reject(wrong()));
  return new Uint8Array(opened);
}

const wrong = (): StoreError => new StoreError("PASSPHRASE_WRONG", "the passphrase does not open this vault");

function opening(header: Uint8Array, passphrase: string) {
  try {
    return { ...parsed(header), octets: checked(passphrase) };
  } catch {
    throw wrong();
  }
}

function parsed(header: Uint8Array) {
  const [clear, iv, wrapped] = exactly(decode(WRAPPED, header), 3).map((each) => octetsOf(each));
  const [iterations, lanes, memory, given] = exactly(decode(HEADER, clear!), 4);
  const salt = octetsOf(given, SALT_OCTETS);
  if (iv!.length !== NONCE_OCTETS || wrapped!.length !== KEY_OCTETS + TAG_OCTETS) throw new TypeError("no header");
  const numbers = [iterations, lanes, memory].map((each, at) => {
    const [least, most] = BOUNDS[at]!;
    if (typeof each !== "bigint" || each < least || each > most) throw new TypeError("the cost is out of bounds");
    return Number(each);
  });
  const cost = { iterations: numbers[0]!, lanes: numbers[1]!, memory: numbers[2]! };
  return { clear: clear!, cost, salt, iv: iv!, wrapped: wrapped! };
}

function exactly<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length !== count) throw new TypeError("no header");
  return items;
}

function octetsOf(item: unknown, length?: number): Octets {
  if (!(item instanceof Uint8Array)) throw new TypeError("no header");
  if (length !== undefined && item.length !== length) throw new TypeError("no header");
  return new Uint8Array(item);
}
