// Whether what a branch asks can be proven of the schemas that it accepts: every refusal has the place in the request
// (disclosure/composite/rules.py).

import { RefusedError } from "../disclosure/errors.js";
import { requireComposite } from "./credential.js";
import type { Kind } from "./kinds.js";
import type { CommitmentQuery, Compared, EscrowQuery, ForeignNumber, PseudonymQuery } from "./outputs.js";
import { scopeOctets } from "./outputs.js";
import {
  invalidPredicate, operandsOf, outOfBounds, ownOperands, type Predicate, type Range, type Sum,
} from "./predicates.js";
import type { AcceptedIssuer, CompositeQuery } from "./query.js";
import type { BranchRules } from "./rules.js";
import { isNumber } from "./scalars.js";

const MAX_SPAN = 1n << 80n;

/**
 * Throw unless the branch can be proven: SCHEMA_UNKNOWN, FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN, ATTRIBUTE_UNKNOWN,
 * TABLE_UNKNOWN, EPOCH_UNKNOWN, REGULATOR_UNKNOWN, REQUEST_SIGNATURE_INVALID (a scope), PREDICATE_INVALID, BOUND_INVALID.
 */
export function checkBranch(rules: BranchRules): void {
  const { branch, place } = rules;
  branch.queries.forEach((each, i) => checkQuery(rules, each, `${place}.queries[${i}]`));
  branch.predicates.forEach((each, i) => checkPredicate(rules, each, `${place}.predicates[${i}]`));
  branch.pseudonyms.forEach((each, i) => checkPseudonym(rules, each, `${place}.pseudonyms[${i}]`));
  branch.escrows.forEach((each, i) => checkEscrow(rules, each, `${place}.escrows[${i}]`));
  branch.commitments.forEach((each, i) => checkCommitment(rules, each, `${place}.commitments[${i}]`));
  branch.foreign.forEach((each, i) => checkForeign(rules, each, `${place}.foreign[${i}]`));
  checkIssuance(rules);
}

/** Throw RefusedError ISSUER_KEY_RETIRED if an accepted key is out of use. */
export function checkKeys(rules: BranchRules): void {
  rules.branch.queries.forEach((query, index) => query.issuers.forEach((issuer, position) => {
    const field = `${rules.place}.queries[${index}].issuers[${position}].key`;
    if (rules.directory.issuerKey(issuer.key, field).state === "retired") {
      throw new RefusedError("ISSUER_KEY_RETIRED", "the key was retired", field);
    }
  }));
}

function checkQuery(rules: BranchRules, query: CompositeQuery, place: string): void {
  query.schemas.forEach((name, index) => {
    const field = `${place}.schemas[${index}]`;
    requireComposite(rules.directory.schema(name, field), field);
    query.shown.forEach((attribute, position) => {
      const shown = `${place}.shown[${position}]`;
      if (rules.definition(name, attribute, shown).type === "secret") {
        throw invalidPredicate(`${attribute} is a secret, which is never shown`, shown);
      }
    });
  });
  query.issuers.forEach((each, index) => checkIssuer(rules, query, each, `${place}.issuers[${index}]`));
  if (query.expiry.kind === "valid-on") rules.validitySpan(query, query.expiry.day.number, `${place}.expiry`);
}

function checkIssuer(rules: BranchRules, query: CompositeQuery, issuer: AcceptedIssuer, place: string): void {
  const { directory } = rules;
  checkSuite(rules, directory.issuerKey(issuer.key, `${place}.key`).suite, `${place}.key`);
  const owner = `departments/${issuer.key.department}`;
  if (needsDigits(rules, query)) {
    if (issuer.digits === null) throw invalidPredicate("the issuer's table of digits is not named", `${place}.digits`);
    if (digitsOwner(rules, issuer.digits, `${place}.digits`) !== owner) {
      throw invalidPredicate("the table of digits is not the issuer's own", `${place}.digits`);
    }
  }
  if (issuer.revocation === null) return;
  const accumulator = directory.accumulator(issuer.revocation.accumulator, `${place}.revocation`);
  checkSuite(rules, accumulator.key.suite.name, `${place}.revocation`);
  if (accumulator.owner !== owner) {
    throw invalidPredicate("the accumulator is not the issuer's own", `${place}.revocation`);
  }
  if (issuer.revocation.number > accumulator.latest.number) {
    throw new RefusedError("EPOCH_UNKNOWN", "no such epoch is published yet", `${place}.revocation`);
  }
}

