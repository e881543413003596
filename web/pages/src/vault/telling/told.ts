// What an answer of the composite form tells, attribute by attribute (prover/composite/telling.py). Every attribute of every
// schema stands exactly once: as shown, escrowed, proven of, or hidden.

import type { CommitmentQuery, EscrowQuery, PseudonymQuery } from "../../../../prover/src/composite/outputs.js";
import { type Operand, operand, ownOperands, type Predicate } from "../../../../prover/src/composite/predicates.js";
import type { CompositeQuery } from "../../../../prover/src/composite/query.js";
import type { Branch, CompositeRequest } from "../../../../prover/src/composite/request.js";
import type { AttributeDefinition, Day, LocalizedText, Value } from "../../../../prover/src/disclosure/attributes.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { Text } from "../model.js";
import { Reading } from "./clauses.js";
import type { Facts } from "./facts.js";

/** What happens to an attribute, the most telling first: it is told once, as the first that applies. */
export type Treatment = "shown" | "escrowed" | "proven" | "hidden";

/** What one credential would show, or has shown. */
export interface Answered {
  readonly query: string;
  /** Its identifier in the vault; null in a use of the past. */
  readonly credential: string | null;
  readonly schema: Schema;
  /** What is shown; undefined where the credential leaves it out. */
  readonly values: ReadonlyMap<string, Value | undefined>;
  /** The last day, if it is shown. */
  readonly expiry: Day | null;
  /** When the epoch was that it is proven to stand in, seconds; null if revocation is waived. */
  readonly epoch: number | null;
  /** Its witness has to be caught up before anything is proven, which is done once the person has agreed. */
  readonly behind: boolean;
}

/** An attribute and everything that is told of it. A secret has no value here whatever happens to it. */
export interface ToldAttribute {
  readonly attribute: AttributeDefinition;
  readonly operand: Operand;
  readonly treatment: Treatment;
  readonly value: Value | undefined;
  readonly escrows: readonly EscrowQuery[];
  readonly predicates: readonly Predicate[];
  readonly pseudonyms: readonly PseudonymQuery[];
  readonly commitments: readonly CommitmentQuery[];
}

/** One credential of an answer. */
export interface ToldCredential {
  readonly query: CompositeQuery;
  readonly answered: Answered;
  readonly schema: Schema;
  readonly attributes: readonly ToldAttribute[];
}

/** A way to answer that stands before the chosen one; a use of the past has nothing to read it with. */
export interface Earlier {
  readonly branch: Branch;
  readonly reading: Reading | null;
}

/** What an answer is told by, beside the request. */
export interface Telling {
  readonly branch: Branch;
  /** In the order of the branch's queries. */
  readonly answers: readonly Answered[];
  readonly facts: Facts;
  readonly verifierName: LocalizedText;
  /** Names for people, by resource name: "departments/...". */
  readonly departments: ReadonlyMap<string, Text>;
  readonly earlier: readonly Earlier[];
}

/** Everything that a person has to know before saying yes. */
export interface Consent extends Telling {
  /** How many ways to answer there were. */
  readonly branches: number;
  readonly credentials: readonly ToldCredential[];
  readonly reading: Reading;
}

/** Say what an answer tells. */
export function consentOf(request: CompositeRequest, telling: Telling): Consent {
  const { branch, answers, facts } = telling;
  const credentials = branch.queries.map((query, at) => credentialOf(branch, query, answers[at] as Answered));
  const schemas = new Map(credentials.map(({ query, schema }) => [query.id, schema]));
  return { ...telling, branches: request.branches.length, credentials, reading: readingOf(branch, schemas, facts) };
}

/** What a branch is read with. */
export function readingOf(branch: Branch, schemas: ReadonlyMap<string, Schema>, facts: Facts): Reading {
  return new Reading(schemas, facts, new Map(branch.foreign.map(({ id, number }) => [id, number])));
}

/** How many attributes are shown, last days among them, and how many are only told something about. */
export function countsOf({ credentials }: Consent): { readonly shown: number; readonly proven: number } {
  const told = credentials.flatMap((each) => each.attributes.map(({ treatment }) => treatment));
  const lastDays = credentials.filter(({ answered }) => answered.expiry !== null).length;
  const counted = (...of: readonly Treatment[]): number => told.filter((each) => of.includes(each)).length;
  return { shown: counted("shown") + lastDays, proven: counted("proven", "escrowed") };
}

/** The credential that answers a query. */
export function credentialFor(consent: Consent, query: string): ToldCredential {
  const found = consent.credentials.find((each) => each.query.id === query);
  if (found === undefined) throw new Error("no credential answers the query");
  return found;
}

function credentialOf(branch: Branch, query: CompositeQuery, answered: Answered): ToldCredential {
  if (answered.query !== query.id) throw new Error("the answers stand in the queries' order");
  const { schema } = answered;
  const attributes = schema.attributes.map((each) => attributeOf(branch, query.id, each, answered));
  return { query, answered, schema, attributes };
}

function attributeOf(
  branch: Branch, query: string, attribute: AttributeDefinition, { values }: Answered,
): ToldAttribute {
  const own = operand(query, attribute.id);
  const nothing = { value: undefined, escrows: [], predicates: [], pseudonyms: [], commitments: [] };
  if (values.has(attribute.id)) {
    return { ...nothing, attribute, operand: own, treatment: "shown", value: values.get(attribute.id) };
  }
  const about = {
    escrows: branch.escrows.filter((each) => each.operand.id === own.id),
    predicates: branch.predicates.filter((each) => ownOperands(each).some(({ id }) => id === own.id)),
    pseudonyms: branch.pseudonyms.filter(({ subject }) => subject?.id === own.id),
    commitments: branch.commitments.filter((each) => each.operand.id === own.id),
  };
  const proven = about.predicates.length + about.pseudonyms.length + about.commitments.length > 0;
  const treatment = about.escrows.length > 0 ? "escrowed" : proven ? "proven" : "hidden";
  return { ...nothing, ...about, attribute, operand: own, treatment };
}
