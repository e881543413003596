// The holder's way through a one-chain errand (prover/client/errands.py): begin, be asked, consent once, submit once, follow.
//
// What the service says of an errand is not believed where it matters: the bundle stands on the ledger, each counter's request
// and its tie to the part are signed with the counter's registered key, each receipt is checked under the log's key. How far a
// part has come is told, and not proven.

import { Code, ConnectError } from "@connectrpc/connect";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { checkAllowed } from "../../../../prover/src/disclosure/allowance.js";
import { MalformedError, RefusedError } from "../../../../prover/src/disclosure/errors.js";
import type { Errand, ErrandAsk } from "../../../gen/zkproto/v1/errand_pb.js";
import { faultOf, refusal, VaultError } from "../fault.js";
import type { UseView } from "../model.js";
import type { Opened } from "../parts.js";
import { isOtherKey } from "../reading/following.js";
import type { Ground } from "../reading/ground.js";
import { answerTo, departmentsNamed, trackRecord } from "../showing/answering.js";
import { type Event, eventsIn } from "../showing/events.js";
import { readRequest } from "../showing/fetch.js";
import type { Holdings } from "../showing/holdings.js";
import { type Outgoing, sendEvent, wasWrittenDown } from "../showing/sending.js";
import type { Ending } from "../showing/usages.js";
import type { Draft } from "../store/store.js";
import { PartAsk } from "./asking.js";
import { BundleName, type ErrandBundle } from "./bundle.js";
import type { BundleLink } from "./links.js";
import type { BundleView, ErrandAnswers, ErrandAskView, ErrandCalls, ErrandView } from "./model.js";
import { type AskedPart, askView, chosen, planned, type PlannedPart, valuesOf } from "./planning.js";
import { bundleAt, bundlesListed, errands } from "./reading.js";
import {
  beginErrand, changeErrand, declaredBefore, errandIn, errandsIn, type HeldErrand, putErrand, removeErrand, type Stage,
  type Ticket, ticketOf,
} from "./records.js";
import { abandoned, abandonmentEnded, overAsked } from "./refusals.js";
import { isUnsent, submissionEnded, submitted } from "./submitting.js";
import { type ErrandTold, keptOf, type PartTold, toldOf } from "./view.js";
import { bundleView, errandView } from "./views.js";

/** What an opened vault gives this part. */
export interface Around {
  readonly opened: Opened;
  readonly holdings: Holdings;
  readonly ground: Ground;
  /** host:port of the service that this page speaks to. */
  readonly server: () => Promise<string>;
  readonly outgoing: Outgoing;
  /** A use with its receipt, for the screens. */
  readonly use: (id: string) => Promise<UseView>;
  /** Compare the ledger with what was seen of it; `still` lets a network be away. */
  readonly grows: () => Promise<unknown>;
  readonly still: () => Promise<unknown>;
}

/** What was asked when it was opened, and how it would be answered if the person said nothing else. */
interface Asking {
  /** The errand's record. */
  readonly errand: string;
  readonly bundle: ErrandBundle;
  readonly parts: readonly PlannedPart[];
  readonly mayEnd: boolean;
}

/** A stream is ended by the edge before; a line that broke without a word is not waited for any longer. */
const STREAM_MS = 660_000;
/** So long a service that tells much and nothing new is not listened to. */
const PAUSE_MS = 1_000;
const AGAIN_MS = 60_000;
/** So many openings of one errand are known: what an earlier one shows can still be agreed to, and nothing else by it. */
const MOST_OPEN = 4;

export class ErrandsPart implements ErrandCalls {
  readonly #asking = new Map<string, Asking>();
  /** When something stored was sent again last, by its event. */
  readonly #tried = new Map<string, number>();
  #following: AbortController | null = null;

  constructor(private readonly around: Around) {}

  async bundles(): Promise<readonly BundleView[]> {
    return (await bundlesListed()).map(bundleView);
  }

  /** A bundle as the ledger has it. VaultError LINK_ELSEWHERE; MalformedError NAME_INVALID; errors as `bundleAt`. */
  async bundle({ bundle, server }: BundleLink): Promise<BundleView> {
    if (server !== null && server !== (await this.around.server())) {
      throw new VaultError("LINK_ELSEWHERE", "the errand is to be begun at another service");
    }
    return bundleView(await bundleAt(this.around.ground, BundleName.parse(bundle)));
  }

