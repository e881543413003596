// Presentations of the composite form: the holder's choices, what is shown, and one proof of everything else
// (disclosure/composite/presentation.py).

import type { Epoch } from "../accumulator/list.js";
import { Day, toItem, type Value } from "../disclosure/attributes.js";
import { digest, encode, type Item, MAX_OCTETS } from "../disclosure/canonical.js";
import { MalformedError } from "../disclosure/errors.js";
import type { IssuerKeyName, SchemaName } from "../disclosure/names.js";
import { DIGEST_OCTETS, USAGE_TAG_OCTETS } from "../disclosure/request_frame.js";

export const MAX_PROOF_OCTETS = 48 * 1024;
const LABEL = "zk-disclosure/composite-presentation/v1";

/** Which credential answers a query, what is shown of it, and at which epoch it was not revoked. */
export interface CredentialAnswer {
  readonly query: string;
  readonly schema: SchemaName;
  readonly issuerKey: IssuerKeyName;
  /** A value for each attribute that is shown; undefined for one that is absent. */
  readonly values: ReadonlyMap<string, Value | undefined>;
  readonly expiry: Day | null;
  readonly epoch: Epoch | null;
}

/**
 * Everything of a presentation but the proof. `usageTag` lets the vault, and nobody else, recognise its own use;
 * `noteHash` commits to the note that stands beside the ledger's entry. MalformedError PRESENTATION_INVALID.
 */
export class Answer {
  constructor(
    readonly branch: string, readonly credentials: readonly CredentialAnswer[], readonly usageTag: Uint8Array,
    readonly noteHash: Uint8Array, readonly requestDigest: Uint8Array,
  ) {
    const sized = [
      ["usage_tag", usageTag, USAGE_TAG_OCTETS], ["note_hash", noteHash, DIGEST_OCTETS],
      ["request_digest", requestDigest, DIGEST_OCTETS],
    ] as const;
    for (const [field, octets, size] of sized) {
      if (octets.length !== size) throw new MalformedError("PRESENTATION_INVALID", `it has ${size} octets`, field);
    }
  }

  /** What is shown of each credential, for canonical encoding. */
  get shown(): Item[] {
    return this.credentials.map(shownItems);
  }
}

/** An answer with its proof, whose points are compressed: one encoding for a proof. */
export class CompositePresentation {
  /** The presentation's canonical bytes: what goes to the verifier. */
  readonly canonical: Uint8Array;
  /** What its receipt commits to. */
  readonly digest: Uint8Array;

  constructor(readonly answer: Answer, readonly proof: Uint8Array) {
    if (proof.length > MAX_PROOF_OCTETS) {
      throw new MalformedError("PRESENTATION_INVALID", `a proof has 1 to ${MAX_PROOF_OCTETS} octets`, "proof");
    }
    const credentials = answer.credentials.map((each): Item => [
      shownItems(each), each.epoch === null ? null : [each.epoch.key.octets, each.epoch.number],
    ]);
    this.canonical = encode(
      LABEL, answer.requestDigest, answer.branch, answer.usageTag, answer.noteHash, credentials, proof,
    );
    if (this.canonical.length > MAX_OCTETS) {
      throw new MalformedError("PRESENTATION_INVALID", "what is shown is too large", "credentials");
    }
    this.digest = digest(LABEL, this.canonical);
  }
}

function shownItems({ query, schema, issuerKey, values, expiry }: CredentialAnswer): Item {
  const named = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  const pairs = named.map(([name, value]): Item => [name, value !== undefined, value === undefined ? null : toItem(value)]);
  return [query, schema.text, issuerKey.text, expiry === null ? null : expiry.number, pairs];
}
