// What prover/sealing.py makes of the same data key: usage tags and holder's notes, by which a vault recognises its own uses and
// reads in the ledger what it told itself, both random to everybody else; and the keys of standing consents.

import { encode } from "../../../../prover/src/disclosure/canonical.js";
import { joined, utf8 } from "../../ledger/encoding.js";
import { NONCE_OCTETS, type Octets, TAG_OCTETS, random } from "./passphrase.js";

const TAG = utf8("zk-disclosure/usage-tag/v1\0");
const NOTE = new Uint8Array(utf8("zk-disclosure/holder-note-seal/v1\0"));
const TAG_NONCE_OCTETS = 16;
const USAGE_TAG_OCTETS = 48;
const CONSENT = "zk-disclosure/consent-key/v1";
const NOTE_OCTETS = 1024;
const PLAIN_OCTETS = NOTE_OCTETS - NONCE_OCTETS - TAG_OCTETS;

export class UseKeys {
  readonly #tags: CryptoKey;
  readonly #notes: CryptoKey;
  readonly #consents: CryptoKey;

  private constructor(tags: CryptoKey, notes: CryptoKey, consents: CryptoKey) {
    this.#tags = tags;
    this.#notes = notes;
    this.#consents = consents;
  }

  /** The keys of three subkeys, whose octets the caller overwrites. */
  static async of(tags: Octets, notes: Octets, consents: Octets): Promise<UseKeys> {
    const hmac = { name: "HMAC", hash: "SHA-256" };
    return new UseKeys(
      await crypto.subtle.importKey("raw", tags, hmac, false, ["sign", "verify"]),
      await crypto.subtle.importKey("raw", notes, "AES-GCM", false, ["encrypt", "decrypt"]),
      await crypto.subtle.importKey("raw", consents, hmac, false, ["sign"]),
    );
  }

  /** A usage tag of 48 octets: 16 fresh random ones, or others that look random to everybody, and their MAC. RangeError. */
  async usageTag(nonce: Uint8Array = random(TAG_NONCE_OCTETS)): Promise<Uint8Array> {
    if (nonce.length !== TAG_NONCE_OCTETS) throw new RangeError(`a usage tag begins with ${TAG_NONCE_OCTETS} octets`);
    const mac = await crypto.subtle.sign("HMAC", this.#tags, tagged(nonce));
    return joined(nonce, new Uint8Array(mac));
  }

  /** Whether a usage tag is this vault's; WebCrypto compares in constant time. */
  async recognises(tag: Uint8Array): Promise<boolean> {
    if (tag.length !== USAGE_TAG_OCTETS) return false;
    const mac = new Uint8Array(tag.subarray(TAG_NONCE_OCTETS));
    return crypto.subtle.verify("HMAC", this.#tags, mac, tagged(tag.subarray(0, TAG_NONCE_OCTETS)));
  }

  /** Seal exactly 996 octets as a holder's note of 1,024; RangeError for another length. */
  async sealNote(plain: Uint8Array): Promise<Uint8Array> {
    if (plain.length !== PLAIN_OCTETS) throw new RangeError(`a note's plain text has ${PLAIN_OCTETS} octets`);
    const iv = random(NONCE_OCTETS);
    const seal = { name: "AES-GCM", iv, additionalData: NOTE };
    return joined(iv, new Uint8Array(await crypto.subtle.encrypt(seal, this.#notes, new Uint8Array(plain))));
  }

  /** A holder's note's plain text, or null if this vault did not seal it. */
  async openNote(note: Uint8Array): Promise<Uint8Array | null> {
    if (note.length !== NOTE_OCTETS) return null;
    const open = { name: "AES-GCM", iv: new Uint8Array(note.subarray(0, NONCE_OCTETS)), additionalData: NOTE };
    const sealed = new Uint8Array(note.subarray(NONCE_OCTETS));
    try {
      return new Uint8Array(await crypto.subtle.decrypt(open, this.#notes, sealed));
    } catch {
      return null;
    }
  }

  /**
   * The seed of one standing consent's Ed25519 key, 32 octets: by the log's verifier key that it was granted under, its resource
   * name, the digest of its terms. A service chooses the name, so that alone would tell which consents are of one vault.
   */
  async consentSeed(log: string, consent: string, terms: Uint8Array): Promise<Uint8Array> {
    const about = new Uint8Array(encode(CONSENT, log, consent, terms));
    return new Uint8Array(await crypto.subtle.sign("HMAC", this.#consents, about));
  }
}

const tagged = (nonce: Uint8Array): Octets => new Uint8Array(joined(TAG, nonce));
