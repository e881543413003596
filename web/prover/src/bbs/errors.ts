/**
 * What can go wrong with proofs and points, as a small tree.
 *
 * Failing to decode, failing to verify and calling wrongly are different errors; `reason` is a stable string, the same
 * that the Python package `bbs` gives. No message contains key material, messages or random scalars.
 */

/** The stable reasons. */
export type Reason =
  | "INVALID_LENGTH"
  | "INVALID_POINT"
  | "NOT_IN_SUBGROUP"
  | "IDENTITY_POINT"
  | "INVALID_SCALAR"
  | "INVALID_LABEL"
  | "INVALID_COUNT"
  | "SIGNATURE_INVALID"
  | "PROOF_INVALID"
  | "COMMITMENT_INVALID"
  | "WITNESS_INVALID"
  | "PAGE_INVALID"
  | "REVOKED"
  | "INVALID_TYPE"
  | "INVALID_INDEXES"
  | "INVALID_DST"
  | "INVALID_RANDOMNESS"
  | "INVALID_NONCE"
  | "INPUT_TOO_LONG"
  | "COUNT_MISMATCH"
  | "KEY_MISMATCH"
  | "SCALAR_OUT_OF_RANGE"
  | "TOO_MANY_MESSAGES"
  | "UNKNOWN_CIPHERSUITE"
  | "DEGENERATE"
  | "INVALID_STATEMENT"
  | "UNSATISFIED"
  | "ALREADY_USED"
  | "ALREADY_REVOKED"
  | "ACCUMULATOR_FULL"
  | "EPOCH_MISMATCH";

/** Base of every error that is raised on purpose here. */
export class BbsError extends Error {
  override readonly name: string = "BbsError";

  constructor(
    readonly reason: Reason,
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** Octets that encode no signature, proof, commitment, point, key or scalar. */
export class DecodingError extends BbsError {
  override readonly name = "DecodingError";
}

/** A well-formed signature or witness that does not hold. */
export class VerificationError extends BbsError {
  override readonly name = "VerificationError";
}

/** Arguments outside an operation's domain: the caller's mistake, not the other party's. */
export class InputError extends BbsError {
  override readonly name = "InputError";
}
