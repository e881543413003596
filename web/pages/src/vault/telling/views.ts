// Consents as the vault's screens take them (model.ts), and as Python's screen has them, line by line.

import type { Day, LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { Line, OfferView, ShownCredential, Text, WayView } from "../model.js";
import { type Asker, type Asking, askingTexts, type Counts, countsText } from "./asker.js";
import { type Known, type Lacked, missingTexts } from "./lacking.js";
import { type PlainAnswered, plainCounts, plainLines } from "./plain.js";
import { linesOf, type Said, said } from "./said.js";
import { dateText, plain, same, say } from "./saying.js";
import { screenOf } from "./sentences.js";
import { CONSENT, SENTENCES } from "./texts.js";
import { type Consent, countsOf } from "./told.js";

/** A credential that may be chosen for a query. */
export interface Choosable {
  readonly credential: string;
  readonly schema: Schema;
  readonly lastDay: Day;
}

/** By the queries' identifiers, the one that stands in the consent first. */
export type Choices = ReadonlyMap<string, readonly Choosable[]>;

/** The only branch that a request of the plain form has. */
export const PLAIN_BRANCH = "";

/** A way to answer that can be taken, in the composite form. */
export function wayOf(consent: Consent, choices: Choices): WayView {
  const { branch, departments } = consent;
  const screen = screenOf(consent);
  const credentials = consent.credentials.map(({ query, schema }, at) =>
    shownOf(query.id, schema, departments, choices, screen.credentials[at] ?? []));
  const lines = [factLine(countsText(countsOf(consent))), ...linesOf(screen.whole)];
  return { branch: branch.id, label: same(branch.id), credentials, lines, missing: [] };
}

/** A way that cannot be taken, and what is missing for it. */
export function lackingWayOf(lacked: Lacked, known: Known): WayView {
  const { id } = lacked.branch;
  return { branch: id, label: same(id), credentials: [], lines: [], missing: missingTexts(lacked, known) };
}

/** What answering a request of the plain form tells. */
export function plainWayOf(
  answered: readonly PlainAnswered[], verifier: LocalizedText, departments: ReadonlyMap<string, Text>, choices: Choices,
): WayView {
  const credentials = answered.map((each) =>
    shownOf(each.query.id, each.schema, departments, choices, plainLines(each, plain(verifier), departments)));
  const lines = [factLine(countsText(plainCounts(answered)))];
  return { branch: PLAIN_BRANCH, label: same(""), credentials, lines, missing: [] };
}

/** An offer: which credential it is for, and what its department is shown first. */
export function offerOf(
  id: string, department: string, departmentName: LocalizedText, schema: Schema, shows: WayView | null,
): OfferView {
  const title = say(SENTENCES.item, { attribute: plain(schema.displayName) });
  return { kind: "offer", id, department, departmentName: plain(departmentName), title, shows };
}

/** What a person is told of an offer that shows nothing: the department has identified the person itself. */
export function baseOfferText(departmentName: LocalizedText): Text {
  return say(SENTENCES.claim_base, { department: plain(departmentName) });
}

/** All lines of a use of the past, for its view. */
export function pastLines(consent: Consent): readonly Line[] {
  const { credentials, whole } = screenOf(consent);
  return linesOf([...credentials.flat(), ...whole]);
}

/** The whole screen of the composite form, as Python has it. */
export function consentScreen(asking: Asking, consent: Consent, asker: Asker | null): readonly Said[] {
  const { credentials, whole } = screenOf(consent);
  const heading = say(SENTENCES.heading, { verifier: plain(consent.verifierName) });
  const asked = askingLines(asking, consent.verifierName, asker, countsOf(consent));
  return [said("heading", heading), ...asked, ...credentials.flat(), ...whole];
}

/** The whole screen of the plain form, as Python has it. */
export function plainScreen(
  asking: Asking, answered: readonly PlainAnswered[], called: LocalizedText, asker: Asker | null,
  departments: ReadonlyMap<string, Text>,
): readonly Said[] {
  const verifier = plain(called);
  return [
    said("heading", say(CONSENT.heading, { verifier })),
    ...askingLines(asking, called, asker, plainCounts(answered)),
    ...answered.flatMap((each) => plainLines(each, verifier, departments)),
  ];
}

function askingLines(asking: Asking, called: LocalizedText, asker: Asker | null, counts: Counts): readonly Said[] {
  return askingTexts(asking, called, asker, counts).map((each) => said("fact", each));
}

function shownOf(
  query: string, schema: Schema, departments: ReadonlyMap<string, Text>, choices: Choices, lines: readonly Said[],
): ShownCredential {
  const department = `departments/${schema.name.department}`;
  return {
    title: say(SENTENCES.item, { attribute: plain(schema.displayName) }),
    departmentName: departments.get(department) ?? same(department),
    choices: (choices.get(query) ?? []).map(({ credential, lastDay, schema: { displayName } }) => ({
      credential,
      label: say(SENTENCES.value, {
        attribute: plain(displayName), value: say(SENTENCES.expiry, { date: dateText(lastDay) }),
      }),
    })),
    query,
    lines: linesOf(lines),
  };
}

function factLine(text: Text): Line {
  return { kind: "fact", text, value: null };
}
