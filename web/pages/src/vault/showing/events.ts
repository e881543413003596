// Events in the vault: refusals, consents, withdrawals, things sent; each stored before it goes out (prover/events.py).
// What is kept is the very message that goes out, with the request_id and the sealed note in it. Sent again, it gets the
// receipt that the service keeps.

import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { equal } from "../../../../prover/src/bbs/octets.js";
import { list, octets, orNull, text } from "../../../../prover/src/disclosure/reading.js";
import { hex } from "../../ledger/encoding.js";
import { VaultError } from "../fault.js";
import { StoreError } from "../store/errors.js";
import type { Draft, SealedStore } from "../store/store.js";
import { type Ending, type Receipt, receiptFrom, receiptItem } from "./usages.js";
import { eventNote, type EventNote, eventNoteOf, eventOctets, eventPlain, NOTE_OCTETS } from "./notes.js";

export const EVENT = "event";
const LABEL = "zk-disclosure/web-event/v1";
const MAX_OCTETS = 1 << 22;
const ID_OCTETS = 16;

/** Perhaps sent; recorded with a receipt that holds; refused for good. */
export type EventState = "sent" | "recorded" | "refused";

/** A call as it goes out: the RPC's full path, the request's octets, and whose session it takes, "" for none. */
export interface OutgoingCall {
  /** "/zkproto.v1.PresentationService/DeclineExchange". */
  readonly method: string;
  readonly message: Uint8Array;
  /** "consents/..." or "accounts/...". */
  readonly session: string;
}

/** Given a request_id and a sealed note, the call that takes both. */
export type MakeCall = (requestId: string, sealed: Uint8Array) => OutgoingCall;

export interface Event {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly state: EventState;
  readonly note: EventNote;
  /** What the other side is called, for people. */
  readonly called: LocalizedText;
  /** host:port of the service that it is sent to. */
  readonly server: string;
  readonly call: OutgoingCall;
  /** Sealed, as it goes out: 1,024 octets. */
  readonly holderNote: Uint8Array;
  /** There when it was recorded. */
  readonly receipt: Receipt | null;
  /** The service's, when it was refused. */
  readonly reason: string | null;
}

/** A fresh identifier of a record. */
export const newId = (): string => hex(crypto.getRandomValues(new Uint8Array(ID_OCTETS)));

export function eventRecord({ state, note, called, server, call, holderNote, receipt, reason }: Event): Uint8Array {
  const { method, message, session } = call;
  const told = [eventOctets(note), called.items()];
  return encode(LABEL, state, ...told, server, method, message, session, holderNote, receiptItem(receipt), reason);
}

/** Decode what `eventRecord` gives; StoreError VAULT_DAMAGED. */
export function eventOf(id: string, stored: Uint8Array): Event {
  try {
    return read(id, stored);
  } catch {
    throw damaged();
  }
}

function read(id: string, stored: Uint8Array): Event {
  const items = list(decode(LABEL, stored, MAX_OCTETS), damaged, 10);
  const [state, note, called, server, method, message, session, sealed, receipt, reason] = items;
  if (state !== "sent" && state !== "recorded" && state !== "refused") throw damaged();
  const event: Event = {
    id,
    state,
    note: eventNoteOf(octets(note, damaged)),
    called: LocalizedText.of(called, damaged),
    server: text(server, damaged),
    call: { method: text(method, damaged), message: octets(message, damaged), session: text(session, damaged) },
    holderNote: octets(sealed, damaged),
    receipt: receiptFrom(receipt, damaged),
    reason: orNull(reason, damaged, text),
  };
  if ((event.receipt !== null) !== (state === "recorded")) throw damaged();
  if ((event.reason !== null) !== (state === "refused")) throw damaged();
  if (event.holderNote.length !== NOTE_OCTETS) throw damaged();
  return event;
}

/** All events in the order of their time. StoreError VAULT_DAMAGED. */
export async function eventsIn(draft: Pick<Draft, "list">): Promise<Event[]> {
  const found = (await draft.list(EVENT)).map(({ name, value }) => eventOf(name, value));
  return found.sort((one, other) => one.note.time - other.note.time || (one.id < other.id ? -1 : 1));
}

/** One event; VaultError EVENT_NOT_FOUND. */
export async function eventIn(draft: Pick<Draft, "get">, id: string): Promise<Event> {
  const stored = await draft.get({ kind: EVENT, name: id });
  if (stored === null) throw new VaultError("EVENT_NOT_FOUND", "the vault has no such event");
  return eventOf(id, stored);
}

/**
 * Store an event with the very call that is to be sent, within the use case of whatever the vault changes with it. One
 * under way for the same is gone on with. MalformedError VALUE_INVALID (the note).
 */
export async function beginEvent(
  store: SealedStore, draft: Draft, told: Pick<Event, "note" | "called" | "server">, make: MakeCall,
): Promise<Event> {
  const { called, server } = told;
  const note = eventNote(told.note);
  const same = (await eventsIn(draft)).find((each) =>
    each.state !== "refused" && each.server === server && each.note.kind === note.kind && each.note.party === note.party &&
    equal(each.note.digest, note.digest));
  if (same !== undefined) return same;
  const holderNote = await store.uses.sealNote(eventPlain(note));
  const call = make(crypto.randomUUID(), holderNote);
  const began = { id: newId(), state: "sent", receipt: null, reason: null } as const;
  const event: Event = { ...began, note, called, server, call, holderNote };
  draft.put({ kind: EVENT, name: event.id }, eventRecord(event));
  return event;
}

/** Write down how an event ended. A receipt that is stored stays, and takes the place of a refusal. VaultError EVENT_NOT_FOUND. */
export async function finishEvent(draft: Draft, id: string, ending: Ending): Promise<Event> {
  const event = await eventIn(draft, id);
  if (event.state === "recorded") return event;
  const ended: Event = "receipt" in ending
    ? { ...event, state: "recorded", receipt: ending.receipt, reason: null }
    : { ...event, state: "refused", receipt: null, reason: ending.reason };
  draft.put({ kind: EVENT, name: id }, eventRecord(ended));
  return ended;
}

function damaged(): StoreError {
  return new StoreError("VAULT_DAMAGED", "an event in the vault is none");
}
