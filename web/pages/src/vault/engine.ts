// The vault: puts the parts of the worker together. What a screen asks is done by the part whose business it is; this
// knows only whether the vault is open, and what each part is given.

import { VaultError } from "./fault.js";
import type {
  ApplicationView, CredentialView, OfferView, Opened as Shown, Overview, RequestView,
  StandingView, State, TrustView, UseView, Vault,
} from "./model.js";
import { SealedStore } from "./store/store.js";
import { believed, logKeyOf, serviceKey, trustOf, trustRecord } from "./trusting.js";

/** The vault's name in this browser. */
const NAME = "vault";

export class Engine implements Vault {
  #store: SealedStore | null = null;

  async state(): Promise<State> {
    if (this.#store !== null) return "open";
    return (await SealedStore.exists(NAME)) ? "locked" : "none";
  }

  async create(passphrase: string, logKey: string): Promise<void> {
    this.#closed();
    this.#begin(await SealedStore.create(NAME, passphrase, [trustRecord(logKeyOf(logKey))]));
  }

  async unlock(passphrase: string): Promise<void> {
    this.#closed();
    this.#begin(await SealedStore.unlock(NAME, passphrase));
  }

  async lock(): Promise<void> {
    this.#store?.lock();
    this.#store = null;
  }

  async logKey(): Promise<TrustView> {
    return trustOf(await serviceKey());
  }

  async trust(): Promise<TrustView> {
    return trustOf(await this.#open().read(believed));
  }

  changePassphrase(old: string, chosen: string): Promise<void> {
    return this.#open().changePassphrase(old, chosen);
  }

  async backup(): Promise<Uint8Array> {
    return this.#open().backup();
  }

  async restore(file: Uint8Array, passphrase: string): Promise<void> {
    this.#closed();
    this.#begin(await SealedStore.restore(NAME, file, passphrase));
  }

  overview = notYet<Overview>;
  credential = notYet<CredentialView>;
  removeCredential = notYet<void>;
  settle = notYet<Overview>;
  open = notYet<Shown>;
  choose = notYet<RequestView>;
  agree = notYet<UseView>;
  decline = notYet<void>;
  claim = notYet<CredentialView>;
  grant = notYet<StandingView>;
  register = notYet<void>;
  uses = notYet<readonly UseView[]>;
  use = notYet<UseView>;
  receipt = notYet<Uint8Array>;
  standing = notYet<readonly StandingView[]>;
  withdraw = notYet<StandingView>;
  inbox = notYet<readonly OfferView[]>;
  applications = notYet<readonly ApplicationView[]>;

  /** Two calls that open at once: the first that is done has it. */
  #begin(store: SealedStore): void {
    if (this.#store !== null) store.lock();
    this.#store ??= store;
  }

  #open(): SealedStore {
    if (this.#store === null) throw new VaultError("VAULT_LOCKED", "the vault is locked");
    return this.#store;
  }

  #closed(): void {
    if (this.#store !== null) throw new VaultError("VAULT_OPEN", "the vault is open already");
  }
}

async function notYet<Value>(..._: readonly unknown[]): Promise<Value> {
  throw new VaultError("NOT_YET", "this vault cannot do that yet");
}
