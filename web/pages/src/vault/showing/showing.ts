// Requests from a link to a receipt: opened and told, chosen among, agreed to or declined, sent, and gone on with when the
// line broke. A request that is open is known by a fresh identifier until the worker ends.

import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { checkAllowed } from "../../../../prover/src/disclosure/allowance.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { planPlain } from "../../../../prover/src/plain/present.js";
import type { PlainRequest } from "../../../../prover/src/plain/request.js";
import type { Link } from "../../scan/links.js";
import { faultOf, VaultError } from "../fault.js";
import type { Choice, PairingView, RequestView, WayView } from "../model.js";
import type { Opened } from "../parts.js";
import type { Regulator } from "../telling/facts.js";
import type { TrackRecord } from "../telling/asker.js";
import { PLAIN_BRANCH } from "../telling/views.js";
import { answerComposite, answerPlain, type Departments, planned, ready } from "./answer.js";
import { declined } from "./decline.js";
import { eventsIn } from "./events.js";
import { checkServer, type Fetched, fetchRequest } from "./fetch.js";
import type { HeldPlainOne, Holdings } from "./holdings.js";
import type { CompositePlan } from "./plan.js";
import { sendUsage } from "./sending.js";
import { type Usage, usageIn, usagesIn } from "./usages.js";
import { compositeWays, departmentsOf, type PlainOption, plainWays, requestView } from "./views.js";

/** A request that is open, with how it would be answered; one that asks too much has nothing to be answered with. */
interface Asking {
  readonly fetched: Fetched;
  readonly departments: Departments;
  readonly answer: CompositeAnswer | PlainAnswer | null;
}

interface CompositeAnswer {
  readonly form: "composite";
  readonly plan: CompositePlan;
  readonly regulators: readonly Regulator[];
}

interface PlainAnswer {
  readonly form: "plain";
  readonly request: PlainRequest;
  readonly options: readonly PlainOption[];
}

export class Showing {
  readonly #asking = new Map<string, Asking>();

  /** `server` is host:port of the service that this page speaks to. */
  constructor(
    private readonly opened: Opened, private readonly holdings: Holdings, private readonly server: () => Promise<string>,
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
      return requestView(id, fetched, await this.#record(fetched), [], faultOf(error));
    }
    const departments = await this.#departments(fetched);
    this.#asking.set(id, { fetched, departments, answer: await this.#answer(fetched) });
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
      usage = await this.#proven(asking, answer);
    } catch (error) {
      this.#asking.set(id, asking);
      throw error;
    }
    return this.#sent(usage);
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

  async #answer(fetched: Fetched): Promise<CompositeAnswer | PlainAnswer> {
    const { request } = fetched;
    if (request instanceof CompositeRequest) {
      const plan = await planned(this.opened, this.holdings, request, fetched);
      return { form: "composite", plan, regulators: (await this.holdings.held()).regulators };
    }
    const titles: LocalizedText[] = [];
    for (const { schema } of request.queries) titles.push((await this.opened.reader.schema(schema)).displayName);
    const newest = [...(await this.holdings.held()).plain].sort((one, other) =>
      other.received - one.received || (one.id < other.id ? 1 : -1));
    const options = planPlain(request, newest, this.opened.now()).map(({ query, fitting, lack }, at) => {
      const all = newest.filter((each) => fitting.includes(each));
      return { query, title: titles[at] as LocalizedText, fitting: all, chosen: all[0] ?? null, lack };
    });
    return { form: "plain", request, options };
  }

  async #proven({ fetched, departments }: Asking, answer: CompositeAnswer | PlainAnswer): Promise<Usage> {
    if (answer.form === "composite") {
      const { plan, regulators } = answer;
      const caught = await ready(this.opened, this.holdings, plan);
      return answerComposite(this.opened, fetched, caught, regulators, departments);
    }
    const { request, options } = answer;
    const answers = options.flatMap((each) => (each.chosen === null ? [] : [each.chosen]));
    if (answers.length < options.length) throw new VaultError("NOTHING_FITS", "the vault cannot answer the request");
    return answerPlain(this.opened, fetched, request, answers, departments);
  }

  /** The use as it stands once it was sent, or could not be. */
  async #sent(usage: Usage): Promise<Usage> {
    try {
      return await sendUsage(this.opened, usage);
    } catch (error) {
      if (faultOf(error).passing) return usage;
      const now = await this.opened.store.read((draft) => usageIn(draft, usage.id));
      if (now.state === "refused") return now;
      throw error;
    }
  }

  async #departments({ request }: Fetched): Promise<Departments> {
    const named = new Map<string, LocalizedText>();
    for (const name of departmentsOf(request)) named.set(name, await this.opened.reader.departmentName(name));
    return named;
  }

  async #view(id: string): Promise<RequestView> {
    const asking = this.#found(id);
    return requestView(id, asking.fetched, await this.#record(asking.fetched), waysOf(asking));
  }

  /** What is known of the verifier from before. What was sent counts, whatever became of it. */
  #record({ request: { verifier } }: Fetched): Promise<TrackRecord> {
    return this.opened.store.read(async (draft) => {
      const uses = (await usagesIn(draft)).filter((each) => each.request.verifier === verifier && each.state !== "refused");
      const events = (await eventsIn(draft)).filter(({ note }) => note.party === verifier);
      const last = uses.at(-1);
      return {
        answers: uses.length,
        last: last === undefined ? null : last.time / 1000,
        declined: events.filter(({ note }) => note.kind === "declined").length,
        overAsked: events.filter(({ note }) => note.kind === "over-asked").length,
      };
    });
  }
}

function waysOf({ fetched, departments, answer }: Asking): readonly WayView[] {
  if (answer === null) return [];
  if (answer.form === "plain") return plainWays(answer.request, answer.options, fetched, departments);
  return compositeWays(answer.plan, fetched.verifier.displayName, answer.regulators, departments);
}

/** The answer by the way and with the credentials that the person chose. VaultError CHOICE_INVALID. */
function chosen({ answer }: Asking, choice: Choice): CompositeAnswer | PlainAnswer {
  if (answer === null) throw invalid("nothing is to be chosen");
  const picked = Object.entries(choice.chosen);
  if (answer.form === "composite") {
    // From the way on, whatever was chosen before: what is agreed to is this choice and nothing else.
    let plan = answer.plan.chooseBranch(choice.branch);
    for (const [query, credential] of picked) plan = plan.choose(query, credential);
    return { ...answer, plan };
  }
  if (choice.branch !== PLAIN_BRANCH) throw invalid("the request has no such branch");
  const queries = new Set(answer.options.map(({ query }) => query.id));
  if (!picked.every(([query]) => queries.has(query))) throw invalid("the request has no such query");
  return { ...answer, options: answer.options.map((each) => optionWith(each, choice.chosen)) };
}

function optionWith(option: PlainOption, picked: Choice["chosen"]): PlainOption {
  if (!Object.hasOwn(picked, option.query.id)) return { ...option, chosen: option.fitting[0] ?? null };
  const one: HeldPlainOne | undefined = option.fitting.find((each) => each.id === picked[option.query.id]);
  if (one === undefined) throw invalid("this credential does not fit the query");
  return { ...option, chosen: one };
}

const invalid = (detail: string): VaultError => new VaultError("CHOICE_INVALID", detail);
