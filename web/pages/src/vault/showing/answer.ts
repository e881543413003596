// Answering, once the person has agreed: read anew, catch up, prove, check, store (prover/client/answers.py,
// prover/composite/presenting.py, prover/vault.py). What comes of it is sent by sending.ts.

import { create, toBinary } from "@bufbuild/protobuf";

import { presentComposite, type Presented } from "../../../../prover/src/composite/present.js";
import { type CompositeRequest, isComposite } from "../../../../prover/src/composite/request.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { DisclosureError } from "../../../../prover/src/disclosure/errors.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { presentPlain } from "../../../../prover/src/plain/present.js";
import type { PlainRequest } from "../../../../prover/src/plain/request.js";
import { SubmitPresentationRequestSchema } from "../../../gen/zkproto/v1/presentation_pb.js";
import { VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import { factsOf, type Regulator } from "../telling/facts.js";
import type { Draft } from "../store/store.js";
import { newId } from "./events.js";
import type { Fetched } from "./fetch.js";
import type { HeldPlainOne, Holdings } from "./holdings.js";
import { noteHash, type NoteSummary, summaryOctets } from "./notes.js";
import { type CompositePlan, Contents, planComposite } from "./plan.js";
import { presentedOf, type Schemas, submitted } from "./presented.js";
import { epochName, type Facts, putUsage, requestOf, type Usage } from "./usages.js";

/** No list of revocations is answered by that has had no epoch for so long: services make one a day. */
export const MAX_EPOCH_AGE = 48 * 3600;
/** What was read so lately, in seconds, is not read again: no request wants an epoch that is newer than itself. */
const STILL = 5;
/** How often a plan is made anew because an epoch was made meanwhile. */
const ROUNDS = 3;

export type Departments = ReadonlyMap<string, LocalizedText>;

/** What else is done in the use case that stores an answer; what it throws leaves nothing stored. */
export interface Under {
  /** The record of the standing consent that it is answered under, and what counts it; none where the person was asked. */
  readonly consent?: string;
  readonly count?: (draft: Draft) => Promise<void>;
  /** Throws unless all that was read for the answer is of the one ledger: nothing is stored then. */
  readonly check: () => Promise<unknown>;
}

/** Plan an answer with what the vault holds now; `pinned` is what was chosen of a branch. As `planComposite`. */
export async function planned(
  opened: Opened, holdings: Holdings, request: CompositeRequest, fetched: Pick<Fetched, "states">,
  branch?: string, pinned: ReadonlyMap<string, string> = new Map(),
): Promise<CompositePlan> {
  const directory = await opened.reader.directory(request, fetched.states);
  const { secret, composite, regulators } = await holdings.held();
  const now = opened.now();
  const contents = new Contents(secret, composite, regulators.map(({ digest }) => digest));
  return planComposite(request, contents, directory, now, { branch, pinned, freshSince: now - MAX_EPOCH_AGE });
}

/**
 * The same answer planned anew, as of now and caught up with, once the person has agreed. That a credential turned out to be
 * revoked is written down. NothingFitsError, VaultError CHOICE_INVALID if what was agreed to cannot be answered any more.
 */
export async function ready(opened: Opened, holdings: Holdings, plan: CompositePlan): Promise<CompositePlan> {
  const pinned = new Map(plan.answers().map(([query, held]) => [query.id, held.id]));
  if (opened.now() - plan.now < STILL && plan.behind.length === 0) return plan;
  let anew = plan;
  for (let round = 0; round < ROUNDS; round++) {
    anew = await planned(opened, holdings, plan.request, { states: undefined }, plan.branch, pinned);
    if (!anew.answers().every(([query, held]) => pinned.get(query.id) === held.id)) {
      throw new VaultError("CHOICE_INVALID", "a credential that was chosen is no longer in the vault");
    }
    const { behind } = anew;
    if (behind.length === 0) break;
    for (const { id, standing } of behind) {
      if (standing === null) continue;
      const found = await opened.reader.caughtUp(standing.list, standing.witness);
      if (found === null) await holdings.markRevoked(id);
      else await holdings.keepWitness(id, found.witness, found.epoch);
    }
  }
  return anew;
}

/** What answers a request, proven and not stored: nobody has seen it yet. */
export interface Proven {
  readonly canonical: Uint8Array;
  readonly schemas: Schemas;
  readonly facts: Facts;
  readonly holderNote: Uint8Array;
}

/**
 * Prove an answer as planned. `tagNonce` is what its usage tag begins with, where that is to be bound to something.
 * NothingFitsError; VaultError OWN_PROOF_INVALID; RefusedError and MalformedError as `presentComposite`, EPOCH_STALE among them
 * if the vault was overtaken.
 */
export async function proveComposite(
  opened: Opened, plan: CompositePlan, regulators: readonly Regulator[], departments: Departments, tagNonce?: Uint8Array,
): Promise<Proven> {
  const { presented: { presentation }, holderNote } = await proven(opened, plan, tagNonce);
  const facts = factsBy(plan, presentation, regulators, departments);
  return { canonical: presentation.canonical, schemas: plan.schemas, facts, holderNote };
}

/** What an answer is told by, later and without asking anybody. */
export function factsBy(
  plan: CompositePlan, presentation: Presented["presentation"], regulators: readonly Regulator[], departments: Departments,
): Facts {
  const epochs = presentation.answer.credentials.flatMap(({ epoch }) =>
    epoch === null ? [] : [[epochName(epoch.key.octets, epoch.number), Number(epoch.time)] as const]);
  const { lists, regulators: told } = factsOf(plan.chosen.branch, plan.directory, regulators);
  return { lists, regulators: told, epochs: new Map(epochs), departments };
}

/**
 * Answer a department's request that an issuance waits for; errors as `proveComposite`. No ledger keeps it: its note goes
 * nowhere, and is made only so that it looks like every other. Nothing is stored.
 */
export async function presentForIssuance(opened: Opened, plan: CompositePlan): Promise<Presented> {
  return (await proven(opened, plan)).presented;
}

/** The proof of a planned answer, verified before anybody else sees it, and the sealed note that it commits to. */
async function proven(
  opened: Opened, plan: CompositePlan, tagNonce?: Uint8Array,
): Promise<{ presented: Presented; holderNote: Uint8Array }> {
  const { request, directory } = plan;
  const now = opened.now();
  const shown = plan.answers().map(([{ id, shown: names }, { schema }]) => [id, inOrder(schema, names)] as const);
  const { usageTag, holderNote } = await besides(opened, { ...aboutOf(request, now), shown }, tagNonce);
  const presented = presentComposite({
    request, branch: plan.branch, holdings: plan.holdings, secret: plan.contents.secret, directory, now, usageTag,
    noteHash: noteHash(holderNote), trustedRegulators: plan.contents.trusted, openings: plan.openings,
  });
  try {
    presented.checkOwnProof();
  } catch (error) {
    if (!(error instanceof DisclosureError)) throw error;
    throw new VaultError("OWN_PROOF_INVALID", "a credential does not prove what it says; get it from its department again");
  }
  return { presented, holderNote };
}

/** The same in the plain form, with one credential for each query in its order; errors as `presentPlain`. */
export async function provePlain(
  opened: Opened, request: PlainRequest, answers: readonly HeldPlainOne[], departments: Departments, tagNonce?: Uint8Array,
): Promise<Proven> {
  const now = opened.now();
  const shown = request.queries.map(({ id, shown: names }, at) =>
    [id, inOrder((answers[at] as HeldPlainOne).schema, names)] as const);
  const { usageTag, holderNote } = await besides(opened, { ...aboutOf(request, now), shown }, tagNonce);
  const canonical = presentPlain(request, answers, { usageTag, noteHash: noteHash(holderNote) }, now);
  const schemas = new Map(answers.map(({ schema }) => [schema.name.text, schema]));
  return { canonical, schemas, facts: { lists: new Map(), regulators: new Map(), epochs: new Map(), departments }, holderNote };
}

function aboutOf({ verifier, purpose, digest }: CompositeRequest | PlainRequest, now: number) {
  return { verifier, purpose, time: Math.floor(now * 1000), requestDigest: digest };
}

const inOrder = (schema: Schema, names: readonly string[]): readonly string[] =>
  schema.attributes.map(({ id }) => id).filter((each) => names.includes(each));

/** What stands beside an answer: a usage tag, fresh but for what it is to begin with, and the sealed note. */
async function besides({ store }: Opened, summary: NoteSummary, tagNonce?: Uint8Array) {
  return { usageTag: await store.uses.usageTag(tagNonce), holderNote: await store.uses.sealNote(summaryOctets(summary)) };
}

/** Store the use of an answer before it goes out, with the very message that is to be sent. Errors as what is `under` counts. */
export async function stored(
  opened: Opened, { link, signed, verifier }: Fetched, { canonical, schemas, facts, holderNote }: Proven,
  under: Under | null = null,
): Promise<Usage> {
  const presented = presentedOf(canonical, isComposite(signed.payload), schemas);
  const message = create(SubmitPresentationRequestSchema, {
    exchange: link.name, ticket: link.secret, answer: submitted(presented, schemas), holderNote,
    requestId: crypto.randomUUID(),
  });
  const usage: Usage = {
    id: newId(), state: "sent", time: Math.floor(opened.now() * 1000), server: link.server,
    verifierName: verifier.displayName, signed, request: requestOf(signed), canonical, presented, schemas, facts,
    message: toBinary(SubmitPresentationRequestSchema, message), holderNote, receipt: null, reason: null,
    consent: under?.consent ?? null,
  };
  await under?.check();
  await opened.store.change(async (draft) => {
    await under?.count?.(draft);
    putUsage(draft, usage);
  });
  return usage;
}
