// What a predicate says, as the clause that follows an attribute's name (prover/composite/clauses.py).

import { hex } from "../../../../prover/src/bbs/octets.js";
import type { CommittedNumber } from "../../../../prover/src/composite/outputs.js";
import {
  type Equal, type Foreign, type InList, type Operand, ownOperands, type Predicate, type Sum, type Term,
} from "../../../../prover/src/composite/predicates.js";
import { type AttributeDefinition, Day, type Value } from "../../../../prover/src/disclosure/attributes.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { Text } from "../model.js";
import { type Facts, MAX_NAMED } from "./facts.js";
import { joined, plain, say, valueText } from "./saying.js";
import { CLAUSES } from "./texts.js";

type Bound = bigint | null;

/** What predicates are read with: for each query the schema of its credential, and what is published. */
export class Reading {
  constructor(
    readonly schemas: ReadonlyMap<string, Schema>, readonly facts: Facts,
    /** Numbers of other holders. */
    readonly foreign: ReadonlyMap<string, CommittedNumber>,
  ) {}

  /** The schema of the credential that answers a query. */
  schema(query: string): Schema {
    const schema = this.schemas.get(query);
    if (schema === undefined) throw new Error("no credential answers the query");
    return schema;
  }

  /** The attribute that an operand names. */
  definition(operand: Operand): AttributeDefinition {
    return this.schema(operand.query).attribute(operand.attribute);
  }

  /** What a term of a sum counts. */
  counted(operand: Operand | Foreign): AttributeDefinition {
    if (operand.kind === "operand") return this.definition(operand);
    const number = this.foreign.get(operand.id);
    if (number === undefined) throw new Error("the branch has no such number of another holder's");
    return number.definition;
  }
}

/** What a predicate proves of one of its attributes. */
export function clause(predicate: Predicate, operand: Operand, reading: Reading): Text {
  const attribute = reading.definition(operand);
  switch (predicate.kind) {
    case "range":
      return rangeClause(attribute, predicate.minimum, predicate.maximum);
    case "in-list":
      return inList(predicate, attribute, reading);
    case "one-of": {
      const possible = predicate.values.filter((each) => attribute.has(each));
      return oneOf(CLAUSES.one_of, attribute, possible, {});
    }
    case "not-equal":
      return say(CLAUSES.not_equal, { value: valueText(attribute, predicate.value) });
    case "equal": {
      const others = predicate.operands.filter((each) => each.id !== operand.id);
      return say(CLAUSES.equal, { others: named(others, reading) });
    }
    case "sum":
      return summand(predicate, attribute);
  }
}

/** A sum is told below, unless it has one term: then it is no more than bounds of that. */
function summand({ terms, minimum, maximum }: Sum, attribute: AttributeDefinition): Text {
  const [only] = terms;
  if (only === undefined || terms.length > 1) return say(CLAUSES.in_sum);
  return rangeClause(attribute, ...boundsOfTerm(only.factor, minimum, maximum));
}

/**
 * The bounds of a number whose product with a factor lies between these. A cap changes nothing: it goes with a positive
 * factor and a lower bound, which lies below it.
 */
export function boundsOfTerm(factor: bigint, low: Bound, high: Bound): [Bound, Bound] {
  if (factor < 0n) return boundsOfTerm(-factor, high === null ? null : -high, low === null ? null : -low);
  return [low === null ? null : -floored(-low, factor), high === null ? null : floored(high, factor)];
}

function floored(number: bigint, by: bigint): bigint {
  const rest = ((number % by) + by) % by;
  return (number - rest) / by;
}

/** What is said of a hidden value that is given away all the same. */
export function exactly(attribute: AttributeDefinition, value: Value): Text {
  return say(CLAUSES.exactly, { value: valueText(attribute, value) });
}

