// What a holder has for an answer, and what is missing for one: told in the clear before anything is proven
// (disclosure/composite/holding.py). Nothing here goes to anybody else.

import type { Epoch, MembershipWitness } from "../accumulator/list.js";
import { equal } from "../bbs/octets.js";
import { Day, type Value } from "../disclosure/attributes.js";
import type { DisclosureReason } from "../disclosure/errors.js";
import { civilDay } from "../disclosure/key.js";
import { valueOf } from "../disclosure/schema.js";
import type { HeldCredential } from "../gadgets/credential.js";
import type { CompositeCredential } from "./credential.js";
import type { CompositeDirectory } from "./directory.js";
import type { CommitmentOpening } from "./opening.js";
import { type Foreign, type Operand, operandsOf, type Predicate, sameValue, type Sum } from "./predicates.js";
import type { AcceptedIssuer, CompositeQuery } from "./query.js";
import type { Branch } from "./request.js";

/** One credential, prepared for proofs, with its witness where the department revokes. */
export interface Holding {
  readonly credential: CompositeCredential;
  readonly prepared: HeldCredential;
  readonly witness: MembershipWitness | null;
}

/** Credentials by the identifiers of the queries that they answer. */
export type Holdings = ReadonlyMap<string, Holding>;
/** What other holders handed over, by the numbers' identifiers in the branch. */
export type Openings = ReadonlyMap<string, CommitmentOpening>;

/** Something that a branch asks and these credentials do not give; the detail shows no value. */
export interface Missing {
  readonly place: string;
  readonly detail: string;
  readonly reason: DisclosureReason;
}

/** The accepted issuer and the epoch that a credential is shown under. */
export interface Usable {
  readonly issuer: AcceptedIssuer;
  readonly epoch: Epoch | null;
}

/** How a credential answers a query, or why it does not. Of an accumulator the latest published epoch counts alone. */
export function usable(
  query: CompositeQuery, { credential, witness }: Holding, directory: CompositeDirectory, now: number, place: string,
): Usable | Missing {
  if (!query.schemas.some((each) => each.text === credential.schema.text)) {
    return missing(place, "the credential is of another schema");
  }
  const firstDay = query.expiry.kind === "valid-on" ? query.expiry.day.number : civilDay(now);
  if (credential.expiry.number < firstDay) return missing(place, "the credential has expired");
  const accepted = query.issuers.filter((each) => each.key.text === credential.issuerKey.text);
  if (accepted.length === 0) return missing(place, "the credential is signed by a key that is not accepted");
  return unrevoked(accepted, witness, directory, now, place);
}

function unrevoked(
  accepted: readonly AcceptedIssuer[], witness: MembershipWitness | null, directory: CompositeDirectory, now: number,
  place: string,
): Usable | Missing {
  for (const issuer of accepted) {
    const rule = issuer.revocation;
    if (rule === null) return { issuer, epoch: null };
    const { latest } = directory.accumulator(rule.accumulator, place);
    if (witness?.at.isSame(latest.position)) {
      if (rule.admits(latest, now)) return { issuer, epoch: latest };
      return missing(place, "the latest epoch is older than the request accepts: wait for the next one", "EPOCH_STALE");
    }
  }
  const known = accepted.some(({ revocation }) =>
    revocation !== null && witness !== null && equal(revocation.accumulator, witness.at.key.octets));
  if (known) return missing(place, "the witness is not for the latest epoch: catch up first", "EPOCH_STALE");
  return missing(place, "there is no witness that the credential is not revoked");
}

/** What is missing for a branch that has passed its rules, query by query and predicate by predicate. */
export function missingIn(
  branch: Branch, place: string, holdings: Holdings, directory: CompositeDirectory, now: number,
  openings: Openings = new Map(),
): readonly Missing[] {
  const known = new Known(holdings, openings);
  const handles = new Set<bigint>();
  const all: Missing[] = [];
  branch.queries.forEach((query, index) => {
    const lack = lacking(query, holdings.get(query.id), directory, now, `${place}.queries[${index}]`, handles);
    if (lack !== null) all.push(lack);
  });
  all.push(...lackingOpenings(branch, place, openings));
  branch.predicates.forEach((predicate, index) => {
    const operands = operandsOf(predicate);
    if (!operands.every((each) => known.has(each))) return;
    const reason = unmet(predicate, operands.map((each) => known.value(each)), directory);
    if (reason !== null) all.push(missing(`${place}.predicates[${index}]`, reason));
  });
  const given = [
    ...branch.escrows.map((each, index) => [`escrows[${index}]`, each.operand] as const),
    ...branch.commitments.map((each, index) => [`commitments[${index}]`, each.operand] as const),
  ];
  for (const [field, operand] of given) {
    if (known.has(operand) && known.value(operand) === undefined) {
      all.push(missing(`${place}.${field}`, "the attribute is absent"));
    }
  }
  return all;
}

