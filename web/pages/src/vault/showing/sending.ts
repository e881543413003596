// What goes out: the very message that the vault has stored, octet for octet, and the receipt checked before it is believed
// (prover/client/answers.py, prover/client/events.py, prover/client/calls.py).

import { fromBinary, type DescMethodUnary, type DescService, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { AccountService } from "../../../gen/zkproto/v1/account_pb.js";
import { ApplicationService } from "../../../gen/zkproto/v1/application_pb.js";
import { ConsentService } from "../../../gen/zkproto/v1/consent_pb.js";
import { PresentationService } from "../../../gen/zkproto/v1/presentation_pb.js";
import { transport } from "../../service.js";
import { serviceReason } from "../fault.js";
import type { Opened } from "../parts.js";
import { StoreError } from "../store/errors.js";
import { type Event, finishEvent } from "./events.js";
import { checkEventReceipt, checkUsageReceipt } from "./receipts.js";
import { finishUsage, type Usage } from "./usages.js";

/** What the service says of what was sent. Everything else says nothing of it: the same may be sent again later. */
const FINAL: ReadonlySet<Code> = new Set([
  Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.PermissionDenied, Code.Unauthenticated,
  Code.FailedPrecondition, Code.OutOfRange,
]);
const TIMEOUT_MS = 20_000;
/** The contracts of all RPCs that a page's events go out by; each answers with a `receipt`. */
const SERVICES: readonly DescService[] = [AccountService, ApplicationService, ConsentService, PresentationService];
const SUBMIT = "/zkproto.v1.PresentationService/SubmitPresentation";

/** The token of the session that an event takes. */
export type OpenSession = (session: string) => Promise<string>;

/** The reason for which the service refused for good; null for whatever says nothing of what was sent. */
export function refusal(error: unknown): string | null {
  return error instanceof ConnectError && FINAL.has(error.code) ? serviceReason(error) : null;
}

/**
 * Send a use that is stored, and return it with its receipt. A refusal for good is written down. Whatever else goes wrong
 * leaves it as it is, to be sent again: ConnectError; a receipt that does not hold, as `checkUsageReceipt`; StoreError.
 */
export async function sendUsage(opened: Opened, usage: Usage): Promise<Usage> {
  if (usage.state !== "sent") return usage;
  const { store, log } = opened;
  const receipt = await call(SUBMIT, usage.message, "", (reason) =>
    store.change((draft) => finishUsage(draft, usage.id, { reason })));
  await checkUsageReceipt(usage, receipt, log, store.uses);
  return store.change((draft) => finishUsage(draft, usage.id, { receipt: { octets: receipt, log } }));
}

/** Send an event that is stored, and return it with its receipt; as `sendUsage`. */
export async function sendEvent(opened: Opened, event: Event, session?: OpenSession): Promise<Event> {
  if (event.state !== "sent") return event;
  const { store, log } = opened;
  const { method, message, session: party } = event.call;
  const token = party === "" || session === undefined ? "" : await session(party);
  const receipt = await call(method, message, token, (reason) =>
    store.change((draft) => finishEvent(draft, event.id, { reason })));
  checkEventReceipt(event, receipt, log);
  return store.change((draft) => finishEvent(draft, event.id, { receipt: { octets: receipt, log } }));
}

async function call(
  path: string, stored: Uint8Array, token: string, writeDown: (reason: string) => Promise<unknown>,
): Promise<Uint8Array> {
  const method = methodOf(path);
  const message = fromBinary(method.input, stored);
  if (!equal(toBinary(method.input, message), stored)) throw unknown();
  const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
  try {
    const answer = await transport.unary(method, undefined, TIMEOUT_MS, headers, message);
    const { receipt } = answer.message as { readonly receipt?: unknown };
    if (receipt instanceof Uint8Array) return receipt;
  } catch (error) {
    const reason = refusal(error);
    if (reason !== null) await writeDown(reason);
    throw error;
  }
  throw unknown();
}

function methodOf(path: string): DescMethodUnary {
  const [, service, name] = path.split("/");
  const found = SERVICES.find((each) => each.typeName === service)?.methods.find((each) => each.name === name);
  if (found === undefined || found.methodKind !== "unary") throw unknown();
  return found as DescMethodUnary;
}

const unknown = (): StoreError => new StoreError("VAULT_DAMAGED", "what is stored cannot be sent by this program");
