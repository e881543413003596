// Which hidden values a branch gives away all the same: where all its predicates together leave only one
// (prover/composite/settling.py).
//
// Bounds that meet, a list of which the schema knows one code, "not no" of a yes or no, a sum that only its greatest terms
// reach: each is a value shown in another way, and the screen has to call it so. What is possible is read off the schema of
// the credential that answers, which the verifier is told too.

import { hex } from "../../../../prover/src/bbs/octets.js";
import { equalityClasses } from "../../../../prover/src/composite/kinds.js";
import {
  type Equal, type InList, type NotEqual, type OneOf, type Operand, ownOperands, type Predicate, type Range, type Sum,
  type Term,
} from "../../../../prover/src/composite/predicates.js";
import type { Branch } from "../../../../prover/src/composite/request.js";
import { type AttributeDefinition, Day, toItem, type Value } from "../../../../prover/src/disclosure/attributes.js";
import { encode } from "../../../../prover/src/disclosure/canonical.js";
import { boundsOfTerm, type Reading } from "./clauses.js";

type Bounds = readonly [bigint, bigint];
type About = Range | InList | OneOf | NotEqual;
/** Values by what tells them apart. */
type Values = ReadonlyMap<string, Value>;

/** The values that are given away, by their attributes' identifiers; equal attributes count as one. */
export function settledValues(branch: Branch, reading: Reading): ReadonlyMap<string, Value> {
  return new Settling(branch.predicates, reading).values();
}

class Settling {
  /** Each attribute's root, both by identifier; attributes that are equal have one. */
  readonly #roots: ReadonlyMap<string, string>;
  readonly #operands: ReadonlyMap<string, Operand>;
  readonly #limits = new Map<string, Bounds>();

  constructor(private readonly predicates: readonly Predicate[], private readonly reading: Reading) {
    const equal = equalityClasses(predicates.filter((each): each is Equal => each.kind === "equal"));
    const every = predicates.flatMap(ownOperands);
    this.#operands = new Map(every.map((each) => [each.id, each]));
    this.#roots = new Map(every.map(({ id }) => [id, equal.get(id)?.id ?? id]));
  }

