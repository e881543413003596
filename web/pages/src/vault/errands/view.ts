// An errand as the service tells it, and its bundle as a message (prover/errands/view.py, prover/client/errand_messages.py,
// wire/errand.py). What is told of an errand is checked against the bundle that the person agreed to, and not proven.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs, TimestampSchema } from "@bufbuild/protobuf/wkt";

import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { PolicyName } from "../../../../prover/src/disclosure/names.js";
import {
  type Errand, type ErrandBundle as BundleMessage, type ErrandCounter, ErrandPartState, type ErrandPartStatus, ErrandSchema,
  type ErrandUpdate, type ErrandUpdateSchema, Errand_State, type FormField as FieldMessage, FormField_Type,
} from "../../../gen/zkproto/v1/errand_pb.js";
import { utf8 } from "../../ledger/encoding.js";
import { parseLink } from "../../scan/links.js";
import { VaultError } from "../fault.js";
import { textOf } from "../reading/messages.js";
import { PartName } from "./asking.js";
import { BundleName, Counter, ErrandBundle, type FieldType, FormField } from "./bundle.js";

const DEFAULT_LENGTH = 200;
const MAX_MILLISECONDS = 2 ** 47;
const MAX_DOCUMENT_OCTETS = 200;
/** So many of what a counter has told are kept of a part: the newest. */
const MOST_UPDATES = 16;
/** Of more that was told of an errand nothing is kept: no honest service tells so much of 16 parts. */
const MAX_KEPT_OCTETS = 1 << 20;
const TYPES: ReadonlyMap<FormField_Type, FieldType> = new Map([
  [FormField_Type.TEXT, "text"], [FormField_Type.NUMBER, "number"], [FormField_Type.DATE, "date"],
]);

/** How far a part has come. */
export type PartState =
  | "waiting" | "asked" | "submitted" | "received" | "in_progress" | "done" | "rejected" | "ended";
const PART_STATES: ReadonlyMap<ErrandPartState, PartState> = new Map([
  [ErrandPartState.WAITING, "waiting"], [ErrandPartState.ASKED, "asked"], [ErrandPartState.SUBMITTED, "submitted"],
  [ErrandPartState.RECEIVED, "received"], [ErrandPartState.IN_PROGRESS, "in_progress"], [ErrandPartState.DONE, "done"],
  [ErrandPartState.REJECTED, "rejected"], [ErrandPartState.ENDED, "ended"],
]);

/** How far an errand has come. */
export type ErrandState = "open" | "submitted" | "done" | "abandoned" | "expired";
const STATES: ReadonlyMap<Errand_State, ErrandState> = new Map([
  [Errand_State.OPEN, "open"], [Errand_State.SUBMITTED, "submitted"], [Errand_State.DONE, "done"],
  [Errand_State.ABANDONED, "abandoned"], [Errand_State.EXPIRED, "expired"],
]);
const OVER: ReadonlySet<ErrandState> = new Set(["done", "abandoned", "expired"]);

/** What a counter has told: in words, a document's number, an offer to be claimed. */
export interface Told {
  readonly state: PartState;
  /** Milliseconds. */
  readonly time: number;
  readonly message: LocalizedText | null;
  readonly document: string;
  /** "zk://offer?...", which is a secret. */
  readonly offer: string | null;
}

/** One part: which counter's, its name, how far it has come, what was told, oldest first. */
export interface PartTold {
  readonly part: string;
  readonly name: PartName;
  readonly state: PartState;
  readonly told: readonly Told[];
}

/** An errand with its parts, in the order of its bundle. */
export class ErrandTold {
  constructor(
    readonly state: ErrandState, readonly parts: readonly PartTold[],
    /** Until when it has to be submitted, milliseconds. */
    readonly expires: number,
  ) {}

  /** Whether nothing more comes of it. */
  get isOver(): boolean {
    return OVER.has(this.state);
  }

  /** The parts that can be submitted now; the first time these have to be all. */
  get toSubmit(): readonly PartTold[] {
    return this.parts.filter(({ state }) => state === "asked");
  }

  /** Whether there is something to submit, and nothing of it is still waited for. */
  get isAsked(): boolean {
    return this.toSubmit.length > 0 && !this.parts.some(({ state }) => state === "waiting") && !this.isOver;
  }
}

