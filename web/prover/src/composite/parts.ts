// Each rule, predicate and output as a part of a statement: one function for each (disclosure/composite/parts.py).

import type { Value } from "../disclosure/attributes.js";
import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import type { Sent, Witness } from "../engine/statement.js";
import { Commitment, Opened } from "../gadgets/commitment.js";
import { Escrow } from "../gadgets/escrow.js";
import { Membership, NonRevocation } from "../gadgets/members.js";
import { Pseudonym } from "../gadgets/pseudonym.js";
import { Capped, Quantity, Range as InRange } from "../gadgets/ranges.js";
import { Different, NoneOf, OneOf as OneOfFew } from "../gadgets/small_set.js";
import type { Table } from "../gadgets/tables.js";
import { type Chosen, type CommittedPart, type Composer, type Held, message, required } from "./composer.js";
import {
  type CommitmentQuery, type EscrowQuery, type ForeignNumber, type PseudonymQuery, scopeOctets,
} from "./outputs.js";
import {
  type Foreign, invalidPredicate, type Operand, ownOperands, type Predicate, type Sum,
} from "./predicates.js";
import * as scalars from "./scalars.js";

/** State that a credential is valid and not revoked, as far as that is to be proven. */
export function addLife(composer: Composer, chosen: Chosen, name: string, place: string): void {
  const { query, epoch } = chosen;
  const scope = composer.scope(name);
  if (query.expiry.kind === "valid-on") {
    const day = query.expiry.day.number;
    const witness = composer.witness(query.id, scalars.EXPIRY);
    const span = composer.rules.validitySpan(query, day, `${place}.expiry`);
    const expiry = Quantity.attribute(witness, 0n, scalars.dayScalar(day + span));
    const bounds = { minimum: scalars.dayScalar(day) };
    const valid = InRange.addTo(scope.scope("valid"), expiry, issuersDigits(composer, query.id), bounds);
    composer.add(`${place}.expiry`, (values, held) =>
      valid.assign(values, new Map([[witness, message(held, query.id, scalars.EXPIRY)]])));
  }
  if (epoch !== null) {
    const handle = composer.witness(query.id, scalars.HANDLE);
    const member = NonRevocation.addTo(scope.scope("not revoked"), handle, epoch);
    composer.add(`${place}.issuers`, (values, held) => member.assign(values, required(held.witnesses.get(query.id))));
  }
}

/** State that no credential answers two queries: that the handles of two that could be one differ. */
export function addDistinct(composer: Composer): void {
  composer.rules.mayBeOne.forEach(([first, second, place], number) => {
    const [one, other] = [first, second].map((each) => composer.witness(each.id, scalars.HANDLE)) as [Witness, Witness];
    const gadget = Different.addTo(composer.scope(`distinct ${number}`), one, other);
    composer.add(place, (values, held) => gadget.assign(
      values, message(held, first.id, scalars.HANDLE), message(held, second.id, scalars.HANDLE)));
  });
}

/** State that the holder has the opening of another one's commitment, for all sums that count it. */
export function addForeign(composer: Composer, foreign: ForeignNumber, name: string, place: string): void {
  const gadget = Opened.addTo(composer.scope(name), foreign.number.K);
  composer.open(foreign.id, gadget);
  composer.add(place, (values, held) => {
    const opening = required(held.openings.get(foreign.id));
    gadget.assign(values, opening.m, opening.u);
  });
}

/** State a predicate. An equality is stated by the credentials already, which have one witness for it. */
export function addPredicate(composer: Composer, predicate: Predicate, name: string, place: string): void {
  if (predicate.kind === "equal") return;
  if (predicate.kind === "sum") {
    addSum(composer, predicate, name, place);
    return;
  }
  if (predicate.kind === "in-list" && composer.rules.isShown(predicate.operand)) return; // it is looked up
  const { operand } = predicate;
  const witness = composer.operand(operand);
  const value = composer.value(operand);
  if (predicate.kind === "range") {
    const quantity = quantityOf(composer, operand);
    const gadget = InRange.addTo(composer.scope(name), quantity, rangeDigits(composer, operand), predicate);
    composer.add(place, (values, held) => gadget.assign(values, new Map([[witness, value(held)]])));
  } else if (predicate.kind === "in-list") {
    const { table } = composer.rules.directory.codeList(predicate.codeList, place);
    const gadget = Membership.addTo(composer.scope(name), witness, table);
    composer.add(place, (values, held) => gadget.assign(values, value(held)));
  } else if (predicate.kind === "one-of") {
    const few = predicate.values.map((each) => scalarOf(composer, operand, each, place));
    const gadget = OneOfFew.addTo(composer.scope(name), witness, few);
    composer.add(place, (values, held) => gadget.assign(values, value(held)));
  } else {
    const excluded = [scalarOf(composer, operand, predicate.value, place)];
    if (composer.kind(operand).optional) excluded.push(scalars.absent(composer.rules.suite));
    addNoneOf(composer, operand, excluded, name, place);
  }
}

/** State m != ABSENT, once for a class, where an optional attribute could otherwise be absent. */
export function addPresence(composer: Composer): void {
  const { branch, place, suite } = composer.rules;
  const stated = branch.predicates.filter((each) => each.kind === "equal" || each.kind === "sum");
  const needing = [
    ...stated.flatMap(ownOperands), ...branch.escrows.map((each) => each.operand),
    ...branch.commitments.map((each) => each.operand),
  ];
  const classes = new Map<string, Map<string, Operand>>();
  for (const operand of needing) {
    const root = composer.rules.root(operand).id;
    const members = classes.get(root) ?? new Map<string, Operand>();
    classes.set(root, members);
    members.set(operand.id, operand);
  }
  [...classes.values()].forEach((members, index) => {
    const operands = [...members.values()];
    // One that is never absent is enough: all of the class are one witness.
    if (operands.every((operand) => composer.kind(operand).optional)) {
      addNoneOf(composer, operands[0] as Operand, [scalars.absent(suite)], `present ${index}`, place);
    }
  });
}

