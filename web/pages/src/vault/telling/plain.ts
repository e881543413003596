// The consent screen of the plain form (prover/consent.py): what is shown, and what is not.

import type { AttributeDefinition, Day, Value, Values } from "../../../../prover/src/disclosure/attributes.js";
import { valueOf } from "../../../../prover/src/disclosure/schema.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { PlainQuery } from "../../../../prover/src/plain/request.js";
import type { Text } from "../model.js";
import type { Counts } from "./asker.js";
import { over, type Said, said } from "./said.js";
import { dateText, plain, say, valueText } from "./saying.js";
import { departmentText } from "./sentences.js";
import { CONSENT } from "./texts.js";

/** What answers one query: of the credential, what is needed to tell of it. */
export interface PlainAnswered {
  readonly query: PlainQuery;
  readonly credential: string;
  readonly schema: Schema;
  readonly values: Values;
  readonly expiry: Day;
}

/** How much is shown in all; nothing is only proven. */
export function plainCounts(answered: readonly PlainAnswered[]): Counts {
  const shown = answered.map(({ query }) => query.shown.length + (query.expiry === "shown" ? 1 : 0));
  return { shown: shown.reduce((sum, each) => sum + each, 0), proven: 0 };
}

/**
 * What is shown of one credential. Every attribute of its schema stands exactly once: with its value among what will be
 * seen, or by its name among what stays hidden; so does its last day of validity.
 */
export function plainLines(
  { query, schema, values, expiry }: PlainAnswered, verifier: Text,
  departments: ReadonlyMap<string, Text>,
): readonly Said[] {
  const shown = schema.attributes.filter((each) => query.shown.includes(each.id));
  const names = schema.attributes.filter((each) => !query.shown.includes(each.id)).map((each) => plain(each.displayName));
  const lastDay = query.expiry === "shown" ? [said("revealed", say(CONSENT.expiry, { date: dateText(expiry) }))] : [];
  const hidden = query.expiry === "shown" ? names : [...names, say(CONSENT.expiry_hidden)];
  const department = departmentText(schema.name.department, departments);
  return [
    said("section", say(CONSENT.credential, { schema: plain(schema.displayName) })),
    over(say(CONSENT.reveals, { verifier })),
    ...shown.map((each) => shownLine(each, valueOf(values, each.id))),
    ...lastDay,
    said("revealed", say(CONSENT.issuer, { department })),
    hidden.length > 0 ? over(say(CONSENT.hides)) : said("fact", say(CONSENT.hides_nothing)),
    ...hidden.map((attribute) => said("hidden", say(CONSENT.item, { attribute }))),
  ];
}

function shownLine(attribute: AttributeDefinition, value: Value | undefined): Said {
  const parts = { attribute: plain(attribute.displayName), value: valueText(attribute, value) };
  const line = said("revealed", say(CONSENT.value, parts));
  return { ...line, shown: { name: say(CONSENT.item, parts), value: parts.value } };
}