/**
 * What is kept of a message: without what is asked, which may be large and is read anew, without what this program does not know,
 * and of what counters have told the newest. VaultError ANSWER_INVALID for what is too much even so.
 */
export function keptOf({ name, bundle, state, expireTime, parts }: Errand): Uint8Array {
  const kept = create(ErrandSchema, {
    name, bundle, state, ...(expireTime && { expireTime: create(TimestampSchema, timed(expireTime)) }),
    parts: parts.map(({ name: part, part: id, state: stands, updates }) => (
      { name: part, part: id, state: stands, updates: updates.slice(-MOST_UPDATES).map(updateKept) })),
  });
  const octets = toBinary(ErrandSchema, kept);
  if (octets.length > MAX_KEPT_OCTETS) throw odd("the service told more of an errand than can be kept");
  return octets;
}

function updateKept({ state, time, message, document, offerLink }: ErrandUpdate): MessageInitShape<typeof ErrandUpdateSchema> {
  const words = message && { message: { zh: message.zh, en: message.en } };
  return { state, document, offerLink, ...(time && { time: create(TimestampSchema, timed(time)) }), ...words };
}

const timed = ({ seconds, nanos }: Timestamp) => ({ seconds, nanos });

/** What the service says of the errand of a name; VaultError ANSWER_INVALID for whatever no honest service says. */
export function toldOf(message: Errand, bundle: ErrandBundle, name: string): ErrandTold {
  const parts = message.parts.map(({ part }) => part);
  const same = message.name === name && message.bundle === bundle.name.text && parts.length === bundle.counters.length &&
    bundle.counters.every(({ part }, at) => parts[at] === part);
  if (!same) throw odd("the service told of another errand than it was asked for");
  const state = STATES.get(message.state);
  if (state === undefined) throw odd("the errand is in no known state");
  try {
    return new ErrandTold(state, message.parts.map(partOf), momentOf(message.expireTime));
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw odd("what the service told of an errand cannot be read");
  }
}

function partOf({ name, part, state, updates }: ErrandPartStatus): PartTold {
  return { part, name: PartName.parse(name, "name"), state: stateOf(state), told: updates.map(updateOf) };
}

function updateOf({ state, time, message, document, offerLink }: ErrandUpdate): Told {
  if (utf8(document).length > MAX_DOCUMENT_OCTETS) throw odd("a document's number is too long");
  if (offerLink !== "" && parseLink(offerLink).action !== "offer") throw odd("a counter told a link that offers nothing");
  return {
    state: stateOf(state),
    time: momentOf(time),
    message: message === undefined ? null : textOf(message),
    document,
    offer: offerLink === "" ? null : offerLink,
  };
}

function stateOf(state: ErrandPartState): PartState {
  const found = PART_STATES.get(state);
  if (found === undefined) throw odd("a part of the errand is in no known state");
  return found;
}

function momentOf(time: Timestamp | undefined): number {
  const found = time === undefined ? -1 : timestampMs(time);
  if (found < 0 || found >= MAX_MILLISECONDS) throw odd("the errand has no sensible time");
  return found;
}

const odd = (detail: string): VaultError => new VaultError("ANSWER_INVALID", detail);

/** A bundle as the service says it. Nothing of it is believed yet: that takes its proof. MalformedError. */
export function bundleOf(message: BundleMessage): ErrandBundle {
  return new ErrandBundle(
    BundleName.parse(message.name, "name"), textOf(message.displayName), textOf(message.description),
    message.counters.map(counterOf),
  );
}

function counterOf(message: ErrandCounter): Counter {
  return new Counter({
    part: message.part,
    displayName: textOf(message.displayName),
    verifier: message.verifier,
    policy: PolicyName.parse(message.policy, "policy"),
    fields: message.fields.map(fieldOf),
    dependsOn: message.dependsOn,
    settleDays: message.settleDays,
  });
}

function fieldOf({ id, displayName, type, optional, maxLength }: FieldMessage): FormField {
  const known = TYPES.get(type);
  if (known === undefined) throw new MalformedError("VALUE_INVALID", "a field is a text, a number or a date", "type");
  return new FormField({ id, displayName: textOf(displayName), type: known, optional, maxLength: maxLength || DEFAULT_LENGTH });
}