/** The values that there are: of credentials, and of openings. */
class Known {
  constructor(private readonly holdings: Holdings, private readonly openings: Openings) {}

  has(operand: Operand | Foreign): boolean {
    return operand.kind === "foreign" ? this.openings.has(operand.id) : this.holdings.has(operand.query);
  }

  value(operand: Operand | Foreign): Value | undefined {
    if (operand.kind === "foreign") return this.openings.get(operand.id)?.number;
    const holding = this.holdings.get(operand.query);
    return holding === undefined ? undefined : valueOf(holding.credential.values, operand.attribute);
  }
}

function lackingOpenings(branch: Branch, place: string, openings: Openings): Missing[] {
  return branch.foreign.flatMap((foreign, index) => {
    const opening = openings.get(foreign.id);
    const field = `${place}.foreign[${index}]`;
    if (opening === undefined) return [missing(field, "the other holder's opening is not there")];
    const same = opening.suite === foreign.number.suite && equal(opening.K, foreign.number.K);
    return same ? [] : [missing(field, "the opening is that of another commitment", "COMMITMENT_INVALID")];
  });
}

function lacking(
  query: CompositeQuery, holding: Holding | undefined, directory: CompositeDirectory, now: number, place: string,
  handles: Set<bigint>,
): Missing | null {
  if (holding === undefined) return missing(place, "there is no credential");
  if (handles.has(holding.credential.handle)) {
    return missing(place, "the credential answers another query already");
  }
  handles.add(holding.credential.handle);
  const outcome = usable(query, holding, directory, now, place);
  return "detail" in outcome ? outcome : null;
}

/** Why a predicate does not hold of values, or null if it does. */
function unmet(
  predicate: Predicate, values: readonly (Value | undefined)[], directory: CompositeDirectory,
): string | null {
  const present = values.filter((each): each is Value => each !== undefined);
  if (present.length < values.length) return "an attribute is absent";
  return holds(predicate, present, directory) ? null : REASONS[predicate.kind];
}

const REASONS: Readonly<Record<Predicate["kind"], string>> = {
  range: "the attribute is outside the bounds",
  "in-list": "the attribute is not in the list",
  "one-of": "the attribute has none of the values",
  "not-equal": "the attribute has the value that it must not have",
  equal: "the attributes are not equal",
  sum: "the sum is outside the bounds",
};

function holds(predicate: Predicate, values: readonly Value[], directory: CompositeDirectory): boolean {
  const first = values[0] as Value;
  switch (predicate.kind) {
    case "range":
      return within(numberOf(first), predicate);
    case "in-list":
      return typeof first === "string" && directory.codeList(predicate.codeList, "").codes.includes(first);
    case "one-of":
      return predicate.values.some((each) => sameValue(each, first));
    case "not-equal":
      return !sameValue(first, predicate.value);
    case "equal":
      return values.every((each) => sameValue(each, first));
    case "sum":
      return within(counted(predicate, values), predicate);
  }
}

function counted(predicate: Sum, values: readonly Value[]): bigint {
  return predicate.terms.reduce((sum, { factor, cap }, index) => {
    const number = numberOf(values[index] as Value);
    return sum + factor * (cap !== null && cap < number ? cap : number);
  }, 0n);
}

function within(number: bigint, bounds: { readonly minimum: bigint | null; readonly maximum: bigint | null }): boolean {
  const { minimum, maximum } = bounds;
  return (minimum === null || minimum <= number) && (maximum === null || number <= maximum);
}

function numberOf(value: Value): bigint {
  if (value instanceof Day) return BigInt(value.number);
  if (typeof value !== "bigint") throw new TypeError("a number was expected");
  return value;
}

function missing(place: string, detail: string, reason: DisclosureReason = "UNSATISFIED"): Missing {
  return { place, detail, reason };
}
