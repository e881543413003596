// What a vault says about an errand instead of an answer: it is given up, or a counter asks too much
// (prover/client/errand_refusals.py). Both are events: stored before they are said, said again by `resume` if that broke off.

import { create, toBinary } from "@bufbuild/protobuf";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { AbandonErrandRequestSchema, RefuseErrandPartRequestSchema } from "../../../gen/zkproto/v1/errand_pb.js";
import { utf8 } from "../../ledger/encoding.js";
import { VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import { triedEvent } from "../showing/decline.js";
import { beginEvent, type Event, type MakeCall } from "../showing/events.js";
import { type EventKind, type EventNote, MAX_DETAIL_OCTETS } from "../showing/notes.js";
import type { Outgoing } from "../showing/sending.js";
import type { Draft } from "../store/store.js";
import { abandonmentDigest } from "./asking.js";
import type { AskedPart } from "./planning.js";
import { changeErrand, errandLink, errandsIn, type HeldErrand, putErrand, type Ticket } from "./records.js";

const SERVICE = "/zkproto.v1.ErrandService";

/**
 * An event's note: its detail is the errand's link, by which a new phone follows it on; nothing where a server's name is so long
 * that there is no room.
 */
export function errandNote(
  kind: EventKind, { server, bundle }: HeldErrand, ticket: Ticket, digest: Uint8Array, time: number,
): EventNote {
  const link = errandLink(server, ticket);
  const detail = utf8(link).length <= MAX_DETAIL_OCTETS ? link : "";
  return { kind, party: bundle.name.text, title: bundle.displayName, digest, time, detail };
}

const ABANDON = `${SERVICE}/AbandonErrand`;

/**
 * Write down that an errand is given up, and say so if the service can be reached. VaultError REQUEST_CLOSED: it was submitted, or is
 * over.
 */
export async function abandoned(opened: Opened, errand: HeldErrand, ticket: Ticket, outgoing: Outgoing): Promise<Event> {
  const note = errandNote("declined", errand, ticket, abandonmentDigest(ticket.errand), Math.floor(opened.now() * 1000));
  const make: MakeCall = (requestId, holderNote) => {
    const message = create(AbandonErrandRequestSchema, { ...ticket, holderNote, requestId });
    return { method: ABANDON, message: toBinary(AbandonErrandRequestSchema, message), session: "" };
  };
  const { server, bundle } = errand;
  const event = await opened.store.change(async (draft: Draft) => {
    await changeErrand(draft, errand.id, ({ stage }) => {
      if (stage !== "begun") throw new VaultError("REQUEST_CLOSED", "the errand was submitted, or is over");
      return { stage: "ended" };
    });
    return beginEvent(opened.store, draft, { note, called: bundle.displayName, server }, make);
  });
  return triedEvent(opened, event, outgoing);
}

/**
 * An errand that was submitted is not given up, within the use case that writes the refusal down. What the service has forgotten was
 * not submitted, and stays given up.
 */
export async function abandonmentEnded(draft: Draft, { call, note }: Event, reason: string): Promise<void> {
  if (call.method !== ABANDON || reason !== "ERRAND_ENDED") return;
  const held = (await errandsIn(draft)).find(({ ticket, stage }) =>
    ticket !== null && stage === "ended" && equal(abandonmentDigest(ticket.errand), note.digest));
  if (held !== undefined) putErrand(draft, { ...held, stage: "begun" });
}

/**
 * Write down that a counter asks more than its policy allows, and say so if the service can be reached. An errand that was not
 * submitted ends with it: nothing goes out in part. Of one that was, the part is rejected that was asked anew.
 */
export async function overAsked(opened: Opened, errand: HeldErrand, { request, verifier, tie }: AskedPart): Promise<Event> {
  const time = Math.floor(opened.now() * 1000);
  const about = { kind: "over-asked", party: request.verifier, title: request.purpose, digest: request.digest } as const;
  const make: MakeCall = (requestId, holderNote) => {
    const said = { part: tie.part.text, requestDigest: request.digest, holderNote, requestId };
    const message = create(RefuseErrandPartRequestSchema, { ...(errand.ticket as Ticket), ...said });
    return { method: `${SERVICE}/RefuseErrandPart`, message: toBinary(RefuseErrandPartRequestSchema, message), session: "" };
  };
  const told = { note: { ...about, time, detail: "" }, called: verifier.displayName, server: errand.server };
  const event = await opened.store.change(async (draft: Draft) => {
    await changeErrand(draft, errand.id, ({ stage }) => ({ stage: stage === "begun" ? "ended" : stage }));
    return beginEvent(opened.store, draft, told, make);
  });
  return triedEvent(opened, event);
}
