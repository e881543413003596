// Holder's notes: what stands beside a receipt's entry on the ledger and only the holder's vault can open
// (prover/notes.py). There are notes of uses and of events; all have one length, so what is too long is cut: of a use
// first the purpose, then names from the end; of an event the title. A vault of Python's reads them as its own.

import { sha256 } from "@noble/hashes/sha2.js";

import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { decode, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { list, octets, small, text } from "../../../../prover/src/disclosure/reading.js";
import { joined, toBigEndian, utf8 } from "../../ledger/encoding.js";

/** A note's plain text, and a sealed note. */
export const PLAIN_OCTETS = 996;
export const NOTE_OCTETS = 1024;
export const DIGEST_OCTETS = 32;
const MAX_PARTY_OCTETS = 300;
export const MAX_DETAIL_OCTETS = 240;
const CUT_OCTETS = 120;
const LENGTH_OCTETS = 2;
const ROOM = PLAIN_OCTETS - LENGTH_OCTETS;
/** What a list of up to 255 items takes at most beside its items. */
const LIST_OVERHEAD = 2;
export const SUMMARY_LABEL = "zk-disclosure/holder-note/v1";
const EVENT_LABEL = "zk-disclosure/event-note/v1";
const HASHED = utf8("zk-disclosure/holder-note/v1\n");
const ELLIPSIS = "…";

/** What can happen beside uses (disclosure/event.py). The values stand in hashed octets and are never reused. */
export const EVENT_KINDS = [
  "account-registered", "declined", "over-asked", "consent-granted", "consent-declined", "consent-withdrawn", "sent",
  "received", "applied", "appointed", "appointment-ended", "errand-submitted",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** A text in both languages, whatever its length. */
type Both = Pick<LocalizedText, "zh" | "en">;

/** What a note says of a use: who asked, what for, when, which request, and what was shown. */
export interface NoteSummary {
  readonly verifier: string;
  readonly purpose: Both;
  /** Milliseconds. */
  readonly time: number;
  readonly requestDigest: Uint8Array;
  /** The attributes of each query, in the schema's order. */
  readonly shown: readonly (readonly [query: string, names: readonly string[]])[];
}

/** What a note says of an event: what happened, with whom, what it was about, and when. */
export interface EventNote {
  readonly kind: EventKind;
  /** The other side's resource name. */
  readonly party: string;
  readonly title: Both;
  /** 32 octets that the event's body has too. */
  readonly digest: Uint8Array;
  /** Milliseconds. */
  readonly time: number;
  /** What the vault itself needs to go on with it: as secret as the note. */
  readonly detail: string;
}

/** The hash of a sealed note of 1,024 octets, to which presentation and entry commit (tlog/entry.py). RangeError. */
export function noteHash(note: Uint8Array): Uint8Array {
  if (note.length !== NOTE_OCTETS) throw new RangeError(`a holder's note has ${NOTE_OCTETS} octets`);
  return sha256(joined(HASHED, note));
}

/** The plain text of a use's note, exactly 996 octets, cut as far as it has to be. */
export function summaryOctets(summary: NoteSummary): Uint8Array {
  const octets = written(summary, true);
  return framed(octets.length > ROOM ? shortened(summary) : octets);
}

function written({ verifier, purpose, time, requestDigest, shown }: NoteSummary, whole: boolean): Uint8Array {
  const items = shown.map(([query, names]): Item => [query, names]);
  return encode(SUMMARY_LABEL, verifier, [purpose.zh, purpose.en], time, requestDigest, items, whole);
}

function shortened(summary: NoteSummary): Uint8Array {
  const shortest = { ...summary, purpose: bothCut(summary.purpose), shown: [] };
  let room = ROOM - written(shortest, false).length - LIST_OVERHEAD;
  const kept: [string, readonly string[]][] = [];
  for (const [query, names] of summary.shown) {
    room -= 1 + size(query) + LIST_OVERHEAD;
    if (room < 0) break;
    const fitting: string[] = [];
    for (const [at, left] of roomAfter(names, room).entries()) if (left >= 0) fitting.push(names[at] as string);
    room -= fitting.reduce((sum, each) => sum + size(each), 0);
    kept.push([query, fitting]);
  }
  return written({ ...shortest, shown: kept }, false);
}

/** How much room is left after each of the names; below zero from the first on that does not fit. */
function roomAfter(names: readonly string[], room: number): number[] {
  let left = room;
  return names.map((each) => (left -= size(each)));
}

/** How many octets an identifier of 1 to 63 letters takes in CBOR. */
function size(name: string): number {
  return name.length + (name.length < 24 ? 1 : 2);
}

/** An event's note with its title cut. MalformedError VALUE_INVALID for a party, detail or digest of another length. */
export function eventNote(note: EventNote): EventNote {
  const [party, detail] = [utf8(note.party).length, utf8(note.detail).length];
  if (party > MAX_PARTY_OCTETS || detail > MAX_DETAIL_OCTETS || note.digest.length !== DIGEST_OCTETS) {
    throw new MalformedError("VALUE_INVALID", "an event's party, detail or digest has another length");
  }
  return { ...note, title: bothCut(note.title) };
}

/** The plain text of an event's note, exactly 996 octets: the bounds of its parts leave room. */
export const eventPlain = (note: EventNote): Uint8Array => framed(eventOctets(note));

/** An event's note as it is stored. */
export function eventOctets({ kind, party, title, digest, time, detail }: EventNote): Uint8Array {
  return encode(EVENT_LABEL, kind, party, [title.zh, title.en], digest, time, detail);
}

/** Decode what `eventOctets` gives; MalformedError. */
export function eventNoteOf(stored: Uint8Array): EventNote {
  const refuse = () => new MalformedError("MALFORMED", "the octets are no event's note");
  const [kind, party, title, digest, time, detail, ...rest] = decode(EVENT_LABEL, stored);
  const known = EVENT_KINDS.find((each) => each === kind);
  const [zh, en] = list(title, refuse, 2);
  if (known === undefined || rest.length > 0) throw refuse();
  return eventNote({
    kind: known,
    party: text(party, refuse),
    title: { zh: text(zh, refuse), en: text(en, refuse) },
    digest: octets(digest, refuse),
    time: small(time, refuse),
    detail: text(detail, refuse),
  });
}

function framed(octets: Uint8Array): Uint8Array {
  const plain = new Uint8Array(PLAIN_OCTETS);
  plain.set(joined(toBigEndian(BigInt(octets.length), LENGTH_OCTETS), octets));
  return plain;
}

const bothCut = ({ zh, en }: Both): Both => ({ zh: cut(zh), en: cut(en) });

function cut(whole: string): string {
  const octets = utf8(whole);
  if (octets.length <= CUT_OCTETS + utf8(ELLIPSIS).length) return whole;
  let end = CUT_OCTETS;
  while (((octets[end] as number) & 0xc0) === 0x80) end -= 1; // within a letter
  return new TextDecoder().decode(octets.subarray(0, end)) + ELLIPSIS;
}
