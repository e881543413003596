// What goes out: the very message that the vault has stored, octet for octet, and the receipt checked before it is believed
// (prover/client/answers.py, prover/client/events.py, prover/client/calls.py).

import { fromBinary, type DescMethodUnary, type DescService, toBinary } from "@bufbuild/protobuf";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { AccountService } from "../../../gen/zkproto/v1/account_pb.js";
import { ApplicationService } from "../../../gen/zkproto/v1/application_pb.js";
import { PresentationService } from "../../../gen/zkproto/v1/presentation_pb.js";
import { transport } from "../../service.js";
import { loaded, refusal, VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import { StoreError } from "../store/errors.js";
import { type Event, finishEvent } from "./events.js";
import { checkEventReceipt, checkUsageReceipt } from "./receipts.js";
import type { Draft } from "../store/store.js";
import { type Ending, finishUsage, isPart, type Usage } from "./usages.js";

const TIMEOUT_MS = 20_000;
/** The contracts of all RPCs that a page's events go out by; each answers with a `receipt`. */
const SERVICES: readonly DescService[] = [AccountService, ApplicationService, PresentationService];
/** The same of those that few vaults call: loaded when there is something to send. */
const SELDOM: Readonly<Record<string, () => Promise<DescService>>> = {
  "zkproto.v1.AppointmentService": async () =>
    (await loaded(() => import("../../../gen/zkproto/v1/appointment_pb.js"))).AppointmentService,
  "zkproto.v1.ConsentService": async () => (await loaded(() => import("../../../gen/zkproto/v1/consent_pb.js"))).ConsentService,
  "zkproto.v1.ErrandService": async () => (await loaded(() => import("../../../gen/zkproto/v1/errand_pb.js"))).ErrandService,
};
const SUBMIT = "/zkproto.v1.PresentationService/SubmitPresentation";

export type Headers = Readonly<Record<string, string>>;

/** The service does not know the key that a session was to be opened with. */
export const WRONG_KEY = "REQUEST_SIGNATURE_INVALID";
/** They say something of the session, and nothing of what was sent in it. */
export const OF_SESSIONS: ReadonlySet<string> = new Set(["TOKEN_INVALID", "ACCOUNT_REPLACED", "SECRET_NOT_ACCEPTED"]);

/** What other parts of the vault have to do with events that go out. */
export interface Outgoing {
  /** Call in the session that an event takes, once more in a new one where the service does not take that any more. */
  readonly call: <Answer>(party: string, call: (headers: Headers) => Promise<Answer>) => Promise<Answer>;
  /** Keep what else an event was answered with, null if it was refused, in the use case that writes down how it ended. */
  readonly ended: (draft: Draft, event: Event, answer: unknown, ending: Ending) => Promise<void>;
  /** Why an event has nothing to say where the service does not know the key of its session; null if it may have. */
  readonly moot: (draft: Pick<Draft, "list">, event: Event) => Promise<string | null>;
}

/**
 * Send a use that is stored, and return it with its receipt. A refusal for good is written down. Whatever else goes wrong
 * leaves it as it is, to be sent again: ConnectError; a receipt that does not hold, as `checkUsageReceipt`; StoreError. VaultError
 * USAGE_MISMATCH for a part of an errand, which goes out with all of it.
 */
export async function sendUsage(opened: Opened, usage: Usage): Promise<Usage> {
  if (usage.state !== "sent") return usage;
  if (isPart(usage)) throw new VaultError("USAGE_MISMATCH", "a part of an errand goes out with all of it");
  const { store, log } = opened;
  const { receipt } = await call(SUBMIT, usage.message, anybody, (reason) =>
    store.change((draft) => finishUsage(draft, usage.id, { reason })));
  await checkUsageReceipt(usage, receipt, log, store.uses);
  return store.change((draft) => finishUsage(draft, usage.id, { receipt: { octets: receipt, log } }));
}

/** Send an event that is stored, and return it with its receipt; as `sendUsage`. */
export async function sendEvent(opened: Opened, event: Event, outgoing?: Outgoing): Promise<Event> {
  if (event.state !== "sent") return event;
  const { store, log } = opened;
  const { method, message, session: party } = event.call;
  const within: Within = party === "" || outgoing === undefined ? anybody : (made) => outgoing.call(party, made);
  const ended = (ending: Ending, answer: unknown): Promise<Event> => store.change(async (draft) => {
    await outgoing?.ended(draft, event, answer, ending);
    return finishEvent(draft, event.id, ending);
  });
  const answer = await call(method, message, within, (reason) => ended({ reason }, null)).catch(async (error: unknown) => {
    if (outgoing !== undefined && !wasWrittenDown(error) && refusal(error) === WRONG_KEY) {
      const reason = await store.read((draft) => outgoing.moot(draft, event));
      if (reason !== null) {
        await ended({ reason }, null);
        written.add(error as object);
      }
    }
    throw error;
  });
  checkEventReceipt(event, answer.receipt, log);
  return ended({ receipt: { octets: answer.receipt, log } }, answer);
}

/** How a call is made: in a session, or by anybody. */
type Within = <Answer>(made: (headers: Headers) => Promise<Answer>) => Promise<Answer>;
const anybody: Within = (made) => made({});

/** Errors whose reason was written down. */
const written = new WeakSet<object>();

/** Whether the reason of a refusal stands with what was refused: nobody else has to be told of it. */
export const wasWrittenDown = (error: unknown): boolean => typeof error === "object" && error !== null && written.has(error);

/** What every service answers that an event goes to, and maybe more. */
interface Answered {
  readonly receipt: Uint8Array;
}

async function call(
  path: string, stored: Uint8Array, within: Within, writeDown: (reason: string) => Promise<unknown>,
): Promise<Answered> {
  const method = await methodOf(path);
  const message = fromBinary(method.input, stored);
  if (!equal(toBinary(method.input, message), stored)) throw unknown();
  let called = false;
  try {
    const answer = await within((headers) => {
      called = true;
      return transport.unary(method, undefined, TIMEOUT_MS, headers, message);
    });
    const said = answer.message as { readonly receipt?: unknown };
    if (said.receipt instanceof Uint8Array) return said as Answered;
  } catch (error) {
    const reason = refusal(error);
    if (called && reason !== null && !OF_SESSIONS.has(reason)) {
      await writeDown(reason);
      written.add(error as object);
    }
    throw error;
  }
  throw unknown();
}

async function methodOf(path: string): Promise<DescMethodUnary> {
  const [, service = "", name] = path.split("/");
  const seldom = Object.hasOwn(SELDOM, service) ? await SELDOM[service]?.() : undefined;
  const of = seldom ?? SERVICES.find((each) => each.typeName === service);
  const found = of?.methods.find((each) => each.name === name);
  if (found === undefined || found.methodKind !== "unary") throw unknown();
  return found as DescMethodUnary;
}

const unknown = (): StoreError => new StoreError("VAULT_DAMAGED", "what is stored cannot be sent by this program");
