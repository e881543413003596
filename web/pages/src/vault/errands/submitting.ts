// An errand's submission (prover/client/errands.py, prover/errands/vault.py): every part proven by itself, with a usage tag and a
// note of its own; all uses, what was declared, and the very call that goes out stored in one use case before it goes. Sent again
// it gets the receipts that the service keeps, or the same refusal.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { isComposite } from "../../../../prover/src/composite/request.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import {
  ErrandAnswerSchema, SubmitErrandRequestSchema, type SubmitErrandResponse,
} from "../../../gen/zkproto/v1/errand_pb.js";
import { VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import type { Proven } from "../showing/answer.js";
import { provenAnswer } from "../showing/answering.js";
import { beginEvent, type Event, eventsIn, newId } from "../showing/events.js";
import type { Holdings } from "../showing/holdings.js";
import { type Presented, presentedOf, submitted as answerOf } from "../showing/presented.js";
import { checkUsageReceipt } from "../showing/receipts.js";
import { type Ending, finishUsage, putUsage, type Usage, usageIn, usagesIn } from "../showing/usages.js";
import type { Draft } from "../store/store.js";
import { submissionDigest } from "./asking.js";
import type { FormValues } from "./bundle.js";
import { Form } from "./form.js";
import { type AskedPart, type PlannedPart, valuesOf } from "./planning.js";
import { errandIn, errandsIn, type HeldErrand, type PartUse, putDeclared, putErrand } from "./records.js";
import { errandNote } from "./refusals.js";

const SUBMIT = "/zkproto.v1.ErrandService/SubmitErrand";
const NOTHING = new Uint8Array();
/** More, with the five octets of its frame, does not pass the page's edge (web_edge/bridge.py). */
const MAX_MESSAGE_OCTETS = (256 << 10) - 5;

/** What goes to one counter. */
interface ProvenPart {
  readonly asked: AskedPart;
  readonly values: FormValues;
  readonly proven: Proven;
  readonly presented: Presented;
  readonly sealedForm: Uint8Array;
}

/**
 * Prove all parts, and store what is about to be sent; `still` throws unless all that was read for it is of the one ledger.
 * VaultError FORM_INCOMPLETE, ERRAND_NOT_FOUND, and as `checkOpen`; MalformedError
 * PRESENTATION_INVALID (too large in all); errors as `provenAnswer`: then nothing is stored.
 */
export async function submitted(
  opened: Opened, holdings: Holdings, id: string, parts: readonly PlannedPart[], still: () => Promise<unknown>,
): Promise<Event> {
  const made: ProvenPart[] = [];
  for (const each of parts) made.push(await proven(opened, holdings, each));
  await still();
  const digest = submissionDigest(made.map(({ asked, presented, sealedForm }) => (
    { part: asked.tie.part, presentation: presented.digest, sealedForm })));
  const answers = made.map(answerMessage);
  const time = Math.floor(opened.now() * 1000);
  return opened.store.change(async (draft) => {
    const errand = await errandIn(draft, id);
    const { server, bundle, ticket } = errand;
    await checkOpen(draft, errand, parts);
    if (ticket === null) throw new VaultError("ERRAND_NOT_FOUND", "the errand was not begun");
    const note = errandNote("errand-submitted", errand, ticket, digest, time);
    const event = await beginEvent(opened.store, draft, { note, called: bundle.displayName, server }, (requestId, holderNote) => {
      const message = create(SubmitErrandRequestSchema, { ...ticket, answers, holderNote, requestId });
      return { method: SUBMIT, message: sendable(toBinary(SubmitErrandRequestSchema, message)), session: "" };
    });
    const uses = made.map((each) => {
      const usage = usageOf(each, server, time);
      putUsage(draft, usage);
      putDeclared(draft, each.asked.counter, each.values, time);
      return { part: each.asked.counter.part, usage: usage.id, submission: event.id };
    });
    putErrand(draft, { ...errand, stage: "submitted", uses: [...errand.uses, ...uses] });
    return event;
  });
}

/** Whether an event is a submission of these uses that is stored and not sent yet. */
export const isUnsent = ({ id, state }: Event, uses: readonly PartUse[]): boolean =>
  state === "sent" && uses.some(({ submission }) => submission === id);

/**
 * VaultError REQUEST_CLOSED: the errand is over, or a submission of it is on its way, whose end nobody knows; EXCHANGE_ANSWERED: a
 * request was answered before, and the same counter would see two answers of one person.
 */
async function checkOpen(draft: Draft, { stage, uses }: HeldErrand, parts: readonly PlannedPart[]): Promise<void> {
  const unsent = (await eventsIn(draft)).some((each) => isUnsent(each, uses));
  if (stage === "ended" || unsent) throw new VaultError("REQUEST_CLOSED", "the errand is over, or is being submitted");
  // In whichever errand that was: a service may hand one part out in two.
  const answered = (await usagesIn(draft)).filter(({ state }) => state !== "refused");
  if (parts.some(({ asked }) => answered.some(({ request }) => equal(asked.request.digest, request.digest)))) {
    throw new VaultError("EXCHANGE_ANSWERED", "the vault has answered this request");
  }
}

/** What would never arrive is not stored either. */
function sendable(message: Uint8Array): Uint8Array {
  if (message.length <= MAX_MESSAGE_OCTETS) return message;
  throw new MalformedError("PRESENTATION_INVALID", "what is asked for is too much for one submission");
}

async function proven(opened: Opened, holdings: Holdings, { asked, answer, given }: PlannedPart): Promise<ProvenPart> {
  const { counter, tie, signed, departments } = asked;
  const values = valuesOf(counter, given.declared);
  const form = counter.fields.length === 0 ? null : new Form(values);
  const made = await provenAnswer(opened, holdings, departments, answer, form?.tagNonce);
  const presented = presentedOf(made.canonical, isComposite(signed.payload), made.schemas);
  return { asked, values, proven: made, presented, sealedForm: form === null ? NOTHING : await form.seal(tie) };
}

function answerMessage(
  { asked, proven: { schemas, holderNote }, presented, sealedForm }: ProvenPart,
): MessageInitShape<typeof ErrandAnswerSchema> {
  return { part: asked.tie.part.text, answer: answerOf(presented, schemas), holderNote, sealedForm };
}

/** A part's use: it has no message of its own, since all parts go out in one. */
function usageOf({ asked, proven: made, presented }: ProvenPart, server: string, time: number): Usage {
  const { signed, request, verifier } = asked;
  const { canonical, schemas, facts, holderNote } = made;
  return {
    id: newId(), state: "sent", time, server, verifierName: verifier.displayName, signed, request, canonical, presented,
    schemas, facts, message: NOTHING, holderNote, receipt: null, reason: null, consent: null,
  };
}

/**
 * Write down how a submission ended, within the use case that does so for its event: a receipt for each part, or the refusal for
 * all of them. Then the errand is as it was before, if no earlier submission was answered. VaultError ANSWER_INVALID; errors as
 * `checkUsageReceipt`: then nothing is written.
 */
export async function submissionEnded(
  { store, log }: Opened, draft: Draft, event: Event, answer: unknown, ending: Ending,
): Promise<void> {
  if (event.call.method !== SUBMIT) return;
  const errand = (await errandsIn(draft)).find(({ uses }) => uses.some(({ submission }) => submission === event.id));
  if (errand === undefined) return;
  const own = errand.uses.filter(({ submission }) => submission === event.id);
  if ("reason" in ending) {
    for (const { usage } of own) await finishUsage(draft, usage, ending);
    const states = await Promise.all(errand.uses.map(async ({ usage }) => (await usageIn(draft, usage)).state));
    const stage = states.every((each) => each === "refused") ? "begun" : "submitted";
    if (errand.stage !== "ended") putErrand(draft, { ...errand, stage });
    return;
  }
  const { receipts } = answer as SubmitErrandResponse;
  if (receipts.length !== own.length) throw new VaultError("ANSWER_INVALID", "there is not one receipt for each part");
  for (const [at, { usage }] of own.entries()) {
    const receipt = receipts[at] as Uint8Array;
    await checkUsageReceipt(await usageIn(draft, usage), receipt, log, store.uses);
    await finishUsage(draft, usage, { receipt: { octets: receipt, log } });
  }
  if (errand.stage === "begun") putErrand(draft, { ...errand, stage: "submitted" });
}
