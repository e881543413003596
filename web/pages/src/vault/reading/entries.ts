// The entries of what is published, as they stand on the ledger (disclosure/registry.py, disclosure/revocation.py,
// disclosure/composite/publication.py; policies have their own). Each is a record of a kind and a canonical payload.
import type { AccumulatorKey, Epoch } from "../../../../prover/src/accumulator/list.js";
import type { PublishedCodeList, PublishedDigits } from "../../../../prover/src/composite/directory.js";
import { hex } from "../../../../prover/src/bbs/octets.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { digest, encode } from "../../../../prover/src/disclosure/canonical.js";
import type { IssuerKey, KeyState } from "../../../../prover/src/disclosure/key.js";
import type { IssuerKeyName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { PublicShare } from "../../../../prover/src/gadgets/escrow.js";
import { recordEntry } from "../../ledger/entry.js";

const ACCUMULATOR = "zk-disclosure/accumulator/v1";

/** A schema's version: its name, and the digest that covers all of it. */
export const schemaEntry = (schema: Schema): Uint8Array =>
  recordEntry("schema", encode("zk-disclosure/registered-schema/v1", schema.name.text, schema.digest));

/** An issuer's key: name, suite, public key. Its state changes, and is not in it. */
export const issuerKeyEntry = ({ name, suite, publicKey }: IssuerKey): Uint8Array =>
  recordEntry("issuer-key", encode("zk-disclosure/issuer-key/v1", name.text, suite, publicKey));

/** A key that is active no more: its name and its new state. */
export const issuerKeyStateEntry = (name: IssuerKeyName, state: KeyState): Uint8Array =>
  recordEntry("issuer-key-state", encode("zk-disclosure/issuer-key-state/v1", name.text, state));

/** A verifier: its name, and the Ed25519 key of 32 octets that it signs with. */
export const verifierEntry = (name: string, publicKey: Uint8Array): Uint8Array =>
  recordEntry("verifier", encode("zk-disclosure/registered-verifier/v1", name, publicKey));

/** A table: whose it is, of which codes if of any, and its digest. */
export const tableEntry = (owner: string, codeSystem: string | null, table: Uint8Array): Uint8Array =>
  recordEntry("table", encode("zk-disclosure/table/v1", owner, codeSystem, table));

export const publishedEntry = (published: PublishedDigits | PublishedCodeList): Uint8Array =>
  tableEntry(published.owner, "codeSystem" in published ? published.codeSystem : null, published.table.digest);

/** A regulator, with what a person is told that it is called. */
export const regulatorEntry = (
  name: string,
  displayName: LocalizedText,
  suite: string,
  shares: readonly PublicShare[],
): Uint8Array => {
  const officers = shares.map((each) => [each.publicKey, each.possession]);
  const items = [name, displayName.items(), [suite, officers]];
  return recordEntry("regulator", encode("zk-disclosure/regulator/v2", ...items));
};

/** The name of a department's accumulator, which follows from its key; `department` is the last part of its name. */
export function accumulatorName(department: string, key: AccumulatorKey): string {
  const octets = encode(ACCUMULATOR, `departments/${department}`, key.suite.name, key.octets);
  return `departments/${department}/accumulators/${hex(digest(ACCUMULATOR, octets).subarray(0, 16))}`;
}

/** An accumulator: name, suite, public key. */
export const accumulatorEntry = (name: string, key: AccumulatorKey): Uint8Array =>
  recordEntry("accumulator", encode(ACCUMULATOR, name, key.suite.name, key.octets));

/** An epoch: its octets, which name its key. Who has a proof of it knows every revocation up to it by its digest. */
export const epochEntry = (epoch: Epoch): Uint8Array => recordEntry("revocation-epoch", epoch.octets);
