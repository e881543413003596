// What a request asks beyond the policy that it names (disclosure/allowance.py). Service and vault tell it alike, each for
// itself. The policy is a list of what is allowed: what is not in it is too much. A query that accepts several schemas is
// measured by each of them, and a request with several branches by all, since the holder may answer any.

import { hex } from "../bbs/octets.js";
import type { EscrowQuery, PseudonymQuery } from "../composite/outputs.js";
import { type Operand, ownOperands } from "../composite/predicates.js";
import type { Branch, CompositeRequest } from "../composite/request.js";
import type { PlainRequest } from "../plain/request.js";
import type { LocalizedText } from "./attributes.js";
import { RefusedError } from "./errors.js";
import type { PolicyName, SchemaName } from "./names.js";
import { AllowedAttribute, AllowedScope, itemName, type RegisteredPolicy } from "./policy.js";

const DETAILS = {
  purpose: () => "the policy is for another purpose",
  item: (what: string) => `the policy does not allow the item ${what}`,
  shown: (what: string) => `the policy does not allow that it is shown: ${what}`,
  proven: (what: string) => `the policy does not allow that anything is proven about it: ${what}`,
  list: (what: string) => `the policy does not allow that anything is proven to be in the list ${what}`,
  pseudonym: (what: string) => `the policy does not allow pseudonyms in the scope ${what}`,
  escrow: (what: string) => `the policy does not allow escrow for the regulator ${what}`,
  foreign: (what: string) => `the policy does not allow numbers of other holders: ${what}`,
} as const;

/** In which way a request asks too much. */
export type ExcessKind = keyof typeof DETAILS;

/** One thing too much: where in the request it stands, what it is, and a sentence of it. */
export interface Excess {
  readonly field: string;
  readonly kind: ExcessKind;
  readonly what: string;
  readonly detail: string;
}

/**
 * Everything that a request asks beyond a policy, in the order of the request; none if nothing. That it is the policy
 * which the request names is for the caller to see to (`checkAllowed`).
 */
export function excessOf(request: PlainRequest | CompositeRequest, policy: RegisteredPolicy): readonly Excess[] {
  const found = new Map<string, Excess>();
  const parts = "branches" in request ? composite(request, policy) : plain(request, policy);
  for (const each of [...purpose(request.purpose, policy), ...parts]) {
    found.set(JSON.stringify([each.field, each.kind, each.what]), each); // in two versions of a schema it is one thing
  }
  return [...found.values()];
}

/** The policy that a verifier's request names; RefusedError POLICY_UNKNOWN if it names none. */
export function policyOf(request: PlainRequest | CompositeRequest): PolicyName {
  if (request.policy === null) throw new RefusedError("POLICY_UNKNOWN", "the request names no policy", "policy");
  return request.policy;
}

/**
 * Throw RefusedError OVER_ASKING, with each excess among `violations`, unless a request keeps to the policy that it
 * names; POLICY_UNKNOWN for another policy than that one. That the policy stands on the ledger is for the caller to
 * have checked.
 */
export function checkAllowed(request: PlainRequest | CompositeRequest, policy: RegisteredPolicy): void {
  if (policyOf(request).text !== policy.name.text) {
    throw new RefusedError("POLICY_UNKNOWN", "the request names another policy", "policy");
  }
  const found = excessOf(request, policy);
  if (found.length === 0) return;
  const detail = `the request asks ${found.length} thing(s) more than ${policy.name.text} allows`;
  const violations = found.map(({ field, detail }) => ({ field, detail }));
  throw new RefusedError("OVER_ASKING", detail, "", violations);
}

function excess(field: string, kind: ExcessKind, what: string): Excess {
  return { field, kind, what, detail: DETAILS[kind](what) };
}

function* purpose(stated: LocalizedText, policy: RegisteredPolicy): Iterable<Excess> {
  const { zh, en } = policy.purposeText;
  if (stated.zh !== zh || stated.en !== en) yield excess("purpose", "purpose", policy.purpose);
}

function* plain(request: PlainRequest, policy: RegisteredPolicy): Iterable<Excess> {
  for (const [index, query] of request.queries.entries()) {
    const place = `queries[${index}]`;
    yield* unknown([[query.schema, `${place}.schema`]], policy);
    yield* shown([query.schema], query.shown, place, policy);
  }
}

function* composite(request: CompositeRequest, policy: RegisteredPolicy): Iterable<Excess> {
  for (const [index, branch] of request.branches.entries()) yield* inBranch(branch, `branches[${index}]`, policy);
}

