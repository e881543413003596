// What the parts of the vault's worker know of each other. Each part stands in a folder: `reading` (what is published,
// checked on the ledger), `holding` (records), `claiming`, `showing`, `telling` (sentences), `history`; `engine.ts` puts
// them together as the `Vault` of model.ts.

import type { AccumulatorKey, Epoch, MembershipWitness } from "../../../prover/src/accumulator/list.js";
import type { CompositeCredential } from "../../../prover/src/composite/credential.js";
import type { CompositeDirectory } from "../../../prover/src/composite/directory.js";
import type { CompositeRequest } from "../../../prover/src/composite/request.js";
import type { LocalizedText } from "../../../prover/src/disclosure/attributes.js";
import type { IssuerKey } from "../../../prover/src/disclosure/key.js";
import type { IssuerKeyName, PolicyName, SchemaName } from "../../../prover/src/disclosure/names.js";
import type { RegisteredPolicy } from "../../../prover/src/disclosure/policy.js";
import type { Schema } from "../../../prover/src/disclosure/schema.js";
import type { States } from "../../gen/zkproto/v1/states_pb.js";
import type { Verifier } from "../ledger/keys.js";
import type { SealedStore } from "./store/store.js";

/** A department's list of revocations, whose record stands on the ledger. */
export interface List {
  readonly name: string;
  readonly department: string;
  readonly key: AccumulatorKey;
}

export interface RegisteredVerifier {
  readonly name: string;
  readonly displayName: LocalizedText;
  /** Ed25519, 32 octets. */
  readonly publicKey: Uint8Array;
}

/**
 * Reads what is published, and believes only what stands on the ledger under the log's key (wire/published.py). What was
 * read once and cannot change is kept in the sealed store, so that it is there without a network.
 */
export interface Reader {
  schema(name: SchemaName): Promise<Schema>;
  issuerKey(name: IssuerKeyName): Promise<IssuerKey>;
  departmentName(department: string): Promise<LocalizedText>;
  verifier(name: string): Promise<RegisteredVerifier>;
  policy(name: PolicyName): Promise<RegisteredPolicy>;
  /** A department's lists, the newest first; empty if it revokes nothing. */
  lists(department: string): Promise<readonly List[]>;
  epoch(list: List, number: bigint): Promise<Epoch>;
  newestEpoch(list: List): Promise<Epoch>;
  /**
   * All that a request is read with; `checkRequest` of the prover has passed over it. `told` is how keys and accumulators
   * stand, where the service has said it unasked.
   */
  directory(request: CompositeRequest, told?: States): Promise<CompositeDirectory>;
  /** A witness brought to the newest epoch of its list; null if the credential was revoked. */
  caughtUp(list: List, witness: MembershipWitness): Promise<{ witness: MembershipWitness; epoch: Epoch } | null>;
}

/** How a credential stands in its department's list. */
export interface Standing {
  readonly list: List;
  readonly epoch: Epoch;
  readonly witness: MembershipWitness;
  readonly revoked: boolean;
}

/** A credential of the composite form as it is held, with what it is read with. */
export interface HeldComposite {
  readonly id: string;
  readonly credential: CompositeCredential;
  readonly schema: Schema;
  readonly issuerKey: IssuerKey;
  /** Milliseconds. */
  readonly received: number;
  readonly standing: Standing | null;
}

/** What every part is given when the vault is opened. `now` is in seconds. */
export interface Opened {
  readonly store: SealedStore;
  readonly reader: Reader;
  /** The log's key that the vault believes. */
  readonly log: Verifier;
  readonly now: () => number;
}
