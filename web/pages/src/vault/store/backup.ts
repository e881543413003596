// A vault in one file: its header and its records, sealed as they stand in the database, and a MAC of all of it, so that
// no record can be taken out of a file, or put in from another. Nothing is readable in it without the passphrase.

import { fromBigEndian, hex, joined, startsWith, toBigEndian, utf8 } from "../../ledger/encoding.js";
import { StoreError } from "./errors.js";

const BEGINNING = utf8("zk-disclosure/web-vault-backup/v1\n");
const LENGTH_OCTETS = 4;
const PLACE_OCTETS = 32;
export const MAC_OCTETS = 32;
const MAX_OCTETS = 64 << 20;

export interface Backup {
  readonly header: Uint8Array;
  /** Sealed values by their keys in the database. */
  readonly records: ReadonlyMap<string, Uint8Array>;
  /** What the MAC is of. */
  readonly covered: Uint8Array;
  readonly mac: Uint8Array;
}

/** The octets of a file, before its MAC. RangeError for more than 64 MiB. */
export function written(header: Uint8Array, records: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = [BEGINNING, length(header.length), header, length(records.size)];
  for (const [key, sealed] of records) {
    const place = Uint8Array.from(key.match(/../g) ?? [], (each) => Number.parseInt(each, 16));
    parts.push(place, length(sealed.length), sealed);
  }
  const whole = joined(...parts);
  if (whole.length + MAC_OCTETS > MAX_OCTETS) throw new RangeError("the vault is larger than a file may be");
  return whole;
}

/** Read a file; its MAC is not checked. Raises StoreError BACKUP_MALFORMED for what `written` does not give. */
export function readBackup(file: Uint8Array): Backup {
  if (file.length > MAX_OCTETS || !startsWith(file, BEGINNING)) throw malformed();
  const covered = file.subarray(0, -MAC_OCTETS);
  let at = BEGINNING.length;
  const take = (count: number): Uint8Array => {
    if (count > covered.length - at) throw malformed();
    at += count;
    return covered.slice(at - count, at);
  };
  const number = (): number => Number(fromBigEndian(take(LENGTH_OCTETS)));
  const header = take(number());
  const records = new Map<string, Uint8Array>();
  let last = "";
  for (let left = number(); left > 0; left--) {
    const key = hex(take(PLACE_OCTETS));
    if (key <= last) throw malformed();
    records.set(key, take(number()));
    last = key;
  }
  if (at !== covered.length) throw malformed();
  return { header, records, covered, mac: file.slice(-MAC_OCTETS) };
}

export const malformed = (): StoreError => new StoreError("BACKUP_MALFORMED", "this is no whole file of a vault");

const length = (count: number): Uint8Array => toBigEndian(BigInt(count), LENGTH_OCTETS);
