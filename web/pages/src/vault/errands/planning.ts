// An errand before it is submitted (prover/errands/planning.py): what its counters ask, how each would be answered, what is
// declared to whom. Nothing is stored and nothing is sent by it.

import { DisclosureError, MalformedError } from "../../../../prover/src/disclosure/errors.js";
import type { SignedRequest } from "../../../../prover/src/disclosure/request_frame.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { VaultError } from "../fault.js";
import { type Answer, chosenBy, type CompositeAnswer, type PlainAnswer, waysOf } from "../showing/answering.js";
import type { Departments } from "../showing/answer.js";
import { type Asked, requestView } from "../showing/views.js";
import type { TrackRecord } from "../telling/asker.js";
import {
  aboutText, declaredText, declaresText, type ErrandPart, headingText, partText, type Seen, sharedTexts, untilText,
} from "../telling/errands.js";
import { plain } from "../telling/saying.js";
import type { PartAsk } from "./asking.js";
import { type Counter, dayWritten, type ErrandBundle, type FormValue, type FormValues } from "./bundle.js";
import type { AskedPartView, DeclaredView, ErrandAskView, FieldView, PartAnswer } from "./model.js";

/** What one counter asks: opened under its registered key, tied to this part, within its policy. */
export interface AskedPart extends Asked {
  readonly counter: Counter;
  readonly tie: PartAsk;
  readonly signed: SignedRequest;
  /** What the departments are called that the request names. */
  readonly departments: Departments;
  readonly record: TrackRecord;
}

/** How one part would be answered, and what would be declared with it; null while the form is not filled in. */
export interface PlannedPart {
  readonly asked: AskedPart;
  readonly answer: Answer;
  readonly given: PartAnswer;
  readonly values: FormValues | null;
}

/**
 * A part before the person has said anything: the first way, and what was declared last. From a later way it may be inferred what
 * is not held: nobody but the person takes one (BRANCH_UNDECIDED of prover/client/errands.py).
 */
export function planned(asked: AskedPart, answer: Answer, defaults: FormValues): PlannedPart {
  const declared = Object.fromEntries([...defaults].map(([id, value]) => [id, typed(value)]));
  const ways = waysOf(answer, asked.verifier.displayName, asked.departments);
  return chosen(asked, answer, { choice: { branch: ways[0]?.branch ?? "", chosen: {} }, declared });
}

const typed = (value: FormValue): string => (typeof value === "object" ? dayWritten(value) : String(value));

/** A part by what the person has chosen and typed. VaultError CHOICE_INVALID. */
export function chosen(asked: AskedPart, answer: Answer, given: PartAnswer): PlannedPart {
  return { asked, answer: chosenBy(answer, given.choice), given, values: filledIn(asked.counter, given.declared) };
}

function filledIn(counter: Counter, declared: PartAnswer["declared"]): FormValues | null {
  try {
    return valuesOf(counter, declared);
  } catch (error) {
    if (error instanceof VaultError) return null;
    throw error;
  }
}

/** What is declared, by what was typed. VaultError FORM_INCOMPLETE, which names the field and repeats nothing. */
export function valuesOf(counter: Counter, declared: PartAnswer["declared"]): FormValues {
  const values = new Map<string, FormValue>();
  try {
    for (const field of counter.fields) {
      const written = Object.hasOwn(declared, field.id) ? declared[field.id] : undefined;
      if (typeof written === "string" && written.trim() !== "") values.set(field.id, field.parse(written.normalize("NFC")));
    }
    counter.check(values);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new VaultError("FORM_INCOMPLETE", `${counter.part}: ${error.field}: ${error.detail}`);
  }
  return values;
}

/** Whether every part can be answered, and every form is filled in. */
export const isWhole = (parts: readonly PlannedPart[]): boolean =>
  parts.every((each) => each.values !== null && seenBy(each) !== null);

/** What a counter would be shown of credentials, in its own order; null if its request cannot be answered so. */
function seenBy({ answer }: PlannedPart): readonly Seen[] | null {
  try {
    return answer.form === "composite" ? compositeSeen(answer) : plainSeen(answer);
  } catch (error) {
    if (error instanceof VaultError || error instanceof DisclosureError) return null;
    throw error;
  }
}

function compositeSeen({ plan }: CompositeAnswer): readonly Seen[] {
  const held = plan.answers();
  return plan.credentialAnswers().flatMap(({ values, expiry }, at) => {
    const [, { id, schema }] = held[at] as (typeof held)[number];
    return credentialSeen(id, schema, (name) => values.has(name), expiry !== null);
  });
}

function plainSeen({ options }: PlainAnswer): readonly Seen[] | null {
  const all = options.map(({ query, chosen: one }) =>
    one === null ? null : credentialSeen(one.id, one.schema, (name) => query.shown.includes(name), query.expiry === "shown"));
  return all.includes(null) ? null : all.flatMap((each) => each ?? []);
}

function credentialSeen(id: string, schema: Schema, shown: (name: string) => boolean, expiry: boolean): readonly Seen[] {
  const about = { of: `${id} ${schema.name.text}`, schema: plain(schema.displayName) };
  const attributes = schema.attributes.filter((each) => shown(each.id));
  return [
    ...attributes.map((each) => ({ same: `${about.of} ${each.id}`, name: plain(each.displayName), schema: about.schema })),
    ...(expiry ? [{ same: about.of, name: null, schema: about.schema }] : []),
  ];
}

/** All of it as the screen shows it. */
export function askView(
  id: string, bundle: ErrandBundle, parts: readonly PlannedPart[], mayEnd: boolean,
): ErrandAskView {
  const ends = Math.min(...parts.map(({ asked }) => asked.request.expires));
  return {
    id,
    heading: headingText(bundle, parts.length),
    about: aboutText(bundle),
    until: untilText(ends),
    ends: ends * 1000,
    mayEnd,
    parts: parts.map((each, at) => partView(each, at + 1, parts.length)),
    shared: isWhole(parts) ? sharedTexts(bundle, parts.map(errandPart)) : null,
  };
}

function errandPart(part: PlannedPart): ErrandPart {
  return { counter: part.asked.counter, values: part.values ?? new Map(), seen: seenBy(part) ?? [] };
}

function partView({ asked, answer, given, values }: PlannedPart, number: number, count: number): AskedPartView {
  const { counter, verifier, departments } = asked;
  const { asker, ends, ways } = requestView("", asked, asked.record, waysOf(answer, verifier.displayName, departments));
  const { fields } = counter;
  return {
    part: counter.part,
    heading: partText(counter, number, count),
    asker,
    ends,
    ways,
    answer: given,
    fields: fields.map(fieldView),
    declares: fields.length === 0 ? null : { heading: declaresText(counter), values: values && declared(counter, values) },
  };
}

function declared({ fields }: Counter, values: FormValues): readonly DeclaredView[] {
  return fields.map(({ id, displayName }) => ({ name: plain(displayName), value: declaredText(values.get(id)) }));
}

export const fieldView = ({ id, displayName, type, optional, maxLength }: Counter["fields"][number]): FieldView =>
  ({ id, name: plain(displayName), type, optional, maxLength });
