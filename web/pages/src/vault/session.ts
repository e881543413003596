// An opened vault, its parts put together: what each is given, and in which order they go on with what broke off.

import { isAway } from "./reading/ground.js";
import type { Verifier } from "../ledger/keys.js";
import { type Link, parseLink } from "../scan/links.js";
import { Service } from "./about.js";
import { AccountPart } from "./account/account.js";
import type { Agents } from "./account/agents.js";
import { accountSeeds, Sessions } from "./account/sessions.js";
import { Claiming } from "./claiming/claiming.js";
import type { Consents } from "./consents/whole.js";
import { bundleLink, ERRAND, isOfErrand } from "./errands/links.js";
import type { ErrandsPart } from "./errands/part.js";
import { loaded, VaultError } from "./fault.js";
import { KeptHoldings } from "./holding/holdings.js";
import type {
  AttendedView, CredentialView, InboxView, OfferView, Opened as Shown, Overview, StandingView,
} from "./model.js";
import type { Opened } from "./parts.js";
import { followLogKey } from "./reading/following.js";
import { Growing } from "./reading/growing.js";
import { PublishedReader } from "./reading/reader.js";
import type { Recovery } from "./recovery/part.js";
import type { RegulatorsPart } from "./regulators/part.js";
import { ShowingPart } from "./showing/part.js";
import type { Event } from "./showing/events.js";
import type { Outgoing } from "./showing/sending.js";
import type { SealedStore } from "./store/store.js";

const now = (): number => Date.now() / 1000;
const CONSENTS = "consents/";

/** Of one key of the log: when that is followed to another, a session is begun anew. */
export class Session {
  readonly holdings: KeptHoldings;
  readonly claiming: Claiming;
  readonly showing: ShowingPart;
  readonly account: AccountPart;
  /** Loaded when they are first wanted. */
  readonly consents: () => Promise<Consents>;
  readonly agents: () => Promise<Agents>;
  readonly recovery: () => Promise<Recovery>;
  readonly errands: () => Promise<ErrandsPart>;
  readonly regulators: () => Promise<RegulatorsPart>;
  readonly #growing: Growing;
  readonly #service: Service;

