// What a request may ask to be proven of attributes that stay hidden (disclosure/composite/predicates.py). What can be
// checked without a schema is checked here: MalformedError PREDICATE_INVALID, BOUND_INVALID, NAME_INVALID.

import { hex } from "../bbs/octets.js";
import { Day, INTEGER_MAXIMUM, INTEGER_MINIMUM, toItem, type Value } from "../disclosure/attributes.js";
import { type Decoded, encode } from "../disclosure/canonical.js";
import { MalformedError } from "../disclosure/errors.js";
import { checkAttributeId } from "../disclosure/names.js";
import { list, octets, orNull, type Refuse, small, text, whole } from "../disclosure/reading.js";

const DIGEST_OCTETS = 32;
const MAX_OPERANDS = 16;
const MAX_VALUES = 8;
const MAX_FACTOR = 1n << 15n;

/** An attribute of the credential that answers a query; `id` is `query.attribute`. */
export interface Operand {
  readonly kind: "operand";
  readonly id: string;
  readonly query: string;
  readonly attribute: string;
}

/** A number of another holder's, by its identifier in the branch; only sums count it. */
export interface Foreign {
  readonly kind: "foreign";
  readonly id: string;
}

export interface Range {
  readonly kind: "range";
  readonly operand: Operand;
  readonly minimum: bigint | null;
  readonly maximum: bigint | null;
}

export interface InList {
  readonly kind: "in-list";
  readonly operand: Operand;
  readonly codeList: Uint8Array;
}

export interface OneOf {
  readonly kind: "one-of";
  readonly operand: Operand;
  readonly values: readonly Value[];
}

export interface NotEqual {
  readonly kind: "not-equal";
  readonly operand: Operand;
  readonly value: Value;
}

export interface Equal {
  readonly kind: "equal";
  readonly operands: readonly Operand[];
}

export interface Term {
  readonly operand: Operand | Foreign;
  readonly factor: bigint;
  readonly cap: bigint | null;
}

export interface Sum {
  readonly kind: "sum";
  readonly terms: readonly Term[];
  readonly minimum: bigint | null;
  readonly maximum: bigint | null;
}

export type Predicate = Range | InList | OneOf | NotEqual | Equal | Sum;

/** The error of a predicate that cannot be proven as it is written. */
export function invalidPredicate(detail: string, field = ""): MalformedError {
  return new MalformedError("PREDICATE_INVALID", detail, field);
}

/** The error of a bound or a value that no credential could reach, or none could miss. */
export function outOfBounds(detail: string, field = ""): MalformedError {
  return new MalformedError("BOUND_INVALID", detail, field);
}

/** All that a predicate is about, other holders' numbers among it, in its order. */
export function operandsOf(predicate: Predicate): readonly (Operand | Foreign)[] {
  if (predicate.kind === "sum") return predicate.terms.map((each) => each.operand);
  return predicate.kind === "equal" ? predicate.operands : [predicate.operand];
}

/** The holder's own attributes that a predicate is about. */
export function ownOperands(predicate: Predicate): readonly Operand[] {
  return operandsOf(predicate).filter((each): each is Operand => each.kind === "operand");
}

/** Decode a predicate. */
export function predicateOf(item: Decoded): Predicate {
  const [kind, ...fields] = list(item, none);
  switch (kind) {
    case "range":
      return rangeOf(list(fields, none, 3));
    case "in-list": {
      const [operand, digest] = list(fields, none, 2);
      return { kind, operand: operandOf(operand), codeList: digestOf(digest, "code_list") };
    }
    case "one-of":
      return oneOf(list(fields, none, 2));
    case "not-equal": {
      const [operand, value] = list(fields, none, 2);
      return { kind, operand: operandOf(operand), value: valueOf(value) };
    }
    case "equal": {
      const [operands] = list(fields, none, 1);
      const all = list(operands, none).map(operandOf);
      checkOperands(all, 2);
      return { kind, operands: all };
    }
    case "sum":
      return sumOf(list(fields, none, 3));
    default:
      throw none();
  }
}

export function operandOf(item: Decoded | undefined): Operand {
  const [query, attribute] = list(item, none, 2);
  return operand(text(query, none), text(attribute, none));
}

export function operand(query: string, attribute: string): Operand {
  checkAttributeId(query, "query");
  checkAttributeId(attribute, "attribute");
  return { kind: "operand", id: `${query}.${attribute}`, query, attribute };
}

