// How a request would be answered with what the vault holds, and how it is answered so: for requests that the person is asked
// about, by themselves or in an errand, and for those under a standing consent.

import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { planPlain } from "../../../../prover/src/plain/present.js";
import type { PlainRequest } from "../../../../prover/src/plain/request.js";
import { faultOf, VaultError } from "../fault.js";
import type { Choice, WayView } from "../model.js";
import type { Opened } from "../parts.js";
import type { TrackRecord } from "../telling/asker.js";
import type { Regulator } from "../telling/facts.js";
import { PLAIN_BRANCH } from "../telling/views.js";
import { type Departments, planned, proveComposite, type Proven, provePlain, ready, stored, type Under } from "./answer.js";
import { eventsIn } from "./events.js";
import type { AnyRequest, Fetched } from "./fetch.js";
import type { HeldPlainOne, Holdings } from "./holdings.js";
import type { CompositePlan } from "./plan.js";
import { sendUsage } from "./sending.js";
import { type Usage, usageIn, usagesIn } from "./usages.js";
import { compositeWays, departmentsOf, type PlainOption, plainWays } from "./views.js";

export interface CompositeAnswer {
  readonly form: "composite";
  readonly plan: CompositePlan;
  readonly regulators: readonly Regulator[];
}

export interface PlainAnswer {
  readonly form: "plain";
  readonly request: PlainRequest;
  readonly options: readonly PlainOption[];
}

export type Answer = CompositeAnswer | PlainAnswer;

/** How a request would be answered now. Errors as `planned`. */
export async function answerTo(
  opened: Opened, holdings: Holdings, { request, states }: Pick<Fetched, "request" | "states">,
): Promise<Answer> {
  if (request instanceof CompositeRequest) {
    const plan = await planned(opened, holdings, request, { states });
    return { form: "composite", plan, regulators: (await holdings.held()).regulators };
  }
  const titles: LocalizedText[] = [];
  for (const { schema } of request.queries) titles.push((await opened.reader.schema(schema)).displayName);
  const newest = [...(await holdings.held()).plain].sort((one, other) =>
    other.received - one.received || (one.id < other.id ? 1 : -1));
  const options = planPlain(request, newest, opened.now()).map(({ query, fitting, lack }, at) => {
    const all = newest.filter((each) => fitting.includes(each));
    return { query, title: titles[at] as LocalizedText, fitting: all, chosen: all[0] ?? null, lack };
  });
  return { form: "plain", request, options };
}

/** What the departments are called that a request names. */
export async function departmentsNamed({ reader }: Opened, request: AnyRequest): Promise<Departments> {
  const named = new Map<string, LocalizedText>();
  for (const name of departmentsOf(request)) named.set(name, await reader.departmentName(name));
  return named;
}

/** What is known of a verifier from before. What was sent counts, whatever became of it. */
export function trackRecord({ store }: Opened, verifier: string): Promise<TrackRecord> {
  return store.read(async (draft) => {
    const uses = (await usagesIn(draft)).filter((each) => each.request.verifier === verifier && each.state !== "refused");
    const events = (await eventsIn(draft)).filter(({ note }) => note.party === verifier);
    const last = uses.at(-1);
    return {
      answers: uses.length,
      last: last === undefined ? null : last.time / 1000,
      declined: events.filter(({ note }) => note.kind === "declined").length,
      overAsked: events.filter(({ note }) => note.kind === "over-asked").length,
    };
  });
}

/** Every way of an answer, by what the verifier is called. */
export function waysOf(answer: Answer, called: LocalizedText, departments: Departments): readonly WayView[] {
  if (answer.form === "plain") return plainWays(answer.request, answer.options, called, departments);
  return compositeWays(answer.plan, called, answer.regulators, departments);
}

/** The answer by the way and with the credentials that the person chose. VaultError CHOICE_INVALID. */
export function chosenBy(answer: Answer, choice: Choice): Answer {
  const picked = Object.entries(choice.chosen);
  if (answer.form === "composite") {
    // From the way on, whatever was chosen before: what is agreed to is this choice and nothing else.
    let plan = answer.plan.chooseBranch(choice.branch);
    for (const [query, credential] of picked) plan = plan.choose(query, credential);
    return { ...answer, plan };
  }
  if (choice.branch !== PLAIN_BRANCH) throw invalid("the request has no such branch");
  const queries = new Set(answer.options.map(({ query }) => query.id));
  if (!picked.every(([query]) => queries.has(query))) throw invalid("the request has no such query");
  return { ...answer, options: answer.options.map((each) => optionWith(each, choice.chosen)) };
}

function optionWith(option: PlainOption, picked: Choice["chosen"]): PlainOption {
  if (!Object.hasOwn(picked, option.query.id)) return { ...option, chosen: option.fitting[0] ?? null };
  const one: HeldPlainOne | undefined = option.fitting.find((each) => each.id === picked[option.query.id]);
  if (one === undefined) throw invalid("this credential does not fit the query");
  return { ...option, chosen: one };
}

const invalid = (detail: string): VaultError => new VaultError("CHOICE_INVALID", detail);

/** Prove an answer; nothing is stored. Errors as `ready` and `proveComposite`, NOTHING_FITS. `tagNonce` as there. */
export async function provenAnswer(
  opened: Opened, holdings: Holdings, departments: Departments, answer: Answer, tagNonce?: Uint8Array,
): Promise<Proven> {
  if (answer.form === "composite") {
    const caught = await ready(opened, holdings, answer.plan);
    return proveComposite(opened, caught, answer.regulators, departments, tagNonce);
  }
  const { request, options } = answer;
  const answers = options.flatMap((each) => (each.chosen === null ? [] : [each.chosen]));
  if (answers.length < options.length) throw new VaultError("NOTHING_FITS", "the vault cannot answer the request");
  return provePlain(opened, request, answers, departments, tagNonce);
}

/** Prove an answer and store the use before it goes out. Errors as `provenAnswer`, and as what is `under` counts. */
export async function proven(
  opened: Opened, holdings: Holdings, fetched: Fetched, departments: Departments, answer: Answer, under: Under | null = null,
): Promise<Usage> {
  return stored(opened, fetched, await provenAnswer(opened, holdings, departments, answer), under);
}

/** Send a stored use; it is returned as it stands once it was sent, or could not be. Errors as `sendUsage`, but refusals. */
export async function sentUsage(opened: Opened, usage: Usage): Promise<Usage> {
  try {
    return await sendUsage(opened, usage);
  } catch (error) {
    if (faultOf(error).passing) return usage;
    const now = await opened.store.read((draft) => usageIn(draft, usage.id));
    if (now.state === "refused") return now;
    throw error;
  }
}
