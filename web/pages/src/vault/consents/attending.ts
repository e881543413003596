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
import { consents } from "../reading/clients.js";
import { isOtherKey } from "../reading/following.js";
import type { Departments } from "../showing/answer.js";
import { type Answer, answerTo, departmentsNamed, proven, sentUsage } from "../showing/answering.js";
import { declined } from "../showing/decline.js";
import { eventsIn } from "../showing/events.js";
import { type Fetched, fetchRequest } from "../showing/fetch.js";
import type { Holdings } from "../showing/holdings.js";
import type { Usage } from "../showing/usages.js";
import { StoreError } from "../store/errors.js";
import { plain } from "../telling/saying.js";
import { answeredIn, BEYOND, checkUnder, consentIn, consentsIn, countAnswer, type HeldConsent } from "./records.js";

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
    this.#running ??= this.#attend().finally(() => (this.#running = null));
    return this.#running;
  }

  async #attend(): Promise<readonly AttendedView[]> {
    const told: AttendedView[] = [];
    for (const held of await this.#attended()) {
      const waiting = await apart(told, held, () => this.#waiting(held));
      for (const each of waiting ?? []) {
        const prepared = await apart(told, held, () => this.#prepared(held.id, each));
        if (prepared === null) continue;
        // Nobody is asked, so nobody would see that policy and keys were vouched for by another ledger.
        await this.oneLedger();
        const usage = await apart(told, held, () => this.#answered(held.id, prepared));
        if (usage !== null) told.push(attendedView(held, usage.id, refusedFor(usage)));
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
    return waiting.filter(({ exchange }) => !answered.has(exchange));
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

  /** Refuse, and write down, what asks more than the policy, its limits, or the consent allow. */
  async #check(id: string, fetched: Fetched): Promise<void> {
    const held = await this.opened.store.read((draft) => consentIn(draft, id));
    try {
      checkAllowed(fetched.request, fetched.policy);
      checkUnder(held, fetched.request, this.opened.now());
      checkStanding(held.terms, fetched.policy);
    } catch (error) {
      const isBeyond = error instanceof VaultError && error.reason === BEYOND;
      if (isBeyond || error instanceof RefusedError) await declined(this.opened, fetched, "over-asked");
      throw error;
    }
  }

  async #answered(consent: string, { fetched, departments, answer }: Prepared): Promise<Usage> {
    const { link, request } = fetched;
    const usage = await proven(this.opened, this.holdings, fetched, departments, answer, {
      consent, count: (draft) => countAnswer(draft, consent, link.name, request, this.opened.now()),
    });
    try {
      return await sentUsage(this.opened, usage);
    } catch (error) {
      // Its receipt may be under the log's next key: the use is stored, and `settle` asks for it again.
      if (isOtherKey(error)) return usage;
      throw error;
    }
  }
}

/** Do what is of one consent or request alone; null, and told why, if it could not be done. */
async function apart<Done>(
  told: AttendedView[], held: HeldConsent, work: () => Promise<Done>,
): Promise<Done | null> {
  try {
    return await work();
  } catch (error) {
    const fault = faultOf(error);
    if (fault.passing || fault.reason === "INTERNAL" || error instanceof StoreError) throw error;
    told.push(attendedView(held, null, fault));
    return null;
  }
}

function attendedView({ id, called, terms }: HeldConsent, use: string | null, fault: Fault | null): AttendedView {
  return { consent: id, verifierName: plain(called), purpose: plain(terms.asked.purpose), use, fault };
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