  async errands(): Promise<readonly ErrandView[]> {
    const all = await this.around.opened.store.read(errandsIn);
    const views = await Promise.all(all.map((each) => this.#view(each, false)));
    return views.reverse();
  }

  errand(id: string): Promise<ErrandView> {
    return this.#kept(id);
  }

  async beginErrand(name: string): Promise<ErrandView> {
    const bundle = await bundleAt(this.around.ground, BundleName.parse(name));
    await this.around.grows();
    const server = await this.around.server();
    const now = this.#now();
    const begun = await this.around.opened.store.change((draft) => beginErrand(draft, server, bundle, now));
    return this.#view(await this.#started(begun));
  }

  async followErrand(id: string, mark: string): Promise<ErrandView> {
    await this.leaveErrand();
    const own = new AbortController();
    this.#following = own;
    try {
      return await this.#changed(id, mark, own.signal);
    } finally {
      own.abort(); // the stream ends with whoever waits for it
    }
  }

  async leaveErrand(): Promise<void> {
    this.#following?.abort();
  }

  async askedErrand(id: string): Promise<ErrandAskView> {
    const { errand, told, message } = await this.#look(id);
    if (!told.isAsked) throw new VaultError("NOT_ASKED", "not every counter has asked yet");
    const asks = new Map(message.parts.map(({ name, ask }) => [name, ask]));
    const asked: AskedPart[] = [];
    for (const each of told.toSubmit) asked.push(await this.#asked(errand, each, asks.get(each.name.text)));
    for (const each of asked) await this.#checkAllowed(errand, each);
    await this.around.grows();
    const parts: PlannedPart[] = [];
    for (const each of asked) parts.push(await this.#planned(each));
    return this.#shown(crypto.randomUUID(), { errand: id, bundle: errand.bundle, parts, mayEnd: errand.stage === "begun" });
  }

  async chooseErrand(id: string, answers: ErrandAnswers): Promise<ErrandAskView> {
    const asking = this.#found(id);
    const parts = asking.parts.map((each) => answered(each, answers));
    for (const { asked, given } of parts) valuesOf(asked.counter, given.declared);
    return askView(id, asking.bundle, parts, asking.mayEnd);
  }

  /**
   * Prove every part by itself, store all of it, and send it in one call. If that is not received it is as it was stored, and is
   * sent again. VaultError REQUEST_CLOSED, EXCHANGE_ANSWERED, CHOICE_INVALID, FORM_INCOMPLETE, NOTHING_FITS; what the service
   * refuses for good, which is written down for every part: nothing was accepted then; errors as `checkUsageReceipt`.
   */
  async submitErrand(id: string, answers: ErrandAnswers): Promise<ErrandView> {
    const asking = this.#found(id);
    const parts = asking.parts.map((each) => answered(each, answers));
    for (const { asked, given } of parts) valuesOf(asked.counter, given.declared);
    this.#asking.delete(id); // a second tap answers nothing
    const { opened, holdings, outgoing, still } = this.around;
    let event: Event;
    try {
      event = await submitted(opened, holdings, asking.errand, parts, still);
    } catch (error) {
      this.#asking.set(id, asking);
      throw error;
    }
    try {
      await sendEvent(opened, event, outgoing);
    } catch (error) {
      if (wasWrittenDown(error) || !(faultOf(error).passing || isOtherKey(error))) throw error;
      return this.#kept(asking.errand);
    }
    return this.#lately(asking.errand);
  }

  async declineErrand(id: string): Promise<ErrandView> {
    const errand = this.#asking.get(id)?.errand ?? id;
    if (errand.includes("-")) throw new VaultError("REQUEST_CLOSED", "the errand is no longer open: open it again");
    this.#asking.delete(id);
    const { opened, outgoing } = this.around;
    const held = await opened.store.read((draft) => errandIn(draft, errand));
    await this.#checkHere(held);
    if (held.ticket === null) return this.#forgotten(held);
    if (held.stage === "begun") await abandoned(opened, held, held.ticket, outgoing);
    return this.#lately(errand);
  }

  async retryErrand(id: string, part: string): Promise<ErrandView> {
    const { errand, ticket, told } = await this.#look(id);
    const { name } = told.parts[errand.bundle.counters.indexOf(errand.bundle.counter(part))] as PartTold;
    const message = await errands.retryErrandPart({ ...ticket, part: name.text });
    return this.#view((await this.#remembered(errand, message)).errand);
  }

  /** Write down how the submission ended that an event is of, within the use case that does so for the event. */
  async ended(draft: Draft, event: Event, answer: unknown, ending: Ending): Promise<void> {
    await submissionEnded(this.around.opened, draft, event, answer, ending);
    if ("reason" in ending) await abandonmentEnded(draft, event, ending.reason);
  }

  /**
   * Begin what was stored and never answered, so that nothing of it is left. What cannot be begun holds up nothing else: it is told
   * where the person looks at it, and can be forgotten there. Errors as the calls, where nothing can be reached.
   */
  async resume(): Promise<void> {
    const server = await this.around.server();
    for (const each of await this.around.opened.store.read(errandsIn)) {
      if (each.server !== server || each.ticket !== null) continue;
      try {
        await this.#started(each);
      } catch (error) {
        if (refusal(error) === null && !isFull(error)) throw error;
      }
    }
  }

  /** What was opened, remembered under its own name: what is agreed to by that is this and nothing that was asked since. */
  #shown(id: string, asking: Asking): ErrandAskView {
    this.#asking.set(id, asking);
    const own = [...this.#asking].filter(([, { errand }]) => errand === asking.errand).map(([name]) => name);
    for (const name of own.slice(0, -MOST_OPEN)) this.#asking.delete(name);
    return askView(id, asking.bundle, asking.parts, asking.mayEnd);
  }

  /** Nothing is known of it but here. If it was begun after all, nobody has its ticket, and it ends by itself. */
  async #forgotten(held: HeldErrand): Promise<ErrandView> {
    await this.around.opened.store.change(async (draft) => {
      const now = await errandIn(draft, held.id);
      if (now.ticket !== null) throw new VaultError("REQUEST_CLOSED", "the errand was begun meanwhile");
      removeErrand(draft, now);
    });
    return this.#view({ ...held, stage: "ended" });
  }

  #found(id: string): Asking {
    const asking = this.#asking.get(id);
    if (asking === undefined) throw new VaultError("REQUEST_CLOSED", "the errand is no longer open: open it again");
    return asking;
  }

  async #started(errand: HeldErrand): Promise<HeldErrand> {
    const { id, requestId, bundle } = errand;
    const answer = await errands.startErrand({ bundle: bundle.name.text, requestId });
    const ticket = ticketOf(answer.errand, answer.ticket);
    return this.around.opened.store.change((draft) => changeErrand(draft, id, () => ({ ticket })));
  }

  /** An errand at this service, begun if it was not. VaultError ERRAND_NOT_FOUND, LINK_ELSEWHERE. */
  async #own(id: string): Promise<{ readonly errand: HeldErrand; readonly ticket: Ticket }> {
    const held = await this.around.opened.store.read((draft) => errandIn(draft, id));
    await this.#checkHere(held);
    const errand = held.ticket === null ? await this.#started(held) : held;
    return { errand, ticket: errand.ticket as Ticket };
  }

