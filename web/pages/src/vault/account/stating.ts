// What an applicant states beforehand: the fields that a form has for an item's schema, and the values that what is
// written there stands for, read strictly. Hashes and secrets are nobody's to write.
import {
  type AttributeDefinition,
  Day,
  FIRST_DAY,
  toItem,
  type Value,
} from "../../../../prover/src/disclosure/attributes.js";
import type { Item } from "../../../../prover/src/disclosure/canonical.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { VaultError } from "../fault.js";
import type { FieldView, Text, Written } from "../model.js";
import { plain, valueText } from "../telling/saying.js";

const KINDS = ["text", "integer", "date", "boolean", "code"] as const;
const INTEGER = /^(-?)(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,18}))?$/;
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const DAY_MS = 86_400_000;

/** The fields of an item's form, in the schema's order. */
export function fieldsOf({ attributes }: Schema): readonly FieldView[] {
  return attributes.flatMap((each) => {
    const kind = KINDS.find((known) => known === each.type);
    if (kind === undefined) return [];
    return [{
      id: each.id,
      title: plain(each.displayName),
      kind,
      least: bound(each, each.minimum),
      most: bound(each, each.maximum),
      maxLength: each.maxLength,
      codes: each.codes.map(({ code, displayName }) => ({ code, title: plain(displayName) })),
    }];
  });
}

/** A bound as a person reads it: of dates in English as they are written. */
function bound(attribute: AttributeDefinition, number: bigint | null): Text | null {
  if (number === null) return null;
  return valueText(attribute, attribute.type === "date" ? new Day(Number(number)) : number);
}

/**
 * The values that stand in a form; what is empty is not stated. VaultError VALUE_MALFORMED; MalformedError
 * ATTRIBUTE_UNKNOWN.
 */
export function statedOf(schema: Schema, written: Written): ReadonlyMap<string, Value> {
  const stated = new Map<string, Value>();
  for (const [id, said] of Object.entries(written)) {
    const attribute = schema.attribute(id);
    if (said.trim() === "") continue;
    const value = read(attribute, said.trim());
    if (value === null || !attribute.has(value)) throw new VaultError("VALUE_MALFORMED", `${id} has no such value`);
    stated.set(id, value);
  }
  return stated;
}

/** Values as an application's digest has them (disclosure/application.py): by their names, in order of these. */
export function statedItems(stated: ReadonlyMap<string, Value>): Item[] {
  return [...stated.keys()].sort().map((id) => [id, toItem(stated.get(id) as Value)]);
}

function read(attribute: AttributeDefinition, said: string): Value | null {
  switch (attribute.type) {
    case "text":
      return said.normalize("NFC");
    case "integer":
      return numberOf(said, attribute.scale);
    case "date":
      return dayOf(said);
    case "boolean":
      return said === "true" ? true : said === "false" ? false : null;
    case "code":
      return said;
    default:
      return null;
  }
}

/** A number in units, with no more decimals than there are. */
function numberOf(said: string, scale: number): bigint | null {
  const [, sign, whole, decimals = ""] = INTEGER.exec(said) ?? [];
  if (whole === undefined || decimals.length > scale) return null;
  const number = BigInt(whole + decimals.padEnd(scale, "0"));
  return sign === "-" ? -number : number;
}

/** A day that there is, written YYYY-MM-DD. */
function dayOf(said: string): Day | null {
  const at = DATE.test(said) ? Date.parse(`${said}T00:00:00Z`) : NaN;
  // A day that a month does not have may be read as one of the next.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== said) return null;
  const number = Math.floor(at / DAY_MS);
  return number < FIRST_DAY ? null : new Day(number);
}
