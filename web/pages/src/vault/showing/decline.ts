// Requests that are not answered: that the person said no, or that more is asked than the policy allows, is written down
// and said to the service (prover/client/events.py).

import { create, toBinary } from "@bufbuild/protobuf";

import { DeclineExchangeRequest_Why, DeclineExchangeRequestSchema } from "../../../gen/zkproto/v1/presentation_pb.js";
import type { Opened } from "../parts.js";
import type { Draft } from "../store/store.js";
import { beginEvent, type Event, eventIn } from "./events.js";
import type { Fetched } from "./fetch.js";
import { type Outgoing, sendEvent } from "./sending.js";

const METHOD = "/zkproto.v1.PresentationService/DeclineExchange";
const WHY = {
  "declined": DeclineExchangeRequest_Why.DECLINED,
  "over-asked": DeclineExchangeRequest_Why.OVER_ASKED,
} as const;

/** Write down that the vault does not answer a request, and say so if the service can be reached; else it is sent later. */
export async function declined(opened: Opened, fetched: Fetched, kind: keyof typeof WHY): Promise<Event> {
  return triedEvent(opened, await opened.store.change((draft) => beginDecline(opened, draft, fetched, kind)));
}

/** Store the event that says so, to be sent after the use case. */
export function beginDecline(opened: Opened, draft: Draft, fetched: Fetched, kind: keyof typeof WHY): Promise<Event> {
  const { request, verifier, link } = fetched;
  const note = {
    kind, party: request.verifier, title: request.purpose, digest: request.digest, time: Math.floor(opened.now() * 1000),
    detail: "",
  };
  const told = { note, called: verifier.displayName, server: link.server };
  return beginEvent(opened.store, draft, told, (requestId, holderNote) => {
    const message = create(DeclineExchangeRequestSchema, {
      exchange: link.name, ticket: link.secret, why: WHY[kind], holderNote, requestId,
    });
    return { method: METHOD, message: toBinary(DeclineExchangeRequestSchema, message), session: "" };
  });
}

/**
 * Send an event if the service can be reached; else `resume` sends it. Returns it as it stands then. A receipt that does not
 * hold is for `resume` to tell too: whoever wants the person to see something else than what is recorded here would only
 * have to answer with one.
 */
export async function triedEvent(opened: Opened, event: Event, outgoing?: Outgoing): Promise<Event> {
  try {
    return await sendEvent(opened, event, outgoing);
  } catch {
    return opened.store.read((draft) => eventIn(draft, event.id));
  }
}
