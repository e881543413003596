// A request as the screens are shown it: every way to answer, in the request's order, with what it tells or what it lacks.

import type { CompositeRequest } from "../../../../prover/src/composite/request.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import type { PlainLack } from "../../../../prover/src/plain/present.js";
import type { PlainQuery, PlainRequest } from "../../../../prover/src/plain/request.js";
import type { Fault, RequestView, Text, WayView } from "../model.js";
import { askerOf, type TrackRecord } from "../telling/asker.js";
import { earlierOf } from "../telling/earlier.js";
import { factsOf, type Regulator } from "../telling/facts.js";
import { applyText, lackText } from "../telling/lacking.js";
import { plain } from "../telling/saying.js";
import { type Answered, type Consent, consentOf } from "../telling/told.js";
import { type Choices, lackingWayOf, PLAIN_BRANCH, plainWayOf, wayOf } from "../telling/views.js";
import type { Departments } from "./answer.js";
import type { Fetched } from "./fetch.js";
import type { HeldPlainOne } from "./holdings.js";
import type { CompositePlan } from "./plan.js";

/** What fits a query of the plain form, the newest first, and the one that is chosen. */
export interface PlainOption {
  readonly query: PlainQuery;
  readonly title: LocalizedText;
  readonly fitting: readonly HeldPlainOne[];
  readonly chosen: HeldPlainOne | null;
  readonly lack: PlainLack | null;
}

/** A request with how it would be answered. */
export function requestView(
  id: string, { request, verifier, policy }: Fetched, record: TrackRecord, ways: readonly WayView[],
  refused: Fault | null = null,
): RequestView {
  const asker = askerOf(request, verifier.displayName, { policy, record });
  return { kind: "request", id, asker, ways, ends: request.expires * 1000, refused };
}

/** Every way of a request of the composite form by who is called so; `plan` is the one that a choice was made in. */
export function compositeWays(
  plan: CompositePlan, called: LocalizedText, trusted: readonly Regulator[], departments: Departments,
): readonly WayView[] {
  const named = texts(departments);
  return plan.branches.map((each) => {
    const { id } = each.branch;
    if (each.missing.length > 0) {
      return lackingWayOf(each, { directory: plan.directory, trusted, departments: named });
    }
    const chosen = id === plan.branch ? plan : plan.at(id);
    return wayOf(consentFor(chosen, called, trusted, named), choicesOf(chosen));
  });
}

function consentFor(
  plan: CompositePlan, called: LocalizedText, trusted: readonly Regulator[], departments: ReadonlyMap<string, Text>,
): Consent {
  const { directory, request } = plan;
  const { branch, index } = plan.chosen;
  const behind = new Set(plan.behind.map((each) => each.id));
  const held = new Map(plan.answers().map(([query, each]) => [query.id, each]));
  const answers = plan.credentialAnswers().map((each): Answered => {
    const one = held.get(each.query)!;
    const epoch = each.epoch === null ? null : Number(each.epoch.time);
    return { ...each, credential: one.id, schema: one.schema, epoch, behind: behind.has(one.id) };
  });
  const earlier = request.branches.slice(0, index).map((each) => earlierOf(each, directory, trusted));
  const facts = factsOf(branch, directory, trusted);
  return consentOf(request, { branch, answers, facts, verifierName: called, departments, earlier });
}

function choicesOf(plan: CompositePlan): Choices {
  return new Map(plan.answers().map(([{ id }, chosen]) => {
    const fitting = plan.chosen.fitting.get(id) ?? [];
    const all = [chosen, ...fitting.filter((each) => each.id !== chosen.id)];
    return [id, all.map((each) => ({ credential: each.id, schema: each.schema, lastDay: each.credential.expiry }))];
  }));
}

/** The one way of a request of the plain form. */
export function plainWays(
  request: PlainRequest, options: readonly PlainOption[], called: LocalizedText, departments: Departments,
): readonly WayView[] {
  const named = texts(departments);
  const missing = options.flatMap(({ query, title, lack }) =>
    lack === null ? [] : [lackText(lack, [plain(title)]), applyText([query.schema], named)]);
  const chosen = options.flatMap(({ query, chosen: one }) => (one === null ? [] : [{ query, one }]));
  if (chosen.length < request.queries.length) {
    return [{ branch: PLAIN_BRANCH, label: { zh: "", en: "" }, credentials: [], lines: [], missing }];
  }
  const answered = chosen.map(({ query, one: { id, schema, credential } }) => (
    { query, credential: id, schema, values: credential.values, expiry: credential.expiry }));
  const choices = new Map(options.map(({ query, fitting, chosen: one }) => [query.id, choosable(fitting, one)]));
  return [plainWayOf(answered, called, named, choices)];
}

function choosable(fitting: readonly HeldPlainOne[], chosen: HeldPlainOne | null) {
  const all = chosen === null ? fitting : [chosen, ...fitting.filter((each) => each.id !== chosen.id)];
  return all.map(({ id, schema, credential }) => ({ credential: id, schema, lastDay: credential.expiry }));
}

export function texts(departments: Departments): ReadonlyMap<string, Text> {
  return new Map([...departments].map(([name, called]) => [name, plain(called)]));
}

/** The departments that a request names, in its order: the same whatever the vault holds. */
export function departmentsOf(request: CompositeRequest | PlainRequest): readonly string[] {
  const queries = "branches" in request
    ? request.branches.flatMap((branch) => branch.queries.flatMap((query) => query.schemas))
    : request.queries.map((query) => query.schema);
  return [...new Set(queries.map(({ department }) => `departments/${department}`))];
}
