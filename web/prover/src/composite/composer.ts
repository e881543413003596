// A statement in the making: the credentials of one holder, and the parts that are stated about them
// (disclosure/composite/composer.py).

import type { Epoch, MembershipWitness } from "../accumulator/list.js";
import { Builder, type Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import type { Witness } from "../engine/statement.js";
import type { IssuerKey } from "../disclosure/key.js";
import type { Schema } from "../disclosure/schema.js";
import type { Commitment, Opened } from "../gadgets/commitment.js";
import { Credential, type HeldCredential } from "../gadgets/credential.js";
import { domainOf } from "./credential.js";
import type { Openings } from "./holding.js";
import type { Kind } from "./kinds.js";
import type { Foreign, Operand } from "./predicates.js";
import type { AcceptedIssuer, CompositeQuery } from "./query.js";
import type { BranchRules } from "./rules.js";
import * as scalars from "./scalars.js";

/** A credential that a query accepts, by what is public of it. `shown` has the scalars by slot. */
export interface Chosen {
  readonly query: CompositeQuery;
  readonly schema: Schema;
  readonly key: IssuerKey;
  readonly issuer: AcceptedIssuer;
  readonly epoch: Epoch | null;
  readonly shown: ReadonlyMap<number, bigint>;
}

/** A holder's secrets for one answer, by query. */
export interface Held {
  readonly secret: bigint;
  readonly credentials: ReadonlyMap<string, HeldCredential>;
  readonly witnesses: ReadonlyMap<string, MembershipWitness>;
  readonly openings: Openings;
}

/** Gives one gadget its secret values. */
export type Assign = (values: Values, held: Held) => void;

/** One part of what is proven: where it stands in the request, and how the holder gives its secrets. */
export interface Part {
  readonly place: string;
  readonly assign: Assign;
}

/** A commitment that another holder's sum may count. Its opening is the holder's to keep. */
export interface CommittedPart {
  readonly place: string;
  readonly gadget: Commitment;
  readonly value: (held: Held) => bigint;
}

/** Puts the statement of one branch together, over the credentials that were chosen for its queries. */
export class Composer {
  readonly builder: Builder;
  readonly secret: Witness;
  readonly parts: Part[] = [];
  readonly chosen: ReadonlyMap<string, Chosen>;
  private readonly shared: ReadonlyMap<string, readonly [Operand, Witness]>;
  private readonly opened = new Map<string, Opened>();
  private readonly credentials = new Map<string, Credential>();

  /** Begin with the credentials: one holder's secret in all, one witness for equal attributes. */
  constructor(readonly rules: BranchRules, chosen: readonly Chosen[]) {
    this.chosen = new Map(chosen.map((each) => [each.query.id, each]));
    this.builder = new Builder(rules.suite);
    this.secret = this.builder.scope("holder").witness("secret");
    this.shared = this.equalityWitnesses();
    chosen.forEach((each, index) => this.credentials.set(each.query.id, this.credential(index, each)));
  }

  /** A part's own scope. */
  scope(name: string): Scope {
    return this.builder.scope(name);
  }

  /** Keep a part's way to give its secrets. */
  add(place: string, assign: Assign): void {
    this.parts.push({ place, assign });
  }

  /** The witness of a credential's hidden slot. */
  witness(query: string, slot: number): Witness {
    return this.credentials.get(query)?.messages.get(slot) as Witness;
  }

  /** Keep the gadget that opens another holder's commitment. */
  open(foreign: string, opened: Opened): void {
    this.opened.set(foreign, opened);
  }

  /** The witness of a hidden attribute, or of another holder's number. */
  operand(operand: Operand | Foreign): Witness {
    if (operand.kind === "foreign") return (this.opened.get(operand.id) as Opened).m;
    return this.witness(operand.query, this.slot(operand));
  }

  /** How the holder finds the scalar of an attribute, or of another holder's number. */
  value(operand: Operand | Foreign): (held: Held) => bigint {
    if (operand.kind === "foreign") return (held) => required(held.openings.get(operand.id)).m;
    const slot = this.slot(operand);
    return (held) => message(held, operand.query, slot);
  }

  /** What an operand is in all accepted schemas: the same whatever was chosen. */
  kind(operand: Operand | Foreign): Kind {
    return this.rules.kind(operand, this.rules.place);
  }

  private slot(operand: Operand): number {
    return scalars.slot(required(this.chosen.get(operand.query)).schema, operand.attribute);
  }

  private equalityWitnesses(): ReadonlyMap<string, readonly [Operand, Witness]> {
    const scope = this.scope("equal");
    const roots = [...new Set([...this.rules.equal.values()].map((each) => each.id))];
    const witnesses = new Map(roots.map((root, index) => [root, scope.witness(`m${index}`)]));
    const operands = this.rules.branch.predicates.flatMap((each) => (each.kind === "equal" ? each.operands : []));
    return new Map(operands.map((operand) =>
      [operand.id, [operand, witnesses.get(this.rules.root(operand).id) as Witness]]));
  }

  private credential(index: number, chosen: Chosen): Credential {
    const query = chosen.query.id;
    const shared = new Map([[scalars.HOLDER_SECRET, this.secret]]);
    for (const [operand, witness] of this.shared.values()) {
      if (operand.query === query) shared.set(this.slot(operand), witness);
    }
    const generators = scalars.schemaGenerators(chosen.schema, this.rules.suite);
    const domain = domainOf(chosen.schema, chosen.key);
    const scope = this.scope(`credential ${index}`);
    const gadget = Credential.addTo(scope, chosen.key.publicKey, generators, domain, chosen.shown, shared);
    this.add(`${this.rules.place}.queries[${index}]`, (values, held) =>
      gadget.assign(values, required(held.credentials.get(query))));
    return gadget;
  }
}

/** The scalar of a credential's slot. */
export function message(held: Held, query: string, slot: number): bigint {
  return required(required(held.credentials.get(query)).messages[slot]);
}

/** What is there, by everything that was checked before. */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("something is missing that was checked to be there");
  return value;
}
