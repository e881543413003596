// The consent to an errand (prover/errands/screen.py): one screen, a section for each counter, and at the end what more than
// one of them would see.

import { Day } from "../../../../prover/src/disclosure/attributes.js";
import type { Counter, ErrandBundle, FormValue, FormValues } from "../errands/bundle.js";
import type { Text } from "../model.js";
import { type Said, said } from "./said.js";
import { dateText, joined, momentText, plain, same, say } from "./saying.js";
import { ERRANDS } from "./texts.js";

/** Something that a counter sees: an attribute of a credential, its last day (no name), or what is declared (of no schema). */
export interface Seen {
  /** What makes it the same for another counter. */
  readonly same: string;
  readonly name: Text | null;
  readonly schema: Text | null;
}

/** One part of an errand, as far as it is told beside what its counter asks. */
export interface ErrandPart {
  readonly counter: Counter;
  readonly values: FormValues;
  /** What its counter would be shown of credentials. */
  readonly seen: readonly Seen[];
}

const BETWEEN: Text = { zh: "、", en: ", " };

/** What is done, and at how many counters. */
export const headingText = ({ displayName }: ErrandBundle, count: number): Text =>
  say(ERRANDS.heading, { bundle: plain(displayName), count });

export const aboutText = ({ description }: ErrandBundle): Text => say(ERRANDS.about, { about: plain(description) });

/** Until when all of it can be submitted, in seconds. */
export const untilText = (ends: number): Text => say(ERRANDS.ends, { time: momentText(ends) });

export const partText = ({ displayName }: Counter, number: number, count: number): Text =>
  say(ERRANDS.part, { number, count, counter: plain(displayName) });

export const declaresText = ({ displayName }: Counter): Text => say(ERRANDS.declares, { counter: plain(displayName) });

/** What is declared, or that it is left out, as a person reads it. */
export function declaredText(value: FormValue | undefined): Text {
  if (value === undefined) return say(ERRANDS.left_out);
  return value instanceof Day ? dateText(value) : same(String(value));
}

/** What several counters would see: a line over the others, and each with the counters; or that there is nothing. */
export function sharedTexts(bundle: ErrandBundle, parts: readonly ErrandPart[]): { heading: Text; lines: readonly Text[] } {
  const found = new Map<string, { readonly seen: Seen; readonly parts: Set<string> }>();
  for (const { counter, values, seen } of parts) {
    for (const each of [...seen, ...declaredSeen(counter, values)]) {
      const before = found.get(each.same) ?? { seen: each, parts: new Set() };
      before.parts.add(counter.part);
      found.set(each.same, before);
    }
  }
  const shared = [...found.values()].filter((each) => each.parts.size > 1);
  const lines = shared.map(({ seen: { name, schema }, parts: names }) => {
    const counters = joined([...names].map((each) => plain(bundle.counter(each).displayName)), BETWEEN);
    if (schema === null) return say(ERRANDS.shared_declared, { attribute: name ?? same(""), counters });
    if (name === null) return say(ERRANDS.shared_expiry, { schema, counters });
    return say(ERRANDS.shared_item, { schema, attribute: name, counters });
  });
  return { heading: say(shared.length > 0 ? ERRANDS.shared : ERRANDS.none_shared), lines };
}

/** What is declared is the same for two counters by its value, whatever the fields are called. */
function declaredSeen({ fields }: Counter, values: FormValues): readonly Seen[] {
  return fields.flatMap(({ id, type, displayName }) => {
    const value = values.get(id);
    if (value === undefined) return [];
    const written = value instanceof Day ? value.number : value;
    return [{ same: `declared ${type} ${String(written)}`, name: plain(displayName), schema: null }];
  });
}

/** The whole screen, as Python has it; `asked` is the screen of each part's request. */
export function errandScreen(
  bundle: ErrandBundle, parts: readonly (ErrandPart & { readonly asked: readonly Said[] })[], ends: number,
): readonly Said[] {
  const count = parts.length;
  const shared = sharedTexts(bundle, parts);
  return [
    said("heading", headingText(bundle, count)),
    said("fact", aboutText(bundle)),
    said("fact", untilText(ends)),
    ...parts.flatMap((each, at) => [
      said("heading", partText(each.counter, at + 1, count)), ...each.asked, ...declaredLines(each),
    ]),
    said("section", shared.heading),
    ...shared.lines.map((each) => said("revealed", each)),
  ];
}

function declaredLines({ counter, values }: ErrandPart): readonly Said[] {
  if (counter.fields.length === 0) return [];
  const line = (field: Text, value: Text): Said => said("revealed", say(ERRANDS.value, { field, value }));
  return [
    said("section", declaresText(counter)),
    ...counter.fields.map(({ id, displayName }) => line(plain(displayName), declaredText(values.get(id)))),
  ];
}
