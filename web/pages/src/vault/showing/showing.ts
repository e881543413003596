// Requests from a link to a receipt: opened and told, chosen among, agreed to or declined, sent, and gone on with when the
// line broke. A request that is open is known by a fresh identifier until the worker ends.

import { checkAllowed } from "../../../../prover/src/disclosure/allowance.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import type { Link } from "../../scan/links.js";
import { faultOf, VaultError } from "../fault.js";
import type { Choice, PairingView, RequestView, WayView } from "../model.js";
import type { Opened } from "../parts.js";
import type { Departments } from "./answer.js";
import { type Answer, answerTo, chosenBy, departmentsNamed, proven, sentUsage, trackRecord, waysOf } from "./answering.js";
import { declined } from "./decline.js";
import { checkServer, type Fetched, fetchRequest } from "./fetch.js";
import type { Holdings } from "./holdings.js";
import type { Usage } from "./usages.js";
import { requestView } from "./views.js";

/** A request that is open, with how it would be answered; one that asks too much has nothing to be answered with. */
interface Asking {
  readonly fetched: Fetched;
  readonly departments: Departments;
  readonly answer: Answer | null;
}

export class Showing {
  readonly #asking = new Map<string, Asking>();

  /**
   * `server` is host:port of the service that this page speaks to; `oneLedger` throws unless all that was read for an answer is of
   * the one ledger.
   */
  constructor(
    private readonly opened: Opened, private readonly holdings: Holdings, private readonly server: () => Promise<string>,
    private readonly oneLedger: () => Promise<unknown>,
  ) {}

  /**
   * What a link of an exchange leads to. That more is asked than the policy allows is written down, said to the service, and
   * told in the view. VaultError LINK_ELSEWHERE; errors as `fetchRequest` and `planned`.
   */
  async open(link: Link, pairingCode?: string): Promise<RequestView | PairingView> {
    checkServer(link, await this.server());
    const fetched = await fetchRequest(this.opened, link, pairingCode);
    if (fetched === null) return { kind: "pairing" };
    const id = crypto.randomUUID();
    try {
      checkAllowed(fetched.request, fetched.policy);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await declined(this.opened, fetched, "over-asked");
      return requestView(id, fetched, await trackRecord(this.opened, fetched.request.verifier), [], faultOf(error));
    }
    const departments = await departmentsNamed(this.opened, fetched.request);
    this.#asking.set(id, { fetched, departments, answer: await answerTo(this.opened, this.holdings, fetched) });
    return this.#view(id);
  }

  /** The view with a choice made: of a way to answer, and of credentials for it. VaultError CHOICE_INVALID, REQUEST_CLOSED. */
  async choose(id: string, choice: Choice): Promise<RequestView> {
    const asking = this.#found(id);
    this.#asking.set(id, { ...asking, answer: chosen(asking, choice) });
    return this.#view(id);
  }

  /**
   * Prove and send what was agreed to. The use is stored before it goes out; if it is not received then, it is as it was
   * stored, and `resume` sends it. VaultError REQUEST_CLOSED, CHOICE_INVALID, NOTHING_FITS, OWN_PROOF_INVALID; what the
   * service refuses for good (it is written down); errors as `checkUsageReceipt`.
   */
  async agree(id: string, choice: Choice): Promise<Usage> {
    const asking = this.#found(id);
    const answer = chosen(asking, choice);
    this.#asking.delete(id); // a second tap answers nothing
    let usage: Usage;
    try {
      usage = await proven(
        this.opened, this.holdings, asking.fetched, asking.departments, answer, { check: this.oneLedger });
    } catch (error) {
      this.#asking.set(id, asking);
      throw error;
    }
    return sentUsage(this.opened, usage);
  }

  /** Say no. It is written down, and said to the service now or by `resume`. VaultError REQUEST_CLOSED. */
  async decline(id: string): Promise<void> {
    const { fetched } = this.#found(id);
    this.#asking.delete(id);
    await declined(this.opened, fetched, "declined");
  }

  #found(id: string): Asking {
    const asking = this.#asking.get(id);
    if (asking === undefined) throw new VaultError("REQUEST_CLOSED", "the request is no longer open: open its link again");
    return asking;
  }

  async #view(id: string): Promise<RequestView> {
    const asking = this.#found(id);
    const record = await trackRecord(this.opened, asking.fetched.request.verifier);
    return requestView(id, asking.fetched, record, waysIn(asking));
  }
}

function waysIn({ fetched, departments, answer }: Asking): readonly WayView[] {
  return answer === null ? [] : waysOf(answer, fetched.verifier.displayName, departments);
}

function chosen({ answer }: Asking, choice: Choice): Answer {
  if (answer === null) throw new VaultError("CHOICE_INVALID", "nothing is to be chosen");
  return chosenBy(answer, choice);
}
