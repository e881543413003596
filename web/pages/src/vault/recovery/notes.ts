// What a note says that was found on the ledger (prover/notes.py): of a use or of an event.

import { decode, type Decoded } from "../../../../prover/src/disclosure/canonical.js";
import { DisclosureError, MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { verifierName } from "../../../../prover/src/disclosure/names.js";
import { flag, list, octets, small, text, texts } from "../../../../prover/src/disclosure/reading.js";
import { type EventNote, eventNoteOf, type NoteSummary, SUMMARY_LABEL } from "../showing/notes.js";
import type { SealedStore } from "../store/store.js";

/** Of a use; `whole` is false where something had to be cut. */
export interface FoundUse extends NoteSummary {
  readonly whole: boolean;
}

export type Said = { readonly use: FoundUse } | { readonly event: EventNote };

const LENGTH_OCTETS = 2;

/** What a sealed note says: null if it is another vault's, or a later version of this program wrote it. */
export async function saidIn({ uses }: SealedStore, holderNote: Uint8Array): Promise<Said | null> {
  const plain = await uses.openNote(holderNote);
  return plain === null ? null : saidOf(plain);
}

/** What a note's plain text says; null if a later version of this program wrote it. */
export function saidOf(plain: Uint8Array): Said | null {
  const end = LENGTH_OCTETS + new DataView(plain.buffer, plain.byteOffset, plain.length).getUint16(0);
  const written = plain.subarray(LENGTH_OCTETS, end);
  return tried(() => ({ use: useOf(written) })) ?? tried(() => ({ event: eventNoteOf(written) }));
}

function useOf(written: Uint8Array): FoundUse {
  const refuse = () => new MalformedError("MALFORMED", "the octets are no use's note");
  const [verifier, purpose, time, digest, shown, whole] = list(decode(SUMMARY_LABEL, written), refuse, 6);
  const [zh, en] = list(purpose, refuse, 2);
  const pairOf = (item: Decoded): readonly [string, readonly string[]] => {
    const [query, names] = list(item, refuse, 2);
    return [text(query, refuse), texts(names, refuse)];
  };
  return {
    verifier: verifierName(text(verifier, refuse)), purpose: { zh: text(zh, refuse), en: text(en, refuse) },
    time: small(time, refuse), requestDigest: octets(digest, refuse), shown: list(shown, refuse).map(pairOf),
    whole: flag(whole, refuse),
  };
}

function tried(read: () => Said): Said | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof DisclosureError) return null;
    throw error;
  }
}
