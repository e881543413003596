// What an attribute is in all schemas that a query accepts (disclosure/composite/kinds.py, equality.py).

import type { AttributeDefinition, AttributeType, Value } from "../disclosure/attributes.js";
import { type Equal, type Operand, outOfBounds } from "./predicates.js";

/** An attribute in one schema or several; bounds are the widest of them. */
export class Kind {
  constructor(readonly definitions: readonly AttributeDefinition[]) {}

  private get first(): AttributeDefinition {
    return this.definitions[0] as AttributeDefinition;
  }

  get type(): AttributeType {
    return this.first.type;
  }

  get codeSystem(): string {
    return this.first.codeSystem;
  }

  /** What two attributes have in common if their scalars may be compared. */
  get meaning(): string {
    return meaning(this.first);
  }

  /** Whether it may be absent in one of them. */
  get optional(): boolean {
    return this.definitions.some((each) => each.optional);
  }

  get minimum(): bigint {
    return this.definitions.map((each) => each.minimum ?? 0n).reduce((a, b) => (b < a ? b : a));
  }

  get maximum(): bigint {
    return this.definitions.map((each) => each.maximum ?? 0n).reduce((a, b) => (b > a ? b : a));
  }

  /** A definition that has this value; MalformedError BOUND_INVALID if none has. */
  definitionOf(value: Value, field: string): AttributeDefinition {
    const definition = this.definitions.find((each) => each.has(value));
    if (definition === undefined) throw outOfBounds("no schema has such a value", field);
    return definition;
  }

  /** Throw MalformedError BOUND_INVALID if the bound is outside those of the schemas. */
  checkBound(bound: bigint | null, field: string): void {
    if (bound !== null && (bound < this.minimum || bound > this.maximum)) {
      throw outOfBounds(`the schema's bounds are ${this.minimum} and ${this.maximum}`, field);
    }
  }
}

/** What two attributes have in common if their scalars may be compared. */
export function meaning({ type, unit, scale, codeSystem }: AttributeDefinition): string {
  return JSON.stringify([type, unit, scale, codeSystem]);
}

/** For each operand of an equality, by its identifier, the least that it is proven equal to, directly or not. */
export function equalityClasses(equalities: readonly Equal[]): ReadonlyMap<string, Operand> {
  const least = new Map<string, Operand>();
  const members = new Map<string, Operand>();
  for (const { operands } of equalities) {
    for (const each of operands) members.set(each.id, each);
    const joined = operands.map((each) => least.get(each.id) ?? each);
    const root = joined.reduce((a, b) => (isLess(b, a) ? b : a));
    const old = new Set(joined.map((each) => each.id));
    for (const each of operands) if (!least.has(each.id)) least.set(each.id, each);
    for (const [id, before] of least) if (old.has(before.id) || operands.some((each) => each.id === id)) least.set(id, root);
  }
  return least;
}

/** The order of operands: by query, then by attribute. */
function isLess(one: Operand, other: Operand): boolean {
  return one.query === other.query ? one.attribute < other.attribute : one.query < other.query;
}