/** What bounds say: dates as days, numbers with their unit. */
export function rangeClause(attribute: AttributeDefinition, minimum: Bound, maximum: Bound): Text {
  const dated = attribute.type === "date";
  const shown = (bound: Bound): Text =>
    bound === null ? { zh: "", en: "" } : valueText(attribute, dated ? new Day(Number(bound)) : bound);
  const [low, high] = [shown(minimum), shown(maximum)];
  if (minimum !== null && minimum === maximum) return say(CLAUSES.exactly, { value: low });
  if (minimum !== null && maximum !== null) return say(dated ? CLAUSES.day_between : CLAUSES.between, { low, high });
  if (minimum !== null) return say(dated ? CLAUSES.day_from : CLAUSES.at_least, { low });
  return say(dated ? CLAUSES.day_until : CLAUSES.at_most, { high });
}

/**
 * What a sum proves, in a sentence of its own, since it is about several attributes. `settled` says that one of its terms
 * at least is given away.
 */
export function sumSentence(predicate: Sum, reading: Reading, settled = false): Text {
  const { minimum, maximum } = predicate;
  const terms = joined(predicate.terms.map((each) => term(each, reading)), CLAUSES.plus);
  const attribute = reading.definition(ownOperands(predicate)[0] as Operand);
  const shown = (bound: Bound): Text => (bound === null ? { zh: "", en: "" } : valueText(attribute, bound));
  const sentence = say(sumOf(minimum, maximum), { terms, low: shown(minimum), high: shown(maximum) });
  return settled ? sentence : joined([sentence, CLAUSES.no_term], { zh: "", en: "" });
}

function sumOf(minimum: Bound, maximum: Bound): Text {
  if (minimum !== null && maximum !== null) return minimum === maximum ? CLAUSES.sum_exactly : CLAUSES.sum_between;
  return maximum === null ? CLAUSES.sum_least : CLAUSES.sum_most;
}

/**
 * What an equality proves, in a sentence of its own, since it is about several attributes. `settled` says that what they
 * are equal to is given away.
 */
export function equalSentence(predicate: Equal, reading: Reading, settled = false): Text {
  const sentence = say(CLAUSES.all_equal, { names: named(predicate.operands, reading) });
  return settled ? sentence : joined([sentence, CLAUSES.not_shown], { zh: "", en: "" });
}

function term({ operand, factor, cap }: Term, reading: Reading): Text {
  let name = operand.kind === "foreign" ? say(CLAUSES.foreign, { id: operand.id }) : namedOperand(operand, reading);
  if (factor !== 1n) name = say(CLAUSES.times, { factor, operand: name });
  if (cap === null) return name;
  return say(CLAUSES.capped, { operand: name, cap: valueText(reading.counted(operand), cap) });
}

/** Tells of a list only what the credential's schema knows: other codes in it hide nobody. */
function inList(predicate: InList, attribute: AttributeDefinition, reading: Reading): Text {
  const known = reading.facts.lists.get(hex(predicate.codeList));
  if (known === undefined) throw new Error("the list is not among the facts");
  const codes = attribute.codes.map((each) => each.code).filter((each) => known.codes.includes(each));
  const { owner } = known;
  if (codes.length > MAX_NAMED) return say(CLAUSES.in_long_list, { owner, count: codes.length });
  return oneOf(CLAUSES.in_list, attribute, codes, { owner });
}

function oneOf(
  sentence: Text, attribute: AttributeDefinition, values: readonly Value[], more: Readonly<Record<string, string>>,
): Text {
  const [only] = values;
  if (only !== undefined && values.length === 1) return exactly(attribute, only);
  const names = joined(values.map((each) => valueText(attribute, each)), CLAUSES.comma);
  return say(sentence, { names, ...more });
}

function named(operands: readonly Operand[], reading: Reading): Text {
  return joined(operands.map((each) => namedOperand(each, reading)), CLAUSES.comma);
}

/** An attribute's name with its schema's. */
export function namedOperand(operand: Operand, reading: Reading): Text {
  const schema = reading.schema(operand.query);
  const attribute = schema.attribute(operand.attribute);
  return say(CLAUSES.operand, { schema: plain(schema.displayName), attribute: plain(attribute.displayName) });
}

/** The least of attributes by query and name: in their identifiers no letter stands before the dot between the two. */
export function leastOf(operands: readonly Operand[]): Operand {
  return operands.reduce((least, each) => (each.id < least.id ? each : least));
}
