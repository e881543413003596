// Putting a statement together, gadget by gadget (bbs/engine/builder.py).

import {
  type Constraint, type Equation, invalid, modR, type Sent, type SignatureCheck, Statement, type Term, type Witness,
} from "./statement.js";
import type { Suite } from "./suite.js";

const PART = /^[ -.0-~]{1,64}$/;

class Gathered {
  readonly scopes = new Set<string>();
  readonly witnesses: Witness[] = [];
  readonly sent: Sent[] = [];
  readonly equations: Equation[] = [];
  readonly constraints: Constraint[] = [];
  readonly checks: SignatureCheck[] = [];
  readonly inner = new Set<Sent>();
  readonly nonzero = new Set<Sent>();
}

/**
 * One gadget's part of a statement: every name that it makes begins with the scope's own, so no two gadgets meet by
 * accident. They meet on purpose when one is handed a witness or a point that another made.
 */
export class Scope {
  constructor(readonly suite: Suite, private readonly prefix: string, protected readonly parts: Gathered) {}

  /** A scope within this one; InputError INVALID_STATEMENT if there is one of this name. */
  scope(name: string): Scope {
    const path = this.name(name);
    if (this.parts.scopes.has(path)) throw invalid(`the scope ${path} is there twice`);
    this.parts.scopes.add(path);
    return new Scope(this.suite, `${path}/`, this.parts);
  }

  /** Declare a secret scalar. */
  witness(name: string): Witness {
    const witness = this.name(name) as Witness;
    this.parts.witnesses.push(witness);
    return witness;
  }

  /** Declare a point that the prover sends and that somebody reads. */
  sent(name: string): Sent {
    const sent = this.name(name) as Sent;
    this.parts.sent.push(sent);
    return sent;
  }

  /** Declare a point that only equations and signature checks see: it counts as its projection into the group. */
  innerPoint(name: string): Sent {
    const sent = this.sent(name);
    this.parts.inner.add(sent);
    return sent;
  }

  /** Add sum of y_k * Y_k = sum of x_j * B_j; the y_k are public and taken modulo r. */
  equation(label: string, Y: readonly (readonly [Term, bigint])[], terms: readonly (readonly [Witness, Term])[]): void {
    const left = Y.map(([point, scalar]) => [point, modR(scalar)] as const);
    this.parts.equations.push({ label: this.name(label), Y: left, terms: [...terms] });
  }

  /** Define a witness as k + sum of a_j * x_j; k and the a_j are public and taken modulo r. */
  constraint(defined: Witness, k: bigint, terms: Iterable<readonly [Witness, bigint]>): void {
    const right = [...terms].map(([witness, a]) => [witness, modR(a)] as const);
    this.parts.constraints.push({ defined, k: modR(k), terms: right });
  }

  /** Ask that D = x*C for the secret scalar x of a key. */
  signature(C: Sent, D: Sent, key: Uint8Array): void {
    this.parts.checks.push({ C, D, key });
  }

  private name(name: string): string {
    if (!PART.test(name)) throw invalid("a name has 1 to 64 printable ASCII characters and no slash");
    return this.prefix + name;
  }
}

/** The outermost scope; `build` gives the statement. */
export class Builder extends Scope {
  constructor(suite: Suite) {
    super(suite, "", new Gathered());
  }

  /** What was put together; InputError INVALID_STATEMENT unless it keeps every rule. */
  build(): Statement {
    return new Statement(this.suite, this.parts);
  }
}
