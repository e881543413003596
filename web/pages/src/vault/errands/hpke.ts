// Sealing to a key by HPKE (RFC 9180), base mode: X25519, HKDF-SHA256, AES-256-GCM, one message for each key pair of the
// sender's. Base mode does not say who sealed: what is sealed has to be bound to its sender by other means.

import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { joined, toBigEndian, utf8 } from "../../ledger/encoding.js";

const VERSION = utf8("HPKE-v1");
/** KEM, KDF and AEAD by their numbers. */
const KEM = Uint8Array.of(0x00, 0x20);
const OF_KEM = joined(utf8("KEM"), KEM);
const OF_SUITE = joined(utf8("HPKE"), KEM, Uint8Array.of(0x00, 0x01), Uint8Array.of(0x00, 0x02));
const BASE_MODE = Uint8Array.of(0x00);
const NOTHING = new Uint8Array();
const KEY_OCTETS = 32;
const NONCE_OCTETS = 12;

/**
 * Seal octets to a public key of 32 octets: the sender's fresh public key, and what is sealed. Throws whatever it likes for a
 * key that is none, or with which everybody would know the shared secret.
 */
export async function sealTo(publicKey: Uint8Array, info: Uint8Array, plain: Uint8Array): Promise<Uint8Array> {
  const { secretKey, publicKey: own } = x25519.keygen();
  const shared = x25519.getSharedSecret(secretKey, publicKey);
  const material = extracted(OF_KEM, NOTHING, "eae_prk", shared);
  const secret = expanded(OF_KEM, material, "shared_secret", joined(own, publicKey), KEY_OCTETS);
  const { key, nonce } = scheduled(secret, info);
  const sealing = await crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, ["encrypt"]);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(nonce) }, sealing, new Uint8Array(plain));
  for (const each of [secretKey, shared, material, secret, key]) each.fill(0);
  return joined(own, new Uint8Array(sealed));
}

function scheduled(shared: Uint8Array, info: Uint8Array): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const [party, about] = [extracted(OF_SUITE, NOTHING, "psk_id_hash", NOTHING), extracted(OF_SUITE, NOTHING, "info_hash", info)];
  const context = joined(BASE_MODE, party, about);
  const secret = extracted(OF_SUITE, shared, "secret", NOTHING);
  return {
    key: expanded(OF_SUITE, secret, "key", context, KEY_OCTETS),
    nonce: expanded(OF_SUITE, secret, "base_nonce", context, NONCE_OCTETS),
  };
}

function extracted(suite: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Uint8Array {
  return extract(sha256, joined(VERSION, suite, utf8(label), material), salt);
}

function expanded(suite: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  return expand(sha256, key, joined(toBigEndian(BigInt(length), 2), VERSION, suite, utf8(label), info), length);
}
