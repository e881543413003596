// Requests under standing consents (prover/client/consents.py): what waits and is within a consent is answered without asking, what
// is beyond it is refused and written down. What cannot be answered now (a credential is missing, a receipt does not hold) is told
// and left, and holds up nothing else.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { checkAllowed } from "../../../../prover/src/disclosure/allowance.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { checkStanding } from "../../../../prover/src/disclosure/standing.js";
import { type Link, parseLink, writeLink } from "../../scan/links.js";
import type { Sessions } from "../account/sessions.js";
import { faultOf, refusal, VaultError } from "../fault.js";
import type { AttendedView, Fault } from "../model.js";
import type { Opened } from "../parts.js";
import { isOtherKey } from "../reading/following.js";
import type { Departments } from "../showing/answer.js";
import { type Answer, answerTo, departmentsNamed, proven, sentUsage } from "../showing/answering.js";
import { beginDecline, triedEvent } from "../showing/decline.js";
import { eventsIn } from "../showing/events.js";
import { type Fetched, fetchRequest } from "../showing/fetch.js";
import type { Holdings } from "../showing/holdings.js";
import type { Usage } from "../showing/usages.js";
import { StoreError } from "../store/errors.js";
import { plain } from "../telling/saying.js";
import { consents } from "./client.js";
import { answeredIn, BEYOND, checkOpen, checkUnder, consentIn, consentsIn, countAnswer, type HeldConsent } from "./records.js";

/** So many requests of one consent are looked at in one visit. */
const MOST = 100;

interface Waiting {
  readonly exchange: string;
  readonly ticket: string;
}

interface Prepared {
  readonly fetched: Fetched;
  readonly departments: Departments;
  readonly answer: Answer;
}

export class Attending {
  #running: Promise<readonly AttendedView[]> | null = null;

  /** `oneLedger` throws unless all that has vouched for something is of the one ledger that only grows. */
  constructor(
    private readonly opened: Opened, private readonly holdings: Holdings, private readonly server: () => Promise<string>,
    private readonly sessions: Sessions, private readonly oneLedger: () => Promise<unknown>,
  ) {}

  /**
   * Attend to all consents; whoever asks while it is done is told what comes of that. Throws what says nothing of one request or
   * consent: the service was not reached, the ledger is another one.
   */
  attend(): Promise<readonly AttendedView[]> {
    this.#running ??= this.#alone().finally(() => (this.#running = null));
    return this.#running;
  }

  /** One at a time in this browser: another tab, or this one's session under the log's former key, may attend too. */
  async #alone(): Promise<readonly AttendedView[]> {
    return navigator.locks.request(`attend ${this.opened.store.name}`, () => this.#attend());
  }

  async #attend(): Promise<readonly AttendedView[]> {
    const told: AttendedView[] = [];
    for (const held of await this.#attended()) {
      const waiting = await apart(told, held, () => this.#waiting(held));
      for (const each of waiting ?? []) {
        const prepared = await apart(told, held, () => this.#prepared(held.id, each));
        if (prepared === null) continue;
        const usage = await apart(told, held, () => this.#proven(held.id, prepared));
        if (usage === null) continue;
        const sent = await apart(told, held, () => this.#sent(usage), usage);
        if (sent !== null) told.push(attendedView(held, sent, refusedFor(sent)));
      }
    }
    return told;
  }

  /**
   * Those that were granted here, and that the service has given its receipt for; also those that are used up: what comes then is
   * refused, and written down.
   */
  async #attended(): Promise<readonly HeldConsent[]> {
    const held = await this.opened.store.read(async (draft) => {
      const granted = (await consentsIn(draft)).filter(({ state }) => state === "granted");
      const events = granted.length === 0 ? [] : await eventsIn(draft);
      return granted.filter((each) => events.some(({ state, note, server }) =>
        state === "recorded" && note.kind === "consent-granted" && server === each.link.server &&
        equal(note.digest, each.terms.digest)));
    });
    if (held.length === 0) return [];
    const server = await this.server();
    return held.filter(({ link }) => link.server === server);
  }

  async #waiting({ link: { name: consent } }: HeldConsent): Promise<readonly Waiting[]> {
    let waiting: readonly Waiting[];
    try {
      const answer = await this.sessions.call(consent, (headers) => consents.listConsentExchanges({ consent }, { headers }));
      waiting = answer.exchanges;
    } catch (error) {
      if (refusal(error) === "REQUEST_SIGNATURE_INVALID") return []; // its grant is still to be sent
      throw error;
    }
    const answered = await this.opened.store.read(answeredIn);
    return waiting.filter(({ exchange }) => !answered.has(exchange)).slice(0, MOST);
  }

  /** VaultError CONSENT_BEYOND, BRANCH_UNDECIDED, PAIRING_REQUIRED; errors as `fetchRequest`, `checkAllowed` and `planned`. */
  async #prepared(id: string, waiting: Waiting): Promise<Prepared> {
    const fetched = await fetchRequest(this.opened, linkOf(await this.server(), waiting));
    if (fetched === null) throw new VaultError("PAIRING_REQUIRED", "the request takes a code that nobody is asked for");
    await this.#check(id, fetched);
    const departments = await departmentsNamed(this.opened, fetched.request);
    const answer = await answerTo(this.opened, this.holdings, fetched);
    if (answer.form === "composite" && !answer.plan.isFirst) {
      const detail = "the first way cannot be answered; a later one is for the person to choose";
      throw new VaultError("BRANCH_UNDECIDED", detail);
    }
    return { fetched, departments, answer };
  }

