// Uses of the past and refusals, as the screens are shown them; each receipt is checked anew, without asking anybody
// (prover/history.py). What was told before the person agreed is told again from what is stored with the use.

import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { Day, type Value } from "../../../../prover/src/disclosure/attributes.js";
import type { PlainRequest } from "../../../../prover/src/plain/request.js";
import type { Policy } from "../../ledger/policy.js";
import { VaultError } from "../fault.js";
import type { Line, ReceiptState, UseState, UseView } from "../model.js";
import type { Opened } from "../parts.js";
import { CLAIM_USE, type ClaimUse, claimUseOf, claimUsesIn } from "../showing/claim_uses.js";
import { type Event, eventOf, eventsIn, EVENT } from "../showing/events.js";
import type { EventKind } from "../showing/notes.js";
import type { ShownOf } from "../showing/presented.js";
import { checkEventReceipt, checkUsageReceipt } from "../showing/receipts.js";
import { epochName, type Receipt, type Usage, USAGE, usageOf, usagesIn } from "../showing/usages.js";
import { texts } from "../showing/views.js";
import { linesOf } from "../telling/said.js";
import { plainLines } from "../telling/plain.js";
import { plain } from "../telling/saying.js";
import { isAnchored } from "./anchoring.js";
import { readBack } from "./found.js";
import { type Answered, consentOf } from "../telling/told.js";
import { pastLines } from "../telling/views.js";

type Past = { readonly usage: Usage } | { readonly event: Event } | { readonly claim: ClaimUse };

/** What events are told among the uses: what a verifier asked and did not get, what the account did, what became of consents. */
const TOLD: Readonly<Partial<Record<EventKind, UseState>>> = {
  "errand-submitted": "recorded",
  "declined": "declined", "over-asked": "over-asked", "account-registered": "recorded", "applied": "recorded",
  "consent-granted": "consent-granted", "consent-declined": "consent-declined", "consent-withdrawn": "consent-withdrawn",
  "appointed": "recorded", "appointment-ended": "recorded",
};

/** Whose cosignatures anchor a receipt (witnesses.ts); null where the vault knows of nobody. */
export type FindPolicy = () => Promise<Policy | null>;
const NOBODY: FindPolicy = () => Promise.resolve(null);

/** All uses and refusals, and what was read back from the ledger, the newest first. StoreError VAULT_DAMAGED. */
export async function usesOf(opened: Opened, policy: FindPolicy = NOBODY): Promise<readonly UseView[]> {
  const { usages, events, claims } = await opened.store.read(async (draft) => (
    { usages: await usagesIn(draft), events: await eventsIn(draft), claims: await claimUsesIn(draft) }));
  const all: Past[] = [
    ...usages.map((usage) => ({ usage })),
    ...claims.map((claim) => ({ claim })),
    ...events.filter(({ note }) => TOLD[note.kind] !== undefined).map((event) => ({ event })),
  ];
  const witnesses = await policy();
  const views: UseView[] = [];
  for (const each of all) views.push(await viewOf(opened, each, witnesses));
  views.push(...(await readBack(opened)));
  return views.sort((one, other) => other.time - one.time || (one.id < other.id ? 1 : -1));
}

/** One of them. VaultError USAGE_NOT_FOUND. */
export async function useOf(opened: Opened, id: string, policy: FindPolicy = NOBODY): Promise<UseView> {
  const own = await past(opened, id);
  if (own !== null) return viewOf(opened, own, await policy());
  const found = (await readBack(opened)).find((each) => each.id === id);
  if (found === undefined) throw missing();
  return found;
}

/** A receipt's octets, for a file. VaultError USAGE_NOT_FOUND, NO_RECEIPT. */
export async function receiptOf(opened: Opened, id: string): Promise<Uint8Array> {
  const found = await past(opened, id);
  if (found === null) throw missing();
  const receipt = "usage" in found ? found.usage.receipt : "event" in found ? found.event.receipt : null;
  if (receipt === null) throw new VaultError("NO_RECEIPT", "there is no receipt of it");
  return receipt.octets;
}

function past({ store }: Opened, id: string): Promise<Past | null> {
  return store.read(async (draft): Promise<Past | null> => {
    const usage = await draft.get({ kind: USAGE, name: id });
    if (usage !== null) return { usage: usageOf(id, usage) };
    const event = await draft.get({ kind: EVENT, name: id });
    if (event !== null) return { event: eventOf(id, event) };
    const claim = await draft.get({ kind: CLAIM_USE, name: id });
    if (claim !== null) return { claim: claimUseOf(id, claim) };
    return null;
  });
}

const missing = (): VaultError => new VaultError("USAGE_NOT_FOUND", "the vault has no such use");

