// What a presentation gives besides shown values: pseudonyms, escrowed identities, commitments to numbers, and the
// numbers of other holders that it counts (disclosure/composite/outputs.py, foreign.py).

import { concat, hex, utf8 } from "../bbs/octets.js";
import { AttributeDefinition, LocalizedText } from "../disclosure/attributes.js";
import { type Decoded, decode, encode, type Item } from "../disclosure/canonical.js";
import { MalformedError, RefusedError } from "../disclosure/errors.js";
import { type SuiteName, SUITES } from "../disclosure/key.js";
import { checkAttributeId, checkId, departmentName, verifierName } from "../disclosure/names.js";
import { list, octets, small, text, texts, whole } from "../disclosure/reading.js";
import { ed25519Holds, type FindKey, SIGNATURE_OCTETS } from "../disclosure/request_frame.js";
import { digestOf, invalidPredicate, type Operand, operandOf } from "./predicates.js";
import { invalidRequest } from "./query.js";

const MAX_MEMBERS = 64;
const K_OCTETS = 48;
const JOINT_LABEL = "zk-disclosure/joint-scope/v1";
const SCOPE_LABEL = "zk-disclosure/pseudonym-scope/v1";
const SIGNING_PREFIX = utf8("zk-disclosure/joint-scope-signature/v1\x00");

/** One verifier's own scope, or one that several verifiers share, signed by each. */
export type PseudonymScope = { readonly kind: "verifier"; readonly label: string } | JointScope;

/** A scope that several verifiers share: they see that the same holder, or subject, came to any of them. */
export class JointScope {
  readonly kind = "joint";

  private constructor(
    readonly label: string, readonly purpose: LocalizedText, readonly members: readonly string[],
    readonly suite: SuiteName, readonly canonical: Uint8Array, readonly signatures: readonly Uint8Array[],
  ) {}

  static of(canonical: Uint8Array, signatures: readonly Uint8Array[]): JointScope {
    const refuse = () => invalidRequest("the octets are no joint scope", "scope");
    const [label, purpose, members, suite] = list(decode(JOINT_LABEL, canonical), refuse, 4);
    const names = texts(members, refuse).map((each) => verifierName(each));
    if (names.length < 2 || names.length > MAX_MEMBERS) {
      throw invalidRequest(`a joint scope has 2 to ${MAX_MEMBERS} members`, "members");
    }
    if (!ascending(names)) throw invalidRequest("members stand in the order of their names, each once", "members");
    const known = SUITES.find((each) => each === suite);
    if (known === undefined) throw invalidRequest(`the suite is one of ${SUITES.join(", ")}`, "suite");
    if (signatures.length !== names.length || !signatures.every((each) => each.length === SIGNATURE_OCTETS)) {
      throw invalidRequest(`each member signs, with ${SIGNATURE_OCTETS} octets`, "signatures");
    }
    const name = checkId(text(label, refuse), "a scope's label", "label");
    return new JointScope(name, LocalizedText.of(purpose, refuse), names, known, canonical, signatures);
  }

  /** Throw RefusedError REQUEST_SIGNATURE_INVALID unless all members signed; what `findKey` throws. */
  check(findKey: FindKey): void {
    this.members.forEach((member, place) => {
      const signed = concat(SIGNING_PREFIX, this.canonical);
      if (!ed25519Holds(findKey(member), this.signatures[place] as Uint8Array, signed)) {
        throw new RefusedError("REQUEST_SIGNATURE_INVALID", `the joint scope is not signed by ${member}`, "scope");
      }
    });
  }
}

/**
 * The octets that pseudonyms of a scope are hashed from; RefusedError REQUEST_SIGNATURE_INVALID if the verifier is no
 * member of it.
 */
export function scopeOctets(scope: PseudonymScope, verifier: string): Uint8Array {
  if (scope.kind === "verifier") return encode(SCOPE_LABEL, "verifier", verifier, scope.label);
  if (!scope.members.includes(verifier)) {
    throw new RefusedError("REQUEST_SIGNATURE_INVALID", "the verifier is no member of the joint scope", "scope");
  }
  return encode(SCOPE_LABEL, "joint", scope.canonical);
}

/** A pseudonym that is asked for: of the holder, or of the subject whose secret an attribute is. */
export interface PseudonymQuery {
  readonly id: string;
  readonly scope: PseudonymScope;
  readonly subject: Operand | null;
}

/** A hidden identifier, encrypted to a regulator's key, which is named by its digest. */
export interface EscrowQuery {
  readonly id: string;
  readonly operand: Operand;
  readonly regulator: Uint8Array;
}

/** A commitment that is asked for, to an integer attribute that stays hidden. */
export interface CommitmentQuery {
  readonly id: string;
  readonly operand: Operand;
}

export function pseudonymOf(item: Decoded): PseudonymQuery {
  const refuse = () => invalidRequest("the octets hold no pseudonym", "pseudonyms");
  const [identifier, scope, subject] = list(item, refuse, 3);
  return {
    id: checkAttributeId(text(identifier, refuse), "id"),
    scope: scopeOf(list(scope, refuse)),
    subject: subject === null ? null : operandOf(subject),
  };
}

export function escrowOf(item: Decoded): EscrowQuery {
  const refuse = () => invalidRequest("the octets hold no escrow", "escrows");
  const [identifier, operand, regulator] = list(item, refuse, 3);
  const id = checkAttributeId(text(identifier, refuse), "id");
  return { id, operand: operandOf(operand), regulator: digestOf(regulator, "regulator", refuse) };
}