  values(): ReadonlyMap<string, Value> {
    this.#narrow();
    const left = new Map([...new Set(this.#roots.values())].map((root) => [root, [...this.#left(root).values()]]));
    return new Map([...this.#roots].flatMap(([id, root]) => {
      const values = left.get(root) ?? [];
      return values.length === 1 ? [[id, values[0] as Value] as const] : [];
    }));
  }

  #members(root: string): ReadonlySet<string> {
    return new Set([...this.#roots].filter(([, own]) => own === root).map(([id]) => id));
  }

  #definitions(root: string): readonly AttributeDefinition[] {
    return [...this.#members(root)].map((id) => this.reading.definition(this.#operands.get(id) as Operand));
  }

  /** The predicates of one attribute each, for all attributes that are proven equal. */
  #about(root: string): readonly About[] {
    const members = this.#members(root);
    return this.predicates.filter((each): each is About =>
      each.kind !== "equal" && each.kind !== "sum" && members.has(each.operand.id));
  }

  /** The values that are possible, if they are few enough to be written down; else none. */
  #left(root: string): Values {
    const about = this.#about(root);
    const excluded = new Set(about.flatMap((each) => (each.kind === "not-equal" ? [key(each.value)] : [])));
    const sets = [
      ...about.flatMap((each) => (each.kind === "one-of" ? [setOf(each.values)] : [])),
      ...this.#possible(root, about, excluded.size),
    ];
    const [first, ...rest] = sets;
    if (first === undefined) return new Map();
    return new Map([...first].filter(([name]) => rest.every((each) => each.has(name)) && !excluded.has(name)));
  }

  /** What the attributes' type and bounds leave. */
  #possible(root: string, about: readonly About[], excluded: number): readonly Values[] {
    const definitions = this.#definitions(root);
    switch (definitions[0]?.type) {
      case "boolean":
        return [setOf([false, true])];
      case "code": {
        const lists = about.flatMap((each) => (each.kind === "in-list" ? [this.#codes(each)] : []));
        return [...definitions.map(({ codes }) => setOf(codes.map((each) => each.code))), ...lists];
      }
      case "integer":
      case "date":
        return this.#numbers(root, about, definitions[0].type === "date", excluded);
      default:
        return [];
    }
  }

  #codes({ codeList }: InList): Values {
    return setOf(this.reading.facts.lists.get(hex(codeList))?.codes ?? []);
  }

  #numbers(root: string, about: readonly About[], dated: boolean, excluded: number): readonly Values[] {
    const [low, high] = this.#limits.get(root) as Bounds;
    const valued = (number: bigint): Value => (dated ? new Day(Number(number)) : number);
    const within = about.flatMap((each) =>
      each.kind === "one-of" ? [setOf(each.values.filter((one) => low <= number(one) && number(one) <= high))] : []);
    if (high - low > BigInt(excluded)) return within;
    const all: Value[] = [];
    for (let each = low; each <= high; each++) all.push(valued(each));
    return [...within, setOf(all)];
  }

  /** Brings the bounds of numbers together, until no sum says more of its terms. */
  #narrow(): void {
    for (const root of new Set(this.#roots.values())) {
      const definitions = this.#definitions(root);
      const type = definitions[0]?.type;
      if (type !== "integer" && type !== "date") continue;
      const ranges = this.#about(root).filter((each): each is Range => each.kind === "range");
      const bounds = [...definitions, ...ranges];
      this.#limits.set(root, meet(bounds.map((each) => each.minimum), bounds.map((each) => each.maximum)));
    }
    const sums = this.predicates.filter((each): each is Sum => each.kind === "sum");
    // A sum of bounded terms narrows each of them at most once for each sum that another stands in.
    for (let round = 0; round <= sums.length; round++) for (const each of sums) this.#narrowBy(each);
  }

  #narrowBy(total: Sum): void {
    for (const term of total.terms) {
      if (term.operand.kind !== "operand") continue;
      const others = total.terms.filter((each) => each !== term).map((each) => this.#counted(each));
      const most = others.reduce((sum, [, high]) => sum + high, 0n);
      const least = others.reduce((sum, [low]) => sum + low, 0n);
      const low = total.minimum === null ? null : total.minimum - most;
      const high = total.maximum === null ? null : total.maximum - least;
      const root = this.#roots.get(term.operand.id) as string;
      const before = this.#limits.get(root) as Bounds;
      const [from, to] = boundsOfTerm(term.factor, low, high);
      this.#limits.set(root, meet([before[0], from], [before[1], to]));
    }
  }

  /** Between what a term lies as it is counted. */
  #counted({ operand, factor, cap }: Term): Bounds {
    const { minimum, maximum } = this.reading.counted(operand);
    const own = operand.kind === "operand" ? this.#limits.get(this.#roots.get(operand.id) as string) : undefined;
    let [low, high] = own ?? [minimum ?? 0n, maximum ?? 0n];
    if (cap !== null) [low, high] = [low < cap ? low : cap, high < cap ? high : cap];
    const ends = [factor * low, factor * high] as const;
    return ends[0] < ends[1] ? ends : [ends[1], ends[0]];
  }
}

function meet(lows: readonly (bigint | null)[], highs: readonly (bigint | null)[]): Bounds {
  const known = (bounds: readonly (bigint | null)[]) => bounds.filter((each): each is bigint => each !== null);
  return [
    known(lows).reduce((one, other) => (one > other ? one : other)),
    known(highs).reduce((one, other) => (one < other ? one : other)),
  ];
}

function setOf(values: readonly Value[]): Values {
  return new Map(values.map((each) => [key(each), each]));
}

function key(value: Value): string {
  return hex(encode("", toItem(value)));
}

function number(value: Value): bigint {
  if (value instanceof Day) return BigInt(value.number);
  if (typeof value !== "bigint") throw new Error("the value is no number");
  return value;
}
