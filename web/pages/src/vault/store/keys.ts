// The keys of one opened vault and what they seal. All are derived from the data key by HKDF-SHA256 and live as
// WebCrypto's own objects, which cannot be exported: the data key's octets are overwritten when these are made.
//
// A record is sealed as prover/sealing.py seals its records. What it is bound to is its place: 16 octets of a MAC of its
// kind and 16 of a MAC of kind and name. The place is the record's key in the database too, so that names are not
// readable there; kind and name stand within the seal, and are compared with the place when it is opened.

import { expand } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { hex, joined, toBigEndian, utf8 } from "../../ledger/encoding.js";
import { StoreError } from "./errors.js";
import { KEY_OCTETS, NONCE_OCTETS, type Octets, TAG_OCTETS, random } from "./passphrase.js";
import { UseKeys } from "./uses.js";

const SUBKEY = "zk-disclosure/vault-key/v1/";
const RECORD = utf8("zk-disclosure/vault-record/v1\0");
const KIND = "zk-disclosure/web-vault-kind/v1";
const ENTRY = "zk-disclosure/web-vault-entry/v1";
const VAULT = "zk-disclosure/web-vault-id/v1";
const USES = ["records", "web-places", "web-backups", "usage-tags", "notes", "consents"] as const;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const HALF_OCTETS = 16;
const LENGTH_OCTETS = 4;
const BLOCK_OCTETS = 512;

/** Where a record is: what kind it is of, and its name, unique within the kind. */
export interface Place {
  readonly kind: string;
  readonly name: string;
}

export interface Opened extends Place {
  readonly value: Uint8Array;
}

export class Keys {
  readonly #records: CryptoKey;
  readonly #places: CryptoKey;

  private constructor(
    records: CryptoKey,
    places: CryptoKey,
    private readonly backups: CryptoKey,
    readonly uses: UseKeys,
  ) {
    this.#records = records;
    this.#places = places;
  }

  /** Derive the keys; the data key's octets are overwritten. */
  static async of(dataKey: Octets): Promise<Keys> {
    const subkeys = USES.map((use) => subkey(dataKey, use));
    dataKey.fill(0);
    const [records, places, backups, tags, notes, consents] = subkeys as [Octets, Octets, Octets, Octets, Octets, Octets];
    const made = new Keys(
      await crypto.subtle.importKey("raw", records, "AES-GCM", false, ["encrypt", "decrypt"]),
      await crypto.subtle.importKey("raw", places, HMAC, false, ["sign"]),
      await crypto.subtle.importKey("raw", backups, HMAC, false, ["sign", "verify"]),
      await UseKeys.of(tags, notes, consents),
    );
    for (const each of subkeys) each.fill(0);
    return made;
  }

  /** What tells this vault from another that took its place; it opens nothing. */
  async vault(): Promise<string> {
    return hex(await this.#mac(encode(VAULT)));
  }

  /** The beginning of the keys of all records of a kind. */
  async kind(kind: string): Promise<string> {
    return hex(await this.#mac(encode(KIND, kind)));
  }

  /** A record's key in the database. */
  async place({ kind, name }: Place): Promise<string> {
    return (await this.kind(kind)) + hex(await this.#mac(encode(ENTRY, kind, name)));
  }

  /** Seal a value for its own place; the length is a multiple of 512 octets and tells no more. */
  async seal(place: Place, value: Uint8Array): Promise<Octets> {
    const entry = encode(ENTRY, place.kind, place.name);
    const plain = joined(length(entry), entry, value);
    const whole = joined(length(plain), plain);
    const rest = (NONCE_OCTETS + whole.length + TAG_OCTETS) % BLOCK_OCTETS;
    const padded = new Uint8Array(whole.length + ((BLOCK_OCTETS - rest) % BLOCK_OCTETS));
    padded.set(whole);
    const iv = random(NONCE_OCTETS);
    const additionalData = bound(await this.place(place));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, this.#records, padded);
    return new Uint8Array(joined(iv, new Uint8Array(sealed)));
  }

  /** Open what stands under a key of the database. Raises StoreError VAULT_DAMAGED if it was changed or moved. */
  async open(key: string, sealed: unknown): Promise<Opened> {
    try {
      if (!(sealed instanceof Uint8Array)) throw new TypeError("not octets");
      const iv = new Uint8Array(sealed.subarray(0, NONCE_OCTETS));
      const rest = new Uint8Array(sealed.subarray(NONCE_OCTETS));
      const open = { name: "AES-GCM", iv, additionalData: bound(key) };
      const plain = framed(new Uint8Array(await crypto.subtle.decrypt(open, this.#records, rest)));
      const entry = framed(plain);
      const [kind, name] = decode(ENTRY, entry);
      if (typeof kind !== "string" || typeof name !== "string") throw new TypeError("no entry");
      if ((await this.place({ kind, name })) !== key) throw new TypeError("of another place");
      return { kind, name, value: plain.slice(LENGTH_OCTETS + entry.length) };
    } catch {
      throw new StoreError("VAULT_DAMAGED", "a record was changed or moved; nothing else was touched");
    }
  }

  /** The MAC of a file. */
  async signBackup(covered: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", this.backups, new Uint8Array(covered)));
  }

  /** Whether a file's MAC is this vault's; WebCrypto compares in constant time. */
  verifyBackup(covered: Uint8Array, mac: Uint8Array): Promise<boolean> {
    return crypto.subtle.verify("HMAC", this.backups, new Uint8Array(mac), new Uint8Array(covered));
  }

  async #mac(octets: Uint8Array): Promise<Uint8Array> {
    const mac = await crypto.subtle.sign("HMAC", this.#places, new Uint8Array(octets));
    return new Uint8Array(mac).subarray(0, HALF_OCTETS);
  }
}

const subkey = (dataKey: Octets, use: string): Octets =>
  new Uint8Array(expand(sha256, dataKey, utf8(SUBKEY + use), KEY_OCTETS));

const length = (octets: Uint8Array): Uint8Array => toBigEndian(BigInt(octets.length), LENGTH_OCTETS);

function framed(octets: Uint8Array): Uint8Array {
  const end = LENGTH_OCTETS + new DataView(octets.buffer, octets.byteOffset, octets.length).getUint32(0);
  if (end > octets.length) throw new TypeError("too short");
  return octets.subarray(LENGTH_OCTETS, end);
}

/** The associated data of a record: its place's octets, under a label. */
function bound(key: string): Octets {
  const place = Uint8Array.from(key.match(/../g) ?? [], (each) => Number.parseInt(each, 16));
  if (place.length !== 2 * HALF_OCTETS || hex(place) !== key) throw new TypeError("no key of a record");
  return new Uint8Array(joined(RECORD, place));
}