/** A digest of 32 octets; what `refuse` gives for what is no octets. */
export function digestOf(item: Decoded | undefined, field: string, refuse: Refuse = none): Uint8Array {
  const digest = octets(item, refuse);
  if (digest.length !== DIGEST_OCTETS) throw invalidPredicate(`a digest has ${DIGEST_OCTETS} octets`, field);
  return digest;
}

function rangeOf([operand, minimum, maximum]: Decoded[]): Range {
  const bounds = boundsOf(minimum, maximum);
  return { kind: "range", operand: operandOf(operand), ...bounds };
}

function oneOf([operand, values]: Decoded[]): OneOf {
  const all = list(values, none).map(valueOf);
  if (all.length < 2 || all.length > MAX_VALUES) {
    throw invalidPredicate(`one of 2 to ${MAX_VALUES} values; one alone is shown`, "values");
  }
  const names = new Set(list(values, none).map((each) => hex(encode("", each))));
  if (names.size !== all.length) throw invalidPredicate("a value is there twice", "values");
  return { kind: "one-of", operand: operandOf(operand), values: all };
}

function sumOf([items, low, high]: Decoded[]): Sum {
  const terms = list(items, none).map(termOf);
  checkOperands(terms.map((each) => each.operand), 1);
  if (terms.every((each) => each.operand.kind === "foreign")) {
    throw invalidPredicate("a sum has a term of the holder's own", "terms");
  }
  const bounds = boundsOf(low, high);
  terms.forEach(({ cap, factor }, index) => {
    if (cap !== null && (bounds.maximum !== null || factor < 0n)) {
      throw invalidPredicate("a cap goes with a minimum and a positive factor", `terms[${index}].cap`);
    }
  });
  return { kind: "sum", terms, ...bounds };
}

function termOf(item: Decoded): Term {
  const [operand, factor, cap] = list(item, none, 3);
  const term = { operand: summandOf(operand), factor: whole(factor, none), cap: orNull(cap, none, whole) };
  const size = term.factor < 0n ? -term.factor : term.factor;
  if (size === 0n || size > MAX_FACTOR) throw invalidPredicate(`a factor is not 0 and at most ${MAX_FACTOR}`, "factor");
  if (term.cap !== null && !has64Bits(term.cap)) throw outOfBounds("a cap is an integer of 64 bits", "cap");
  return term;
}

function summandOf(item: Decoded | undefined): Operand | Foreign {
  const parts = list(item, none);
  if (parts.length !== 1) return operandOf(item);
  return { kind: "foreign", id: checkAttributeId(text(parts[0], none), "id") };
}

/** Decode a value, which tells its own type: a date is a list of one day. */
function valueOf(item: Decoded | undefined): Value {
  if (Array.isArray(item)) return new Day(small(list(item, none, 1)[0], none));
  if (item === null || item === undefined) throw none();
  return item;
}

/** Whether two values are equal. */
export function sameValue(one: Value, other: Value): boolean {
  if (one instanceof Day || other instanceof Day) {
    return one instanceof Day && other instanceof Day && one.number === other.number;
  }
  return hex(encode("", toItem(one))) === hex(encode("", toItem(other)));
}

function boundsOf(low: Decoded | undefined, high: Decoded | undefined): Pick<Range, "minimum" | "maximum"> {
  const [minimum, maximum] = [orNull(low, none, whole), orNull(high, none, whole)];
  if (minimum === null && maximum === null) throw invalidPredicate("there is a bound, or two", "minimum");
  if (![minimum, maximum].every((each) => each === null || has64Bits(each))) {
    throw outOfBounds("a bound is an integer of 64 bits", "minimum");
  }
  if (minimum !== null && maximum !== null && minimum > maximum) {
    throw outOfBounds("the bounds are not in order", "maximum");
  }
  return { minimum, maximum };
}

function has64Bits(bound: bigint): boolean {
  return INTEGER_MINIMUM <= bound && bound <= INTEGER_MAXIMUM;
}

function checkOperands(operands: readonly (Operand | Foreign)[], least: number): void {
  if (operands.length < least || operands.length > MAX_OPERANDS) {
    throw invalidPredicate(`there are ${least} to ${MAX_OPERANDS} attributes`);
  }
  if (new Set(operands.map((each) => each.id)).size !== operands.length) {
    throw invalidPredicate("an attribute is there twice");
  }
}

function none(): MalformedError {
  return invalidPredicate("the octets hold no predicate");
}