function needsDigits(rules: BranchRules, query: CompositeQuery): boolean {
  const ranged = rules.branch.predicates.filter((each): each is Range => each.kind === "range");
  return query.expiry.kind === "valid-on"
    || ranged.some(({ operand }) => operand.query === query.id && !rules.spansDepartments(operand));
}

function checkPredicate(rules: BranchRules, predicate: Predicate, place: string): void {
  const kinds = operandsOf(predicate).map((each) =>
    predicate.kind === "in-list" ? rules.about(each, place) : rules.kind(each, place));
  if (predicate.kind !== "equal" && kinds.some((each) => each.type === "secret")) {
    throw invalidPredicate("of a secret only equality and a pseudonym are proven", place);
  }
  if (new Set(kinds.map((each) => each.meaning)).size > 1) {
    throw invalidPredicate("the attributes do not have one type, unit, scale and code system", place);
  }
  const kind = kinds[0] as Kind;
  if (predicate.kind === "range") checkRange(rules, predicate, kind, place);
  else if (predicate.kind === "in-list") checkList(rules, predicate.codeList, kind, place);
  else if (predicate.kind === "one-of") {
    predicate.values.forEach((each, index) => kind.definitionOf(each, `${place}.values[${index}]`));
  } else if (predicate.kind === "not-equal") kind.definitionOf(predicate.value, `${place}.value`);
  else if (predicate.kind === "sum") checkSum(rules, predicate, kinds, place);
}

function checkRange(rules: BranchRules, predicate: Range, kind: Kind, place: string): void {
  if (!kind.definitions.every(isNumber)) throw invalidPredicate("integers and dates only have bounds", place);
  kind.checkBound(predicate.minimum, `${place}.minimum`);
  kind.checkBound(predicate.maximum, `${place}.maximum`);
  if (rules.spansDepartments(predicate.operand)) checkDigits(rules, predicate);
}

function checkList(rules: BranchRules, digest: Uint8Array, kind: Kind, place: string): void {
  const codeList = rules.directory.codeList(digest, `${place}.code_list`);
  checkSuite(rules, codeList.table.suite.name, `${place}.code_list`);
  if (kind.type !== "code" || kind.codeSystem !== codeList.codeSystem) {
    throw invalidPredicate("the attribute has no code of the list's code system", place);
  }
  const listed = new Set(codeList.codes);
  const known = kind.definitions.map((one) => one.codes.filter((each) => listed.has(each.code)).length);
  if (known.includes(1) || !known.some((each) => each > 0)) {
    const detail = "of the list's codes the accepted schemas have fewer than two: nothing would stay hidden";
    throw invalidPredicate(detail, `${place}.code_list`);
  }
}

function checkSum(rules: BranchRules, predicate: Sum, kinds: readonly Kind[], place: string): void {
  const classes = ownOperands(predicate).map((each) => rules.root(each).id);
  if (new Set(classes).size !== classes.length) {
    throw invalidPredicate("two terms are proven equal: one is enough, with the sum of their factors", place);
  }
  let [low, high] = [0n, 0n];
  predicate.terms.forEach(({ cap, factor }, index) => {
    const kind = kinds[index] as Kind;
    if (kind.type !== "integer") throw invalidPredicate("integers only are added up", place);
    kind.checkBound(cap, `${place}.terms[${index}].cap`);
    const ends = [factor * kind.minimum, factor * (cap ?? kind.maximum)].sort((a, b) => (a < b ? -1 : 1));
    low += ends[0] as bigint;
    high += ends[1] as bigint;
  });
  for (const field of ["minimum", "maximum"] as const) {
    const bound = predicate[field];
    if (bound !== null && (bound < low || bound > high)) {
      throw outOfBounds(`the sum lies between ${low} and ${high}`, `${place}.${field}`);
    }
  }
  if (high - low >= MAX_SPAN) throw outOfBounds("the sum is larger than what is computed with", place);
  checkDigits(rules, predicate);
}