function* inBranch(branch: Branch, place: string, policy: RegisteredPolicy): Iterable<Excess> {
  for (const [index, { schemas, shown: attributes }] of branch.queries.entries()) {
    const at = `${place}.queries[${index}]`;
    yield* unknown(schemas.map((each, position) => [each, `${at}.schemas[${position}]`]), policy);
    yield* shown(schemas, attributes, at, policy);
  }
  for (const [field, operand] of proven(branch, place)) {
    yield* hidden(schemasOf(branch, operand), operand, field, policy);
  }
  for (const [index, predicate] of branch.predicates.entries()) {
    if (predicate.kind === "in-list" && !policy.allowsList(predicate.codeList)) {
      yield excess(`${place}.predicates[${index}].code_list`, "list", hex(predicate.codeList));
    }
  }
  for (const [index, each] of branch.pseudonyms.entries()) {
    yield* pseudonym(branch, each, `${place}.pseudonyms[${index}]`, policy);
  }
  for (const [index, each] of branch.escrows.entries()) {
    yield* escrow(branch, each, `${place}.escrows[${index}]`, policy);
  }
  if (policy.foreign) return;
  for (const [index, { id }] of branch.foreign.entries()) yield excess(`${place}.foreign[${index}]`, "foreign", id);
}

/** Every attribute that something is told about without showing it, with the place that tells it. */
function* proven(branch: Branch, place: string): Iterable<readonly [string, Operand]> {
  for (const [index, predicate] of branch.predicates.entries()) {
    for (const each of ownOperands(predicate)) yield [`${place}.predicates[${index}]`, each];
  }
  for (const [index, { subject }] of branch.pseudonyms.entries()) {
    if (subject !== null) yield [`${place}.pseudonyms[${index}].subject`, subject];
  }
  for (const [index, { operand }] of branch.escrows.entries()) yield [`${place}.escrows[${index}].operand`, operand];
  for (const [index, { operand }] of branch.commitments.entries()) {
    yield [`${place}.commitments[${index}].operand`, operand];
  }
}

function* unknown(
  schemas: readonly (readonly [SchemaName, string])[], policy: RegisteredPolicy,
): Iterable<Excess> {
  for (const [schema, place] of schemas) {
    if (policy.item(schema) === undefined) yield excess(place, "item", itemName(schema));
  }
}

/** Of an item that is not allowed at all, nothing more is said than that. */
function* shown(
  schemas: readonly SchemaName[], attributes: readonly string[], place: string, policy: RegisteredPolicy,
): Iterable<Excess> {
  for (const [position, attribute] of attributes.entries()) {
    for (const schema of schemas) {
      if (policy.item(schema)?.mayShow(attribute) === false) {
        yield excess(`${place}.shown[${position}]`, "shown", `${itemName(schema)}: ${attribute}`);
      }
    }
  }
}

function* hidden(
  schemas: readonly SchemaName[], { attribute }: Operand, field: string, policy: RegisteredPolicy,
): Iterable<Excess> {
  for (const schema of schemas) {
    if (policy.item(schema)?.mayProve(attribute) === false) {
      yield excess(field, "proven", `${itemName(schema)}: ${attribute}`);
    }
  }
}

/** Where the scope is not allowed at all, nothing more is said than that. */
function* pseudonym(
  branch: Branch, asked: PseudonymQuery, place: string, policy: RegisteredPolicy,
): Iterable<Excess> {
  const schemas = asked.subject === null ? [] : schemasOf(branch, asked.subject);
  for (const scope of scopesOf(asked, schemas)) {
    if (!policy.scopes.some((each) => each.place === scope.place)) {
      yield excess(`${place}.scope`, "pseudonym", scope.label);
    } else if (!policy.scopes.some((each) => each.text === scope.text)) {
      const field = scope.of === null ? place : `${place}.subject`;
      yield excess(field, "pseudonym", `${scope.label}, of ${scope.of?.text ?? "the holder"}`);
    }
  }
}

/** For a regulator that is not allowed at all, nothing more is said than that. */
function* escrow(branch: Branch, asked: EscrowQuery, place: string, policy: RegisteredPolicy): Iterable<Excess> {
  const allowed = policy.escrowsFor(asked.regulator);
  if (allowed.length === 0) {
    yield excess(`${place}.regulator`, "escrow", hex(asked.regulator));
    return;
  }
  for (const schema of schemasOf(branch, asked.operand)) {
    const { text } = attributeOf(schema, asked.operand);
    if (!allowed.some((each) => each.of.text === text)) {
      yield excess(`${place}.operand`, "escrow", `${hex(asked.regulator)}, of ${text}`);
    }
  }
}

/** What a policy has to allow for a pseudonym whose subject is an attribute of these schemas; that of the holder is of none. */
export function scopesOf({ scope, subject }: PseudonymQuery, schemas: readonly SchemaName[]): readonly AllowedScope[] {
  const members = scope.kind === "joint" ? scope.members : [];
  if (subject === null) return [new AllowedScope(scope.label, members)];
  return schemas.map((each) => new AllowedScope(scope.label, members, attributeOf(each, subject)));
}

function attributeOf({ department, item }: SchemaName, { attribute }: Operand): AllowedAttribute {
  return new AllowedAttribute(department, item, attribute);
}

/** The schemas that an operand's query accepts. */
function schemasOf(branch: Branch, operand: Operand): readonly SchemaName[] {
  return branch.queries.find((each) => each.id === operand.query)?.schemas ?? [];
}
