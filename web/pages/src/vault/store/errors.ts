// Why a vault is not opened or not read: under the names of prover/errors.py where Python has the same case.

export type StoreReason =
  | "PASSPHRASE_TOO_SHORT"
  | "PASSPHRASE_TOO_LONG"
  | "PASSPHRASE_MALFORMED"
  | "PASSPHRASE_WRONG"
  | "WORDS_INVALID"
  | "VAULT_EXISTS"
  | "VAULT_NOT_FOUND"
  | "VAULT_DAMAGED"
  | "VAULT_LOCKED"
  | "VAULT_REPLACED"
  | "BACKUP_MALFORMED";

/** What a vault's storage refuses. Neither reason nor detail names anything that is sealed. */
export class StoreError extends Error {
  override readonly name = "StoreError";

  constructor(
    readonly reason: StoreReason,
    detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}
