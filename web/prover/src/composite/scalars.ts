// The interface of the composite form: generators, slots, what a value is signed as (disclosure/composite/scalars.py).

import { Generators, hashToGenerators } from "../bbs/generators.js";
import { concat, utf8 } from "../bbs/octets.js";
import type { Base } from "../engine/statement.js";
import type { Suite } from "../engine/suite.js";
import { type AttributeDefinition, toItem, type Value, type Values } from "../disclosure/attributes.js";
import { encode } from "../disclosure/canonical.js";
import { type Schema, valueOf } from "../disclosure/schema.js";
import { generatorBases } from "../gadgets/bases.js";

export const HOLDER_SECRET = 0;
export const HANDLE = 1;
export const EXPIRY = 2;
const FIRST_ATTRIBUTE = 3;
/** What is added to an integer or a day: every one of 64 bits lies in [0, 2^64) then. */
export const OFFSET = 1n << 63n;
const VALUE_LABEL = "zk-disclosure/composite-value/v1";
const ABSENT_LABEL = "zk-disclosure/composite-absent/v1";

const kept = new Map<string, Generators>();
const absences = new Map<Suite, bigint>();

/** The identifier of this interface over a suite. */
export function apiId(suite: Suite): Uint8Array {
  return concat(suite.id, utf8("ZK_COMPOSITE_V1_"));
}

/** Q_1, one generator for each slot of a schema, and Q_2. */
export function schemaGenerators(schema: Schema, suite: Suite): Generators {
  return joint(FIRST_ATTRIBUTE + schema.attributes.length, suite);
}

/** H_secret and Q_2, the bases of a holder's commitment. */
export function commitmentGenerators(suite: Suite): readonly [Base, Base] {
  const [, , secret, blind] = generatorBases(joint(1, suite)) as [Base, Base, Base, Base];
  return [secret, blind];
}

function joint(slots: number, suite: Suite): Generators {
  const name = `${suite.name} ${slots}`;
  const before = kept.get(name);
  if (before !== undefined) return before;
  const known = hashToGenerators(slots + 1, apiId(suite), suite);
  const [blind] = hashToGenerators(1, concat(utf8("BLIND_"), apiId(suite)), suite);
  const generators = new Generators([...known, blind as (typeof known)[0]], suite);
  kept.set(name, generators);
  return generators;
}

/** An attribute's slot; MalformedError ATTRIBUTE_UNKNOWN. */
export function slot(schema: Schema, attribute: string): number {
  return schema.place(attribute) + FIRST_ATTRIBUTE;
}

/** The scalar of an absent optional attribute, which is none of any value. */
export function absent(suite: Suite): bigint {
  const before = absences.get(suite);
  if (before !== undefined) return before;
  const scalar = hashed(encode(ABSENT_LABEL), suite);
  absences.set(suite, scalar);
  return scalar;
}

/** The scalar of a day. */
export function dayScalar(day: number): bigint {
  return BigInt(day) + OFFSET;
}

/** The scalar of an attribute's value, or of its absence; throws what `definition.check` does. */
export function valueScalar(definition: AttributeDefinition, value: Value | undefined, suite: Suite): bigint {
  definition.check(value);
  if (value === undefined) return absent(suite);
  const item = toItem(value);
  if (isNumber(definition) && typeof item === "bigint") return item + OFFSET;
  return hashed(encode(VALUE_LABEL, definition.type, definition.codeSystem, item), suite);
}

/** The scalar of a code of a code system, whatever attribute has it. */
export function codeScalar(codeSystem: string, code: string, suite: Suite): bigint {
  return hashed(encode(VALUE_LABEL, "code", codeSystem, code), suite);
}

/** The scalars of all attributes; throws as `schema.checkValues` does. */
export function attributeScalars(schema: Schema, values: Values, suite: Suite): bigint[] {
  schema.checkValues(values);
  return schema.attributes.map((each) => valueScalar(each, valueOf(values, each.id), suite));
}

/** Whether an attribute is one that bounds are proven of. */
export function isNumber(definition: AttributeDefinition): boolean {
  return definition.type === "integer" || definition.type === "date";
}

function hashed(octets: Uint8Array, suite: Suite): bigint {
  return suite.hashToScalar(octets, concat(apiId(suite), utf8("MAP_VALUE_TO_SCALAR_AS_HASH_")));
}
