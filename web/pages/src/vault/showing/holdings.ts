// What showing is given of what the vault holds, by the part that keeps it.

import type { Epoch, MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import type { HolderSecret } from "../../../../prover/src/composite/credential.js";
import type { HeldPlain } from "../../../../prover/src/plain/present.js";
import type { HeldComposite } from "../parts.js";
import type { Regulator } from "../telling/facts.js";

/** A credential of the plain form as it is held. */
export interface HeldPlainOne extends HeldPlain {
  readonly id: string;
  /** Milliseconds. */
  readonly received: number;
}

/** All that is held, as it was at one moment. */
export interface Held {
  /** null before there is any credential. */
  readonly secret: HolderSecret | null;
  readonly composite: readonly HeldComposite[];
  readonly plain: readonly HeldPlainOne[];
  /** The regulators that an identity may be escrowed to. */
  readonly regulators: readonly Regulator[];
}

export interface Holdings {
  held(): Promise<Held>;
  /** Keep a witness of a newer epoch. */
  keepWitness(id: string, witness: MembershipWitness, epoch: Epoch): Promise<void>;
  /** Write down that a credential is revoked. */
  markRevoked(id: string): Promise<void>;
}