export function commitmentOf(item: Decoded): CommitmentQuery {
  const refuse = () => invalidRequest("the octets hold no commitment", "commitments");
  const [identifier, operand] = list(item, refuse, 2);
  return { id: checkAttributeId(text(identifier, refuse), "id"), operand: operandOf(operand) };
}

function scopeOf(items: readonly Decoded[]): PseudonymScope {
  const refuse = () => invalidRequest("the octets hold no scope", "scope");
  const [kind, ...rest] = items;
  if (kind === "verifier") {
    const [label] = list(rest, refuse, 1);
    return { kind, label: checkId(text(label, refuse), "a scope's label", "label") };
  }
  if (kind !== "joint") throw refuse();
  const [scope, signatures] = list(rest, refuse, 2);
  return JointScope.of(octets(scope, refuse), list(signatures, refuse).map((each) => octets(each, refuse)));
}

/** A number that a verified presentation of another holder's has committed to, as its verifier knows it. */
export class CommittedNumber {
  /** What it is in a sum: an attribute like the holder's own ones. */
  readonly definition: AttributeDefinition;

  constructor(
    readonly verifier: string, readonly request: Uint8Array, readonly presentation: Uint8Array, readonly id: string,
    readonly suite: SuiteName, readonly K: Uint8Array, unit: string, scale: number, minimum: bigint, maximum: bigint,
    readonly departments: readonly string[],
  ) {
    checkAttributeId(id, "id");
    if (K.length !== K_OCTETS) throw invalidPredicate(`a commitment has a suite and ${K_OCTETS} octets`, "K");
    if (departments.length === 0 || !ascending(departments)) {
      throw invalidPredicate("departments stand in the order of their names, each once", "departments");
    }
    try {
      const displayName = new LocalizedText(id, id);
      this.definition = new AttributeDefinition({ id, displayName, type: "integer", unit, scale, minimum, maximum });
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw invalidPredicate(error.detail, error.field);
    }
  }

  static of(item: Decoded | undefined): CommittedNumber {
    const refuse = () => invalidRequest("the octets hold no committed number", "number");
    const fields = list(item, refuse, 11);
    const suite = SUITES.find((each) => each === text(fields[4], refuse));
    if (suite === undefined) throw invalidPredicate(`a commitment has a suite and ${K_OCTETS} octets`, "K");
    return new CommittedNumber(
      verifierName(text(fields[0], refuse)), digestOf(fields[1], "request", refuse),
      digestOf(fields[2], "presentation", refuse),
      text(fields[3], refuse), suite, octets(fields[5], refuse), text(fields[6], refuse), small(fields[7], refuse),
      whole(fields[8], refuse), whole(fields[9], refuse), texts(fields[10], refuse).map((each) => departmentName(each)),
    );
  }

  /** Return it for canonical encoding. */
  items(): Item[] {
    const { unit, scale, minimum, maximum } = this.definition;
    return [
      this.verifier, this.request, this.presentation, this.id, this.suite, this.K, unit, scale, minimum, maximum,
      this.departments,
    ];
  }
}

/** Two pseudonyms of one scope: that of this branch, and that of the number's presentation, by identifier. */
export interface Compared {
  readonly here: string;
  readonly there: string;
}

/** A number of another holder's that sums of a branch count; `holder` is null where the comparison is waived. */
export interface ForeignNumber {
  readonly id: string;
  readonly number: CommittedNumber;
  readonly holder: Compared | null;
  readonly subjects: readonly Compared[];
}

export function foreignOf(item: Decoded): ForeignNumber {
  const refuse = () => invalidRequest("the octets hold no number of another holder's", "foreign");
  const [identifier, number, holder, subjects] = list(item, refuse, 4);
  const foreign = {
    id: checkAttributeId(text(identifier, refuse), "id"),
    number: CommittedNumber.of(number),
    holder: holder === "other-holder-waived" ? null : comparedOf(holder),
    subjects: list(subjects, refuse).map(comparedOf),
  };
  if (new Set(foreign.subjects.map((each) => `${each.here} ${each.there}`)).size !== foreign.subjects.length) {
    throw invalidRequest("pseudonyms are compared twice", "subjects");
  }
  return foreign;
}

/** Throw MalformedError REQUEST_INVALID if one commitment is there under two names, and so counted twice in a sum. */
export function checkCountedOnce(foreign: readonly ForeignNumber[]): void {
  const names = new Set(foreign.map(({ number }) => `${hex(number.presentation)} ${number.id}`));
  const points = new Set(foreign.map(({ number }) => hex(number.K)));
  if (Math.min(names.size, points.size) < foreign.length) {
    throw invalidRequest("one commitment is there twice", "foreign");
  }
}

function comparedOf(item: Decoded | undefined): Compared {
  const refuse = () => invalidRequest("the octets hold no pseudonyms to compare", "holder");
  const [here, there] = list(item, refuse, 2);
  return {
    here: checkAttributeId(text(here, refuse), "here"), there: checkAttributeId(text(there, refuse), "there"),
  };
}

/** Whether names stand in order, each once: names are ASCII, so by their code units. */
function ascending(names: readonly string[]): boolean {
  return names.every((each, place) => place === 0 || (names[place - 1] as string) < each);
}
