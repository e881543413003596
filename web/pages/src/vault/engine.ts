// The vault: what a screen asks is done by the part whose business it is; this knows only whether the vault is open.

import type { BundleView, ErrandAnswers, ErrandAskView, ErrandView } from "./errands/model.js";
import { loaded, VaultError } from "./fault.js";
import { isBegun } from "./history/found.js";
import type {
  AgentsView, ApplicationView, Appointing, AttendedView, Choice, CredentialView, DepartmentView, InboxView, ItemView, OfferView,
  Opened as Shown, Overview, ReadingView, RecoveredView, RequestView, StandingView, State, SubjectKind, TrustView, UseView, Vault,
  Written,
} from "./model.js";
import { isOtherKey, isOtherKeys } from "./reading/following.js";
import type { RegulatorView } from "./regulators/model.js";
import { followed, Session } from "./session.js";
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

  async recover(words: string, passphrase: string, logKey: string): Promise<void> {
    this.#closed();
    const { recovered } = await loaded(() => import("./recovery/recovered.js"));
    await this.#begin(await recovered(NAME, words, passphrase, logKeyOf(logKey)));
  }

  async words(passphrase: string, language: "zh" | "en"): Promise<readonly string[]> {
    const { store } = this.#open();
    const { wordsFor } = await loaded(() => import("./recovery/recovered.js"));
    return wordsFor(store, passphrase, language);
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
    const { agedConsent } = await loaded(() => import("./consents/records.js"));
    await this.#begin(await SealedStore.restore(NAME, file, passphrase, agedConsent));
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
  agree = async (id: string, choice: Choice): Promise<UseView> => this.#open().showing.agree(id, choice);
  decline = async (id: string): Promise<void> => this.#open().decline(id);
  claim = async (id: string): Promise<CredentialView> => this.#open().claim(id);
  offerAgain = async (id: string): Promise<OfferView> => this.#open().offerAgain(id);
  uses = async (): Promise<readonly UseView[]> => this.#open().showing.uses();
  use = async (id: string): Promise<UseView> => this.#open().showing.use(id);
  receipt = async (id: string): Promise<Uint8Array> => this.#open().showing.receipt(id);

  bundles = async (): Promise<readonly BundleView[]> => (await this.#open().errands()).bundles();
  errands = async (): Promise<readonly ErrandView[]> => (await this.#open().errands()).errands();
  errand = async (id: string): Promise<ErrandView> => (await this.#open().errands()).errand(id);
  beginErrand = async (bundle: string): Promise<ErrandView> => (await this.#open().errands()).beginErrand(bundle);
  async followErrand(id: string, mark: string): Promise<ErrandView> {
    const follow = async (): Promise<ErrandView> => (await this.#open().errands()).followErrand(id, mark);
    try {
      return await follow();
    } catch (error) {
      if (!isOtherKey(error)) throw error;
      this.#session = await followed(this.#open().store);
      return follow();
    }
  }

  leaveErrand = async (): Promise<void> => (await this.#open().errands()).leaveErrand();
  askedErrand = async (id: string): Promise<ErrandAskView> => (await this.#open().errands()).askedErrand(id);
  chooseErrand = async (id: string, answers: ErrandAnswers): Promise<ErrandAskView> =>
    (await this.#open().errands()).chooseErrand(id, answers);
  submitErrand = async (id: string, answers: ErrandAnswers): Promise<ErrandView> =>
    (await this.#open().errands()).submitErrand(id, answers);
  declineErrand = async (id: string): Promise<ErrandView> => (await this.#open().errands()).declineErrand(id);
  retryErrand = async (id: string, part: string): Promise<ErrandView> =>
    (await this.#open().errands()).retryErrand(id, part);

  regulators = async (): Promise<readonly RegulatorView[]> => (await this.#open().regulators()).regulators();
  trustedRegulators = async (): Promise<readonly RegulatorView[]> =>
    (await this.#open().regulators()).trustedRegulators();
  trustRegulator = async (digest: string): Promise<void> => (await this.#open().regulators()).trustRegulator(digest);
  distrustRegulator = async (digest: string): Promise<void> => (await this.#open().regulators()).distrustRegulator(digest);

  register = async (id: string, kind: SubjectKind, number: string): Promise<void> =>
    this.#open().account.register(id, kind, number);
  inbox = async (): Promise<InboxView> => this.#open().inbox();
  applications = async (): Promise<readonly ApplicationView[]> => this.#open().account.applications();
  departments = async (): Promise<readonly DepartmentView[]> => (this.#open(), (await loaded(() => import("./account/applying.js"))).departments());
  items = async (department: string): Promise<readonly ItemView[]> => this.#open().account.items(department);
  apply = async (schema: string, grounds: string, written: Written = {}, company = ""): Promise<boolean> =>
    this.#open().account.apply(schema, grounds, written, company);
  cancelApplication = async (id: string): Promise<void> => this.#open().account.cancel(id);
  agents = async (): Promise<AgentsView> => (await this.#open().agents()).view();
  appoint = async (asked: Appointing): Promise<boolean> => (await this.#open().agents()).appoint(asked);
  endAppointment = async (id: string): Promise<boolean> => (await this.#open().agents()).end(id);

  async reading(): Promise<ReadingView | null> {
    const session = this.#open();
    return (await isBegun(session)) ? (await session.recovery()).state() : null;
  }

  readLedger = async (): Promise<ReadingView> => (await this.#open().recovery()).step();

  grant = async (id: string): Promise<StandingView> => this.#open().grant(id);
  standing = async (): Promise<readonly StandingView[]> => (await this.#open().consents()).part.standing();
  recoverStanding = async (): Promise<RecoveredView> => (await this.#open().consents()).recover();
  withdraw = async (id: string): Promise<StandingView> => (await this.#open().consents()).part.withdraw(id);

  async attend(): Promise<readonly AttendedView[]> {
    const session = this.#open();
    let told: readonly AttendedView[] = [];
    try {
      told = await session.attend();
      if (!told.some(({ fault }) => fault !== null && isOtherKeys(fault))) return told;
    } catch (error) {
      if (!isOtherKey(error)) throw error;
    }
    this.#session = await followed(session.store);
    const answered = told.filter(({ use }) => use !== null);
    return [...answered, ...(await this.#session.attend())];
  }

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