  /**
   * Refuse, and write down, what asks more than the policy, its limits, or the consent allow. What another verifier asks, or was
   * answered before, its verifier has not asked under this consent: the service says so alone, and it is only told.
   */
  async #check(id: string, fetched: Fetched): Promise<void> {
    const { link, request, policy } = fetched;
    const held = await this.opened.store.read(async (draft) => {
      await checkOpen(draft, link.name, request);
      return consentIn(draft, id);
    });
    if (request.verifier !== held.terms.verifier) throw new VaultError(BEYOND, "another verifier asks than the consent is for");
    try {
      checkAllowed(request, policy);
      checkUnder(held, request, this.opened.now());
      checkStanding(held.terms, policy);
    } catch (error) {
      const isBeyond = error instanceof VaultError && error.reason === BEYOND;
      if (isBeyond || error instanceof RefusedError) await this.#overAsked(fetched);
      throw error;
    }
  }

  /** Write down and say that too much was asked, once: what the service did not take is not said to it again. */
  async #overAsked(fetched: Fetched): Promise<void> {
    const { link, request } = fetched;
    const event = await this.opened.store.change(async (draft) => {
      await checkOpen(draft, link.name, request);
      const wasRefused = (await eventsIn(draft)).some(({ state, note }) =>
        state === "refused" && note.kind === "over-asked" && equal(note.digest, request.digest));
      return wasRefused ? null : beginDecline(this.opened, draft, fetched, "over-asked");
    });
    if (event !== null) await triedEvent(this.opened, event);
  }

  /** Nobody is asked, so nobody would see that policy, keys or epochs are of another ledger: it is compared once all are read. */
  #proven(consent: string, { fetched, departments, answer }: Prepared): Promise<Usage> {
    const { link, request } = fetched;
    return proven(this.opened, this.holdings, fetched, departments, answer, {
      consent, count: (draft) => countAnswer(draft, consent, link.name, request, this.opened.now()),
      check: () => this.oneLedger().catch((error: unknown) => Promise.reject(new OfAll(error))),
    });
  }

  async #sent(usage: Usage): Promise<Usage> {
    try {
      return await sentUsage(this.opened, usage);
    } catch (error) {
      // Its receipt may be under the log's next key: the use is stored, and `settle` asks for it again.
      if (isOtherKey(error)) return usage;
      throw error;
    }
  }
}

/** What says nothing of one request or consent alone. */
class OfAll extends Error {
  constructor(override readonly cause: unknown) {
    super("of all requests");
  }
}

/** Do what is of one consent or request alone; null, and told why with what is stored, if it could not be done. */
async function apart<Done>(
  told: AttendedView[], held: HeldConsent, work: () => Promise<Done>, usage: Usage | null = null,
): Promise<Done | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OfAll) throw error.cause;
    const fault = faultOf(error);
    if (fault.passing || fault.reason === "INTERNAL" || error instanceof StoreError) throw error;
    told.push(attendedView(held, usage, fault));
    return null;
  }
}

function attendedView({ id, called, terms }: HeldConsent, usage: Usage | null, fault: Fault | null): AttendedView {
  const use = { use: usage?.id ?? null, sent: usage?.state === "answered" };
  return { consent: id, verifierName: plain(called), purpose: plain(terms.asked.purpose), ...use, fault };
}

function refusedFor({ reason }: Usage): Fault | null {
  return reason === null ? null : { reason, detail: "the service refused", passing: false };
}

/** An exchange's link, as strictly read as one that a person brings. LinkError; VaultError ANSWER_INVALID. */
function linkOf(server: string, { exchange: name, ticket: secret }: Waiting): Link {
  const link = parseLink(writeLink({ action: "present", server, name, secret }));
  if (link.name !== name) throw new VaultError("ANSWER_INVALID", "the service names an exchange that is none");
  return link;
}
