// The log's key that a vault believes. It is taken when the vault is made, stands in the sealed store, and is what all
// that is published is checked under: who writes to the disk cannot change it.

import { sha256 } from "@noble/hashes/sha2.js";

import { LogKey_State, type LogKey } from "../../gen/zkproto/v1/ledger_pb.js";
import { decode, encode } from "../../../prover/src/disclosure/canonical.js";
import { hex, utf8 } from "../ledger/encoding.js";
import { parseVerifier, type Verifier, verifierText } from "../ledger/keys.js";
import { ledger } from "../service.js";
import { VaultError } from "./fault.js";
import type { TrustView } from "./model.js";
import { StoreError } from "./store/errors.js";
import type { Draft, Written } from "./store/store.js";

const PLACE = { kind: "log-key", name: "" } as const;
const LABEL = "zk-disclosure/web-log-key/v1";
const FINGERPRINT_OCTETS = 16;

/** Read a log's key as people paste it. Raises LedgerError KEY_MALFORMED, KEY_UNSUPPORTED (it cosigns only). */
export function logKeyOf(text: string): Verifier {
  const key = parseVerifier(text.trim());
  if (key.type !== 1) throw new VaultError("KEY_UNSUPPORTED", "this key is a witness's, not the log's");
  return key;
}

/** What a new vault begins with. */
export const trustRecord = (key: Verifier): Written => ({ ...PLACE, value: encode(LABEL, verifierText(key)) });

/** The key that the vault believes. Raises StoreError VAULT_DAMAGED if there is none. */
export async function believed(draft: Pick<Draft, "get">): Promise<Verifier> {
  const damaged = () => new StoreError("VAULT_DAMAGED", "the log's key is not there");
  const octets = await draft.get(PLACE);
  if (octets === null) throw damaged();
  try {
    const items = decode(LABEL, octets);
    if (items.length !== 1 || typeof items[0] !== "string") throw damaged();
    return logKeyOf(items[0]);
  } catch {
    throw damaged();
  }
}

/** How people compare a key: 16 octets of its hash, in groups of four digits. */
export function trustOf(key: Verifier): TrustView {
  const text = verifierText(key);
  const digits = hex(sha256(utf8(text)).subarray(0, FINGERPRINT_OCTETS));
  return { log: key.name, key: text, fingerprint: (digits.match(/.{4}/g) ?? []).join(" ") };
}

/** The key that the service says its log signs with. Nothing vouches for it but who compares it. */
export async function serviceKey(): Promise<Verifier> {
  const { logKeys } = await ledger.listLogKeys({});
  const signing = logKeys.find((each: LogKey) => each.state === LogKey_State.SIGNING);
  if (signing === undefined) throw new VaultError("KEY_UNKNOWN", "the service names no key of its log", true);
  return logKeyOf(signing.verifierKey);
}
