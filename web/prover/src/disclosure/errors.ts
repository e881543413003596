// What can go wrong between holder and verifier: the reasons and classes of disclosure/errors.py. No message holds
// an attribute's value, key material or a proof.

export type DisclosureReason =
  | "MALFORMED" | "NAME_INVALID" | "SCHEMA_INVALID" | "VALUE_INVALID" | "ATTRIBUTE_UNKNOWN" | "ATTRIBUTE_MISSING"
  | "REQUEST_INVALID" | "PRESENTATION_INVALID" | "PREDICATE_INVALID" | "BOUND_INVALID" | "POLICY_INVALID"
  | "SIGNATURE_INVALID" | "REQUEST_SIGNATURE_INVALID" | "REQUEST_NOT_YET_VALID" | "REQUEST_EXPIRED"
  | "REQUEST_MISMATCH" | "QUERY_MISMATCH" | "SCHEMA_UNKNOWN" | "FORM_NOT_SUPPORTED" | "ISSUER_KEY_UNKNOWN"
  | "ISSUER_KEY_RETIRED" | "CREDENTIAL_EXPIRED" | "EXPIRY_INVALID" | "PROOF_INVALID" | "COMMITMENT_INVALID"
  | "TABLE_UNKNOWN" | "EPOCH_UNKNOWN" | "EPOCH_STALE" | "REGULATOR_UNKNOWN" | "UNSATISFIED"
  | "POLICY_UNKNOWN" | "OVER_ASKING";

/** One of several faults of an input: its place, and a sentence. */
export interface Violation {
  readonly field: string;
  readonly detail: string;
}

/**
 * Base of what is thrown on purpose; `reason` is stable, `field` names the place of a fault where one can be named.
 * `violations` are there where an input has several that are told together: what a request asks too much.
 */
export class DisclosureError extends Error {
  constructor(
    readonly reason: DisclosureReason, readonly detail: string, readonly field = "",
    readonly violations: readonly Violation[] = [],
  ) {
    super(field ? `${reason} (${field}): ${detail}` : `${reason}: ${detail}`);
    this.name = new.target.name;
  }
}

/** Input that is no name, schema, value, request or presentation. */
export class MalformedError extends DisclosureError {}

/** Well-formed input that does not hold, or not here, or not now. */
export class RefusedError extends DisclosureError {}
