// The vault's account at the service of its page (prover/client/account.py): bound by a department's code, its inbox and what
// was applied for.

import { create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";

import { RegisterAccountRequestSchema } from "../../../gen/zkproto/v1/account_pb.js";
import { type Application, Application_State } from "../../../gen/zkproto/v1/application_pb.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { departmentName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Link } from "../../scan/links.js";
import type { Claiming } from "../claiming/claiming.js";
import { faultOf, loaded, VaultError } from "../fault.js";
import type { AccountView, ApplicationView, Fault, InboxView, ItemView, OfferView, SubjectKind, Written } from "../model.js";
import type { Opened } from "../parts.js";
import { account as accounts, applications } from "../reading/clients.js";
import { textOf } from "../reading/messages.js";
import { beginEvent, type Event } from "../showing/events.js";
import { checkServer } from "../showing/fetch.js";
import { type Outgoing, sendEvent } from "../showing/sending.js";
import type { Draft } from "../store/store.js";
import { plain } from "../telling/saying.js";
import { codeHash, registration } from "./keys.js";
import { type Account, accountAt, accountsIn, beginAccount, finishAccount, forgetAccount } from "./records.js";
import type { Sessions } from "./sessions.js";
import { numberOf, subjectOf } from "./subjects.js";

const REGISTER = "/zkproto.v1.AccountService/RegisterAccount";
const TITLE = { zh: "登记账户", en: "Account registered" } as const;
const NAME = /^accounts\/[A-Za-z0-9_-]{1,64}$/;
export const STATES: Readonly<Record<number, ApplicationView["state"]>> = {
  [Application_State.OPEN]: "open",
  [Application_State.APPROVED]: "approved",
  [Application_State.REFUSED]: "refused",
  [Application_State.CANCELLED]: "cancelled",
};
const MAX_MILLISECONDS = 2 ** 47;
export const PAGE = 100;
/** So many pages are read: a service that has always one more holds nobody up. */
const MOST_PAGES = 20;

/** Loaded where somebody applies. */
const applying = () => loaded(() => import("./applying.js"));

interface Asked {
  readonly link: Link;
  readonly called: LocalizedText;
}

export class AccountPart {
  readonly #sessions: Sessions;
  readonly #asked = new Map<string, Asked>();

  /** `server` is host:port of the service that this page speaks to. */
  constructor(
    private readonly opened: Opened, private readonly claiming: Claiming, private readonly server: () => Promise<string>,
    sessions: Sessions, private readonly outgoing: Outgoing,
  ) {
    this.#sessions = sessions;
  }

  /** Keep what the service answered to a registration, within the use case that writes down how it ended; null: it was refused. */
  async ended(draft: Draft, event: Event, answer: unknown): Promise<void> {
    if (event.call.method !== REGISTER) return;
    const name = await registered(draft, event, answer, this.#now());
    if (name !== null) this.#sessions.forget(name);
  }

  /** Whose code a link has. VaultError LINK_ELSEWHERE; MalformedError; what the reader throws. */
  async open(link: Link): Promise<AccountView> {
    checkServer(link, await this.server());
    const department = departmentName(link.name);
    codeHash(link.secret);
    const called = await this.opened.reader.departmentName(department);
    const id = crypto.randomUUID();
    this.#asked.set(id, { link, called });
    return { kind: "account", id, departmentName: plain(called) };
  }

  /**
   * Bind a fresh key to whoever the code was made for. Broken off anywhere the same is called again, or `settle` goes on with
   * it. VaultError REQUEST_CLOSED, NUMBER_MALFORMED; what the service refuses; errors as `sendEvent`.
   */
  async register(id: string, kind: SubjectKind, number: string): Promise<void> {
    const asked = this.#asked.get(id);
    if (asked === undefined) throw new VaultError("REQUEST_CLOSED", "the link is no longer open: open it again");
    const written = numberOf(number);
    const event = await this.opened.store.change((draft) => this.#begun(draft, asked, kind, written));
    await sendEvent(this.opened, event, this.outgoing);
    this.#asked.delete(id);
  }

  /** Whether there is a registered account at this service. */
  async isBound(server: string): Promise<boolean> {
    return (await this.opened.store.read((draft) => accountAt(draft, server))) !== null;
  }

  /** The offers that wait for the account, each read and checked; what cannot be read is told beside. */
  async inbox(): Promise<InboxView> {
    const account = await this.current();
    if (account === null) return { account: false, offers: [], faults: [] };
    const offers: OfferView[] = [];
    const faults: Fault[] = [];
    const waiting = await this.pages(account, (headers, pageToken) =>
      accounts.listOffers({ pageSize: PAGE, pageToken }, { headers }), ({ offers: found }) => found);
    for (const { name, claimCode } of waiting) {
      try {
        offers.push(await this.claiming.open({ action: "offer", server: account.server, name, secret: claimCode }));
      } catch (error) {
        const fault = faultOf(error);
        if (fault.passing) throw error;
        faults.push(fault);
      }
    }
    return { account: true, offers, faults };
  }

  /** What the account has applied for, the newest first; empty without an account. */
  async applications(): Promise<readonly ApplicationView[]> {
    const account = await this.current();
    if (account === null) return [];
    const found = await this.pages(account, (headers, pageToken) =>
      applications.listMyApplications({ pageSize: PAGE, pageToken }, { headers }), ({ applications: all }) => all);
    const views: ApplicationView[] = [];
    for (const each of found) views.push(await this.#application(each));
    return views.sort((one, other) => other.sent - one.sent);
  }

  /**
   * Apply for an item, of one's own or, as its agent, of a company's; returns whether it was sent: else `settle` sends it.
   * VaultError ACCOUNT_NOT_FOUND, and as `applied`; what the service refuses; errors as `sendEvent`.
   */
  async apply(schema: string, grounds: string, written: Written, company: string): Promise<boolean> {
    return this.send(await (await applying()).applied(this.opened, await this.bound(), { schema, grounds, written, company }));
  }

  /** Send what is stored; returns whether it was sent: else `settle` sends it. Errors as `sendEvent` but passing ones. */
  async send(event: Event): Promise<boolean> {
    try {
      await sendEvent(this.opened, event, this.outgoing);
    } catch (error) {
      if (faultOf(error).passing) return false;
      throw error;
    }
    return true;
  }

  /** What a department has that can be applied for, by the ledger. */
  async items(department: string): Promise<readonly ItemView[]> {
    return (await applying()).items(this.opened, department);
  }

  /** Take an open application back. VaultError ACCOUNT_NOT_FOUND; what the service refuses: APPLICATION_DECIDED. */
  async cancel(id: string): Promise<void> {
    const { name } = await this.bound();
    await this.#sessions.call(name, (headers) => applications.cancelApplication({ name: id }, { headers }));
  }

  /** The account; VaultError ACCOUNT_NOT_FOUND. */
  async bound(): Promise<Account> {
    const account = await this.current();
    if (account === null) throw new VaultError("ACCOUNT_NOT_FOUND", "the vault has no account at this service");
    return account;
  }

  /** The account at this service, or null. */
  async current(): Promise<Account | null> {
    const server = await this.server();
    return this.opened.store.read((draft) => accountAt(draft, server));
  }

  async #begun(draft: Draft, { link, called }: Asked, kind: SubjectKind, number: string): Promise<Event> {
    const { server, name: department, secret: code } = link;
    const account = await beginAccount(draft, { server, department, code, kind, number });
    const { publicKey, signature, digest } = registration(code, account.seed, this.opened.log);
    const time = this.#now();
    const note = { kind: "account-registered", party: department, title: TITLE, digest, time, detail: account.id } as const;
    return beginEvent(this.opened.store, draft, { note, called, server }, (requestId, holderNote) => {
      const subject = subjectOf(account);
      const message = create(RegisterAccountRequestSchema, {
        code, department, subject, publicKey, signature, requestId, holderNote,
      });
      return { method: REGISTER, message: toBinary(RegisterAccountRequestSchema, message), session: "" };
    });
  }

  /** All that a listing of the account's has, in so many pages at most. */
  async pages<Answer extends { readonly nextPageToken: string }, Item>(
    { name }: Account, ask: (headers: Readonly<Record<string, string>>, token: string) => Promise<Answer>,
    items: (answer: Answer) => readonly Item[],
  ): Promise<Item[]> {
    const found: Item[] = [];
    let token = "";
    for (let turn = 0; turn < MOST_PAGES; turn += 1) {
      const page = await this.#sessions.call(name, (headers) => ask(headers, token));
      found.push(...items(page));
      token = page.nextPageToken;
      if (token === "") return found;
    }
    return found;
  }

  async #application({ name, schema: written, state, reason, offer, createTime }: Application): Promise<ApplicationView> {
    return {
      id: name,
      ...(await this.#named(written)),
      state: STATES[state] ?? "open",
      reason: reason === undefined ? null : plain(textOf(reason)),
      sent: momentOf(createTime),
      offer: offer === "" ? null : offer,
    };
  }

  /** What is called so, for people; what cannot be read has its own name: one of them hides no other. */
  async #named(written: string): Promise<Pick<ApplicationView, "departmentName" | "title">> {
    const { reader } = this.opened;
    try {
      const schema = SchemaName.parse(written, "schema");
      const department = await reader.departmentName(`departments/${schema.department}`);
      return { departmentName: plain(department), title: plain((await reader.schema(schema)).displayName) };
    } catch (error) {
      if (faultOf(error).passing) throw error;
      return { departmentName: { zh: "", en: "" }, title: { zh: written, en: written } };
    }
  }

  #now(): number {
    return Math.floor(this.opened.now() * 1000);
  }
}

/** Write down the account's name with the receipt, or forget the key that was refused; the event's note says whose it is. */
async function registered(draft: Draft, { note }: Event, answer: unknown, now: number): Promise<string | null> {
  const account = (await accountsIn(draft)).find(({ id }) => id === note.detail);
  if (account === undefined) return null;
  if (answer === null) {
    await forgetAccount(draft, account);
    return null;
  }
  const name = (answer as { readonly account?: unknown }).account;
  if (typeof name !== "string" || !NAME.test(name)) throw new VaultError("ANSWER_INVALID", "the service named no account");
  await finishAccount(draft, account, name, now);
  return name;
}

/** A moment that a screen can show; 0 for what is none. */
export function momentOf(time: Timestamp | undefined): number {
  const found = time === undefined ? 0 : timestampMs(time);
  return found >= 0 && found < MAX_MILLISECONDS ? found : 0;
}
