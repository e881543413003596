// Errands and their bundles as the screens are shown them.

import { fromBinary } from "@bufbuild/protobuf";
import { sha256 } from "@noble/hashes/sha2.js";

import { ErrandSchema } from "../../../gen/zkproto/v1/errand_pb.js";
import { hex, utf8 } from "../../ledger/encoding.js";
import type { Text, UseView } from "../model.js";
import { plain, safe } from "../telling/saying.js";
import { ERRAND_STATES } from "../telling/texts.js";
import type { Counter, ErrandBundle } from "./bundle.js";
import type { BundleView, CounterView, ErrandView, PartView, ToldView } from "./model.js";
import { fieldView } from "./planning.js";
import type { HeldErrand } from "./records.js";
import { type ErrandTold, type PartTold, type Told, toldOf } from "./view.js";

export function bundleView(bundle: ErrandBundle): BundleView {
  return {
    kind: "bundle",
    bundle: bundle.name.text,
    title: plain(bundle.displayName),
    about: plain(bundle.description),
    counters: bundle.counters.map((each) => counterView(bundle, each)),
  };
}

function counterView(bundle: ErrandBundle, counter: Counter): CounterView {
  const { part, displayName, verifier, policy, fields, settleDays } = counter;
  const about = { part, name: plain(displayName), verifier, policy: policy.text, days: settleDays };
  return { ...about, fields: fields.map(fieldView), after: namesOf(bundle, counter) };
}

/** What has to be done before a counter begins. */
const namesOf = (bundle: ErrandBundle, { dependsOn }: Counter): readonly Text[] =>
  dependsOn.map((each) => plain(bundle.counter(each).displayName));

/** An errand as it is kept, with the uses that are to be shown; `sending` tells that a submission is not sent yet. */
export function errandView(errand: HeldErrand, uses: ReadonlyMap<string, UseView>, sending: boolean): ErrandView {
  const { id, bundle, begun, stage, ticket } = errand;
  const told = errand.told.length === 0 || ticket === null
    ? null : toldOf(fromBinary(ErrandSchema, errand.told), bundle, ticket.errand);
  const over = stage === "ended" || (told?.isOver ?? false);
  const view = {
    id,
    bundle: bundle.name.text,
    title: plain(bundle.displayName),
    about: plain(bundle.description),
    begun,
    stage,
    stands: told?.state === "done" ? plainText(ERRAND_STATES.all_done) : plainText(ERRAND_STATES[`stage_${stage}`]),
    state: told?.state ?? null,
    ends: told === null || stage !== "begun" ? null : told.expires,
    asked: told !== null && told.isAsked && !over && !sending,
    sending,
    over,
    parts: bundle.counters.map((each, at) => partView(errand, each, told?.parts[at], uses)),
  };
  return { ...view, mark: markOf(view, told) };
}

function partView(
  { bundle, uses: all }: HeldErrand, counter: Counter, told: PartTold | undefined, uses: ReadonlyMap<string, UseView>,
): PartView {
  const { part, displayName, settleDays } = counter;
  const own = all.filter((each) => each.part === part).flatMap(({ usage }) => uses.get(usage) ?? []);
  const state = told?.state ?? "waiting";
  return {
    part,
    name: plain(displayName),
    state,
    stands: plainText(ERRAND_STATES[state]),
    after: namesOf(bundle, counter),
    days: settleDays,
    told: (told?.told ?? []).map(toldView),
    uses: own.reverse(),
  };
}

function toldView({ state, time, message, document, offer }: Told): ToldView {
  const words = message === null ? null : plain(message);
  return { time, stands: plainText(ERRAND_STATES[state]), message: words, document: safe(document), offer };
}

/** What tells one view from another. */
function markOf(view: Omit<ErrandView, "mark">, told: ErrandTold | null): string {
  const parts = view.parts.map(({ state, told: updates, uses }) =>
    [state, updates, uses.map((each) => [each.id, each.state, each.receipt])]);
  const said = JSON.stringify([view.stage, view.state, view.asked, view.sending, told?.expires ?? null, parts]);
  return hex(sha256(utf8(said)));
}

const plainText = ({ zh, en }: Text): Text => ({ zh, en });