  async #checkHere({ server }: HeldErrand): Promise<void> {
    if (server !== (await this.around.server())) throw new VaultError("LINK_ELSEWHERE", "the errand is at another service");
  }

  /** An errand as it is now; the vault remembers it. */
  async #look(id: string) {
    const { errand, ticket } = await this.#own(id);
    const message = await errands.getErrand(ticket);
    return { ticket, message, ...(await this.#remembered(errand, message)) };
  }

  async #remembered(errand: HeldErrand, message: Errand): Promise<{ errand: HeldErrand; told: ErrandTold }> {
    const told = toldOf(message, errand.bundle, (errand.ticket as Ticket).errand);
    const octets = keptOf(message);
    const changed = await this.around.opened.store.change(async (draft) => {
      const now = await errandIn(draft, errand.id);
      const stage = stageAs(told, now);
      // What was told before is not written again: other tabs would begin anew for it.
      return stage === now.stage && equal(octets, now.told) ? now : putErrand(draft, { ...now, told: octets, stage });
    });
    return { errand: changed, told };
  }

  /** The first view that another mark has; the last one where the stream ends, or somebody else follows. */
  async #changed(id: string, mark: string, signal: AbortSignal): Promise<ErrandView> {
    const { errand, ticket } = await this.#own(id);
    await this.#sentAgain(errand);
    try {
      for await (const message of errands.watchErrand(ticket, { signal, timeoutMs: STREAM_MS })) {
        const view = await this.#view((await this.#remembered(errand, message)).errand);
        if (view.mark !== mark || signal.aborted) return view;
        await new Promise((done) => setTimeout(done, PAUSE_MS));
      }
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      // Where there is no place left for a stream, looking now and then has to do.
      if (isFull(error)) return this.#view((await this.#look(id)).errand);
      if (!signal.aborted && error.code !== Code.DeadlineExceeded) throw error; // no stream lasts for ever
    }
    return this.#kept(id);
  }

  /**
   * Send what of it was stored and not sent, once a minute at most. How that ends is written down; what else is told of it `settle`
   * says.
   */
  async #sentAgain({ uses }: HeldErrand): Promise<void> {
    const { opened, outgoing } = this.around;
    const all = await opened.store.read(eventsIn);
    for (const each of all.filter((event) => isUnsent(event, uses))) {
      if (this.#now() - (this.#tried.get(each.id) ?? 0) < AGAIN_MS) continue;
      this.#tried.set(each.id, this.#now());
      try {
        await sendEvent(opened, each, outgoing);
      } catch (error) {
        if (faultOf(error).passing) this.#tried.delete(each.id); // it did not arrive, or its answer did not
        if (isOtherKey(error)) throw error;
      }
    }
  }

  async #asked(errand: HeldErrand, { name, part }: PartTold, ask: ErrandAsk | undefined): Promise<AskedPart> {
    const { opened } = this.around;
    const counter = errand.bundle.counter(part);
    if (ask?.signedRequest === undefined) throw new VaultError("ANSWER_INVALID", "the service told no request of a part");
    const signed = { payload: ask.signedRequest.payload, signature: ask.signedRequest.signature };
    const read = await readRequest(opened, signed);
    const { request } = read;
    const tie = new PartAsk(name, errand.bundle.name, part, request.digest, ask.formKey);
    if (request.verifier !== counter.verifier || request.policy?.text !== counter.policy.text) {
      const detail = "the request is another verifier's, or by another policy, than the bundle says";
      throw new RefusedError("REQUEST_MISMATCH", detail);
    }
    if ((ask.formKey.length > 0) !== (counter.fields.length > 0)) {
      throw new MalformedError("MALFORMED", "a form key is missing, or too much", "form_key");
    }
    tie.check(ask.askSignature, read.verifier.publicKey);
    const departments = await departmentsNamed(opened, request);
    return { counter, tie, signed, ...read, departments, record: await trackRecord(opened, counter.verifier) };
  }

  /** Throw RefusedError OVER_ASKING, written down and said, unless a request keeps to its policy. */
  async #checkAllowed(errand: HeldErrand, asked: AskedPart): Promise<void> {
    try {
      checkAllowed(asked.request, asked.policy);
    } catch (error) {
      if (error instanceof RefusedError) await overAsked(this.around.opened, errand, asked);
      throw error;
    }
  }

  async #planned(asked: AskedPart): Promise<PlannedPart> {
    const { opened, holdings } = this.around;
    const answer = await answerTo(opened, holdings, { request: asked.request, states: undefined });
    return planned(asked, answer, await opened.store.read((draft) => declaredBefore(draft, asked.counter)));
  }

  /** As it is now, or as it was told last: what was done stands either way. */
  async #lately(id: string): Promise<ErrandView> {
    try {
      return await this.#view((await this.#look(id)).errand);
    } catch {
      return this.#kept(id);
    }
  }

  async #kept(id: string): Promise<ErrandView> {
    return this.#view(await this.around.opened.store.read((draft) => errandIn(draft, id)));
  }

  /** With each use's receipt checked anew, unless only the errand is wanted. */
  async #view(errand: HeldErrand, whole = true): Promise<ErrandView> {
    const uses = new Map<string, UseView>();
    for (const { usage } of whole ? errand.uses : []) uses.set(usage, await this.around.use(usage));
    const events = await this.around.opened.store.read(eventsIn);
    return errandView(errand, uses, events.some((each) => isUnsent(each, errand.uses)));
  }

  #now(): number {
    return Math.floor(this.around.opened.now() * 1000);
  }
}

/**
 * How far an errand has come by what is told of it and what the vault knows: put back from a file of before, a vault may not know
 * that it was submitted.
 */
function stageAs({ isOver, state }: ErrandTold, { stage, uses }: HeldErrand): Stage {
  if (isOver) return "ended";
  if (stage === "begun" && state === "submitted") return "submitted";
  return stage === "submitted" && state === "open" && uses.length === 0 ? "begun" : stage;
}

/** Whether a service has no place left for whoever comes. */
const isFull = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.ResourceExhausted;

/** A part as the person has answered it; VaultError CHOICE_INVALID for one that was left out. */
function answered({ asked, answer }: PlannedPart, answers: ErrandAnswers): PlannedPart {
  const given = Object.hasOwn(answers, asked.counter.part) ? answers[asked.counter.part] : undefined;
  if (given === undefined) throw new VaultError("CHOICE_INVALID", "a part of the errand was not chosen for");
  return chosen(asked, answer, given);
}