async function viewOf(opened: Opened, each: Past, policy: Policy | null): Promise<UseView> {
  if ("claim" in each) return claimView(each.claim);
  return "usage" in each ? usageView(opened, each.usage, policy) : eventView(each.event, policy);
}

function claimView(claim: ClaimUse): UseView {
  const { id, time, request, verifierName } = claim;
  return {
    id, time, state: "claimed", verifier: request.verifier, verifierName: plain(verifierName),
    purpose: plain(request.purpose), lines: compositeLines(claim, request), standing: false, receipt: "none", entry: null,
    fault: null,
  };
}

async function usageView({ store }: Opened, usage: Usage, policy: Policy | null): Promise<UseView> {
  const { request, state, receipt, reason } = usage;
  const stands = await standingOf(receipt, policy, ({ octets, log }) =>
    checkUsageReceipt(usage, octets, log, store.uses));
  return {
    id: usage.id,
    time: usage.time,
    state: state === "sent" ? "sending" : state === "answered" ? "done" : "refused",
    verifier: request.verifier,
    verifierName: plain(usage.verifierName),
    purpose: plain(request.purpose),
    lines: request instanceof CompositeRequest ? compositeLines(usage, request) : plainFormLines(usage, request),
    standing: usage.consent !== null,
    ...stands,
    fault: reason === null ? null : { reason, detail: "the service refused", passing: false },
  };
}

async function eventView(event: Event, policy: Policy | null): Promise<UseView> {
  const { note, receipt, reason, called } = event;
  return {
    id: event.id,
    time: note.time,
    state: stateOf(event),
    verifier: note.party,
    verifierName: plain(called),
    purpose: { zh: note.title.zh, en: note.title.en },
    lines: [],
    standing: false,
    ...(await standingOf(receipt, policy, async ({ octets, log }) => checkEventReceipt(event, octets, log))),
    fault: reason === null ? null : { reason, detail: "the service refused", passing: false },
  };
}

/** What the vault asks of others stands when they have answered; refusals and withdrawals when they are written down. */
const ASKS: ReadonlySet<UseState> = new Set<UseState>(["recorded", "consent-granted"]);

function stateOf({ note, state }: Event): UseState {
  const told = TOLD[note.kind] ?? "recorded";
  if (!ASKS.has(told) || state === "recorded") return told;
  return state === "sent" ? "sending" : "refused";
}

/** How a receipt stands: whatever does not hold of it makes it a wrong one. */
async function standingOf(
  receipt: Receipt | null, policy: Policy | null, check: (receipt: Receipt) => Promise<{ proof: { index: bigint } }>,
): Promise<{ readonly receipt: ReceiptState; readonly entry: string | null }> {
  if (receipt === null) return { receipt: "none", entry: null };
  try {
    const { proof } = await check(receipt);
    return { receipt: policy !== null && isAnchored(receipt.octets, policy) ? "anchored" : "pending", entry: String(proof.index) };
  } catch {
    return { receipt: "wrong", entry: null };
  }
}

/** What was shown, with what it is told by. */
type Shown = Pick<Usage, "presented" | "facts" | "verifierName" | "schemas">;

function compositeLines(usage: Shown, request: CompositeRequest): readonly Line[] {
  const { presented, facts, verifierName } = usage;
  const [index, branch] = request.branch(presented.branch ?? "");
  const answers = presented.credentials.map((each): Answered => ({
    query: each.query,
    credential: null,
    schema: schemaOf(usage, each),
    values: each.values,
    expiry: each.expiry,
    epoch: each.epoch === null ? null : (facts.epochs.get(epochName(each.epoch.accumulator, each.epoch.number)) ?? null),
    behind: false,
  }));
  const earlier = request.branches.slice(0, index).map((each) => ({ branch: each, reading: null }));
  return pastLines(consentOf(request, {
    branch, answers, facts, verifierName, departments: texts(facts.departments), earlier,
  }));
}

function plainFormLines(usage: Usage, request: PlainRequest): readonly Line[] {
  const { presented, facts, verifierName } = usage;
  return presented.credentials.flatMap((each, at) => {
    const query = request.queries[at];
    if (query === undefined) return [];
    const values = Object.fromEntries([...each.values].filter((pair): pair is [string, Value] => pair[1] !== undefined));
    // The last day is told only where it was shown.
    const expiry = each.expiry ?? new Day(0);
    const answered = { query, credential: "", schema: schemaOf(usage, each), values, expiry };
    return linesOf(plainLines(answered, plain(verifierName), texts(facts.departments)));
  });
}

function schemaOf({ schemas }: Shown, { schema }: ShownOf) {
  const found = schemas.get(schema.text);
  if (found === undefined) throw new Error("a use is stored with its schemas");
  return found;
}
