// Schemas: which attributes a data item has, and in which order they are signed: disclosure/schema.py.

import { AttributeDefinition, fromItem, LocalizedText, toItem, type Value, type Values } from "./attributes.js";
import { type Decoded, decode, digest, encode, type Item, MAX_OCTETS } from "./canonical.js";
import { MalformedError } from "./errors.js";
import { SchemaName } from "./names.js";
import { list, small, text } from "./reading.js";

const LABEL = "zk-disclosure/schema/v1";
const HEADER_LABEL = "zk-disclosure/credential/v1";
const MAX_ATTRIBUTES = 100;
const MAX_VALIDITY_DAYS = 36_525;

export type CredentialForm = "plain" | "composite";

/** One version of a data item's schema, decoded from its canonical bytes; it never changes. */
export class Schema {
  readonly digest: Uint8Array;
  /** What is signed with every credential of this schema. */
  readonly header: Uint8Array;
  private readonly places: ReadonlyMap<string, number>;

  private constructor(
    readonly name: SchemaName, readonly displayName: LocalizedText, readonly form: CredentialForm,
    readonly validityDays: number, readonly attributes: readonly AttributeDefinition[], readonly canonical: Uint8Array,
  ) {
    if (attributes.length === 0 || attributes.length > MAX_ATTRIBUTES) {
      throw invalid(`a schema has 1 to ${MAX_ATTRIBUTES} attributes`, "attributes");
    }
    this.places = new Map(attributes.map((each, place) => [each.id, place]));
    if (this.places.size !== attributes.length) throw invalid("an attribute is defined twice", "attributes");
    if (form === "plain" && attributes.some((each) => each.type === "secret")) {
      throw invalid("only the composite form keeps secrets", "attributes");
    }
    if (validityDays < 1 || validityDays > MAX_VALIDITY_DAYS) {
      throw invalid(`a credential is valid for 1 to ${MAX_VALIDITY_DAYS} days`, "validity_days");
    }
    this.digest = digest(LABEL, canonical);
    this.header = encode(HEADER_LABEL, name.text, this.digest);
  }

  /** Decode canonical bytes; MalformedError MALFORMED, SCHEMA_INVALID, NAME_INVALID, VALUE_INVALID. */
  static fromBytes(octets: Uint8Array): Schema {
    const refuse = () => invalid("the octets are no schema", "");
    const [name, called, form, validity, attributes] = list(decode(LABEL, octets, MAX_OCTETS, MAX_OCTETS), refuse, 5);
    if (form !== "plain" && form !== "composite") throw refuse();
    return new Schema(
      SchemaName.parse(text(name, refuse)), LocalizedText.of(called, refuse), form, small(validity, refuse),
      list(attributes, refuse).map((each) => AttributeDefinition.of(each)), octets.slice(),
    );
  }

  has(attribute: string): boolean {
    return this.places.has(attribute);
  }

  /** An attribute's place among all, from 0; MalformedError ATTRIBUTE_UNKNOWN. */
  place(attribute: string): number {
    const place = this.places.get(attribute);
    if (place === undefined) {
      throw new MalformedError("ATTRIBUTE_UNKNOWN", `${this.name.text} has no such attribute`, attribute);
    }
    return place;
  }

  /** An attribute's definition; MalformedError ATTRIBUTE_UNKNOWN. */
  attribute(attribute: string): AttributeDefinition {
    return this.attributes[this.place(attribute)] as AttributeDefinition;
  }

  /** Throw ATTRIBUTE_UNKNOWN, ATTRIBUTE_MISSING or VALUE_INVALID unless all values fit. */
  checkValues(values: Values): void {
    for (const attribute of Object.keys(values)) this.place(attribute);
    for (const each of this.attributes) each.check(valueOf(values, each.id));
  }

  /** Values for canonical encoding, in the schema's order, those that are there; throws as `checkValues`. */
  valueItems(values: Values): Item[] {
    this.checkValues(values);
    const pairs: Item[] = [];
    for (const each of this.attributes) {
      const value = valueOf(values, each.id);
      if (value !== undefined) pairs.push([each.id, toItem(value)]);
    }
    return pairs;
  }

  /** Decode what `valueItems` gives; MalformedError. */
  valuesOf(pairs: readonly Decoded[]): Values {
    const refuse = () => new MalformedError("MALFORMED", "a value has a name, once");
    const values: Record<string, Value> = Object.create(null) as Record<string, Value>;
    for (const pair of pairs) {
      const [name, item] = list(pair, refuse, 2);
      const attribute = text(name, refuse);
      if (attribute in values) throw refuse();
      values[attribute] = fromItem(this.attribute(attribute), item as Decoded);
    }
    return values;
  }
}

/** An attribute's value, undefined if it is absent; nothing that an object has by itself is one. */
export function valueOf(values: Values, attribute: string): Value | undefined {
  return Object.hasOwn(values, attribute) ? values[attribute] : undefined;
}

function invalid(detail: string, field: string): MalformedError {
  return new MalformedError("SCHEMA_INVALID", detail, field);
}