  constructor(readonly store: SealedStore, log: Verifier) {
    this.#growing = new Growing(store, log);
    const reader = new PublishedReader(store, log, now, this.#growing.saw);
    const opened: Opened = { store, reader, log, now };
    this.#service = new Service(store);
    this.holdings = new KeptHoldings(opened);
    this.claiming = new Claiming(opened, this.holdings, this.#service.server);
    const { server } = this.#service;
    const sessions = new Sessions(opened, (party) =>
      party.startsWith(CONSENTS) ? this.#consentSeeds(party) : accountSeeds(opened, party));
    const outgoing: Outgoing = {
      call: sessions.call,
      ended: async (draft, event, answer, ending) => {
        await this.account.ended(draft, event, answer);
        if (isOfConsent(event)) await (await this.consents()).part.ended(draft, event, answer);
        if (isOfErrand(event)) await (await this.errands()).ended(draft, event, answer, ending);
      },
      moot: async (draft, event) => (isOfConsent(event) ? (await this.consents()).part.moot(draft, event) : null),
    };
    this.account = new AccountPart(opened, this.claiming, server, sessions, outgoing);
    this.consents = once(async () =>
      new (await loaded(() => import("./consents/whole.js"))).Consents(
        opened, this.holdings, server, sessions, outgoing, () => this.#growing.check()));
    this.showing = new ShowingPart(opened, this.holdings, server, () => this.#stillOne(), outgoing);
    this.agents = once(async () =>
      new (await loaded(() => import("./account/agents.js"))).Agents(opened, this.holdings, this.account));
    this.recovery = once(async () =>
      new (await loaded(() => import("./recovery/part.js"))).Recovery(opened, this.#growing, [(await this.consents()).settle]));
    const grows = () => this.#growing.check();
    this.errands = once(async () => {
      const { ErrandsPart } = await loaded(() => import("./errands/part.js"));
      const ledger = { ground: reader.ground, grows, still: () => this.#stillOne() };
      const use = (id: string) => this.showing.use(id);
      return new ErrandsPart({ opened, holdings: this.holdings, server, outgoing, use, ...ledger });
    });
    this.regulators = once(async () =>
      new (await loaded(() => import("./regulators/part.js"))).RegulatorsPart(opened, reader, grows));
  }

  async #hasErrands(): Promise<boolean> {
    return (await this.store.read((draft) => draft.list(ERRAND))).length > 0;
  }

  async *#consentSeeds(party: string): AsyncGenerator<Uint8Array> {
    yield* (await this.consents()).seeds(party);
  }

  /** What a link leads to. LinkError LINK_INVALID; VaultError LINK_UNSUPPORTED, and as each part says. */
  async open(written: string, pairingCode?: string): Promise<Shown> {
    const bundle = bundleLink(written);
    const found = await (bundle === null ? this.#led(parseLink(written), pairingCode) : (await this.errands()).bundle(bundle));
    // What has vouched for verifier, policy and keys has to be of the one ledger before anybody is asked for a yes.
    await this.#growing.check();
    return found;
  }

  async #led(link: Link, pairingCode?: string): Promise<Shown> {
    if (link.action === "present") return this.showing.open(link, pairingCode);
    if (link.action === "offer") return this.claiming.open(link);
    if (link.action === "account") return this.account.open(link);
    if (link.action === "consent") return (await this.consents()).part.open(link);
    throw new VaultError("LINK_UNSUPPORTED", "this vault does not take such a link yet");
  }

  /** Say no to a request, or to the terms of a consent. */
  async decline(id: string): Promise<void> {
    const { part } = await this.consents();
    return part.has(id) ? part.decline(id) : this.showing.decline(id);
  }

  async grant(id: string): Promise<StandingView> {
    await this.#stillOne();
    return (await this.consents()).part.grant(id);
  }

  /**
   * Attend to what waits under consents. Whatever cannot be compared with the one ledger is not answered: LedgerError NOTE_UNSIGNED,
   * thrown or told, may be that the log has another key.
   */
  async attend(): Promise<readonly AttendedView[]> {
    return (await this.consents()).attend();
  }

  async claim(id: string): Promise<CredentialView> {
    const claimed = await this.claiming.claim(id);
    await this.#stillOne();
    return claimed;
  }

  async offerAgain(id: string): Promise<OfferView> {
    const found = await this.claiming.again(id);
    await this.#growing.check();
    return found;
  }

  /** Offers of the inbox: what has vouched for them has to be of the one ledger before one is taken. */
  async inbox(): Promise<InboxView> {
    const found = await this.account.inbox();
    await this.#growing.check();
    return found;
  }

  /** Compare again what has vouched for something since; without a network it is compared the next time. */
  async #stillOne(): Promise<void> {
    try {
      await this.#growing.check();
    } catch (error) {
      if (!isAway(error)) throw error;
    }
  }

  async overview(): Promise<Overview> {
    const about = await this.#service.about();
    const sending = about === null ? 0 : await this.showing.unsent();
    return {
      credentials: await this.holdings.views(),
      unsent: sending + (await this.claiming.unsent()),
      account: about !== null && (await this.account.isBound(about.server)),
      read: about?.settled ?? null,
    };
  }

  /**
   * Go on with what broke off, compare the ledger with what was seen of it, bring witnesses to the newest epochs and receipts to
   * anchored. What does not hold is left as it is, and the first such error is thrown after all; LedgerError NOTE_UNSIGNED: the
   * log may have another key.
   */
  async settle(): Promise<void> {
    await this.#growing.check();
    const failures: unknown[] = [];
    const steps = [
      () => this.claiming.resume(),
      () => this.holdings.catchUp(),
      () => this.showing.settle(),
      async () => void ((await this.#hasErrands()) && (await (await this.errands()).resume())),
      async () => void (await this.#growing.check()),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        if (isAway(error)) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    await this.#service.settled(Date.now());
  }
}

const isOfConsent = ({ note }: Event): boolean => note.kind === "consent-granted" || note.kind === "consent-withdrawn";

/** The same one each time; what failed is made anew. */
function once<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let made: Promise<Made> | null = null;
  return () => (made ??= make().catch((error: unknown) => {
    made = null;
    throw error;
  }));
}

/** The session of the key that follows the one that no longer signs, which is proven by the log's own record of the change. */
export async function followed(store: SealedStore): Promise<Session> {
  return new Session(store, await followLogKey(store));
}
