// The vault: what a screen asks is done by the part whose business it is; this knows only whether the vault is open.

import { departments } from "./account/applying.js";
import { VaultError } from "./fault.js";
import type {
  ApplicationView, Choice, CredentialView, DepartmentView, InboxView, ItemView, OfferView, Opened as Shown, Overview, RequestView, StandingView, State,
  SubjectKind, TrustView, UseView, Vault, Written,
} from "./model.js";
import { followed, isOtherKey, Session } from "./session.js";
import { SealedStore } from "./store/store.js";
import { believed, logKeyOf, serviceKey, trustOf, trustRecord } from "./trusting.js";

/** The vault's name in this browser. */
const NAME = "vault";

export class Engine implements Vault {
  #session: Session | null = null;

  async state(): Promise<State> {
    if (this.#session !== null) return "open";
    return (await SealedStore.exists(NAME)) ? "locked" : "none";
  }

  async create(passphrase: string, logKey: string): Promise<void> {
    this.#closed();
    await this.#begin(await SealedStore.create(NAME, passphrase, [trustRecord(logKeyOf(logKey))]));
  }

  async unlock(passphrase: string): Promise<void> {
    this.#closed();
    await this.#begin(await SealedStore.unlock(NAME, passphrase));
  }

  async lock(): Promise<void> {
    this.#session?.store.lock();
    this.#session = null;
  }

  async logKey(): Promise<TrustView> {
    return trustOf(await serviceKey());
  }

  trust = async (): Promise<TrustView> => trustOf(await this.#open().store.read(believed));
  changePassphrase = async (old: string, chosen: string): Promise<void> =>
    this.#open().store.changePassphrase(old, chosen);
  backup = async (): Promise<Uint8Array> => this.#open().store.backup();

  async restore(file: Uint8Array, passphrase: string): Promise<void> {
    this.#closed();
    await this.#begin(await SealedStore.restore(NAME, file, passphrase));
  }

  overview = async (): Promise<Overview> => this.#open().overview();
  credential = async (id: string): Promise<CredentialView> => this.#open().holdings.view(id);
  removeCredential = async (id: string): Promise<void> => this.#open().holdings.remove(id);

  async settle(): Promise<Overview> {
    const session = this.#open();
    try {
      await session.settle();
    } catch (error) {
      if (!isOtherKey(error)) throw error;
      this.#session = await followed(session.store);
      await this.#session.settle();
    }
    return this.#open().overview();
  }

  open = async (link: string, pairingCode?: string): Promise<Shown> => this.#open().open(link, pairingCode);
  choose = async (id: string, choice: Choice): Promise<RequestView> => this.#open().showing.choose(id, choice);
  agree = async (id: string, choice: Choice): Promise<UseView> => this.#open().agree(id, choice);
  decline = async (id: string): Promise<void> => this.#open().showing.decline(id);
  claim = async (id: string): Promise<CredentialView> => this.#open().claim(id);
  offerAgain = async (id: string): Promise<OfferView> => this.#open().offerAgain(id);
  uses = async (): Promise<readonly UseView[]> => this.#open().showing.uses();
  use = async (id: string): Promise<UseView> => this.#open().showing.use(id);
  receipt = async (id: string): Promise<Uint8Array> => this.#open().showing.receipt(id);

  register = async (id: string, kind: SubjectKind, number: string): Promise<void> =>
    this.#open().account.register(id, kind, number);
  inbox = async (): Promise<InboxView> => this.#open().inbox();
  applications = async (): Promise<readonly ApplicationView[]> => this.#open().account.applications();
  departments = async (): Promise<readonly DepartmentView[]> => (this.#open(), departments());
  items = async (department: string): Promise<readonly ItemView[]> => this.#open().account.items(department);
  apply = async (schema: string, grounds: string, written: Written = {}): Promise<boolean> =>
    this.#open().account.apply(schema, grounds, written);
  cancelApplication = async (id: string): Promise<void> => this.#open().account.cancel(id);

  grant = notYet<StandingView>;
  standing = notYet<readonly StandingView[]>;
  withdraw = notYet<StandingView>;

  /** Two calls that open at once: the first that is done has it. */
  async #begin(store: SealedStore): Promise<void> {
    const session = new Session(store, await store.read(believed));
    if (this.#session !== null) store.lock();
    this.#session ??= session;
  }

  #open(): Session {
    if (this.#session === null) throw new VaultError("VAULT_LOCKED", "the vault is locked");
    return this.#session;
  }

  #closed(): void {
    if (this.#session !== null) throw new VaultError("VAULT_OPEN", "the vault is open already");
  }
}

async function notYet<Value>(..._: readonly unknown[]): Promise<Value> {
  throw new VaultError("NOT_YET", "this vault cannot do that yet");
}