/** Throw unless the branch names a table of nobody whose attributes are bounded with it. */
function checkDigits(rules: BranchRules, predicate: Range | Sum): void {
  const { digits } = rules.branch;
  const field = `${rules.place}.digits`;
  if (digits === null) throw invalidPredicate("it needs a table of digits that is named", field);
  const owners = new Set(ownOperands(predicate).flatMap((each) => [...rules.classDepartments(each)]));
  for (const each of operandsOf(predicate)) {
    if (each.kind === "foreign") for (const name of rules.foreign.get(each.id)?.number.departments ?? []) owners.add(name);
  }
  if (owners.has(digitsOwner(rules, digits, field))) {
    throw invalidPredicate("the table of digits is that of one of the issuers", field);
  }
}

function digitsOwner(rules: BranchRules, digest: Uint8Array, field: string): string {
  const published = rules.directory.digitTable(digest, field);
  checkSuite(rules, published.table.suite.name, field);
  return published.owner;
}

function checkSuite(rules: BranchRules, name: string, field: string): void {
  if (name !== rules.suite.name) throw invalidPredicate("it is of another suite than the accepted keys", field);
}

function checkPseudonym(rules: BranchRules, { scope, subject }: PseudonymQuery, place: string): void {
  try {
    scopeOctets(scope, rules.request.verifier);
    if (scope.kind === "joint") scope.check((name) => rules.directory.verifierKey(name));
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new RefusedError(error.reason, error.detail, `${place}.scope`);
  }
  if (scope.kind === "joint") checkSuite(rules, scope.suite, `${place}.scope`);
  if (subject !== null && rules.kind(subject, `${place}.subject`).type !== "secret") {
    throw invalidPredicate("whoever guesses it knows its pseudonyms: only a secret has any", `${place}.subject`);
  }
}

function checkEscrow(rules: BranchRules, escrow: EscrowQuery, place: string): void {
  const { type } = rules.kind(escrow.operand, place);
  if (type !== "text" && type !== "hash") {
    throw invalidPredicate("a regulator looks up identifiers, which are texts or hashes", place);
  }
  checkSuite(rules, rules.directory.regulator(escrow.regulator, `${place}.regulator`).suite, `${place}.regulator`);
}

function checkCommitment(rules: BranchRules, commitment: CommitmentQuery, place: string): void {
  if (rules.kind(commitment.operand, place).type !== "integer") {
    throw invalidPredicate("integers only are added up", place);
  }
  const own = rules.root(commitment.operand).id;
  if (rules.branch.commitments.find((each) => rules.root(each.operand).id === own) !== commitment) {
    throw invalidPredicate("another commitment has the same number: a sum could count it twice", place);
  }
}

/** Throw unless a number was committed to for this verifier, is counted, and compared as it can be. */
function checkForeign(rules: BranchRules, foreign: ForeignNumber, place: string): void {
  const { branch } = rules;
  if (foreign.number.verifier !== rules.request.verifier) {
    throw invalidPredicate("the number was committed to for another verifier", `${place}.number.verifier`);
  }
  checkSuite(rules, foreign.number.suite, `${place}.number.suite`);
  const counted = branch.predicates.some((each) => each.kind === "sum"
    && each.terms.some(({ operand }) => operand.kind === "foreign" && operand.id === foreign.id));
  if (!counted) throw invalidPredicate("no sum counts the number", place);
  if (foreign.holder !== null) {
    checkCompared(rules, foreign.holder, false, `${place}.holder`);
    const { here } = foreign.holder;
    if (branch.foreign.some(({ holder }) => holder !== null && holder.here !== here)) {
      throw invalidPredicate("holders are told apart in one scope", `${place}.holder`);
    }
  }
  foreign.subjects.forEach((each, index) => checkCompared(rules, each, true, `${place}.subjects[${index}]`));
}

function checkCompared(rules: BranchRules, compared: Compared, ofSubject: boolean, place: string): void {
  const asked = rules.branch.pseudonyms.some((each) => each.id === compared.here && (each.subject !== null) === ofSubject);
  if (!asked) throw invalidPredicate("the branch has no such pseudonym", place);
}

function checkIssuance(rules: BranchRules): void {
  const terms = rules.request.issuance;
  if (terms === null) return;
  requireComposite(rules.directory.schema(terms.schema, "issuance.schema"), "issuance.schema");
  checkSuite(rules, rules.directory.issuerKey(terms.issuerKey, "issuance.issuer_key").suite, "issuance.issuer_key");
}
