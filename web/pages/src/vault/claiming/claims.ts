// Claims that are under way, in the sealed store: the very message that goes out, and what it takes to accept what comes
// (prover/composite/records.py). A claim is stored before it is sent, and gone when the service was told to forget.

import { PendingCredential } from "../../../../prover/src/composite/issuance.js";
import { IssuanceTerms } from "../../../../prover/src/composite/terms.js";
import { fromInteger, toInteger } from "../../../../prover/src/bbs/octets.js";
import { type Decoded, decode, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import type { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import { flag, list, octets, orNull, small, text } from "../../../../prover/src/disclosure/reading.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { ISSUER_KEY, SCHEMA } from "../reading/sorts.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";

const KIND = "claim";
const LABEL = "zk-disclosure/web-claim/v1";
const MAX_OCTETS = 1 << 21;
const BLIND_OCTETS = 32;

/** What the composite form needs besides. */
export interface Committed {
  readonly pending: PendingCredential;
  readonly schema: Schema;
  readonly issuerKey: IssuerKey;
  /** Whether the department had a list of revocations when the claim was begun: then one counts. */
  readonly revokes: boolean;
}

export interface Claim {
  readonly id: string;
  readonly server: string;
  readonly offer: string;
  readonly code: string;
  /** What was offered: no other is kept. */
  readonly schema: string;
  readonly requestId: string;
  /** Milliseconds. */
  readonly begun: number;
  /** zkproto.v1.ClaimCredentialRequest, or where there is a commitment ClaimCompositeCredentialRequest. */
  readonly message: Uint8Array;
  readonly committed: Committed | null;
  /** The held credential's identifier, once it is kept. */
  readonly credential: string | null;
}

const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of a claim is none");

export function putClaim(draft: Draft, claim: Claim): Claim {
  draft.put({ kind: KIND, name: claim.id }, claimOctets(claim));
  return claim;
}

/** Write down that a claim's credential is kept, unless the claim has ended meanwhile in another tab. */
export async function keepClaim(draft: Draft, claim: Claim, credential: string): Promise<void> {
  if ((await claimsIn(draft)).some(({ id }) => id === claim.id)) putClaim(draft, { ...claim, credential });
}

export const endClaim = (draft: Draft, { id }: Claim): void => draft.remove({ kind: KIND, name: id });

/** Those that are not acknowledged, in the order in which they were begun. StoreError VAULT_DAMAGED. */
export async function claimsIn(draft: Pick<Draft, "list">): Promise<readonly Claim[]> {
  const all = (await draft.list(KIND)).map(({ name, value }) => claimOf(name, value));
  return all.sort((one, other) => one.begun - other.begun || (one.id < other.id ? -1 : 1));
}

function claimOctets({ server, offer, code, schema, requestId, begun, message, committed, credential }: Claim): Uint8Array {
  return encode(LABEL, server, offer, code, schema, requestId, begun, message, committedItem(committed), credential);
}

function committedItem(committed: Committed | null): Item {
  if (committed === null) return null;
  const { pending, schema, issuerKey, revokes } = committed;
  const about = [SCHEMA.toItems(schema), ISSUER_KEY.toItems(issuerKey)];
  return [pending.terms.canonical, fromInteger(pending.blind, BLIND_OCTETS), ...about, revokes];
}

function claimOf(id: string, record: Uint8Array): Claim {
  try {
    const items = list(decode(LABEL, record, MAX_OCTETS), damaged, 9);
    return {
      id,
      server: text(items[0], damaged),
      offer: text(items[1], damaged),
      code: text(items[2], damaged),
      schema: text(items[3], damaged),
      requestId: text(items[4], damaged),
      begun: small(items[5], damaged),
      message: octets(items[6], damaged),
      committed: orNull(items[7], damaged, committedOf),
      credential: orNull(items[8], damaged, text),
    };
  } catch {
    throw damaged();
  }
}

function committedOf(item: Decoded | undefined): Committed {
  const [terms, blind, schema, key, revokes] = list(item, damaged, 5);
  return {
    pending: new PendingCredential(IssuanceTerms.fromBytes(octets(terms, damaged)), toInteger(octets(blind, damaged))),
    schema: SCHEMA.fromItems(list(schema, damaged)),
    issuerKey: ISSUER_KEY.fromItems(list(key, damaged, 4)),
    revokes: flag(revokes, damaged),
  };
}
