// What goes wrong in the worker, as the screens are told it: a stable reason and a sentence that names no secret, no
// value and no link. What was thrown by mistake is told as INTERNAL alone, since nobody knows what its message holds.

import { Code, ConnectError } from "@connectrpc/connect";

import { BbsError } from "../../../prover/src/bbs/errors.js";
import { DisclosureError } from "../../../prover/src/disclosure/errors.js";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { LedgerError } from "../ledger/encoding.js";
import { LinkError } from "../scan/links.js";
import type { Fault } from "./model.js";
import { StoreError } from "./store/errors.js";

const DOMAIN = "zk-disclosure";
const REASON = /^[A-Z][A-Z0-9_]{0,62}$/;
/** The line broke, or the service was away or took too long: the same may be tried again as it is. */
const PASSING: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted]);

/** What a part of the vault refuses. `reason` is stable; `detail` holds no secret, and names no person's values. */
export class VaultError extends Error {
  override readonly name = "VaultError";

  constructor(
    readonly reason: string,
    readonly detail: string,
    readonly passing = false,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** Code that is loaded when it is first wanted: where it cannot be had now, the same may be tried again. */
export function loaded<Code>(load: () => Promise<Code>): Promise<Code> {
  return load().catch(() => Promise.reject(new VaultError("UNAVAILABLE", "the page's own code was not reached", true)));
}

/** What the service refused: its own stable reason, or a name for the line that broke. */
export function serviceReason(error: ConnectError): string {
  const found = error.findDetails(ErrorInfoSchema).find((each) => each.domain === DOMAIN && REASON.test(each.reason));
  if (found !== undefined) return found.reason;
  return PASSING.has(error.code) ? "UNAVAILABLE" : "SERVICE_FAILED";
}

/** What the service says of a call. Everything else says nothing of it: the same may be sent again later. */
const FINAL: ReadonlySet<Code> = new Set([
  Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.PermissionDenied, Code.Unauthenticated,
  Code.FailedPrecondition, Code.OutOfRange,
]);

/** The reason for which the service refused for good; null for whatever says nothing of what was sent. */
export function refusal(error: unknown): string | null {
  if (!(error instanceof ConnectError) || !FINAL.has(error.code)) return null;
  const reason = serviceReason(error);
  // Without a reason of the service's own it was something between that said no.
  return reason === "SERVICE_FAILED" ? null : reason;
}

/** What the screens are told of anything that was thrown. */
export function faultOf(error: unknown): Fault {
  if (error instanceof VaultError) return { reason: error.reason, detail: error.detail, passing: error.passing };
  if (error instanceof ConnectError) {
    // The service's own sentence is not believed to be fit for a person, nor to repeat nothing of what it was sent.
    const passing = isPassing(error);
    const detail = passing ? "the service was not reached" : "the service refused";
    return { reason: serviceReason(error), detail, passing };
  }
  if (error instanceof DisclosureError || error instanceof BbsError || error instanceof LedgerError) {
    return { reason: error.reason, detail: error.detail, passing: false };
  }
  if (error instanceof StoreError || error instanceof LinkError) {
    return { reason: error.reason, detail: error.message.replace(/^[A-Z_]+: /, ""), passing: false };
  }
  return { reason: "INTERNAL", detail: "something went wrong within the vault", passing: false };
}

function isPassing(error: ConnectError): boolean {
  if (PASSING.has(error.code)) return true;
  // A fetch that fails is told by Connect as Unknown: it has no status of gRPC, and no details.
  return error.code === Code.Unknown && error.details.length === 0 && error.cause instanceof TypeError;
}
