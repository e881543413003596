// A hidden value is in a published list, or a hidden handle was not revoked: both are `WeakBB`, on the base of a table
// or on the value of an epoch (bbs/gadgets/membership.py, non_revocation.py).

import type { Epoch, MembershipWitness } from "../accumulator/list.js";
import { InputError } from "../bbs/errors.js";
import { equal } from "../bbs/octets.js";
import type { Scope } from "../engine/builder.js";
import type { Values } from "../engine/prover.js";
import { Base, type Witness } from "../engine/statement.js";
import { toHex } from "../engine/suite.js";
import type { Table } from "./tables.js";
import { WeakBB } from "./weak_bb.js";

/** Proves that the witness m of another gadget is a scalar of a table, whose digest names the gadget. */
export class Membership {
  private constructor(private readonly table: Table, private readonly member: WeakBB) {}

  static addTo(scope: Scope, m: Witness, table: Table): Membership {
    const inner = scope.scope(toHex(table.digest));
    return new Membership(table, WeakBB.addTo(inner, m, table.V, table.key));
  }

  /** Give the value; InputError UNSATISFIED if it is not in the list. */
  assign(values: Values, m: bigint): void {
    this.member.assign(values, m, this.table.signature(m));
  }
}

/** Proves that the witness y of another gadget was not revoked at an epoch, whose digest names the gadget. */
export class NonRevocation {
  private constructor(private readonly epoch: Epoch, private readonly member: WeakBB) {}

  static addTo(scope: Scope, y: Witness, epoch: Epoch): NonRevocation {
    const inner = scope.scope(toHex(epoch.digest));
    const V = new Base(scope.suite, epoch.position.V);
    return new NonRevocation(epoch, WeakBB.addTo(inner, y, V, epoch.key.octets));
  }

  /** Give the holder's witness; InputError EPOCH_MISMATCH unless it is for this epoch's value. */
  assign(values: Values, witness: MembershipWitness): void {
    const here = this.epoch.position;
    if (!equal(witness.at.octets, here.octets) || !equal(witness.at.key.octets, this.epoch.key.octets)) {
      throw new InputError("EPOCH_MISMATCH", "the witness is for another value: catch up first");
    }
    this.member.assign(values, witness.y, new Base(values.suite, witness.C));
  }
}
