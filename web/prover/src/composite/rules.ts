// A branch of a request with what it is read with, and what follows from both: which suite, which kinds, which classes
// of equal attributes, whose digits (disclosure/composite/rules.py). What may be asked is checked in rule_checks.ts.

import { resolve } from "../bbs/suite.js";
import type { Suite } from "../engine/suite.js";
import type { AttributeDefinition } from "../disclosure/attributes.js";
import { MalformedError } from "../disclosure/errors.js";
import { civilDay } from "../disclosure/key.js";
import type { SchemaName } from "../disclosure/names.js";
import { MAX_LIFETIME } from "../disclosure/request_frame.js";
import type { CompositeDirectory } from "./directory.js";
import { equalityClasses, Kind, meaning } from "./kinds.js";
import { CommittedNumber, type CommitmentQuery, type ForeignNumber } from "./outputs.js";
import { type Equal, type Foreign, invalidPredicate, type Operand, outOfBounds } from "./predicates.js";
import type { CompositeQuery } from "./query.js";
import type { Branch, CompositeRequest } from "./request.js";

/** Two queries that one credential could answer, and the place of the second. */
export type Pair = readonly [CompositeQuery, CompositeQuery, string];

/** A branch with the directory that it is read with; `place` is where it stands in the request. */
export class BranchRules {
  readonly queries: ReadonlyMap<string, CompositeQuery>;
  readonly foreign: ReadonlyMap<string, ForeignNumber>;
  /** What stands for each operand of an equality, by its identifier. */
  readonly equal: ReadonlyMap<string, Operand>;

  constructor(
    readonly request: CompositeRequest, readonly branch: Branch, readonly place: string,
    readonly directory: CompositeDirectory,
  ) {
    this.queries = new Map(branch.queries.map((each) => [each.id, each]));
    this.foreign = new Map(branch.foreign.map((each) => [each.id, each]));
    this.equal = equalityClasses(branch.predicates.filter((each): each is Equal => each.kind === "equal"));
  }

  /** The suite of the first accepted key, and so of everything: a presentation is of one. */
  get suite(): Suite {
    const first = (this.branch.queries[0] as CompositeQuery).issuers[0];
    if (first === undefined) throw invalidPredicate("a query accepts an issuer", this.place);
    return resolve(this.directory.issuerKey(first.key, `${this.place}.queries[0].issuers[0].key`).suite);
  }

  /** The pairs of queries that one credential could answer, versions of a schema aside. */
  get mayBeOne(): readonly Pair[] {
    const { queries } = this.branch;
    return queries.flatMap((first, i) => queries.slice(i + 1).flatMap((second, j): Pair[] => {
      const items = unversioned(second);
      const meet = [...unversioned(first)].some((each) => items.has(each));
      return meet ? [[first, second, `${this.place}.queries[${i + 1 + j}]`]] : [];
    }));
  }

  /** What stands for an operand: the same for all that are proven equal. */
  root(operand: Operand): Operand {
    return this.equal.get(operand.id) ?? operand;
  }

  /** Whether an operand is proven equal to another query's attribute, of more than one department. */
  spansDepartments(operand: Operand): boolean {
    return this.classQueries(operand).size > 1 && this.classDepartments(operand).size > 1;
  }

  /** The departments of all that an operand is proven equal to, its own among them. */
  classDepartments(operand: Operand): ReadonlySet<string> {
    const among = this.classQueries(operand);
    const issuers = this.branch.queries.filter((each) => among.has(each.id)).flatMap((each) => each.issuers);
    return new Set(issuers.map((each) => `departments/${each.key.department}`));
  }

  private classQueries(operand: Operand): ReadonlySet<string> {
    const root = this.equal.get(operand.id);
    const same = root === undefined ? [] : [...this.equal].filter(([, own]) => own.id === root.id).map(([id]) => id);
    return new Set([operand.query, ...same.map((id) => id.split(".")[0] as string)]);
  }

  /** What an operand is; MalformedError PREDICATE_INVALID, ATTRIBUTE_UNKNOWN. */
  kind(operand: Operand | Foreign, field: string): Kind {
    if (operand.kind === "operand" && this.isShown(operand)) {
      throw invalidPredicate(`${operand.id} is shown: nothing is left to prove of it`, field);
    }
    return this.about(operand, field);
  }

  /** Whether an operand is shown: a list it has to be in is then looked up, not proven. */
  isShown(operand: Operand): boolean {
    return this.queries.get(operand.query)?.shown.includes(operand.attribute) ?? false;
  }

  /** What an operand is, shown or not. */
  about(operand: Operand | Foreign, field: string): Kind {
    if (operand.kind === "foreign") {
      const foreign = this.foreign.get(operand.id);
      if (foreign === undefined) throw invalidPredicate(`there is no number ${operand.id} of another holder's`, field);
      return new Kind([foreign.number.definition]);
    }
    const query = this.queries.get(operand.query);
    if (query === undefined) throw invalidPredicate(`there is no query ${operand.query}`, field);
    const kind = new Kind(query.schemas.map((name) => this.definition(name, operand.attribute, field)));
    if (new Set(kind.definitions.map(meaning)).size > 1) {
      throw invalidPredicate(`${operand.id} does not mean the same in all accepted schemas`, field);
    }
    return kind;
  }

  /** An attribute of an accepted schema; MalformedError ATTRIBUTE_UNKNOWN. */
  definition(name: SchemaName, attribute: string, field: string): AttributeDefinition {
    const schema = this.directory.schema(name, field);
    if (!schema.has(attribute)) {
      throw new MalformedError("ATTRIBUTE_UNKNOWN", `${name.text} has no attribute ${attribute}`, field);
    }
    return schema.attribute(attribute);
  }

  /**
   * The span of days that a hidden expiry is proven within, from a day to the last that a credential can have that is
   * issued while the request lives; MalformedError BOUND_INVALID.
   */
  validitySpan(query: CompositeQuery, day: number, field: string): number {
    const validity = Math.max(...query.schemas.map((name) => this.directory.schema(name, field).validityDays));
    const latest = civilDay(this.request.created) + MAX_LIFETIME / 86_400 + validity + 1;
    if (day < civilDay(this.request.expires)) {
      throw outOfBounds("who is valid as long as the request lives is asked for", field);
    }
    if (day > latest) throw outOfBounds("no credential is valid for so long", field);
    return latest - day;
  }

  /** What a commitment of an answer holds, of which this request says everything but the point K. */
  committed(query: CommitmentQuery, presentation: Uint8Array, K: Uint8Array): CommittedNumber {
    const kind = this.kind(query.operand, this.place);
    const { unit, scale } = kind.definitions[0] as AttributeDefinition;
    const departments = [...this.classDepartments(query.operand)].sort();
    return new CommittedNumber(
      this.request.verifier, this.request.digest, presentation, query.id, this.suite.name as CommittedNumber["suite"], K,
      unit, scale, kind.minimum, kind.maximum, departments,
    );
  }
}

function unversioned(query: CompositeQuery): ReadonlySet<string> {
  return new Set(query.schemas.map((each) => `${each.department}/${each.item}`));
}
