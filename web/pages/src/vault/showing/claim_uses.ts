// What a department was shown before it issued (prover/composite/showing.py). No ledger keeps it and nobody signed what was
// asked: the vault alone remembers it, with what it is told by.

import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, small } from "../../../../prover/src/disclosure/reading.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";
import { type Presented, presentedOf, type Schemas } from "./presented.js";
import { type Facts, factItems, factsFrom, schemaItems, schemasFrom } from "./usages.js";

export const CLAIM_USE = "claim-use";
const LABEL = "zk-disclosure/web-claim-use/v1";
const MAX_OCTETS = 1 << 22;

export interface ClaimUse {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Milliseconds. */
  readonly time: number;
  /** The department's name for people. */
  readonly verifierName: LocalizedText;
  readonly request: CompositeRequest;
  readonly canonical: Uint8Array;
  readonly presented: Presented;
  readonly schemas: Schemas;
  readonly facts: Facts;
}

const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of a use is none");

export function putClaimUse(draft: Draft, { id, time, verifierName, request, canonical, schemas, facts }: ClaimUse): void {
  const asked = [verifierName.items(), request.canonical];
  const value = encode(LABEL, time, ...asked, canonical, schemaItems(schemas), factItems(facts));
  draft.put({ kind: CLAIM_USE, name: id }, value);
}

/** Decode what `putClaimUse` writes; StoreError VAULT_DAMAGED. */
export function claimUseOf(id: string, stored: Uint8Array): ClaimUse {
  try {
    const [time, name, request, answer, known, facts] = list(decode(LABEL, stored, MAX_OCTETS), damaged, 6);
    const [canonical, schemas] = [octets(answer, damaged), schemasFrom(known, damaged)];
    return {
      id,
      time: small(time, damaged),
      verifierName: LocalizedText.of(name, damaged),
      request: CompositeRequest.fromBytes(octets(request, damaged)),
      canonical,
      presented: presentedOf(canonical, true, schemas),
      schemas,
      facts: factsFrom(facts, damaged),
    };
  } catch {
    throw damaged();
  }
}

export const claimUsesIn = async (draft: Pick<Draft, "list">): Promise<readonly ClaimUse[]> =>
  (await draft.list(CLAIM_USE)).map(({ name, value }) => claimUseOf(name, value));
