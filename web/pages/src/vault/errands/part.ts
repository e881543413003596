// The holder's way through a one-chain errand (prover/client/errands.py): begin, be asked, consent once, submit once, follow.
//
// What the service says of an errand is not believed where it matters: the bundle stands on the ledger, each counter's request
// and its tie to the part are signed with the counter's registered key, each receipt is checked under the log's key. How far a
// part has come is told, and not proven.

import { clone, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { checkAllowed } from "../../../../prover/src/disclosure/allowance.js";
import { MalformedError, RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { type Errand, type ErrandAsk, ErrandSchema } from "../../../gen/zkproto/v1/errand_pb.js";
import { faultOf, VaultError } from "../fault.js";
import type { UseView } from "../model.js";
import type { Opened } from "../parts.js";
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
import type { BundleView, ErrandAnswers, ErrandAskView, ErrandCalls, ErrandView } from "./model.js";
import { type AskedPart, askView, chosen, planned, type PlannedPart, valuesOf } from "./planning.js";
import { bundleAt, bundlesListed, errands } from "./reading.js";
import {
  beginErrand, changeErrand, declaredBefore, errandIn, errandsIn, type HeldErrand, putErrand, type Ticket, ticketOf,
} from "./records.js";
import { abandoned, overAsked } from "./refusals.js";
import { submissionEnded, submitted } from "./submitting.js";
import { type ErrandTold, type PartTold, toldOf } from "./view.js";
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

/** What is asked now, and how it would be answered if the person said nothing else. */
interface Asking {
  readonly bundle: ErrandBundle;
  readonly parts: readonly PlannedPart[];
}

export class ErrandsPart implements ErrandCalls {
  readonly #asking = new Map<string, Asking>();
  #following: AbortController | null = null;

  constructor(private readonly around: Around) {}

  async bundles(): Promise<readonly BundleView[]> {
    return (await bundlesListed()).map(bundleView);
  }

  /** A bundle as the ledger has it, by its name. MalformedError NAME_INVALID; errors as `bundleAt`. */
  async bundle(name: string): Promise<BundleView> {
    return bundleView(await bundleAt(this.around.ground, BundleName.parse(name)));
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
    this.#asking.set(id, { bundle: errand.bundle, parts });
    return askView(id, errand.bundle, parts);
  }

  async chooseErrand(id: string, answers: ErrandAnswers): Promise<ErrandAskView> {
    const { bundle, parts } = this.#found(id);
    const made = parts.map((each) => answered(each, answers));
    for (const { asked, given } of made) valuesOf(asked.counter, given.declared);
    return askView(id, bundle, made);
  }

  /**
   * Prove every part by itself, store all of it, and send it in one call. If that is not received it is as it was stored, and
   * `resume` sends it. VaultError REQUEST_CLOSED, CHOICE_INVALID, FORM_INCOMPLETE, NOTHING_FITS; what the service refuses for
   * good, which is written down for every part: nothing was accepted then; errors as `checkUsageReceipt`.
   */
  async submitErrand(id: string, answers: ErrandAnswers): Promise<ErrandView> {
    const asking = this.#found(id);
    const parts = asking.parts.map((each) => answered(each, answers));
    for (const { asked, given } of parts) valuesOf(asked.counter, given.declared);
    this.#asking.delete(id); // a second tap answers nothing
    const { opened, holdings, outgoing, still } = this.around;
    let event: Event;
    try {
      await still();
      event = await submitted(opened, holdings, id, parts);
    } catch (error) {
      this.#asking.set(id, asking);
      throw error;
    }
    try {
      await sendEvent(opened, event, outgoing);
    } catch (error) {
      if (wasWrittenDown(error) || !faultOf(error).passing) throw error;
      return this.#kept(id);
    }
    return this.#lately(id);
  }

  async declineErrand(id: string): Promise<ErrandView> {
    this.#asking.delete(id);
    const { errand, ticket } = await this.#own(id);
    if (errand.stage === "begun") await abandoned(this.around.opened, errand, ticket);
    return this.#lately(id);
  }

  async retryErrand(id: string, part: string): Promise<ErrandView> {
    const { errand, ticket, told } = await this.#look(id);
    const { name } = told.parts[errand.bundle.counters.indexOf(errand.bundle.counter(part))] as PartTold;
    const message = await errands.retryErrandPart({ ...ticket, part: name.text });
    return this.#view((await this.#remembered(errand, message)).errand);
  }

  /** Write down how the submission ended that an event is of, within the use case that does so for the event. */
  ended(draft: Draft, event: Event, answer: unknown, ending: Ending): Promise<void> {
    return submissionEnded(this.around.opened, draft, event, answer, ending);
  }

  /** Begin what was stored and never answered, so that nothing of it is left; errors as the calls. */
  async resume(): Promise<void> {
    const server = await this.around.server();
    for (const each of await this.around.opened.store.read(errandsIn)) {
      if (each.server === server && each.ticket === null) await this.#started(each);
    }
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
    if (held.server !== (await this.around.server())) {
      throw new VaultError("LINK_ELSEWHERE", "the errand is at another service");
    }
    const errand = held.ticket === null ? await this.#started(held) : held;
    return { errand, ticket: errand.ticket as Ticket };
  }

  /** An errand as it is now; the vault remembers it. */
  async #look(id: string) {
    const { errand, ticket } = await this.#own(id);
    const message = await errands.getErrand(ticket);
    return { ticket, message, ...(await this.#remembered(errand, message)) };
  }

  async #remembered(errand: HeldErrand, message: Errand): Promise<{ errand: HeldErrand; told: ErrandTold }> {
    const told = toldOf(message, errand.bundle, (errand.ticket as Ticket).errand);
    const kept = clone(ErrandSchema, message);
    for (const each of kept.parts) delete each.ask; // it may be large, and is read anew
    const octets = toBinary(ErrandSchema, kept);
    const changed = await this.around.opened.store.change(async (draft) => {
      const now = await errandIn(draft, errand.id);
      const stage = told.isOver ? "ended" : now.stage;
      // What was told before is not written again: other tabs would begin anew for it.
      return stage === now.stage && equal(octets, now.told) ? now : putErrand(draft, { ...now, told: octets, stage });
    });
    return { errand: changed, told };
  }

  /** The first view that another mark has; the last one where the stream ends, or somebody else follows. */
  async #changed(id: string, mark: string, signal: AbortSignal): Promise<ErrandView> {
    const { errand, ticket } = await this.#own(id);
    try {
      for await (const message of errands.watchErrand(ticket, { signal, timeoutMs: 0 })) {
        const view = await this.#view((await this.#remembered(errand, message)).errand);
        if (view.mark !== mark) return view;
      }
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      // Where there is no place left for a stream, looking now and then has to do.
      if (error.code === Code.ResourceExhausted) return this.#view((await this.#look(id)).errand);
      if (!signal.aborted && error.code !== Code.DeadlineExceeded) throw error; // no stream lasts for ever
    }
    return this.#kept(id);
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
    const submissions = new Set(errand.uses.map(({ submission }) => submission));
    const sending = events.some(({ id, state }) => state === "sent" && submissions.has(id));
    return errandView(errand, uses, sending);
  }

  #now(): number {
    return Math.floor(this.around.opened.now() * 1000);
  }
}

/** A part as the person has answered it; VaultError CHOICE_INVALID for one that was left out. */
function answered({ asked, answer }: PlannedPart, answers: ErrandAnswers): PlannedPart {
  const given = Object.hasOwn(answers, asked.counter.part) ? answers[asked.counter.part] : undefined;
  if (given === undefined) throw new VaultError("CHOICE_INVALID", "a part of the errand was not chosen for");
  return chosen(asked, answer, given);
}
