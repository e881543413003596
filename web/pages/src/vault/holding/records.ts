// How held credentials stand in the sealed store: with schema, key and list, so that they are read without asking anybody.

import { Epoch, MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { CompositeCredential } from "../../../../prover/src/composite/credential.js";
import { type Decoded, decode, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import type { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import { flag, list, octets, orNull, small } from "../../../../prover/src/disclosure/reading.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { PlainCredential } from "../../../../prover/src/plain/credential.js";
import type { HeldComposite, Standing } from "../parts.js";
import { ISSUER_KEY, LIST, SCHEMA } from "../reading/sorts.js";
import type { HeldPlainOne } from "../showing/holdings.js";
import { StoreError } from "../store/errors.js";

export const COMPOSITE = "composite-credential";
export const PLAIN = "plain-credential";
const COMPOSITE_LABEL = "zk-disclosure/web-composite-credential/v1";
const PLAIN_LABEL = "zk-disclosure/web-plain-credential/v1";
/** A schema and a credential have 64 KiB each at most. */
const MAX_OCTETS = 1 << 18;

const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of a credential is none");

export function compositeOctets({ credential, schema, issuerKey, received, standing }: HeldComposite): Uint8Array {
  const read = [SCHEMA.toItems(schema), ISSUER_KEY.toItems(issuerKey)];
  return encode(COMPOSITE_LABEL, ...read, credential.toBytes(schema), received, standingItem(standing));
}

function standingItem(standing: Standing | null): Item {
  if (standing === null) return null;
  const { list: of, epoch, witness, revoked } = standing;
  return [LIST.toItems(of), epoch.octets, witness.toOctetsSecret(), revoked];
}

/** Read one; StoreError VAULT_DAMAGED. */
export function compositeOf(id: string, record: Uint8Array): HeldComposite {
  return read(() => {
    const [about, key, credential, received, standing] = list(decode(COMPOSITE_LABEL, record, MAX_OCTETS), damaged, 5);
    const schema = SCHEMA.fromItems(list(about, damaged));
    return {
      id,
      credential: CompositeCredential.fromBytes(octets(credential, damaged), schema),
      schema,
      issuerKey: ISSUER_KEY.fromItems(list(key, damaged, 4)),
      received: small(received, damaged),
      standing: orNull(standing, damaged, standingOf),
    };
  });
}

function standingOf(item: Decoded | undefined): Standing {
  const [of, epoch, witness, revoked] = list(item, damaged, 4);
  const known = LIST.fromItems(list(of, damaged, 4));
  return {
    list: known,
    epoch: Epoch.fromOctets(octets(epoch, damaged), known.key),
    witness: MembershipWitness.fromOctets(octets(witness, damaged), known.key),
    revoked: flag(revoked, damaged),
  };
}

export function plainOctets({ credential, schema, issuerKey, received }: HeldPlainOne): Uint8Array {
  const about = [SCHEMA.toItems(schema), ISSUER_KEY.toItems(issuerKey)];
  return encode(PLAIN_LABEL, ...about, credential.toBytes(schema), received);
}

/** Read one; StoreError VAULT_DAMAGED. */
export function plainOf(id: string, record: Uint8Array): HeldPlainOne {
  return read(() => {
    const [about, key, credential, received] = list(decode(PLAIN_LABEL, record, MAX_OCTETS), damaged, 4);
    const [schema, issuerKey] = readWith(about, key);
    const held = PlainCredential.fromBytes(octets(credential, damaged), schema);
    return { id, credential: held, schema, issuerKey, received: small(received, damaged) };
  });
}

function readWith(about: Decoded | undefined, key: Decoded | undefined): [Schema, IssuerKey] {
  return [SCHEMA.fromItems(list(about, damaged)), ISSUER_KEY.fromItems(list(key, damaged, 4))];
}

/** Whatever a constructor refuses was not written by a vault. */
function read<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw damaged();
  }
}
