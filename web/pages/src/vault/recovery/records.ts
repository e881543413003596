// How far the ledger was read, and what was found there, in the sealed store (prover/reading.py, prover/readings.py). How far was
// read and what was found are written in one use case, so a reading that was broken off goes on where it was. What is not
// verified yet stands beside what is, and is dropped when it turns out not to be what the log has signed.

import { decode, type Decoded, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, orNull, small, text } from "../../../../prover/src/disclosure/reading.js";
import { fromBigEndian, joined, LedgerError, toBigEndian } from "../../ledger/encoding.js";
import { type Verifier, verifierText } from "../../ledger/keys.js";
import { HASH_OCTETS } from "../../ledger/merkle.js";
import { FOUND, READING } from "../history/found.js";
import { NOTE_OCTETS } from "../showing/notes.js";
import { StoreError } from "../store/errors.js";
import type { Draft, Written } from "../store/store.js";
import { type Paths, ProvingFrontier } from "./proving.js";

const LABEL = "zk-disclosure/web-ledger-reading/v1";
const FOUND_LABEL = "zk-disclosure/web-found-entry/v1";
const MAX_OCTETS = 1 << 26;
const NUMBER_OCTETS = 8;
const DIGITS = 16;

/** How far the ledger was read: the tree's frontier, the own entries' paths, the last block's header. */
export interface Place {
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
  readonly paths: Paths;
  /** Empty before the first block. */
  readonly header: Uint8Array;
}

/** How far a vault has read its log: up to where it is verified, and up to where it is read. */
export interface Reading {
  /** The log's verifier key when it was read last. */
  readonly log: string;
  readonly verified: Place;
  /** The signed one that `verified` ends in; empty before that. */
  readonly checkpoint: Uint8Array;
  readonly read: Place;
  /** How many entries the log had when it was looked last. */
  readonly size: number;
}

/** An entry whose note this vault wrote: its place, and the block's height and time. */
export interface Found {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly holderNote: Uint8Array;
  readonly height: number;
  /** Milliseconds. */
  readonly time: number;
  /** The index of an earlier entry with the very same note. */
  readonly copyOf: number | null;
}

const NOWHERE: Place = { size: 0, hashes: [], paths: new Map(), header: new Uint8Array() };
const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of the ledger's reading is none");
/** A log keeps its origin when its key changes, and so does what was read of it. */
const placeOf = ({ name }: Verifier) => ({ kind: READING, name }) as const;

/** A reading that has not begun. */
export const unread = (log: Verifier): Reading =>
  ({ log: verifierText(log), verified: NOWHERE, checkpoint: new Uint8Array(), read: NOWHERE, size: 0 });

/** What a vault begins with that is made anew from its words: that its ledger is to be read. */
export const beginning = (log: Verifier): Written => ({ ...placeOf(log), value: readingOctets(unread(log)) });

/** How far a log was read; null if it never was. What cannot be decoded is read anew: the ledger has it all. */
export async function readingIn(draft: Pick<Draft, "get">, log: Verifier): Promise<Reading | null> {
  const value = await draft.get(placeOf(log));
  return value === null ? null : (readingOf(value) ?? unread(log));
}

/** LedgerError INCLUSION_INVALID: what came makes a reading larger than one that could be read again. */
export function putReading(draft: Pick<Draft, "put">, log: Verifier, reading: Reading): void {
  const value = readingOctets(reading);
  if (value.length > MAX_OCTETS) throw new LedgerError("INCLUSION_INVALID", "the ledger has more than a vault can keep of it");
  draft.put(placeOf(log), value);
}

/** All that was found, verified or not, in the order of the ledger. StoreError VAULT_DAMAGED. */
export const foundIn = async (draft: Pick<Draft, "list">): Promise<readonly Found[]> =>
  (await draft.list(FOUND)).map(({ name, value }) => foundOf(name, value));

/** Of what was found, what is verified. */
export const verifiedOf = (found: readonly Found[], reading: Reading | null): readonly Found[] =>
  found.filter(({ index }) => index < (reading?.verified.size ?? 0));

/** An entry's index is its name: read twice it is one record. */
export const nameOf = ({ index }: Pick<Found, "index">): string => String(index).padStart(DIGITS, "0");

export function putFound(draft: Draft, { index, entry, holderNote, height, time, copyOf }: Found): void {
  draft.put({ kind: FOUND, name: nameOf({ index }) }, encode(FOUND_LABEL, index, height, time, copyOf, entry, holderNote));
}

export const removeFound = (draft: Draft, found: Found): void => draft.remove({ kind: FOUND, name: nameOf(found) });

export const treeOf = ({ size, hashes, paths }: Place): ProvingFrontier => new ProvingFrontier(size, hashes, paths);

export function readingOctets({ log, verified, checkpoint, read, size }: Reading): Uint8Array {
  return encode(LABEL, log, checkpoint, placeItem(verified), placeItem(read), size);
}

function readingOf(value: Uint8Array): Reading | null {
  try {
    const [log, checkpoint, verified, read, size] = list(decode(LABEL, value, MAX_OCTETS), damaged, 5);
    return {
      log: text(log, damaged),
      verified: placeFrom(verified),
      checkpoint: octets(checkpoint, damaged),
      read: placeFrom(read),
      size: small(size, damaged),
    };
  } catch {
    return null;
  }
}

function foundOf(name: string, value: Uint8Array): Found {
  try {
    const [index, height, time, copyOf, entry, note] = list(decode(FOUND_LABEL, value), damaged, 6);
    const found: Found = {
      index: small(index, damaged), height: small(height, damaged), time: small(time, damaged),
      copyOf: orNull(copyOf, damaged, small), entry: octets(entry, damaged), holderNote: octets(note, damaged),
    };
    if (name !== nameOf(found) || found.holderNote.length !== NOTE_OCTETS) throw damaged();
    return found;
  } catch {
    throw damaged();
  }
}

function placeItem({ size, hashes, paths, header }: Place): Item {
  const number = (value: number): Uint8Array => toBigEndian(BigInt(value), NUMBER_OCTETS);
  const written = [...paths].map(([index, path]) => joined(number(index), Uint8Array.of(path.length), ...path));
  return [size, joined(...hashes), joined(...written), header];
}

function placeFrom(item: Decoded | undefined): Place {
  const [size, hashes, written, header] = list(item, damaged, 4);
  const place: Place = {
    size: small(size, damaged), hashes: hashesOf(octets(hashes, damaged)), paths: pathsOf(octets(written, damaged)),
    header: octets(header, damaged),
  };
  treeOf(place); // RangeError if it is no state of a tree
  return place;
}

function pathsOf(written: Uint8Array): Paths {
  const paths = new Map<number, readonly Uint8Array[]>();
  for (let at = 0; at < written.length; ) {
    const start = at + NUMBER_OCTETS + 1;
    const end = start + (written[start - 1] ?? 0) * HASH_OCTETS;
    if (end > written.length) throw damaged();
    paths.set(Number(fromBigEndian(written.subarray(at, start - 1))), hashesOf(written.subarray(start, end)));
    at = end;
  }
  return paths;
}

function hashesOf(whole: Uint8Array): readonly Uint8Array[] {
  if (whole.length % HASH_OCTETS !== 0) throw damaged();
  return Array.from({ length: whole.length / HASH_OCTETS }, (_, at) => whole.slice(at * HASH_OCTETS, (at + 1) * HASH_OCTETS));
}
