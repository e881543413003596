/** The octets that the plain form signs for values, absences and the last day of validity (disclosure/attributes.py). */

import { toItem, type AttributeDefinition, type Day, type Value, type Values } from "../disclosure/attributes.js";
import { encode } from "../disclosure/canonical.js";
import { valueOf, type Schema } from "../disclosure/schema.js";

const VALUE_LABEL = "zk-disclosure/value/v1";
const EXPIRY_LABEL = "zk-disclosure/expiry/v1";

/** The place of the last day of validity among the messages of a credential. */
export const EXPIRY_INDEX = 0;

/** Return what is signed for a value, or for its absence; MalformedError VALUE_INVALID, ATTRIBUTE_MISSING. */
export function messageOf(definition: AttributeDefinition, value: Value | undefined): Uint8Array {
  definition.check(value);
  const unit = definition.type === "integer" ? `${definition.unit}e-${definition.scale}` : "";
  const system = definition.codeSystem !== "" ? definition.codeSystem : unit;
  const item = value === undefined ? null : toItem(value);
  return encode(VALUE_LABEL, definition.type, system, value !== undefined, item);
}

/** Return what is signed for the last day of validity. */
export function expiryMessage(expiry: Day): Uint8Array {
  return encode(EXPIRY_LABEL, expiry.number);
}

/** Return all messages that a credential signs; MalformedError as `Schema.checkValues`. */
export function messagesOf(schema: Schema, expiry: Day, values: Values): Uint8Array[] {
  schema.checkValues(values);
  const attributes = schema.attributes.map((each) => messageOf(each, valueOf(values, each.id)));
  return [expiryMessage(expiry), ...attributes];
}