/** State a pseudonym of the holder, or of a subject whose secret is signed. */
export function addPseudonym(composer: Composer, query: PseudonymQuery, name: string, place: string): Pseudonym {
  const octets = scopeOctets(query.scope, composer.rules.request.verifier);
  const scope = composer.scope(name);
  if (query.subject === null) {
    const holder = Pseudonym.addTo(scope, composer.secret, octets, "pseudonym");
    composer.add(place, (values, held) => holder.assign(values, held.secret));
    return holder;
  }
  const secret = composer.value(query.subject);
  const subject = Pseudonym.addTo(scope, composer.operand(query.subject), octets, "pseudonym-subject");
  composer.add(place, (values, held) => subject.assign(values, secret(held)));
  return subject;
}

/** State that a hidden identifier is encrypted to a regulator's key. */
export function addEscrow(composer: Composer, query: EscrowQuery, name: string, place: string): Escrow {
  const key = composer.rules.directory.regulator(query.regulator, place).publicKey;
  const value = composer.value(query.operand);
  const gadget = Escrow.addTo(composer.scope(name), composer.operand(query.operand), key);
  composer.add(place, (values, held) => gadget.assign(values, value(held)));
  return gadget;
}

/** State a commitment to a number, for another holder's sum to count. */
export function addCommitment(
  composer: Composer, query: CommitmentQuery, name: string, place: string,
): CommittedPart {
  const gadget = Commitment.addTo(composer.scope(name), composer.operand(query.operand));
  return { place, gadget, value: composer.value(query.operand) };
}

/** Gadget: C, which is sent, is k*H_secret + s*Q_2; k may be a witness of another gadget. */
export class HolderCommitment {
  private constructor(readonly C: Sent, readonly k: Witness, private readonly s: Witness) {}

  static addTo(scope: Scope, k?: Witness): HolderCommitment {
    const [secret, blind] = scalars.commitmentGenerators(scope.suite);
    const sent = scope.sent("C");
    const s = scope.witness("s");
    const committed = k ?? scope.witness("k");
    scope.equation("C", [[sent, 1n]], [[committed, secret], [s, blind]]);
    return new HolderCommitment(sent, committed, s);
  }

  /** Commit to k with a fresh blind and return that: part of the credential, as secret as it. */
  assign(values: Values, k: bigint): bigint {
    const [secret, blind] = scalars.commitmentGenerators(values.suite);
    const s = values.randomScalar();
    values.set(this.k, k);
    values.set(this.s, s);
    values.send(this.C, [[secret, k], [blind, s]]);
    return s;
  }
}

function addNoneOf(
  composer: Composer, operand: Operand, excluded: readonly bigint[], name: string, place: string,
): void {
  const value = composer.value(operand);
  const gadget = NoneOf.addTo(composer.scope(name), composer.operand(operand), excluded);
  composer.add(place, (values, held) => gadget.assign(values, value(held)));
}

function addSum(composer: Composer, predicate: Sum, name: string, place: string): void {
  const scope = composer.scope(name);
  const table = digits(composer, composer.rules.branch.digits);
  const quantities: [bigint, Quantity][] = [];
  const caps = new Map<Witness, Capped>();
  predicate.terms.forEach(({ operand, factor, cap }, index) => {
    const quantity = quantityOf(composer, operand);
    if (cap === null) {
      quantities.push([factor, quantity]);
      return;
    }
    const capped = Capped.addTo(scope.scope(`cap ${index}`), quantity, cap, table);
    caps.set(composer.operand(operand), capped);
    quantities.push([factor, capped.counted]);
  });
  const gadget = InRange.addTo(scope.scope("total"), Quantity.total(quantities), table, predicate);
  const terms = predicate.terms.map(({ operand }) => [composer.operand(operand), composer.value(operand)] as const);
  composer.add(place, (values: Values, held: Held) => {
    const known = new Map(terms.map(([witness, value]) => [witness, value(held)]));
    for (const [witness, capped] of caps) {
      const counted = capped.assign(values, new Map([[witness, required(known.get(witness))]]));
      for (const [digit, scalar] of counted) known.set(digit, scalar);
    }
    gadget.assign(values, known);
  });
}

function quantityOf(composer: Composer, operand: Operand | Foreign): Quantity {
  const kind = composer.kind(operand);
  return Quantity.attribute(composer.operand(operand), kind.minimum, kind.maximum, scalars.OFFSET);
}

function scalarOf(
  composer: Composer, operand: Operand, value: Value, place: string,
): bigint {
  const definition = composer.kind(operand).definitionOf(value, place);
  return scalars.valueScalar(definition, value, composer.rules.suite);
}

/** The own table of the chosen issuer, unless another department's attribute is bounded with it. */
function rangeDigits(composer: Composer, operand: Operand): Table {
  if (composer.rules.spansDepartments(operand)) return digits(composer, composer.rules.branch.digits);
  return issuersDigits(composer, operand.query);
}

function issuersDigits(composer: Composer, query: string): Table {
  return digits(composer, required(composer.chosen.get(query)).issuer.digits);
}

/** A table of digits; that it is named where it is needed is one of the rules. */
function digits(composer: Composer, digest: Uint8Array | null): Table {
  if (digest === null) throw invalidPredicate("it needs a table of digits that is named", composer.rules.place);
  return composer.rules.directory.digitTable(digest, composer.rules.place).table;
}
