// Why a request is not answered, beside what the prover, the storage and the ledger refuse: under the names of
// prover/errors.py. No detail holds a value, a link, a ticket or key material.

export type ShowingReason =
  | "NOTHING_FITS"
  | "CHOICE_INVALID"
  | "SCHEMA_CHANGED"
  | "OWN_PROOF_INVALID"
  | "LINK_ELSEWHERE"
  | "ANSWER_INVALID"
  | "USAGE_NOT_FOUND"
  | "EVENT_NOT_FOUND"
  | "NO_RECEIPT"
  | "RECEIPT_MISMATCH"
  | "VAULT_DAMAGED";

export class ShowingError extends Error {
  override readonly name: string = "ShowingError";

  constructor(
    readonly reason: ShowingReason,
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}
